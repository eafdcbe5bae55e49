"""The policies that a whole run writes have no finding above LOW, except for those with a reason."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from audit import deployer, policies
from audit.account import ENVIRONMENTS
from audit.recording import Call

Calls = Callable[[str], tuple[Call, ...]]

pytestmark = pytest.mark.timeout(1800)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_policies_have_no_finding(environment: str, calls: Calls) -> None:
    documents = policies.documents(calls(environment))
    assert {document.owner.split()[0] for document in documents} >= {
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "kms:CreateKey",
        "s3:PutBucketPolicy",
        "sns:CreateTopic",
    }
    found = [finding for document in documents for finding in policies.lint(document)]
    listed = policies.exceptions()
    assert [str(finding) for finding in found if policies.excused_by(finding, listed) is None] == []


def test_every_exception_covers_something(calls: Calls) -> None:
    found = [
        finding
        for environment in ENVIRONMENTS
        for document in policies.documents(calls(environment))
        for finding in policies.lint(document)
    ]
    for policy in deployer.filled(deployer.FILE.read_text()):
        found += policies.lint(policies.Document("deployer", json.dumps(policy)))
    listed = policies.exceptions()
    used = [policies.excused_by(finding, listed) for finding in found]
    assert [one["issue"] for one in listed if one not in used] == []
