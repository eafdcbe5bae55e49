"""What is encrypted at birth gets the customer's key then, and another one never without a word."""

from __future__ import annotations

import threading
import time

from .conftest import ACCOUNT, REGION, TAGS, Clients, Converge, Values

SECRETS: Values = {
    "aws_secrets_names": {name: f"stack/{name}" for name in ("database", "cache", "django")},
    "aws_secrets_key_alias": "alias/stack-data",
    "aws_secrets_tags": TAGS,
}


def make_key(client: Clients, alias: str) -> str:
    kms = client("kms")
    arn: str = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName=alias, TargetKeyId=arn)
    return arn


def group_of(client: Clients) -> str:
    [vpc] = client("ec2").describe_vpcs()["Vpcs"]
    made: str = client("ec2").create_security_group(GroupName="data", Description="data", VpcId=vpc["VpcId"])["GroupId"]
    return made


def test_secrets_wait_for_their_key(converge: Converge, client: Clients) -> None:
    def later() -> None:
        time.sleep(8)
        make_key(client, "alias/stack-data")

    maker = threading.Thread(target=later)
    maker.start()
    made = converge.through_its_life("aws_secrets", SECRETS)
    maker.join()
    for arn in made.result["arns"].values():
        assert client("secretsmanager").describe_secret(SecretId=arn)["KmsKeyId"] == "alias/stack-data"


def test_secrets_whose_key_never_comes_are_not_made(converge: Converge, client: Clients) -> None:
    assert converge("aws_secrets", {**SECRETS, "aws_secrets_wait_seconds": 2}).failed
    assert client("secretsmanager").list_secrets()["SecretList"] == []


def test_a_database_keeps_its_key(converge: Converge, client: Clients, subnets: list[str]) -> None:
    first, second = make_key(client, "alias/first"), make_key(client, "alias/second")
    converge("aws_secrets", {**SECRETS, "aws_secrets_key_alias": ""})
    variables: Values = {
        "aws_database_name": "stack",
        "aws_database_account_id": ACCOUNT,
        "aws_database_region": REGION,
        "aws_database_subnet_ids": subnets,
        "aws_database_security_group_ids": [group_of(client)],
        "aws_database_secret_name": "stack/database",
        "aws_database_key_arn": first,
        "aws_database_instance_class": "db.m7g.large",
        "aws_database_secure_logging": False,
        "aws_database_poll_seconds": 1,
        "aws_database_tags": TAGS,
    }
    made = converge("aws_database", variables)
    assert not made.failed, made.messages
    [live] = client("rds").describe_db_instances()["DBInstances"]
    assert (live["StorageEncrypted"], live["KmsKeyId"]) == (True, first)
    for unchanged in (first, ""):
        again = converge("aws_database", {**variables, "aws_database_key_arn": unchanged})
        assert not again.failed, again.messages
        assert again.changed == (), again.differences
    for check in (True, False):
        refused = converge("aws_database", {**variables, "aws_database_key_arn": second}, check=check)
        assert refused.failed
        assert "keeps the key that it was made with" in refused.messages
        assert second in refused.messages
    [live] = client("rds").describe_db_instances()["DBInstances"]
    assert live["KmsKeyId"] == first

    watched = {**variables, "aws_database_monitoring_seconds": 60}
    made = converge("aws_database", watched)
    assert not made.failed, made.messages
    [live] = client("rds").describe_db_instances()["DBInstances"]
    role = client("iam").get_role(RoleName="stack-monitoring")["Role"]
    assert (live["MonitoringInterval"], live["MonitoringRoleArn"]) == (60, role["Arn"])
    assert ":log-group:RDSOSMetrics:log-stream:" in live["EnhancedMonitoringResourceArn"]
    [attached] = client("iam").list_attached_role_policies(RoleName="stack-monitoring")["AttachedPolicies"]
    assert attached["PolicyName"] == "AmazonRDSEnhancedMonitoringRole"
    again = converge("aws_database", watched)
    assert again.changed == (), again.differences
    assert not converge("aws_database", variables).failed
    [live] = client("rds").describe_db_instances()["DBInstances"]
    assert live["MonitoringInterval"] == 0


def test_a_cache_keeps_its_key(converge: Converge, client: Clients, subnets: list[str]) -> None:
    first, second = make_key(client, "alias/first"), make_key(client, "alias/second")
    converge("aws_secrets", {**SECRETS, "aws_secrets_key_alias": ""})
    variables: Values = {
        "aws_cache_name": "stack",
        "aws_cache_region": REGION,
        "aws_cache_subnet_ids": subnets,
        "aws_cache_security_group_ids": [],
        "aws_cache_secret_name": "stack/cache",
        "aws_cache_key_arn": first,
        "aws_cache_secure_logging": False,
        "aws_cache_tags": TAGS,
    }
    made = converge("aws_cache", variables)
    assert not made.failed, made.messages
    [live] = client("elasticache").describe_replication_groups()["ReplicationGroups"]
    assert live["KmsKeyId"] == first
    again = converge("aws_cache", {**variables, "aws_cache_key_arn": ""})
    assert not again.failed, again.messages
    assert again.changed == ()
    refused = converge("aws_cache", {**variables, "aws_cache_key_arn": second})
    assert refused.failed
    assert "ElastiCache sets it when a replication group is created" in refused.messages
