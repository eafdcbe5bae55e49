"""What becomes of recorded requests in the deployer's policies, and what the policies that are checked in allow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cfnlint  # type: ignore[import-untyped]
import yaml

from audit import deployer, limits, policies
from audit.recording import Call


def call(name: str, **parameters: Any) -> Call:
    service, operation = name.split(":")
    return Call(
        service, operation, "eu-west-1", parameters, writes=not operation.startswith(("Describe", "Get", "Head"))
    )


def checked_in() -> list[dict[str, Any]]:
    return deployer.filled(deployer.FILE.read_text())


def test_operations_become_actions() -> None:
    assert deployer.actions_of(call("s3:HeadBucket")) == ("s3:ListBucket",)
    assert deployer.actions_of(call("elbv2:DescribeRules")) == ("elasticloadbalancing:DescribeRules",)
    assert deployer.actions_of(call("rds:CreateDBSubnetGroup", Tags=[{"Key": "a", "Value": "b"}])) == (
        "rds:CreateDBSubnetGroup",
        "rds:AddTagsToResource",
    )
    assert deployer.actions_of(call("sts:GetCallerIdentity")) == ()


def test_a_deployer_writes_no_identities() -> None:
    wanted = deployer.actions([call("iam:CreateRole"), call("iam:PutRolePolicy"), call("iam:GetRole")])
    identities = [action for action in wanted if action.startswith("iam:")]
    assert "iam:GetRole" in identities
    assert all(action.startswith(("iam:Get", "iam:List")) or action == "iam:PassRole" for action in identities)
    for policy in checked_in():
        for statement in policy["Statement"]:
            listed = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            for action in listed:
                assert (
                    not action.startswith("iam:")
                    or action.startswith(("iam:Get", "iam:List"))
                    or action == "iam:PassRole"
                )
                assert "*" not in action


def test_every_action_exists() -> None:
    known = json.loads(Path(cfnlint.__file__).parent.joinpath("data/AdditionalSpecs/Policies.json").read_text())
    unknown = [
        action
        for policy in checked_in()
        for statement in policy["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if action.split(":")[1].lower() not in known[action.split(":")[0]]["Actions"]
    ]
    assert unknown == []


def test_every_policy_fits() -> None:
    sizes = [limits.policy_size(policy) for policy in checked_in()]
    assert len(sizes) <= 10
    assert max(sizes) <= limits.MANAGED_POLICY


def test_a_policy_is_split_when_it_grows() -> None:
    grown = [call(f"ec2:DescribeThing{number}") for number in range(600)]
    assert len(deployer.policies(grown)) > len(deployer.policies([]))
    assert all(limits.policy_size(policy) <= limits.MANAGED_POLICY for policy in deployer.policies(grown))


def test_parliament_has_no_objection() -> None:
    found = [
        finding
        for policy in checked_in()
        for finding in policies.lint(policies.Document("deployer", json.dumps(policy)))
    ]
    assert [str(finding) for finding in found if policies.excused_by(finding, policies.exceptions()) is None] == []


def test_what_is_narrowed() -> None:
    resources = {
        action: statement["Resource"]
        for policy in checked_in()
        for statement in policy["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    assert resources["rds:CreateDBInstance"] != ["*"]
    assert resources["secretsmanager:GetSecretValue"] == [
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:slipway-production/*"
    ]
    assert resources["s3:PutObject"] == ["arn:aws:s3:::slipway-production-123456789012-*/*"]
    assert "arn:aws:iam::123456789012:role/slipway-production-deployer" not in resources["iam:PassRole"]
    # As Session Manager names the sessions of a role's session slipway-production-17.
    for action in ("ssm:ResumeSession", "ssm:TerminateSession", "ssmmessages:OpenDataChannel"):
        assert resources[action] == ["arn:aws:ssm:eu-west-1:123456789012:session/slipway-production-*"]


#: Services whose resources are known by ids alone that nobody chooses. A key is made before it has a tag.
NAMELESS = ("acm:", "cloudfront:", "route53:", "kms:CreateKey")


def test_what_writes_is_narrowed_by_name_or_condition() -> None:
    """A service that a role has come to use is entered in `_NAMED` of audit/deployer.py."""
    wide = [
        action
        for policy in checked_in()
        for statement in policy["Statement"]
        if "*" in statement["Resource"] and not statement.get("Condition")
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if not action.split(":")[1].startswith(("Describe", "Get", "List", "View")) and not action.startswith(NAMELESS)
    ]
    assert wide == []


def test_policies_and_boundary_hand_on_the_same_roles() -> None:
    def passed(statements: list[dict[str, Any]]) -> list[str]:
        [found] = [sorted(one["Resource"]) for one in statements if one.get("Action") == "iam:PassRole"]
        return found

    allowed = [statement for policy in checked_in() for statement in policy["Statement"]]
    assert passed(allowed) == passed(deployer.boundary()["Statement"])


def test_differences_name_the_actions() -> None:
    def content(action: str, resource: str) -> str:
        statement = {"Effect": "Allow", "Action": [action], "Resource": [resource]}
        return json.dumps([{"Version": "2012-10-17", "Statement": [statement]}])

    there = content("s3:PutObject", "a")
    assert deployer.differences(there, there) == []
    assert [said[:14] for said in deployer.differences(there, content("s3:PutObject", "b"))] == ["~ s3:PutObject"]
    assert [said[:14] for said in deployer.differences(there, content("sqs:TagQueue", "a"))] == [
        "- s3:PutObject",
        "+ sqs:TagQueue",
    ]


def test_the_workflow_calls_its_sessions_as_the_trust_wants() -> None:
    text = (Path(deployer.__file__).parents[1] / "docs" / "runbooks" / "continuous-deployment.md").read_text()
    workflow = yaml.safe_load(text.partition("```yaml\n# .github")[2].partition("\n```")[0].partition("\n")[2])
    uses = [
        step["with"]
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if "configure-aws-credentials" in step.get("uses", "")
    ]
    assert [one["role-session-name"] for one in uses] == [
        "slipway-staging-${{ github.run_id }}",
        "slipway-${{ matrix.environment }}-${{ github.run_id }}",
    ]
