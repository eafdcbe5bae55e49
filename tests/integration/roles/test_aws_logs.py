"""Logs: encrypted, forgotten in time, counted, and the network's flows among them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.test_log_shipper import ship

from .conftest import ACCOUNT, REGION, TAGS, Clients, Converge, Values, tags_of

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"


@pytest.fixture
def variables(client: Clients) -> Values:
    return {
        "aws_logs_name": "stack",
        "aws_logs_account_id": ACCOUNT,
        "aws_logs_region": REGION,
        "aws_logs_vpc_id": client("ec2").create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"],
        "aws_logs_key_arn": KEY,
        "aws_logs_database": "stack",
        "aws_logs_tags": TAGS,
    }


def test_the_groups_and_the_flow_log(converge: Converge, client: Clients, variables: Values) -> None:
    made = converge.through_its_life("aws_logs", variables)
    logs = client("logs")
    groups: dict[str, Any] = {group["logGroupName"]: group for group in logs.describe_log_groups()["logGroups"]}
    assert {name: group["retentionInDays"] for name, group in groups.items()} == {
        "/stack/application": 30,
        "/stack/nginx": 30,
        "/stack/system": 30,
        "/stack/flows": 14,
        "/aws/rds/instance/stack/postgresql": 30,
        "/aws/rds/instance/stack/upgrade": 30,
    }
    for group in groups.values():
        assert group["kmsKeyId"] == KEY
        assert logs.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))["tags"] == TAGS
    counted = [one["metricTransformations"][0] for one in logs.describe_metric_filters()["metricFilters"]]
    assert sorted(one["metricName"] for one in counted) == sorted(made.result["metrics"])
    assert {one["metricNamespace"] for one in counted} == {"stack"}

    (flow,) = client("ec2").describe_flow_logs()["FlowLogs"]
    assert flow["LogGroupName"] == made.result["group_names"]["flows"]
    assert tags_of(flow["Tags"]) == {**TAGS, "Name": "stack"}
    iam = client("iam")
    role = iam.get_role(RoleName=flow["DeliverLogsPermissionArn"].rsplit("/", 1)[-1])["Role"]
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    policy = iam.get_role_policy(RoleName="stack-flows", PolicyName="flows")["PolicyDocument"]
    assert policy["Statement"][0]["Resource"] == f"{made.result['group_arns']['flows']}:*"


def test_a_group_that_rds_made_is_taken_over(converge: Converge, client: Clients, variables: Values) -> None:
    client("logs").create_log_group(logGroupName="/aws/rds/instance/stack/postgresql")
    made = converge("aws_logs", variables)
    assert not made.failed, made.messages
    (group,) = client("logs").describe_log_groups(logGroupNamePrefix="/aws/rds/instance/stack/p")["logGroups"]
    assert (group["retentionInDays"], group["kmsKeyId"]) == (30, KEY)


def test_a_dry_run_without_a_key_foretells_the_groups(converge: Converge, variables: Values) -> None:
    keyless = {**variables, "aws_logs_key_arn": ""}
    foretold = converge("aws_logs", keyless, check=True)
    assert not foretold.failed, foretold.messages
    assert "groups | Keep the groups and what is counted in them" in foretold.changed
    refused = converge("aws_logs", keyless)
    assert "aws_keys makes such" in refused.messages


def test_a_host_may_write_to_its_groups_and_nothing_else(
    converge: Converge, client: Clients, host: Clients, variables: Values
) -> None:
    made = converge("aws_logs", variables).result["group_names"]
    own = [made["application"], made["nginx"], made["system"]]
    logs = host("logs", aws_identity_log_group_names=own)
    told: list[str] = []
    batch = ship.Batch()
    for group in own:
        assert batch.takes(group, ship.Entry("c", int(time.time() * 1000), '{"status": 502}', "x.service", 6))
    ship.Groups(lambda: logs, "i-1", told.append).put(batch)
    assert told == []
    for group in own:
        (event,) = client("logs").get_log_events(logGroupName=group, logStreamName="i-1")["events"]
        assert event["message"] == '{"status": 502}'

    # Whoever takes a host over can neither read what it wrote, nor take it back, nor write the network's log.
    place = {"logGroupName": own[0], "logStreamName": "i-1"}
    refusals: tuple[Callable[[], object], ...] = (
        lambda: logs.get_log_events(**place),
        lambda: logs.delete_log_stream(**place),
        lambda: logs.delete_log_group(logGroupName=own[0]),
        lambda: logs.create_log_stream(logGroupName=made["flows"], logStreamName="i-1"),
    )
    for refused in refusals:
        with pytest.raises(logs.exceptions.ClientError, match="AccessDenied"):
            refused()
