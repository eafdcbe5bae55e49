"""Corrections of CloudWatch Logs."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import Clients


def metric(value: str) -> list[dict[str, Any]]:
    return [{"metricName": "Errors", "metricNamespace": "stack", "metricValue": value}]


def test_a_metric_filter_has_one_name_and_goes_with_its_group(client: Clients) -> None:
    logs = client("logs")
    filtered: dict[str, Any] = {"logGroupName": "/stack", "filterName": "errors", "filterPattern": "ERROR"}
    with pytest.raises(ClientError) as refused:
        logs.put_metric_filter(**filtered, metricTransformations=metric("1"))
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"
    logs.create_log_group(logGroupName="/stack")
    for value in ("1", "2"):
        logs.put_metric_filter(**filtered, metricTransformations=metric(value))
    (one,) = logs.describe_metric_filters(logGroupName="/stack")["metricFilters"]
    assert one["metricTransformations"][0]["metricValue"] == "2"
    logs.delete_log_group(logGroupName="/stack")
    assert logs.describe_metric_filters()["metricFilters"] == []


def test_a_group_can_be_given_a_key_and_lose_it(client: Clients) -> None:
    logs = client("logs")
    key = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    with pytest.raises(ClientError) as refused:
        logs.associate_kms_key(logGroupName="/nobody", kmsKeyId=key)
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"
    logs.create_log_group(logGroupName="/key")
    logs.associate_kms_key(logGroupName="/key", kmsKeyId=key)
    assert logs.describe_log_groups(logGroupNamePrefix="/key")["logGroups"][0]["kmsKeyId"] == key
    logs.disassociate_kms_key(logGroupName="/key")
    assert "kmsKeyId" not in logs.describe_log_groups(logGroupNamePrefix="/key")["logGroups"][0]


def test_a_call_holds_so_much_and_a_stream_its_last_lines(client: Clients) -> None:
    logs = client("logs")
    place = {"logGroupName": "/lines", "logStreamName": "i-1"}
    logs.create_log_group(logGroupName="/lines")
    logs.create_log_stream(**place)
    now = int(time.time() * 1000)
    for batch in (
        [{"timestamp": now, "message": "x"}] * 10_001,
        [{"timestamp": now, "message": "é" * 262_144}] * 2,
    ):
        with pytest.raises(ClientError, match="InvalidParameterException"):
            logs.put_log_events(**place, logEvents=batch)
    for number in range(3):
        lines = [{"timestamp": now + number, "message": f"{number}"}] * 4_000
        logs.put_log_events(**place, logEvents=lines)
    kept = logs.get_log_events(**place, startFromHead=True, limit=10_000)["events"]
    assert [event["message"] for event in (kept[0], kept[-1])] == ["1", "2"]
    assert len(kept) == 5_000
