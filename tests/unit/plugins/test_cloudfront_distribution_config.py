"""Distributions as fields: what is compared, what is sent, what is refused."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from ansible_collections.slipway.aws.plugins.module_utils.cloudfront_distribution_config import (
    DEFAULTS_OF_CREATION,
    LAYOUT,
    alias_owners,
    api_fields,
    config_fields,
    live_fields,
    refuse,
    refuse_foreign,
)
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    Live,
    RefusalError,
    differences,
    merged,
)
from ansible_collections.slipway.aws.plugins.module_utils.service_model import from_api, to_api
from botocore.validate import ParamValidator

SHAPE = botocore.session.get_session().get_service_model("cloudfront").shape_for("DistributionConfig")
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1"

OPTIONS: Fields = {
    "comment": "the site",
    "enabled": True,
    "aliases": ["app.example.com"],
    "default_root_object": "index.html",
    "http_version": "http2and3",
    "ipv6_enabled": True,
    "price_class": "PriceClass_100",
    "web_acl_id": None,
    "origins": [
        {
            "id": "frontend",
            "domain_name": "bucket.s3.eu-west-1.amazonaws.com",
            "origin_access_control_id": "E1",
            "custom_headers": None,
        },
        {
            "id": "api",
            "domain_name": "origin.app.example.com",
            "custom_headers": [{"header_name": "X-Origin", "header_value": "s3cret"}],
            "custom_origin_config": {"origin_protocol_policy": "https-only", "origin_read_timeout": 60},
        },
    ],
    "default_cache_behavior": {
        "target_origin_id": "frontend",
        "viewer_protocol_policy": "redirect-to-https",
        "cache_policy_id": "optimized",
        "compress": True,
        "response_headers_policy_id": "headers",
        "function_associations": [{"event_type": "viewer-request", "function_arn": "arn:aws:cloudfront::1:function/f"}],
    },
    "cache_behaviors": [
        {
            "path_pattern": "/api/*",
            "target_origin_id": "api",
            "viewer_protocol_policy": "https-only",
            "allowed_methods": ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"],
            "cache_policy_id": "disabled",
            "origin_request_policy_id": "all",
        },
        {
            "path_pattern": "/static/*",
            "target_origin_id": "api",
            "viewer_protocol_policy": "https-only",
            "cache_policy_id": "optimized",
        },
    ],
    "custom_error_responses": [{"error_code": 502, "response_code": "502", "response_page_path": "/sorry.html"}],
    "viewer_certificate": {"acm_certificate_arn": CERTIFICATE, "minimum_protocol_version": "TLSv1.2_2021"},
    "logging": {"enabled": True, "bucket": "logs.s3.amazonaws.com", "prefix": "cdn/"},
    "geo_restriction": {"restriction_type": "none", "locations": None},
}

# What CloudFront answers beside what it was told: https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_GetDistributionConfig.html
ANSWERED_BESIDE: Fields = {
    "OriginGroups": {"Quantity": 0},
    "ContinuousDeploymentPolicyId": "",
    "Staging": False,
    "WebACLId": "",
}


def config(options: Fields, live: Fields | None = None) -> Fields:
    """The request that the options lead to."""
    desired = {"caller_reference": "r", **DEFAULTS_OF_CREATION, **config_fields(options)} if live is None else {}
    fields = merged(live or {}, desired or config_fields(options), LAYOUT)
    request: Fields = to_api(SHAPE, api_fields(fields))
    return request


def answered(options: Fields) -> Fields:
    """What CloudFront would say it has after it was given the options, as fields."""
    given = config(options)
    certificate = given["ViewerCertificate"]
    certificate |= {"Certificate": certificate["ACMCertificateArn"], "CertificateSource": "acm"}
    certificate["CloudFrontDefaultCertificate"] = False
    given["DefaultCacheBehavior"] |= {
        "TrustedSigners": {"Enabled": False, "Quantity": 0},
        "GrpcConfig": {"Enabled": False},
    }
    return live_fields(from_api(SHAPE, {**given, **ANSWERED_BESIDE}))


def changes(options: Fields, **changed: Any) -> list[Change]:
    return differences(answered(options), config_fields({**options, **changed}), LAYOUT)


def test_the_request_is_one_that_aws_takes() -> None:
    report = ParamValidator().validate(config(OPTIONS), SHAPE)
    assert not report.has_errors(), report.generate_report()


def test_the_request_says_what_the_options_say() -> None:
    request = config(OPTIONS)
    frontend, api = request["Origins"]["Items"]
    assert frontend["S3OriginConfig"] == {"OriginAccessIdentity": ""}
    assert "CustomOriginConfig" not in frontend
    assert frontend["OriginAccessControlId"] == "E1"
    assert api["CustomOriginConfig"] == {
        "HTTPPort": 80,
        "HTTPSPort": 443,
        "OriginProtocolPolicy": "https-only",
        "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
        "OriginReadTimeout": 60,
        "OriginKeepaliveTimeout": 5,
    }
    first = request["CacheBehaviors"]["Items"][0]
    assert first["AllowedMethods"]["Quantity"] == 7
    assert first["AllowedMethods"]["CachedMethods"] == {"Quantity": 2, "Items": ["GET", "HEAD"]}
    assert "ResponseHeadersPolicyId" not in first
    assert "ForwardedValues" not in first
    assert request["ViewerCertificate"] == {
        "ACMCertificateArn": CERTIFICATE,
        "SSLSupportMethod": "sni-only",
        "MinimumProtocolVersion": "TLSv1.2_2021",
    }
    assert request["IsIPV6Enabled"] is True
    assert request["CustomErrorResponses"]["Items"][0]["ErrorCachingMinTTL"] == 10


def test_what_was_just_made_has_no_difference() -> None:
    assert changes(OPTIONS) == []


def test_an_option_that_is_not_given_is_not_compared() -> None:
    assert differences(answered(OPTIONS), config_fields({"comment": None}), LAYOUT) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"comment": "new"}, [Change("comment", "the site", "new")]),
        ({"aliases": []}, [Change("aliases", ["app.example.com"], [])]),
        ({"web_acl_id": "arn:waf"}, [Change("web_acl_id", "", "arn:waf")]),
        (
            {"default_cache_behavior": {**OPTIONS["default_cache_behavior"], "response_headers_policy_id": None}},
            [Change("default_cache_behavior.response_headers_policy_id", "headers", None)],
        ),
        (
            {"cache_behaviors": list(reversed(OPTIONS["cache_behaviors"]))},
            [Change("cache_behaviors (order)", ["/api/*", "/static/*"], ["/static/*", "/api/*"])],
        ),
        (
            {"viewer_certificate": {**OPTIONS["viewer_certificate"], "minimum_protocol_version": "TLSv1.3_2025"}},
            [Change("viewer_certificate.minimum_protocol_version", "TLSv1.2_2021", "TLSv1.3_2025")],
        ),
        (
            {"logging": {"enabled": False}},
            [
                Change("logging.enabled", True, False),
                Change("logging.bucket", "logs.s3.amazonaws.com", ""),
                Change("logging.prefix", "cdn/", ""),
            ],
        ),
    ],
)
def test_only_the_fields_that_differ_are_reported(changed: Fields, expected: list[Change]) -> None:
    assert changes(OPTIONS, **changed) == expected


def test_an_update_carries_what_nobody_here_manages() -> None:
    live = {**answered(OPTIONS), "staging": False, "continuous_deployment_policy_id": "keep"}
    request = config({"comment": "new"}, live)
    assert request["ContinuousDeploymentPolicyId"] == "keep"
    assert request["DefaultCacheBehavior"]["GrpcConfig"] == {"Enabled": False}
    assert request["Comment"] == "new"
    assert request["Aliases"] == {"Quantity": 1, "Items": ["app.example.com"]}
    assert not ParamValidator().validate(request, SHAPE).has_errors()


def test_an_origin_of_another_kind_loses_the_section_of_the_old_one() -> None:
    custom = {"id": "frontend", "domain_name": "x", "custom_origin_config": {"origin_protocol_policy": "https-only"}}
    request = config({"origins": [custom, OPTIONS["origins"][1]]}, answered(OPTIONS))
    assert "S3OriginConfig" not in request["Origins"]["Items"][0]
    assert "CustomOriginConfig" in request["Origins"]["Items"][0]


def test_settings_of_before_cache_policies_go_when_a_policy_comes() -> None:
    live = answered(OPTIONS)
    live["default_cache_behavior"] |= {"cache_policy_id": "", "min_ttl": 0, "forwarded_values": {"query_string": True}}
    request = config({"default_cache_behavior": OPTIONS["default_cache_behavior"]}, live)
    assert not {"MinTTL", "ForwardedValues"} & set(request["DefaultCacheBehavior"])


def test_a_certificate_of_ours_does_not_let_old_protocols_in() -> None:
    request = config({**OPTIONS, "viewer_certificate": {"acm_certificate_arn": CERTIFICATE}})
    assert request["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert request["ViewerCertificate"]["SSLSupportMethod"] == "sni-only"


def test_back_to_the_certificate_of_cloudfront() -> None:
    request = config({"viewer_certificate": {"cloudfront_default_certificate": True}}, answered(OPTIONS))
    assert request["ViewerCertificate"] == {"CloudFrontDefaultCertificate": True}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"origins": OPTIONS["origins"][:1]}, r"cache_behaviors\[/api/\*\] targets the origin api, which is not there"),
        (
            {"default_cache_behavior": {**OPTIONS["default_cache_behavior"], "target_origin_id": "frontent"}},
            "Did you mean frontend?",
        ),
        ({"origins": [*OPTIONS["origins"], OPTIONS["origins"][0]]}, "origins has frontend twice"),
        ({"cache_behaviors": [OPTIONS["cache_behaviors"][0]] * 2}, "cache_behaviors has /api/\\* twice"),
        (
            {"viewer_certificate": {"acm_certificate_arn": "arn:aws:acm:eu-west-1:1:certificate/1"}},
            "request it in us-east-1",
        ),
        ({"viewer_certificate": {"cloudfront_default_certificate": True}}, "aliases need a certificate"),
        ({"origins": None}, "A new distribution needs origins"),
    ],
)
def test_what_aws_would_refuse_late_is_refused_early(changed: Fields, message: str) -> None:
    with pytest.raises(RefusalError, match=message):
        refuse(config_fields({**OPTIONS, **changed}), creating=True)


def test_a_dry_run_without_the_certificate_is_not_refused() -> None:
    refuse(config_fields({**OPTIONS, "viewer_certificate": {"acm_certificate_arn": "pending"}}), creating=True)


def test_the_owner_of_an_alias_is_found() -> None:
    summaries = [
        {"Id": "A", "Aliases": {"Quantity": 1, "Items": ["a.example.com"]}},
        {"Id": "B", "Aliases": {"Quantity": 0}},
    ]
    assert alias_owners(summaries, ["a.example.com", "x.example.com"]) == ["A"]
    assert alias_owners(summaries, []) == []


def test_a_distribution_with_the_alias_but_another_name_is_not_ours() -> None:
    live = Live({}, {"id": "E1", "tags": {"Name": "production"}})
    with pytest.raises(RefusalError, match="its tag Name says production, not staging"):
        refuse_foreign(live, "staging")
    refuse_foreign(Live({}, {"id": "E1", "tags": {}}), "staging")
