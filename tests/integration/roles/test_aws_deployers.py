"""The role aws_deployers, whole, against an empty account."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal import policy

from .conftest import ACCOUNT, REGION, TAGS, Clients, Converge

REPOSITORY = "example/shop"
VARIABLES: dict[str, Any] = {
    "aws_deployers_name": "slipway-test",
    "aws_deployers_project": "slipway",
    "aws_deployers_environment": "test",
    "aws_deployers_account_id": ACCOUNT,
    "aws_deployers_region": REGION,
    "aws_deployers_tags": TAGS,
}

pytestmark = pytest.mark.timeout(900)


def test_nobody_is_let_in_without_a_repository(converge: Converge, client: Clients) -> None:
    made = converge("aws_deployers", VARIABLES)
    assert not made.failed, made.messages
    assert made.changed == ()
    assert made.result == {"role_arn": ""}
    assert client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"] == []
    assert client("iam").list_roles()["Roles"] == []


def test_a_repository_is_let_into_its_environment_alone(converge: Converge, client: Clients) -> None:
    variables = {**VARIABLES, "aws_deployers_repository": REPOSITORY}
    made = converge("aws_deployers", variables)
    assert not made.failed, made.messages
    again = converge("aws_deployers", variables)
    assert not again.failed, again.messages
    assert again.changed == (), again.differences

    iam = client("iam")
    role = iam.get_role(RoleName="slipway-test-deployer")["Role"]
    assert made.result == {"role_arn": role["Arn"]}
    [statement] = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"]["Federated"].endswith(":oidc-provider/token.actions.githubusercontent.com")
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": f"repo:{REPOSITORY}:environment:test",
        },
        "StringLike": {"sts:RoleSessionName": "slipway-test-*"},
    }
    for session, admitted in (("slipway-test-17", True), ("slipway-testing-17", False), ("GitHubActions", False)):
        asked = policy.Request(
            policy.Principal(federated=statement["Principal"]["Federated"]),
            "sts:AssumeRoleWithWebIdentity",
            role["Arn"],
            {**statement["Condition"]["StringEquals"], "sts:RoleSessionName": session},
        )
        assert policy.trusts(role["AssumeRolePolicyDocument"], asked).allowed == admitted
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith("policy/slipway-test-deployer-boundary")
    attached = iam.list_attached_role_policies(RoleName="slipway-test-deployer")["AttachedPolicies"]
    assert len(attached) >= 2
    for one in attached:
        version = iam.get_policy(PolicyArn=one["PolicyArn"])["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=one["PolicyArn"], VersionId=version)["PolicyVersion"]["Document"]
        assert "@" not in json.dumps(document)


@pytest.mark.parametrize("repository", ["example", "example/*", "*/shop", "example/shop:environment:production"])
def test_a_repository_that_would_let_others_in_is_refused(converge: Converge, repository: str) -> None:
    refused = converge("aws_deployers", {**VARIABLES, "aws_deployers_repository": repository})
    assert refused.failed
    assert "owner/name" in refused.messages
