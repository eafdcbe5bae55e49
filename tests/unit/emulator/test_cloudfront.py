"""Corrections of CloudFront."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.emulator import backchannel

from .conftest import Clients

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
CODE = b"function handler(event) { return event.request; }"
DOMAIN = "app.slipway.localhost"


@pytest.fixture(scope="module")
def cloudfront(client: Clients) -> Any:
    return client("cloudfront", "us-east-1")


@pytest.fixture(scope="module")
def control(cloudfront: Any) -> str:
    config = {
        "Name": "site",
        "SigningProtocol": "sigv4",
        "SigningBehavior": "always",
        "OriginAccessControlOriginType": "s3",
    }
    found = cloudfront.create_origin_access_control(OriginAccessControlConfig=config)
    return str(found["OriginAccessControl"]["Id"])


@pytest.fixture(scope="module")
def function(cloudfront: Any) -> str:
    created = cloudfront.create_function(
        Name="spa",
        FunctionConfig={"Comment": "routes", "Runtime": "cloudfront-js-2.0"},
        FunctionCode=CODE,
        Tags={"Items": [{"Key": "Project", "Value": "slipway"}]},
    )
    cloudfront.publish_function(Name="spa", IfMatch=created["ETag"])
    return str(created["FunctionSummary"]["FunctionMetadata"]["FunctionARN"])


@pytest.fixture(scope="module")
def headers(cloudfront: Any) -> str:
    config = {
        "Name": "headers",
        "Comment": "",
        "SecurityHeadersConfig": {
            "StrictTransportSecurity": {"Override": True, "AccessControlMaxAgeSec": 300},
            "ContentTypeOptions": {"Override": True},
        },
    }
    found = cloudfront.create_response_headers_policy(ResponseHeadersPolicyConfig=config)
    return str(found["ResponseHeadersPolicy"]["Id"])


@pytest.fixture(scope="module")
def certificate(client: Clients) -> str:
    arn: str = client("acm", "us-east-1").request_certificate(DomainName=DOMAIN, ValidationMethod="DNS")[
        "CertificateArn"
    ]
    return arn


@pytest.fixture(scope="module")
def config(control: str, function: str, headers: str, certificate: str) -> dict[str, Any]:
    return {
        "CallerReference": "site",
        "Comment": "slipway",
        "Enabled": True,
        "HttpVersion": "http2and3",
        "IsIPV6Enabled": True,
        "PriceClass": "PriceClass_100",
        "DefaultRootObject": "index.html",
        "Aliases": {"Quantity": 1, "Items": [DOMAIN]},
        "ViewerCertificate": {
            "ACMCertificateArn": certificate,
            "SSLSupportMethod": "sni-only",
            "MinimumProtocolVersion": "TLSv1.2_2021",
        },
        "Origins": {
            "Quantity": 2,
            "Items": [
                {
                    "Id": "frontend",
                    "DomainName": "site-frontend.s3.eu-west-1.amazonaws.com",
                    "OriginAccessControlId": control,
                    "S3OriginConfig": {"OriginAccessIdentity": ""},
                },
                {
                    "Id": "backend",
                    "DomainName": f"origin.{DOMAIN}",
                    "CustomHeaders": {"Quantity": 1, "Items": [{"HeaderName": "X-Origin", "HeaderValue": "1"}]},
                    "CustomOriginConfig": {
                        "HTTPPort": 80,
                        "HTTPSPort": 443,
                        "OriginProtocolPolicy": "https-only",
                        "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
                        "OriginReadTimeout": 40,
                        "OriginKeepaliveTimeout": 50,
                    },
                },
            ],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "frontend",
            "ViewerProtocolPolicy": "redirect-to-https",
            "CachePolicyId": CACHING_OPTIMIZED,
            "ResponseHeadersPolicyId": headers,
            "Compress": True,
            "FunctionAssociations": {
                "Quantity": 1,
                "Items": [{"EventType": "viewer-request", "FunctionARN": function}],
            },
        },
        "CacheBehaviors": {
            "Quantity": 2,
            "Items": [
                {
                    "PathPattern": pattern,
                    "TargetOriginId": "backend",
                    "ViewerProtocolPolicy": "https-only",
                    "CachePolicyId": CACHING_DISABLED,
                    "OriginRequestPolicyId": ALL_VIEWER,
                    "AllowedMethods": {
                        "Quantity": 7,
                        "Items": ["HEAD", "DELETE", "POST", "GET", "OPTIONS", "PUT", "PATCH"],
                        "CachedMethods": {"Quantity": 2, "Items": ["HEAD", "GET"]},
                    },
                }
                for pattern in ("/api/*", "/admin/*")
            ],
        },
        "CustomErrorResponses": {
            "Quantity": 1,
            "Items": [
                {
                    "ErrorCode": 502,
                    "ResponsePagePath": "/maintenance.html",
                    "ResponseCode": "503",
                    "ErrorCachingMinTTL": 5,
                }
            ],
        },
    }


def contains(found: Any, given: Any) -> bool:
    """Whether all that was given is in what was found, in the same order."""
    if isinstance(given, dict):
        return isinstance(found, dict) and all(key in found and contains(found[key], given[key]) for key in given)
    if isinstance(given, list):
        return len(found) == len(given) and all(contains(*pair) for pair in zip(found, given, strict=True))
    return bool(found == given)


@pytest.fixture(scope="module")
def distribution(cloudfront: Any, config: dict[str, Any]) -> str:
    tagged = {"DistributionConfig": config, "Tags": {"Items": [{"Key": "Project", "Value": "slipway"}]}}
    # Word of the certificate has not spread yet.
    with pytest.raises(ClientError, match="InvalidViewerCertificate"):
        cloudfront.create_distribution_with_tags(DistributionConfigWithTags=tagged)
    found = cloudfront.create_distribution_with_tags(DistributionConfigWithTags=tagged)
    return str(found["Distribution"]["Id"])


class TestDistributions:
    def test_a_configuration_comes_back_whole(self, cloudfront: Any, distribution: str, config: dict[str, Any]) -> None:
        found = cloudfront.get_distribution_config(Id=distribution)["DistributionConfig"]
        assert contains(found, config)
        behavior = found["DefaultCacheBehavior"]
        assert not {"ForwardedValues", "MinTTL", "OriginRequestPolicyId"} & set(behavior)
        assert found["CacheBehaviors"]["Items"][0]["Compress"] is False
        assert found["ViewerCertificate"]["CloudFrontDefaultCertificate"] is False
        arn = cloudfront.get_distribution(Id=distribution)["Distribution"]["ARN"]
        assert cloudfront.list_tags_for_resource(Resource=arn)["Tags"]["Items"] == [
            {"Key": "Project", "Value": "slipway"}
        ]

    def test_what_was_read_can_be_written(self, cloudfront: Any, distribution: str) -> None:
        before = cloudfront.get_distribution_config(Id=distribution)
        changed = copy.deepcopy(before["DistributionConfig"])
        changed["Comment"] = "changed"
        updated = cloudfront.update_distribution(Id=distribution, IfMatch=before["ETag"], DistributionConfig=changed)
        assert updated["ETag"] != before["ETag"]
        after = cloudfront.get_distribution_config(Id=distribution)
        assert after["DistributionConfig"] == changed
        with pytest.raises(ClientError, match="PreconditionFailed"):
            cloudfront.update_distribution(Id=distribution, IfMatch=before["ETag"], DistributionConfig=changed)
        with pytest.raises(ClientError, match="InvalidIfMatchVersion"):
            cloudfront.update_distribution(Id=distribution, DistributionConfig=changed)

    @pytest.mark.usefixtures("data_plane")
    def test_deployment_waits_for_its_word(self, cloudfront: Any, distribution: str) -> None:
        current = cloudfront.get_distribution_config(Id=distribution)
        cloudfront.update_distribution(
            Id=distribution, IfMatch=current["ETag"], DistributionConfig=current["DistributionConfig"]
        )
        assert cloudfront.get_distribution(Id=distribution)["Distribution"]["Status"] == "InProgress"
        backchannel.set_distribution_status(distribution, "Deployed")
        assert cloudfront.get_distribution(Id=distribution)["Distribution"]["Status"] == "Deployed"
        with pytest.raises(KeyError):
            backchannel.set_distribution_status("E0", "Deployed")

    def test_lists(self, cloudfront: Any, distribution: str) -> None:
        [found] = [
            one
            for page in cloudfront.get_paginator("list_distributions").paginate()
            for one in page["DistributionList"]["Items"]
        ]
        assert found["Id"] == distribution
        assert found["Aliases"]["Items"] == [DOMAIN]

    @pytest.mark.usefixtures("data_plane")
    def test_invalidations(self, cloudfront: Any, distribution: str) -> None:
        batch = {"Paths": {"Quantity": 1, "Items": ["/index.html"]}, "CallerReference": "1"}
        created = cloudfront.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)["Invalidation"]
        assert created["Status"] == "InProgress"
        again = cloudfront.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)["Invalidation"]
        assert again["Id"] == created["Id"]
        running = cloudfront.get_distribution(Id=distribution)["Distribution"]["InProgressInvalidationBatches"]
        assert running == 1
        backchannel.set_invalidation_completed(distribution, created["Id"])
        found = cloudfront.get_invalidation(DistributionId=distribution, Id=created["Id"])["Invalidation"]
        assert found["Status"] == "Completed"
        assert found["InvalidationBatch"]["Paths"]["Items"] == ["/index.html"]
        listed = cloudfront.list_invalidations(DistributionId=distribution)["InvalidationList"]["Items"]
        assert [one["Id"] for one in listed] == [created["Id"]]

    @pytest.mark.parametrize(
        ("path", "value", "complaint"),
        [
            (("DefaultCacheBehavior", "TargetOriginId"), "nobody", "NoSuchOrigin"),
            (("DefaultCacheBehavior", "CachePolicyId"), "nobody", "NoSuchCachePolicy"),
            (("DefaultCacheBehavior", "OriginRequestPolicyId"), "nobody", "NoSuchOriginRequestPolicy"),
            (("DefaultCacheBehavior", "ResponseHeadersPolicyId"), "nobody", "NoSuchResponseHeadersPolicy"),
            (("DefaultCacheBehavior", "MinTTL"), 1, "InvalidArgument"),
            (("Origins", "Items", 0, "OriginAccessControlId"), "nobody", "InvalidOriginAccessControl"),
            (("Origins", "Quantity"), 3, "InconsistentQuantities"),
            (("DefaultRootObject",), "/index.html", "InvalidDefaultRootObject"),
            (("Aliases", "Items", 0), "other.localhost", "InvalidViewerCertificate"),
            (("ViewerCertificate",), {"CloudFrontDefaultCertificate": True}, "InvalidViewerCertificate"),
            (
                ("DefaultCacheBehavior", "FunctionAssociations", "Items", 0, "FunctionARN"),
                "arn:aws:cloudfront::123456789012:function/nobody",
                "InvalidFunctionAssociation",
            ),
            (("CustomErrorResponses", "Items", 0, "ResponseCode"), "", "InvalidArgument"),
        ],
    )
    def test_what_is_refused(
        self, cloudfront: Any, config: dict[str, Any], path: tuple[Any, ...], value: Any, complaint: str
    ) -> None:
        wrong = copy.deepcopy(config)
        wrong["CallerReference"] = f"refused {path}"
        if path[0] != "Aliases":
            wrong["Aliases"] = {"Quantity": 1, "Items": [DOMAIN]}
        place: Any = wrong
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        with pytest.raises(ClientError, match=complaint):
            cloudfront.create_distribution(DistributionConfig=wrong)

    def test_a_certificate_of_another_region_is_refused(
        self, client: Clients, cloudfront: Any, config: dict[str, Any]
    ) -> None:
        wrong = copy.deepcopy(config)
        wrong["CallerReference"] = "region"
        wrong["ViewerCertificate"]["ACMCertificateArn"] = client("acm").request_certificate(DomainName=DOMAIN)[
            "CertificateArn"
        ]
        with pytest.raises(ClientError, match="us-east-1"):
            cloudfront.create_distribution(DistributionConfig=wrong)

    def test_a_web_acl_has_to_exist_and_is_heard_of_late(
        self, client: Clients, cloudfront: Any, distribution: str
    ) -> None:
        before = cloudfront.get_distribution_config(Id=distribution)
        named = copy.deepcopy(before["DistributionConfig"])

        def name(acl: str) -> Any:
            named["WebACLId"] = acl
            return cloudfront.update_distribution(Id=distribution, IfMatch=before["ETag"], DistributionConfig=named)

        acl = client("wafv2", "us-east-1").create_web_acl(
            Name="site",
            Scope="CLOUDFRONT",
            DefaultAction={"Allow": {}},
            VisibilityConfig={"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "site"},
        )["Summary"]["ARN"]
        for refused in (f"{acl}-of-nobody", acl):
            with pytest.raises(ClientError, match="InvalidWebACLId"):
                name(refused)
        changed = name(acl)
        named["WebACLId"] = ""
        cloudfront.update_distribution(Id=distribution, IfMatch=changed["ETag"], DistributionConfig=named)

    def test_names_are_taken_once(self, cloudfront: Any, distribution: str, config: dict[str, Any]) -> None:
        assert distribution
        with pytest.raises(ClientError, match="CNAMEAlreadyExists"):
            cloudfront.create_distribution(DistributionConfig={**config, "CallerReference": "second"})
        with pytest.raises(ClientError, match="DistributionAlreadyExists"):
            cloudfront.create_distribution(DistributionConfig=config)


class TestFunctions:
    def test_stages(self, cloudfront: Any) -> None:
        runtime = {"Comment": "", "Runtime": "cloudfront-js-2.0"}
        created = cloudfront.create_function(Name="stages", FunctionConfig=runtime, FunctionCode=CODE)
        assert created["FunctionSummary"]["Status"] == "UNPUBLISHED"
        with pytest.raises(ClientError, match="NoSuchFunctionExists"):
            cloudfront.describe_function(Name="stages", Stage="LIVE")
        cloudfront.publish_function(Name="stages", IfMatch=created["ETag"])
        assert cloudfront.get_function(Name="stages", Stage="LIVE")["FunctionCode"].read() == CODE
        updated = cloudfront.update_function(
            Name="stages", IfMatch=created["ETag"], FunctionConfig=runtime, FunctionCode=b"function handler() {}"
        )
        assert updated["ETag"] != created["ETag"]
        assert cloudfront.get_function(Name="stages", Stage="LIVE")["FunctionCode"].read() == CODE
        development = cloudfront.get_function(Name="stages", Stage="DEVELOPMENT")
        assert development["FunctionCode"].read() == b"function handler() {}"
        live = cloudfront.describe_function(Name="stages", Stage="LIVE")
        assert live["FunctionSummary"]["FunctionMetadata"]["Stage"] == "LIVE"
        assert live["ETag"] != updated["ETag"]
        with pytest.raises(ClientError, match="PreconditionFailed"):
            cloudfront.publish_function(Name="stages", IfMatch=created["ETag"])
        stages = [
            (one["Name"], one["FunctionMetadata"]["Stage"])
            for one in cloudfront.list_functions()["FunctionList"]["Items"]
            if one["Name"] == "stages"
        ]
        assert stages == [("stages", "DEVELOPMENT"), ("stages", "LIVE")]
        cloudfront.delete_function(Name="stages", IfMatch=updated["ETag"])
        with pytest.raises(ClientError, match="NoSuchFunctionExists"):
            cloudfront.describe_function(Name="stages")

    def test_limits_and_tags(self, cloudfront: Any, function: str) -> None:
        with pytest.raises(ClientError, match="FunctionSizeLimitExceeded"):
            cloudfront.create_function(
                Name="large",
                FunctionConfig={"Comment": "", "Runtime": "cloudfront-js-2.0"},
                FunctionCode=b"x" * 10241,
            )
        cloudfront.tag_resource(Resource=function, Tags={"Items": [{"Key": "a", "Value": "b"}]})
        tags = cloudfront.list_tags_for_resource(Resource=function)["Tags"]["Items"]
        assert {tag["Key"] for tag in tags} == {"Project", "a"}

    def test_a_function_in_use_stays(self, cloudfront: Any, distribution: str) -> None:
        assert distribution
        etag = cloudfront.describe_function(Name="spa")["ETag"]
        with pytest.raises(ClientError, match="FunctionInUse"):
            cloudfront.delete_function(Name="spa", IfMatch=etag)


class TestOriginAccessControl:
    def test_life(self, cloudfront: Any) -> None:
        config = {
            "Name": "life",
            "Description": "a",
            "SigningProtocol": "sigv4",
            "SigningBehavior": "always",
            "OriginAccessControlOriginType": "s3",
        }
        created = cloudfront.create_origin_access_control(OriginAccessControlConfig=config)
        name = created["OriginAccessControl"]["Id"]
        with pytest.raises(ClientError, match="AlreadyExists"):
            cloudfront.create_origin_access_control(OriginAccessControlConfig=config)
        updated = cloudfront.update_origin_access_control(
            Id=name, IfMatch=created["ETag"], OriginAccessControlConfig={**config, "Description": "b"}
        )
        found = cloudfront.get_origin_access_control_config(Id=name)
        assert found["OriginAccessControlConfig"]["Description"] == "b"
        listed = cloudfront.list_origin_access_controls()["OriginAccessControlList"]["Items"]
        assert name in {one["Id"] for one in listed}
        with pytest.raises(ClientError, match="PreconditionFailed"):
            cloudfront.delete_origin_access_control(Id=name, IfMatch=created["ETag"])
        cloudfront.delete_origin_access_control(Id=name, IfMatch=updated["ETag"])
        with pytest.raises(ClientError, match="NoSuchOriginAccessControl"):
            cloudfront.get_origin_access_control(Id=name)

    def test_one_in_use_stays(self, cloudfront: Any, distribution: str, control: str) -> None:
        assert distribution
        etag = cloudfront.get_origin_access_control(Id=control)["ETag"]
        with pytest.raises(ClientError, match="OriginAccessControlInUse"):
            cloudfront.delete_origin_access_control(Id=control, IfMatch=etag)


class TestPolicies:
    def test_awss_own_are_listed_with_their_ids(self, cloudfront: Any) -> None:
        caches = cloudfront.list_cache_policies(Type="managed")["CachePolicyList"]["Items"]
        names = {one["CachePolicy"]["CachePolicyConfig"]["Name"]: one["CachePolicy"]["Id"] for one in caches}
        assert names["Managed-CachingOptimized"] == CACHING_OPTIMIZED
        assert names["Managed-CachingDisabled"] == CACHING_DISABLED
        requests = cloudfront.list_origin_request_policies(Type="managed")["OriginRequestPolicyList"]["Items"]
        assert ALL_VIEWER in {one["OriginRequestPolicy"]["Id"] for one in requests}
        responses = cloudfront.list_response_headers_policies(Type="managed")["ResponseHeadersPolicyList"]["Items"]
        assert len(responses) == 5
        assert cloudfront.get_cache_policy(Id=CACHING_DISABLED)["CachePolicy"]["CachePolicyConfig"]["MaxTTL"] == 0
        found = cloudfront.get_origin_request_policy_config(Id=ALL_VIEWER)["OriginRequestPolicyConfig"]
        assert found["HeadersConfig"]["HeaderBehavior"] == "allViewer"

    def test_life_of_response_headers(self, cloudfront: Any) -> None:
        config: dict[str, Any] = {
            "Name": "life",
            "Comment": "",
            "CustomHeadersConfig": {
                "Quantity": 1,
                "Items": [{"Header": "Permissions-Policy", "Value": "camera=()", "Override": True}],
            },
            "RemoveHeadersConfig": {"Quantity": 1, "Items": [{"Header": "Server"}]},
        }
        created = cloudfront.create_response_headers_policy(ResponseHeadersPolicyConfig=config)
        name = created["ResponseHeadersPolicy"]["Id"]
        found = cloudfront.get_response_headers_policy(Id=name)["ResponseHeadersPolicy"]
        assert found["ResponseHeadersPolicyConfig"] == config
        changed = {**config, "Comment": "new"}
        updated = cloudfront.update_response_headers_policy(
            Id=name, IfMatch=created["ETag"], ResponseHeadersPolicyConfig=changed
        )
        assert cloudfront.get_response_headers_policy_config(Id=name)["ResponseHeadersPolicyConfig"] == changed
        custom = cloudfront.list_response_headers_policies(Type="custom")["ResponseHeadersPolicyList"]["Items"]
        assert name in {one["ResponseHeadersPolicy"]["Id"] for one in custom}
        with pytest.raises(ClientError, match="PreconditionFailed"):
            cloudfront.delete_response_headers_policy(Id=name, IfMatch=created["ETag"])
        cloudfront.delete_response_headers_policy(Id=name, IfMatch=updated["ETag"])
        with pytest.raises(ClientError, match="NoSuchResponseHeadersPolicy"):
            cloudfront.get_response_headers_policy(Id=name)

    def test_what_is_refused(self, cloudfront: Any, distribution: str, headers: str) -> None:
        assert distribution
        with pytest.raises(ClientError, match="SecurityHeadersConfig"):
            cloudfront.create_response_headers_policy(
                ResponseHeadersPolicyConfig={
                    "Name": "wrong",
                    "CustomHeadersConfig": {
                        "Quantity": 1,
                        "Items": [{"Header": "X-Frame-Options", "Value": "DENY", "Override": True}],
                    },
                }
            )
        etag = cloudfront.get_response_headers_policy(Id=headers)["ETag"]
        with pytest.raises(ClientError, match="ResponseHeadersPolicyInUse"):
            cloudfront.delete_response_headers_policy(Id=headers, IfMatch=etag)
        with pytest.raises(ClientError, match="IllegalUpdate"):
            cloudfront.delete_cache_policy(Id=CACHING_DISABLED, IfMatch="E23ZP02F085DFQ")


def test_a_distribution_goes_when_it_is_disabled(cloudfront: Any, distribution: str) -> None:
    current = cloudfront.get_distribution_config(Id=distribution)
    with pytest.raises(ClientError, match="DistributionNotDisabled"):
        cloudfront.delete_distribution(Id=distribution, IfMatch=current["ETag"])
    disabled = {**current["DistributionConfig"], "Enabled": False}
    updated = cloudfront.update_distribution(Id=distribution, IfMatch=current["ETag"], DistributionConfig=disabled)
    cloudfront.delete_distribution(Id=distribution, IfMatch=updated["ETag"])
    with pytest.raises(ClientError, match="NoSuchDistribution"):
        cloudfront.get_distribution(Id=distribution)
