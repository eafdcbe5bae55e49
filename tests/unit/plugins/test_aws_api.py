"""The API layer against botocore: every request is held against the service's model before the stub answers it."""

from __future__ import annotations

import inspect
import io
import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from ansible_collections.slipway.aws.plugins.module_utils.acm_api import AcmApi
from ansible_collections.slipway.aws.plugins.module_utils.aws import SPREADING_ATTEMPTS, Api, AWSError, error_code
from ansible_collections.slipway.aws.plugins.module_utils.cloudfront_api import CloudFrontApi
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields, RefusalError
from ansible_collections.slipway.aws.plugins.module_utils.elasticache_api import ElastiCacheApi
from ansible_collections.slipway.aws.plugins.module_utils.rds_api import RdsApi
from botocore.response import StreamingBody
from botocore.stub import Stubber

SERVICES: dict[str, Callable[..., Api]] = {
    "cloudfront": CloudFrontApi,
    "elasticache": ElastiCacheApi,
    "acm": AcmApi,
    "rds": RdsApi,
}


def stubbed(service: str, delay: float = 0) -> tuple[Any, Stubber]:
    # The stubs of boto3 know a client by a literal name only.
    untyped: Any = boto3
    client = untyped.client(service, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    stubber = Stubber(client)
    stubber.activate()
    return SERVICES[service](client, retries=3, delay=delay), stubber


OAC = {"Name": "n", "SigningProtocol": "sigv4", "SigningBehavior": "always", "OriginAccessControlOriginType": "s3"}
FUNCTION = {"Comment": "c", "Runtime": "cloudfront-js-2.0"}
SUMMARY = {
    "FunctionSummary": {
        "Name": "f",
        "FunctionConfig": FUNCTION,
        "FunctionMetadata": {"FunctionARN": "a", "LastModifiedTime": 0},
    }
}
ARN = "arn:aws:cloudfront::123456789012:distribution/E1"
GROUP_ARN = "arn:aws:elasticache:eu-west-1:123456789012:replicationgroup:cache"
DB_GROUP_ARN = "arn:aws:rds:eu-west-1:123456789012:pg:p"
STATIC: dict[str, Fields] = {"s": {"ApplyType": "static"}}
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
ORIGIN = {"Id": "o", "DomainName": "b.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}
DISTRIBUTION = {
    "CallerReference": "r",
    "Origins": {"Quantity": 1, "Items": [ORIGIN]},
    "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only", "CachePolicyId": "p"},
    "Comment": "c",
    "Enabled": True,
}

# service, method, arguments, [(operation, request, answer)], result (None: not looked at)
CALLS: list[tuple[str, str, tuple[Any, ...], list[tuple[str, Fields, Fields]], Any]] = [
    ("cloudfront", "origin_access_controls", (), [("list_origin_access_controls", {}, {})], []),
    (
        "cloudfront",
        "origin_access_control",
        ("E1",),
        [("get_origin_access_control", {"Id": "E1"}, {"ETag": "v1"})],
        {"ETag": "v1"},
    ),
    (
        "cloudfront",
        "create_origin_access_control",
        (OAC,),
        [("create_origin_access_control", {"OriginAccessControlConfig": OAC}, {"ETag": "v1"})],
        {"ETag": "v1"},
    ),
    (
        "cloudfront",
        "update_origin_access_control",
        ("E1", "v1", OAC),
        [("update_origin_access_control", {"Id": "E1", "IfMatch": "v1", "OriginAccessControlConfig": OAC}, {})],
        {},
    ),
    (
        "cloudfront",
        "delete_origin_access_control",
        ("E1", "v1"),
        [("delete_origin_access_control", {"Id": "E1", "IfMatch": "v1"}, {})],
        None,
    ),
    (
        "cloudfront",
        "function",
        ("f", "LIVE"),
        [("describe_function", {"Name": "f", "Stage": "LIVE"}, SUMMARY)],
        SUMMARY,
    ),
    (
        "cloudfront",
        "function_code",
        ("f", "LIVE"),
        [
            (
                "get_function",
                {"Name": "f", "Stage": "LIVE"},
                {"FunctionCode": StreamingBody(io.BytesIO(b"code"), 4)},
            )
        ],
        b"code",
    ),
    (
        "cloudfront",
        "create_function",
        ("f", FUNCTION, b"code", {"a": "1"}),
        [
            (
                "create_function",
                {
                    "Name": "f",
                    "FunctionConfig": FUNCTION,
                    "FunctionCode": b"code",
                    "Tags": {"Items": [{"Key": "a", "Value": "1"}]},
                },
                SUMMARY,
            )
        ],
        SUMMARY,
    ),
    (
        "cloudfront",
        "update_function",
        ("f", "v1", FUNCTION, b"code"),
        [
            (
                "update_function",
                {"Name": "f", "IfMatch": "v1", "FunctionConfig": FUNCTION, "FunctionCode": b"code"},
                SUMMARY,
            )
        ],
        SUMMARY,
    ),
    (
        "cloudfront",
        "publish_function",
        ("f", "v1"),
        [("publish_function", {"Name": "f", "IfMatch": "v1"}, SUMMARY)],
        SUMMARY,
    ),
    ("cloudfront", "delete_function", ("f", "v1"), [("delete_function", {"Name": "f", "IfMatch": "v1"}, {})], None),
    (
        "cloudfront",
        "policies",
        ("origin_request", "managed"),
        [
            (
                "list_origin_request_policies",
                {"Type": "managed"},
                {"OriginRequestPolicyList": {"MaxItems": 1, "Quantity": 0, "NextMarker": "two"}},
            ),
            (
                "list_origin_request_policies",
                {"Type": "managed", "Marker": "two"},
                {"OriginRequestPolicyList": {"MaxItems": 1, "Quantity": 0, "Items": []}},
            ),
        ],
        [],
    ),
    (
        "cloudfront",
        "response_headers_policy",
        ("p",),
        [("get_response_headers_policy", {"Id": "p"}, {"ETag": "v1"})],
        {"ETag": "v1"},
    ),
    (
        "cloudfront",
        "create_response_headers_policy",
        ({"Name": "p"},),
        [("create_response_headers_policy", {"ResponseHeadersPolicyConfig": {"Name": "p"}}, {})],
        {},
    ),
    (
        "cloudfront",
        "update_response_headers_policy",
        ("p", "v1", {"Name": "p"}),
        [
            (
                "update_response_headers_policy",
                {"Id": "p", "IfMatch": "v1", "ResponseHeadersPolicyConfig": {"Name": "p"}},
                {},
            )
        ],
        {},
    ),
    (
        "cloudfront",
        "delete_response_headers_policy",
        ("p", "v1"),
        [("delete_response_headers_policy", {"Id": "p", "IfMatch": "v1"}, {})],
        None,
    ),
    ("cloudfront", "distributions", (), [("list_distributions", {}, {})], []),
    ("cloudfront", "distribution", ("E1",), [("get_distribution", {"Id": "E1"}, {"ETag": "v1"})], {"ETag": "v1"}),
    (
        "cloudfront",
        "create_distribution",
        (DISTRIBUTION, {"a": "1"}),
        [
            (
                "create_distribution_with_tags",
                {
                    "DistributionConfigWithTags": {
                        "DistributionConfig": DISTRIBUTION,
                        "Tags": {"Items": [{"Key": "a", "Value": "1"}]},
                    }
                },
                {},
            )
        ],
        {},
    ),
    (
        "cloudfront",
        "update_distribution",
        ("E1", "v1", DISTRIBUTION),
        [("update_distribution", {"Id": "E1", "IfMatch": "v1", "DistributionConfig": DISTRIBUTION}, {})],
        {},
    ),
    (
        "cloudfront",
        "delete_distribution",
        ("E1", "v1"),
        [("delete_distribution", {"Id": "E1", "IfMatch": "v1"}, {})],
        None,
    ),
    (
        "cloudfront",
        "tags",
        (ARN,),
        [("list_tags_for_resource", {"Resource": ARN}, {"Tags": {"Items": [{"Key": "a", "Value": "1"}]}})],
        {"a": "1"},
    ),
    (
        "cloudfront",
        "change_tags",
        (ARN, {"a": "1"}, ["b"]),
        [
            ("untag_resource", {"Resource": ARN, "TagKeys": {"Items": ["b"]}}, {}),
            ("tag_resource", {"Resource": ARN, "Tags": {"Items": [{"Key": "a", "Value": "1"}]}}, {}),
        ],
        None,
    ),
    (
        "elasticache",
        "replication_group",
        ("cache",),
        [("describe_replication_groups", {"ReplicationGroupId": "cache"}, {"ReplicationGroups": [{"Status": "x"}]})],
        {"Status": "x"},
    ),
    (
        "elasticache",
        "cache_cluster",
        ("cache-001",),
        [("describe_cache_clusters", {"CacheClusterId": "cache-001"}, {"CacheClusters": []})],
        None,
    ),
    (
        "elasticache",
        "create_replication_group",
        ({"ReplicationGroupId": "c", "ReplicationGroupDescription": "d"}, {"a": "1"}),
        [
            (
                "create_replication_group",
                {
                    "ReplicationGroupId": "c",
                    "ReplicationGroupDescription": "d",
                    "Tags": [{"Key": "a", "Value": "1"}],
                },
                {"ReplicationGroup": {"Status": "creating"}},
            )
        ],
        {"Status": "creating"},
    ),
    (
        "elasticache",
        "modify_replication_group",
        ("c", {"ApplyImmediately": True}),
        [
            (
                "modify_replication_group",
                {"ReplicationGroupId": "c", "ApplyImmediately": True},
                {"ReplicationGroup": {"Status": "modifying"}},
            )
        ],
        {"Status": "modifying"},
    ),
    (
        "elasticache",
        "change_replica_count",
        ("c", 1, 2),
        [
            (
                "increase_replica_count",
                {"ReplicationGroupId": "c", "NewReplicaCount": 2, "ApplyImmediately": True},
                {},
            )
        ],
        None,
    ),
    (
        "elasticache",
        "change_replica_count",
        ("c", 2, 1),
        [
            (
                "decrease_replica_count",
                {"ReplicationGroupId": "c", "NewReplicaCount": 1, "ApplyImmediately": True},
                {},
            )
        ],
        None,
    ),
    (
        "elasticache",
        "delete_replication_group",
        ("c", "last"),
        [
            (
                "delete_replication_group",
                {"ReplicationGroupId": "c", "RetainPrimaryCluster": False, "FinalSnapshotIdentifier": "last"},
                {"ReplicationGroup": {"Status": "deleting"}},
            )
        ],
        {"Status": "deleting"},
    ),
    (
        "elasticache",
        "parameter_group",
        ("p",),
        [
            (
                "describe_cache_parameter_groups",
                {"CacheParameterGroupName": "p"},
                {"CacheParameterGroups": [{"CacheParameterGroupFamily": "valkey8"}]},
            )
        ],
        {"family": "valkey8", "description": "", "arn": None},
    ),
    (
        "elasticache",
        "parameters",
        ("p",),
        [
            (
                "describe_cache_parameters",
                {"CacheParameterGroupName": "p"},
                {"Marker": "two", "Parameters": [{"ParameterName": "a"}]},
            ),
            (
                "describe_cache_parameters",
                {"CacheParameterGroupName": "p", "Marker": "two"},
                {"Parameters": [{"ParameterName": "b"}]},
            ),
        ],
        [{"ParameterName": "a"}, {"ParameterName": "b"}],
    ),
    (
        "elasticache",
        "parameters_of_family",
        ("valkey8",),
        [
            (
                "describe_engine_default_parameters",
                {"CacheParameterGroupFamily": "valkey8"},
                {"EngineDefaults": {"Parameters": [{"ParameterName": "a"}]}},
            )
        ],
        [{"ParameterName": "a"}],
    ),
    (
        "elasticache",
        "create_parameter_group",
        ("p", "valkey8", "d", {}),
        [
            (
                "create_cache_parameter_group",
                {"CacheParameterGroupName": "p", "CacheParameterGroupFamily": "valkey8", "Description": "d"},
                {"CacheParameterGroup": {"ARN": "a"}},
            )
        ],
        {"ARN": "a"},
    ),
    (
        "elasticache",
        "set_parameters",
        ("p", {f"name{number}": "1" for number in range(21)}, {}),
        [
            (
                "modify_cache_parameter_group",
                {
                    "CacheParameterGroupName": "p",
                    "ParameterNameValues": [
                        {"ParameterName": f"name{number}", "ParameterValue": "1"} for number in numbers
                    ],
                },
                {},
            )
            for numbers in (range(20), range(20, 21))
        ],
        None,
    ),
    (
        "elasticache",
        "reset_parameters",
        ("p", ["a"], {}),
        [
            (
                "reset_cache_parameter_group",
                {"CacheParameterGroupName": "p", "ParameterNameValues": [{"ParameterName": "a"}]},
                {},
            )
        ],
        None,
    ),
    (
        "elasticache",
        "delete_parameter_group",
        ("p",),
        [("delete_cache_parameter_group", {"CacheParameterGroupName": "p"}, {})],
        None,
    ),
    (
        "elasticache",
        "tags",
        (GROUP_ARN,),
        [("list_tags_for_resource", {"ResourceName": GROUP_ARN}, {"TagList": [{"Key": "a", "Value": "1"}]})],
        {"a": "1"},
    ),
    (
        "elasticache",
        "change_tags",
        (GROUP_ARN, {"a": "1"}, ["b"]),
        [
            ("remove_tags_from_resource", {"ResourceName": GROUP_ARN, "TagKeys": ["b"]}, {}),
            ("add_tags_to_resource", {"ResourceName": GROUP_ARN, "Tags": [{"Key": "a", "Value": "1"}]}, {}),
        ],
        None,
    ),
    (
        "rds",
        "parameter_group",
        ("p",),
        [
            (
                "describe_db_parameter_groups",
                {"DBParameterGroupName": "p"},
                {"DBParameterGroups": [{"DBParameterGroupFamily": "postgres17", "DBParameterGroupArn": DB_GROUP_ARN}]},
            )
        ],
        {"family": "postgres17", "description": "", "arn": DB_GROUP_ARN},
    ),
    (
        "rds",
        "parameters",
        ("p",),
        [
            (
                "describe_db_parameters",
                {"DBParameterGroupName": "p"},
                {"Marker": "two", "Parameters": [{"ParameterName": "a"}]},
            ),
            (
                "describe_db_parameters",
                {"DBParameterGroupName": "p", "Marker": "two"},
                {"Parameters": [{"ParameterName": "b"}]},
            ),
        ],
        [{"ParameterName": "a"}, {"ParameterName": "b"}],
    ),
    (
        "rds",
        "parameters_of_family",
        ("postgres17",),
        [
            (
                "describe_engine_default_parameters",
                {"DBParameterGroupFamily": "postgres17"},
                {"EngineDefaults": {"Parameters": [{"ParameterName": "a"}]}},
            )
        ],
        [{"ParameterName": "a"}],
    ),
    (
        "rds",
        "create_parameter_group",
        ("p", "postgres17", "d", {"a": "1"}),
        [
            (
                "create_db_parameter_group",
                {
                    "DBParameterGroupName": "p",
                    "DBParameterGroupFamily": "postgres17",
                    "Description": "d",
                    "Tags": [{"Key": "a", "Value": "1"}],
                },
                {"DBParameterGroup": {"DBParameterGroupArn": DB_GROUP_ARN}},
            )
        ],
        {"DBParameterGroupArn": DB_GROUP_ARN},
    ),
    (
        "rds",
        "set_parameters",
        ("p", {f"name{number}": "1" for number in range(21)}, {f"name{number}": {} for number in range(21)}),
        [
            (
                "modify_db_parameter_group",
                {
                    "DBParameterGroupName": "p",
                    "Parameters": [
                        {"ParameterName": f"name{number}", "ParameterValue": "1", "ApplyMethod": "immediate"}
                        for number in numbers
                    ],
                },
                {},
            )
            for numbers in (range(20), range(20, 21))
        ],
        None,
    ),
    (
        "rds",
        "reset_parameters",
        ("p", ["s"], STATIC),
        [
            (
                "reset_db_parameter_group",
                {
                    "DBParameterGroupName": "p",
                    "ResetAllParameters": False,
                    "Parameters": [{"ParameterName": "s", "ApplyMethod": "pending-reboot"}],
                },
                {},
            )
        ],
        None,
    ),
    (
        "rds",
        "delete_parameter_group",
        ("p",),
        [("delete_db_parameter_group", {"DBParameterGroupName": "p"}, {})],
        None,
    ),
    (
        "rds",
        "tags",
        (DB_GROUP_ARN,),
        [("list_tags_for_resource", {"ResourceName": DB_GROUP_ARN}, {"TagList": [{"Key": "a", "Value": "1"}]})],
        {"a": "1"},
    ),
    (
        "rds",
        "change_tags",
        (DB_GROUP_ARN, {"a": "1"}, ["b"]),
        [
            ("remove_tags_from_resource", {"ResourceName": DB_GROUP_ARN, "TagKeys": ["b"]}, {}),
            ("add_tags_to_resource", {"ResourceName": DB_GROUP_ARN, "Tags": [{"Key": "a", "Value": "1"}]}, {}),
        ],
        None,
    ),
    (
        "acm",
        "certificates",
        (["RSA_2048", "EC_prime256v1"],),
        [
            (
                "list_certificates",
                {"Includes": {"keyTypes": ["RSA_2048", "EC_prime256v1"]}},
                {"NextToken": "two", "CertificateSummaryList": [{"DomainName": "a"}]},
            ),
            (
                "list_certificates",
                {"Includes": {"keyTypes": ["RSA_2048", "EC_prime256v1"]}, "NextToken": "two"},
                {"CertificateSummaryList": [{"DomainName": "b"}]},
            ),
        ],
        [{"DomainName": "a"}, {"DomainName": "b"}],
    ),
    (
        "acm",
        "certificate",
        (CERTIFICATE,),
        [("describe_certificate", {"CertificateArn": CERTIFICATE}, {"Certificate": {"Status": "ISSUED"}})],
        {"Status": "ISSUED"},
    ),
    (
        "acm",
        "request_certificate",
        ({"DomainName": "example.com", "ValidationMethod": "DNS"}, {"a": "1"}),
        [
            (
                "request_certificate",
                {"DomainName": "example.com", "ValidationMethod": "DNS", "Tags": [{"Key": "a", "Value": "1"}]},
                {"CertificateArn": CERTIFICATE},
            )
        ],
        CERTIFICATE,
    ),
    ("acm", "delete_certificate", (CERTIFICATE,), [("delete_certificate", {"CertificateArn": CERTIFICATE}, {})], None),
    (
        "acm",
        "tags",
        (CERTIFICATE,),
        [("list_tags_for_certificate", {"CertificateArn": CERTIFICATE}, {"Tags": [{"Key": "a"}]})],
        {"a": ""},
    ),
    (
        "acm",
        "change_tags",
        (CERTIFICATE, {"a": "1"}, {"b": "2"}),
        [
            (
                "remove_tags_from_certificate",
                {"CertificateArn": CERTIFICATE, "Tags": [{"Key": "b", "Value": "2"}]},
                {},
            ),
            ("add_tags_to_certificate", {"CertificateArn": CERTIFICATE, "Tags": [{"Key": "a", "Value": "1"}]}, {}),
        ],
        None,
    ),
]


@pytest.mark.parametrize(("service", "method", "arguments", "exchange", "result"), CALLS)
def test_a_call_asks_for_exactly_this(
    service: str, method: str, arguments: tuple[Any, ...], exchange: list[tuple[str, Fields, Fields]], result: Any
) -> None:
    api, stubber = stubbed(service)
    for operation, request, answer in exchange:
        stubber.add_response(operation, answer, request)
    found = getattr(api, method)(*arguments)
    stubber.assert_no_pending_responses()
    if result is not None:
        if isinstance(found, dict):
            found.pop("ResponseMetadata", None)
        assert found == result


@pytest.mark.parametrize("service", SERVICES)
def test_every_call_is_in_the_table(service: str) -> None:
    kind = SERVICES[service]
    assert inspect.isclass(kind)
    methods = {name for name in vars(kind) if not name.startswith("_")} - {"shape"}
    assert methods == {method for of, method, *_ in CALLS if of == service}


@pytest.mark.parametrize(
    ("service", "method", "arguments", "operation", "code"),
    [
        ("cloudfront", "origin_access_control", ("E1",), "get_origin_access_control", "NoSuchOriginAccessControl"),
        ("cloudfront", "function", ("f", "LIVE"), "describe_function", "NoSuchFunctionExists"),
        ("cloudfront", "response_headers_policy", ("p",), "get_response_headers_policy", "NoSuchResponseHeadersPolicy"),
        ("cloudfront", "distribution", ("E1",), "get_distribution", "NoSuchDistribution"),
        ("cloudfront", "delete_function", ("f", "v"), "delete_function", "NoSuchFunctionExists"),
        ("cloudfront", "delete_distribution", ("E1", "v"), "delete_distribution", "NoSuchDistribution"),
        ("elasticache", "replication_group", ("c",), "describe_replication_groups", "ReplicationGroupNotFoundFault"),
        ("elasticache", "cache_cluster", ("c",), "describe_cache_clusters", "CacheClusterNotFound"),
        ("elasticache", "parameter_group", ("p",), "describe_cache_parameter_groups", "CacheParameterGroupNotFound"),
        ("rds", "parameter_group", ("p",), "describe_db_parameter_groups", "DBParameterGroupNotFound"),
        ("rds", "delete_parameter_group", ("p",), "delete_db_parameter_group", "DBParameterGroupNotFound"),
        ("acm", "certificate", (CERTIFICATE,), "describe_certificate", "ResourceNotFoundException"),
        ("acm", "delete_certificate", (CERTIFICATE,), "delete_certificate", "ResourceNotFoundException"),
    ],
)
def test_what_is_not_there_is_none(
    service: str, method: str, arguments: tuple[Any, ...], operation: str, code: str
) -> None:
    api, stubber = stubbed(service)
    stubber.add_client_error(operation, code)
    assert getattr(api, method)(*arguments) is None


@pytest.mark.parametrize("code", ["Throttling", "ThrottlingException", "PriorRequestNotComplete", "ServiceUnavailable"])
def test_a_busy_service_is_asked_again(code: str) -> None:
    api, stubber = stubbed("cloudfront")
    stubber.add_client_error("get_distribution", code)
    stubber.add_client_error("get_distribution", code)
    stubber.add_response("get_distribution", {"ETag": "v1"}, {"Id": "E1"})
    assert api.distribution("E1")["ETag"] == "v1"
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("method", "arguments", "operation"),
    [
        ("create_distribution", (DISTRIBUTION, {}), "create_distribution_with_tags"),
        ("update_distribution", ("E1", "v1", DISTRIBUTION), "update_distribution"),
    ],
)
@pytest.mark.parametrize("code", ["InvalidViewerCertificate", "InvalidWebACLId"])
def test_cloudfront_is_asked_again_until_it_has_heard_of_the_certificate_and_the_web_acl(
    method: str, arguments: tuple[Any, ...], operation: str, code: str
) -> None:
    api, stubber = stubbed("cloudfront")
    for _ in range(SPREADING_ATTEMPTS - 1):
        stubber.add_client_error(operation, code)
    stubber.add_response(operation, {"ETag": "v1"})
    assert getattr(api, method)(*arguments)["ETag"] == "v1"
    stubber.assert_no_pending_responses()


