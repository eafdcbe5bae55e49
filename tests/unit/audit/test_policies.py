"""What parliament is asked, and what it says about policies that are wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from audit.policies import Document, documents, exceptions, excused_by, lint
from audit.recording import Call


def document(*statements: dict[str, Any]) -> Document:
    return Document("test", json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def test_a_right_policy_passes() -> None:
    right = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/releases/*"}
    assert lint(document(right)) == []


@pytest.mark.parametrize(
    ("statement", "issue"),
    [
        ({"Effect": "Allow", "Action": "s3:GetObjekt", "Resource": "*"}, "UNKNOWN_ACTION"),
        ({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket"}, "RESOURCE_MISMATCH"),
        ({"Effect": "Permit", "Action": "s3:GetObject", "Resource": "*"}, "MALFORMED"),
        (
            {
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::bucket/*",
                "Condition": {"StringEquals": {"s3:prefix": "a"}},
            },
            "UNKNOWN_CONDITION_FOR_ACTION",
        ),
    ],
)
def test_a_wrong_policy_is_found(statement: dict[str, Any], issue: str) -> None:
    assert issue in {finding.issue for finding in lint(document(statement))}


def test_policies_are_found_in_requests() -> None:
    text = document().text
    calls = [
        Call("iam", "PutRolePolicy", "", {"RoleName": "web", "PolicyName": "a", "PolicyDocument": text}, writes=True),
        Call("sns", "CreateTopic", "", {"Name": "alerts", "Attributes": {"Policy": text}}, writes=True),
        Call("sqs", "CreateQueue", "", {"QueueName": "work", "Attributes": {"Policy": text}}, writes=True),
        Call(
            "sns", "SetTopicAttributes", "", {"TopicArn": "t", "AttributeName": "Policy", "AttributeValue": text}, True
        ),
        Call("iam", "GetRolePolicy", "", {"RoleName": "web", "PolicyDocument": text}, writes=False),
    ]
    assert [found.owner.split()[0] for found in documents(calls)] == [
        "iam:PutRolePolicy",
        "sns:CreateTopic",
        "sqs:CreateQueue",
        "sns:SetTopicAttributes",
    ]


def test_every_exception_has_a_reason() -> None:
    for one in exceptions():
        assert set(one) == {"issue", "owner", "detail", "reason"}
        assert len(one["reason"]) > 30


def test_an_exception_covers_only_its_own() -> None:
    found = lint(document({"Effect": "Allow", "Action": "s3:GetObjekt", "Resource": "*"}))[0]
    assert excused_by(found, [{"issue": found.issue, "owner": "another", "detail": "", "reason": ""}]) is None
    assert excused_by(found, [{"issue": found.issue, "owner": "te", "detail": "", "reason": ""}]) is not None
