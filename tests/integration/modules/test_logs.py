"""Log groups and flow logs, whole, against the emulated account."""

from __future__ import annotations

import pytest

from .conftest import Answer, Call, client, succeeded

FILTER: Answer = {
    "name": "errors",
    "pattern": '{ $.level = "ERROR" }',
    "metric_name": "Errors",
    "metric_namespace": "stack",
    "default_value": 0,
}
GROUPS: list[Answer] = [
    {"name": "/stack/application", "retention_in_days": 30, "metric_filters": [FILTER]},
    {"name": "/stack/nginx", "retention_in_days": 7},
]


def test_log_groups_from_the_cradle_to_the_grave(call: Call) -> None:
    logs = client("logs")
    logs.create_log_group(logGroupName="/stack/application/other")
    options: Answer = {"groups": GROUPS, "tags": {"Environment": "rehearsal"}}
    foretold = succeeded(call("cloudwatch_log_groups", check=True, **options))
    assert [change["field"] for change in foretold["changes"]] == ["groups[/stack/application]", "groups[/stack/nginx]"]
    assert len(logs.describe_log_groups()["logGroups"]) == 1
    made = succeeded(call("cloudwatch_log_groups", **options))
    assert made["changes"] == foretold["changes"]
    for check in (True, False):
        assert succeeded(call("cloudwatch_log_groups", check=check, **options))["changes"] == []

    key = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    changed: Answer = {
        "groups": [
            {**GROUPS[0], "retention_in_days": 90, "metric_filters": [{**FILTER, "default_value": None}]},
            {**GROUPS[1], "kms_key_id": key, "metric_filters": []},
        ],
        "tags": {"Environment": "other"},
    }
    told = {
        "groups[/stack/application].retention_in_days": (30, 90),
        "groups[/stack/application].metric_filters[errors].default_value": (0.0, None),
        "groups[/stack/application].tags.Environment": ("rehearsal", "other"),
        "groups[/stack/nginx].kms_key_id": ("", key),
        "groups[/stack/nginx].tags.Environment": ("rehearsal", "other"),
    }
    for check in (True, False):
        answer = succeeded(call("cloudwatch_log_groups", check=check, **changed))
        assert {one["field"]: (one["from"], one["to"]) for one in answer["changes"]} == told
    assert succeeded(call("cloudwatch_log_groups", **changed))["changes"] == []
    live = {group["logGroupName"]: group for group in logs.describe_log_groups()["logGroups"]}
    assert live["/stack/application"]["retentionInDays"] == 90
    assert live["/stack/nginx"]["kmsKeyId"] == key

    fewer: Answer = {"groups": [{**GROUPS[0], "metric_filters": []}]}
    assert succeeded(call("cloudwatch_log_groups", **fewer))["changed"]
    assert logs.describe_metric_filters()["metricFilters"] == []
    for check in (True, False):
        assert succeeded(call("cloudwatch_log_groups", check=check, state="absent", groups=GROUPS))["changed"]
    assert not succeeded(call("cloudwatch_log_groups", state="absent", groups=GROUPS))["changed"]
    assert [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]] == ["/stack/application/other"]


@pytest.mark.parametrize("check", [True, False])
def test_a_retention_that_aws_does_not_know_is_refused_before_a_group_is_made(call: Call, check: bool) -> None:
    refused = call("cloudwatch_log_groups", check=check, groups=[{"name": "/odd", "retention_in_days": 31}])
    assert refused["msg"] == "CloudWatch Logs cannot keep /odd for 31 days: 30 is nearest."
    assert client("logs").describe_log_groups(logGroupNamePrefix="/odd")["logGroups"] == []


def test_a_flow_log_is_replaced_when_it_has_to_change(call: Call) -> None:
    ec2 = client("ec2")
    options: Answer = {
        "name": "stack",
        "vpc_id": ec2.create_vpc(CidrBlock="10.78.0.0/16")["Vpc"]["VpcId"],
        "log_group_name": "/stack/flows",
        "role_arn": "arn:aws:iam::123456789012:role/flows",
        "tags": {"Environment": "rehearsal"},
    }
    assert succeeded(call("ec2_flow_log", check=True, **options))["changed"]
    first = succeeded(call("ec2_flow_log", **options))["flow_log"]
    assert first["tags"] == {"Environment": "rehearsal", "Name": "stack"}
    for check in (True, False):
        assert succeeded(call("ec2_flow_log", check=check, **options))["changes"] == []
    tagged = succeeded(call("ec2_flow_log", **{**options, "tags": {"Owner": "x"}}))
    assert tagged["flow_log"]["id"] == first["id"]
    assert tagged["flow_log"]["tags"] == {"Owner": "x", "Name": "stack"}
    rejects: Answer = {**options, "traffic_type": "REJECT"}
    foretold = succeeded(call("ec2_flow_log", check=True, **rejects))
    assert {"field": "traffic_type", "from": "ALL", "to": "REJECT"} in foretold["changes"]
    replaced = succeeded(call("ec2_flow_log", **rejects))["flow_log"]
    assert replaced["id"] != first["id"]
    assert len(ec2.describe_flow_logs()["FlowLogs"]) == 1
    assert succeeded(call("ec2_flow_log", **{**rejects, "state": "absent"}))["changed"]
    assert not succeeded(call("ec2_flow_log", **{**rejects, "state": "absent"}))["changed"]