def test_a_certificate_that_is_really_wrong_is_refused_in_two_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    api, stubber = stubbed("cloudfront", delay=1)
    for _ in range(SPREADING_ATTEMPTS):
        stubber.add_client_error("update_distribution", "InvalidViewerCertificate", "The certificate isn't valid")
    with pytest.raises(AWSError, match=r"^Failed to update the distribution E1: .*The certificate isn't valid"):
        api.update_distribution("E1", "v1", DISTRIBUTION)
    stubber.assert_no_pending_responses()
    assert 90 <= sum(pauses) <= 120
    # The first ones are short: mostly CloudFront has heard of it by then.
    assert pauses[:3] == [1, 2, 4]


def test_another_refusal_of_a_distribution_is_not_repeated() -> None:
    api, stubber = stubbed("cloudfront")
    stubber.add_client_error("update_distribution", "CNAMEAlreadyExists", "The name is taken")
    with pytest.raises(AWSError, match="The name is taken"):
        api.update_distribution("E1", "v1", DISTRIBUTION)
    stubber.assert_no_pending_responses()


def test_an_order_waits_while_the_group_is_at_work() -> None:
    api, stubber = stubbed("elasticache")
    stubber.add_client_error("modify_replication_group", "InvalidReplicationGroupState")
    stubber.add_response("modify_replication_group", {"ReplicationGroup": {}})
    assert api.modify_replication_group("c", {}) == {}


def test_a_refusal_of_aws_is_one_sentence_and_not_repeated() -> None:
    api, stubber = stubbed("cloudfront")
    stubber.add_client_error("update_function", "PreconditionFailed", "The precondition failed")
    with pytest.raises(AWSError) as failure:
        api.update_function("f", "v0", FUNCTION, b"code")
    assert str(failure.value).startswith("Failed to update the CloudFront function f: ")
    assert "The precondition failed" in str(failure.value)
    assert error_code(failure.value) == "PreconditionFailed"
    stubber.assert_no_pending_responses()


def test_a_page_that_fails_once_is_asked_again() -> None:
    api, stubber = stubbed("elasticache")
    stubber.add_client_error("describe_cache_parameters", "Throttling")
    stubber.add_response("describe_cache_parameters", {"Parameters": []})
    assert api.parameters("p") == []


def test_a_request_can_be_held_against_the_model_without_being_sent() -> None:
    api, _ = stubbed("cloudfront")
    api.check("create_origin_access_control", OriginAccessControlConfig=OAC)
    with pytest.raises(RefusalError, match=r"CreateOriginAccessControl.*SigningProtocol"):
        api.check("create_origin_access_control", OriginAccessControlConfig={"Name": "n"})
