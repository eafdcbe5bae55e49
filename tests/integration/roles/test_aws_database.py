"""The database's role against what AWS does by itself: spreads a role, optimizes storage, and refuses."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.emulator import backchannel

from .conftest import ACCOUNT, REGION, TAGS, Clients, Converge, Values


@pytest.fixture
def variables(client: Clients, subnets: list[str]) -> Values:
    client("secretsmanager").create_secret(
        Name="stack/database", SecretString='{"username": "owner", "password": "one-that-nobody-sees"}'
    )
    ec2: Any = client("ec2")
    [vpc] = ec2.describe_vpcs()["Vpcs"]
    group = ec2.create_security_group(GroupName="data", Description="data", VpcId=vpc["VpcId"])["GroupId"]
    return {
        "aws_database_name": "stack",
        "aws_database_account_id": ACCOUNT,
        "aws_database_region": REGION,
        "aws_database_subnet_ids": subnets,
        "aws_database_security_group_ids": [group],
        "aws_database_secret_name": "stack/database",
        "aws_database_deletion_protection": False,
        "aws_database_apply_immediately": True,
        "aws_database_poll_seconds": 1,
        "aws_database_wait_seconds": 3,
        "aws_database_tags": TAGS,
    }


def database(client: Clients) -> Any:
    [live] = client("rds").describe_db_instances()["DBInstances"]
    return live


def test_a_role_that_rds_has_not_heard_of_yet_is_waited_for(
    converge: Converge, client: Clients, variables: Values
) -> None:
    watched = {**variables, "aws_database_monitoring_seconds": 60}
    made = converge("aws_database", watched)
    assert not made.failed, made.messages
    assert database(client)["MonitoringInterval"] == 60
    # The module sends the interval alone, which keeps the role.
    again = converge("aws_database", {**watched, "aws_database_monitoring_seconds": 30})
    assert not again.failed, again.messages
    assert database(client)["MonitoringInterval"] == 30


def test_a_refusal_of_rds_is_said_without_the_password(converge: Converge, variables: Values) -> None:
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
    refused = converge("aws_database", {**variables, "aws_database_key_arn": key})
    assert refused.failed
    assert f"The specified KMS key [{key}] does not exist" in refused.messages
    assert "one-that-nobody-sees" not in refused.messages
    assert "the output has been hidden" in refused.messages


def test_storage_that_is_optimized_is_neither_awaited_nor_in_the_way(
    converge: Converge, client: Clients, variables: Values
) -> None:
    assert not converge("aws_database", variables).failed
    backchannel.set_db_instance_status("stack", "storage-optimization")
    awaited = converge("aws_database", variables, stage="await")
    assert not awaited.failed, awaited.messages
    assert awaited.result["identifier"] == "stack"
    for status in ("storage-full", "incompatible-restore", "inaccessible-encryption-credentials-recoverable"):
        backchannel.set_db_instance_status("stack", status)
        # Not for an hour.
        refused = converge("aws_database", {**variables, "aws_database_wait_seconds": 3600}, stage="await")
        assert refused.failed
        assert f"The database stack is {status}, not available" in refused.messages
    backchannel.set_db_instance_status("stack", "storage-optimization")
    gone = converge("aws_database", variables, stage="absent")
    assert not gone.failed, gone.messages
    [snapshot] = client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert snapshot["DBSnapshotIdentifier"].startswith("stack-final-")


def test_storage_grows_past_the_size_that_has_four_volumes(
    converge: Converge, client: Clients, variables: Values
) -> None:
    large = {**variables, "aws_database_storage_max_gib": 1000}
    assert not converge("aws_database", large).failed
    for size, performance in ((40, (3000, 125)), (400, (12000, 500))):
        grown = converge("aws_database", {**large, "aws_database_storage_gib": size})
        assert not grown.failed, grown.messages
        live = database(client)
        assert live["AllocatedStorage"] == size
        assert (live["Iops"], live["StorageThroughput"]) == performance
    again = converge("aws_database", {**large, "aws_database_storage_gib": 400})
    assert again.changed == (), again.differences
    for check in (True, False):
        refused = converge("aws_database", {**large, "aws_database_storage_gib": 500}, check=check)
        assert refused.failed
        assert "--allocated-storage 500 --iops 12000" in refused.messages
    client("rds").modify_db_instance(DBInstanceIdentifier="stack", AllocatedStorage=500, Iops=12000)
    again = converge("aws_database", {**large, "aws_database_storage_gib": 500})
    assert again.changed == (), again.messages or again.differences


def test_storage_that_is_large_from_the_start(converge: Converge, client: Clients, variables: Values) -> None:
    sizes = {"aws_database_storage_gib": 400, "aws_database_storage_max_gib": 1000}
    made = converge("aws_database", {**variables, **sizes})
    assert not made.failed, made.messages
    assert database(client)["Iops"] == 12000
    assert converge("aws_database", {**variables, **sizes}).changed == ()
