"""What recorded requests name, and that the policies which are checked in are judged by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audit import deployer, resources
from audit.recording import Call

HERE = "eu-west-1:123456789012"
LOCK: dict[str, Any] = {
    "Name": "/slipway-run-lock/slipway-staging/1",
    "Value": "{}",
    "Type": "String",
    "Tags": [{"Key": "a"}],
}


def call(name: str, region: str = "eu-west-1", **parameters: Any) -> Call:
    service, operation = name.split(":")
    return Call(
        service, operation, region, parameters, writes=not operation.startswith(("Describe", "Get", "Head", "List"))
    )


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (call("ssm:GetParameter", Name="/slipway-staging/release/current:3"), ["release/current"]),
        (call("ssm:GetParametersByPath", Path="/slipway-staging"), [""]),
        (call("ssm:GetParametersByPath", Path="/slipway-staging/"), ["/"]),
        (call("ssm:DeleteParameters", Names=["/slipway-staging/a", "/slipway-staging/b"]), ["a", "b"]),
    ],
)
def test_parameters(asked: Call, named: list[str]) -> None:
    beginning = f"arn:aws:ssm:{HERE}:parameter/slipway-staging"
    wanted = [f"{beginning}/{name}".replace("//", "/") if name else beginning for name in named]
    assert [one.resource for one in resources.attempts(asked)] == wanted


def test_actions_of_another_service_are_about_its_own_resources() -> None:
    acl, balancer = (
        f"arn:aws:wafv2:{HERE}:regional/webacl/slipway-staging/1",
        f"arn:aws:elasticloadbalancing:{HERE}:loadbalancer/app/slipway-staging/1",
    )
    found = {
        (one.action, one.resource)
        for one in resources.attempts(call("wafv2:AssociateWebACL", WebACLArn=acl, ResourceArn=balancer))
    }
    assert found == {
        ("wafv2:AssociateWebACL", acl),
        ("wafv2:AssociateWebACL", balancer),
        ("elasticloadbalancing:SetWebACL", balancer),
    }


def test_a_role_is_passed_to_whoever_is_given_it() -> None:
    role = "arn:aws:iam::123456789012:role/slipway-staging-monitoring"
    found = resources.attempts(call("rds:ModifyDBInstance", DBInstanceIdentifier="a", MonitoringRoleArn=role))
    assert (found[-1].action, found[-1].resource) == ("iam:PassRole", role)
    assert found[-1].context == {"iam:PassedToService": "monitoring.rds.amazonaws.com"}
    profile = {"Arn": "arn:aws:iam::123456789012:instance-profile/slipway-staging-web"}
    found = resources.attempts(call("ec2:RunInstances", IamInstanceProfile=profile))
    assert found[-1].resource.endswith(":role/slipway-staging-web")


def test_a_deployer_writes_no_identities() -> None:
    assert resources.attempts(call("iam:PutRolePolicy", RoleName="slipway-staging-web", PolicyDocument="{}")) == []


def test_a_deployer_takes_the_lock_of_his_run_and_of_no_other() -> None:
    asked = [
        call("ssm:PutParameter", **LOCK),
        call("ssm:GetParameter", Name="/slipway-run-lock/slipway-staging/1:2"),
        call("ssm:GetParametersByPath", Path="/slipway-run-lock/slipway-staging"),
        call("ssm:DeleteParameter", Name="/slipway-run-lock/slipway-staging/1"),
    ]
    assert resources.refused(asked, "staging") == []
    refused = resources.refused(asked, "production")
    assert [line.split(" on ")[0] for line in refused] == [
        "ssm:PutParameter needs ssm:PutParameter",
        "ssm:PutParameter needs ssm:AddTagsToResource",
        "ssm:GetParameter needs ssm:GetParameter",
        "ssm:GetParametersByPath needs ssm:GetParametersByPath",
        "ssm:DeleteParameter needs ssm:DeleteParameter",
    ]
    assert f"arn:aws:ssm:{HERE}:parameter/slipway-run-lock/slipway-staging/1" in refused[0]


def test_a_name_that_is_not_the_environments_is_refused_and_named() -> None:
    asked = [
        call("s3:PutObject", Bucket="slipway-staging-123456789012-releases", Key="a"),
        call("s3:PutObject", Bucket="elsewhere", Key="a"),
        call("sqs:CreateQueue", QueueName="slipway-production-tasks"),
    ]
    assert resources.refused(asked, "staging") == [
        "s3:PutObject needs s3:PutObject on arn:aws:s3:::elsewhere/a: ImplicitDeny, identity",
        f"sqs:CreateQueue needs sqs:CreateQueue on arn:aws:sqs:{HERE}:slipway-production-tasks: ImplicitDeny, identity",
    ]


def test_the_boundary_is_judged_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever the policies allow."""
    everything = tmp_path / "policies.json"
    everything.write_text(
        '[{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}]'
    )
    monkeypatch.setattr(deployer, "FILE", everything)
    asked = [call("kms:ScheduleKeyDeletion", KeyId="1"), call("ec2:RunInstances", IamInstanceProfile={"Arn": "1"})]
    assert [line.rpartition(": ")[2] for line in resources.refused(asked, "staging")] == ["ExplicitDeny, boundary"]
