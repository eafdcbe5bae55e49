"""Where a stack is looked for before it is called destroyed: lists that are behind do not name what has gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from ansible_collections.slipway.aws.plugins.module_utils.aws import Api
from ansible_collections.slipway.aws.plugins.module_utils.stack_listing import (
    OTHERS_CERTIFICATE,
    Stack,
    certificates,
    queues,
    secrets,
)
from ansible_collections.slipway.aws.plugins.modules.stack_leftovers import reason
from botocore.stub import Stubber

REGION = "eu-west-1"
NAME = "slipway-staging"
STACK = Stack(
    name=NAME,
    others=frozenset({f"{NAME}-eu"}),
    tags={},
    account_id="123456789012",
    domains=(),
    zone="example.com",
    zone_is_ours=False,
    parameter_prefix=f"/{NAME}",
)
ADDRESS = "https://sqs.eu-west-1.amazonaws.com/123456789012/"


def _client(service: str) -> Any:
    untyped: Any = boto3
    return untyped.client(service, region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b")


@pytest.mark.parametrize("code", ["AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"])
def test_a_queue_that_was_deleted_is_listed_for_a_while_and_is_gone(code: str) -> None:
    client = _client("sqs")
    urls = [f"{ADDRESS}{name}" for name in (f"{NAME}-dead", f"{NAME}-tasks", f"{NAME}-eu-tasks", f"{NAME}2")]
    arn = f"arn:aws:sqs:{REGION}:123456789012:{NAME}-tasks"
    with Stubber(client) as stub:
        stub.add_response("list_queues", {"QueueUrls": urls}, {"QueueNamePrefix": NAME})
        stub.add_client_error("get_queue_attributes", code)
        which = {"QueueUrl": urls[1], "AttributeNames": ["QueueArn"]}
        stub.add_response("get_queue_attributes", {"Attributes": {"QueueArn": arn}}, which)
        found = list(queues(STACK, Api(client), REGION))
        stub.assert_no_pending_responses()
    assert [(one["kind"], one["name"], one["id"]) for one in found] == [("queue", f"{NAME}-tasks", arn)]


def test_a_secret_that_the_list_takes_for_alive_may_wait_for_its_deletion_or_be_gone() -> None:
    client = _client("secretsmanager")
    names = [f"{NAME}/cache", f"{NAME}/database", f"{NAME}/django", f"{NAME}/mine"]
    arns = [f"arn:aws:secretsmanager:{REGION}:123456789012:secret:{name}-a1b2c3" for name in names]
    listed = [{"Name": name, "ARN": arn} for name, arn in zip(names, arns, strict=True)]
    listed[3] |= {"DeletedDate": datetime.now(UTC)}  # type: ignore[dict-item]
    with Stubber(client) as stub:
        stub.add_response("list_secrets", {"SecretList": listed}, {"IncludePlannedDeletion": True})
        stub.add_client_error("describe_secret", "ResourceNotFoundException")
        stub.add_response("describe_secret", {"DeletedDate": datetime.now(UTC)}, {"SecretId": arns[1]})
        stub.add_response("describe_secret", {}, {"SecretId": arns[2]})
        found = list(secrets(STACK, Api(client), REGION))
        stub.assert_no_pending_responses()
    assert [(one["name"], bool(one["leaving"])) for one in found] == [
        (names[1], True),
        (names[2], False),
        (names[3], True),
    ]


def test_a_proof_by_which_a_certificate_of_others_renews_itself_is_not_left_over() -> None:
    client = _client("acm")
    stack = replace(STACK, tags={"Environment": "staging"}, domains=("example.com", "origin.example.com"))
    ours, theirs, elsewhere, dead = (f"arn:aws:acm:{REGION}:123456789012:certificate/{number}" for number in "1234")
    listed = [
        {"DomainName": "example.com", "CertificateArn": ours},
        {"DomainName": "*.example.com", "CertificateArn": theirs, "SubjectAlternativeNameSummaries": ["*.example.com"]},
        {"DomainName": "www.example.com", "CertificateArn": elsewhere},
        {"DomainName": "origin.example.com", "CertificateArn": dead, "Status": "VALIDATION_TIMED_OUT"},
    ]
    with Stubber(client) as stub:
        stub.add_response("list_certificates", {"CertificateSummaryList": listed})
        tags = [{"Key": "Environment", "Value": "staging"}]
        stub.add_response("list_tags_for_certificate", {"Tags": tags}, {"CertificateArn": ours})
        stub.add_response("list_tags_for_certificate", {}, {"CertificateArn": theirs})
        stub.add_response("list_tags_for_certificate", {"Tags": tags}, {"CertificateArn": dead})
        found = list(certificates(stack, Api(client), REGION))
        stub.assert_no_pending_responses()
    assert [(one["kind"], one["name"], one["id"]) for one in found] == [
        ("certificate", "example.com", ours),
        (OTHERS_CERTIFICATE, "example.com", theirs),
        ("certificate", "origin.example.com", dead),
    ]

    def why(name: str) -> str:
        record = {"kind": "record", "name": name, "leaving": "", "target": ""}
        return reason(record, [], set(), set(), {"example.com": theirs})

    assert theirs in why("_0123abc.example.com CNAME")
    assert why("_0123abc.origin.example.com CNAME") == why("example.com A") == ""
