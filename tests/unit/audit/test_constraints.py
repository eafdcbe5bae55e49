"""Wrong requests, one by one: each is what the emulated account takes and AWS refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from audit import cloudformation, limits, service_model
from audit.recording import Call


def call(name: str, region: str = "eu-west-1", **parameters: Any) -> Call:
    service, operation = name.split(":")
    return Call(service, operation, region, parameters, writes=True)


DATABASE: dict[str, Any] = {
    "DBInstanceIdentifier": "slipway-test",
    "DBInstanceClass": "db.t4g.micro",
    "Engine": "postgres",
    "EngineVersion": "17.10",
    "MasterUsername": "application",
    "MasterUserPassword": "correct-horse-battery",
    "AllocatedStorage": 20,
    "StorageEncrypted": True,
}
CACHE: dict[str, Any] = {
    "ReplicationGroupId": "slipway-test",
    "ReplicationGroupDescription": "Cache of slipway-test",
    "CacheNodeType": "cache.t4g.micro",
    "Engine": "valkey",
    "NumCacheClusters": 1,
    "TransitEncryptionEnabled": True,
}
ROLE: dict[str, Any] = {
    "RoleName": "web",
    "AssumeRolePolicyDocument": json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    ),
}


def policy(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(
    "good",
    [
        call("rds:CreateDBInstance", **DATABASE),
        call("rds:CreateDBInstance", **DATABASE | {"EngineVersion": "17"}),
        call("elasticache:CreateReplicationGroup", **CACHE),
        call("iam:CreateRole", **ROLE),
        call("iam:PutRolePolicy", RoleName="web", PolicyName="read", PolicyDocument=policy("s3:GetObject")),
    ],
    ids=lambda good: good.name,
)
def test_a_right_request_passes(good: Call) -> None:
    assert service_model.violations(good) == []
    assert [str(found) for found in cloudformation.findings([good], good.region)] == []
    assert limits.violations([good]) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (call("rds:CreateDBInstance", **DATABASE | {"DBInstanceClass": "db.t9.micro"}), "db.t9.micro"),
        (call("rds:CreateDBInstance", **DATABASE | {"EngineVersion": "9.6.1"}), "9.6.1"),
        (call("rds:CreateDBInstance", **DATABASE | {"BackupRetentionPeriod": 40}), "40"),
        (call("rds:CreateDBInstance", **DATABASE | {"Invented": "yes"}), "Invented"),
        (call("elasticache:CreateReplicationGroup", **CACHE | {"CacheNodeType": "cache.z1.huge"}), "cache.z1.huge"),
        (call("s3:CreateBucket", Bucket="Capital_Letters"), "Capital_Letters"),
        (call("iam:CreateRole", **ROLE | {"RoleName": "a role"}), "a role"),
        (
            call("iam:PutRolePolicy", RoleName="web", PolicyName="p", PolicyDocument=policy("s3:GetObjekt")),
            "getobjekt",
        ),
        (call("logs:PutRetentionPolicy", logGroupName="/a", retentionInDays=31), "31"),
        (call("ec2:CreateSubnet", VpcId="vpc-1", CidrBlock="10.0.0.0/33"), "10.0.0.0/33"),
        (
            call("cloudwatch:PutMetricAlarm", AlarmName="a", ComparisonOperator="Above", EvaluationPeriods=1),
            "Above",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_the_schemas_refuse(wrong: Call, said: str) -> None:
    assert any(said in str(found) for found in cloudformation.findings([wrong], wrong.region))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (call("iam:CreateRole", **ROLE | {"RoleName": "r" * 65}), "allows 64"),
        (call("iam:CreateRole", **ROLE | {"RoleName": "ä"}), "does not match"),
        (call("iam:CreateRole", RoleName="web"), "AssumeRolePolicyDocument is required"),
        (call("ec2:CreateVpc", CidrBlock="10.0.0.0/16", Shape="round"), "Shape is unknown"),
        (call("ec2:CreateVpc", CidrBlock="10.0.0.0/16", InstanceTenancy="shared"), "AWS knows"),
        (call("elbv2:ModifyTargetGroupAttributes", TargetGroupArn="a", Attributes="b"), "Attributes"),
        (call("logs:CreateLogGroup", logGroupName=7), "not a text"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_the_model_refuses(wrong: Call, said: str) -> None:
    assert any(said in found for found in service_model.violations(wrong))


MANY_ACTIONS = policy(*(f"ec2:Describe{'x' * 40}{number}" for number in range(220)))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([call("ec2:CreateSecurityGroup", GroupName="web", Description="it's web")], "EC2 refuses"),
        ([call("ec2:CreateSecurityGroup", GroupName="web", Description="Zugänge")], "EC2 refuses"),
        ([call("ec2:CreateVpc", TagSpecifications=[{"Tags": [{"Key": "aws:x", "Value": "y"}]}])], "key of a tag"),
        ([call("logs:CreateLogGroup", tags={"Purpose": "a" * 257})], "value of the tag"),
        ([call("sns:CreateTopic", Tags=[{"Key": f"k{n}", "Value": ""} for n in range(51)])], "51 tags"),
        ([call("rds:CreateDBInstance", **DATABASE | {"MasterUserPassword": "a/b@cdefgh"})], "password"),
        ([call("elasticache:CreateReplicationGroup", **CACHE | {"AuthToken": "short"})], "password"),
        ([call("elasticache:CreateReplicationGroup", **CACHE | {"AutomaticFailoverEnabled": True})], "replica"),
        ([call("elbv2:CreateLoadBalancer", Name="internal-web")], "name of a load balancer"),
        ([call("cloudwatch:PutMetricAlarm", AlarmName="a", Period=45, EvaluationPeriods=1)], "45 seconds"),
        (
            [
                call(
                    "wafv2:CreateWebACL",
                    Rules=[{"Priority": 0, "Statement": {"RateBasedStatement": {"EvaluationWindowSec": 90}}}],
                )
            ],
            "90 seconds",
        ),
        ([call("iam:PutRolePolicy", RoleName="w", PolicyName="p", PolicyDocument=MANY_ACTIONS)], "inline policies"),
        (
            [call("iam:AttachRolePolicy", RoleName="w", PolicyArn=f"arn:aws:iam::aws:policy/P{n}") for n in range(11)],
            "11 managed policies",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0].name,
)
def test_the_documented_limits_refuse(wrong: list[Call], said: str) -> None:
    assert any(said in found for found in limits.violations(wrong))


def test_nothing_is_both_mapped_and_excused() -> None:
    assert set(cloudformation.MAPPED) & set(cloudformation.UNMAPPED) == set()


def test_mapped_operations_exist() -> None:
    for name in (*cloudformation.MAPPED, *cloudformation.UNMAPPED):
        assert service_model.operation_model(*name.split(":")).name == name.split(":")[1]
