"""The delivery of a distribution's logs, whole, against the emulated account."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Answer, Call, client, succeeded

OPTIONS: Answer = {
    "name": "stack-edge",
    "resource_arn": "arn:aws:cloudfront::123456789012:distribution/E0123456789ABC",
    "bucket_arn": "arn:aws:s3:::stack-123456789012-logs",
    "tags": {"Project": "slipway"},
}


def parts() -> tuple[int, int, int]:
    logs: Any = client("logs")
    return (
        len(logs.describe_delivery_sources()["deliverySources"]),
        len(logs.describe_delivery_destinations()["deliveryDestinations"]),
        len(logs.describe_deliveries()["deliveries"]),
    )


def test_a_delivery(call: Call) -> None:
    assert succeeded(call("cloudwatch_log_delivery", check=True, **OPTIONS))["changed"]
    assert parts() == (0, 0, 0)
    made = succeeded(call("cloudwatch_log_delivery", **OPTIONS))["log_delivery"]
    assert made["id"]
    assert parts() == (1, 1, 1)
    for check in (True, False):
        assert succeeded(call("cloudwatch_log_delivery", check=check, **OPTIONS))["changes"] == []

    tagged = {**OPTIONS, "tags": {"Project": "other"}}
    told = succeeded(call("cloudwatch_log_delivery", **tagged))["changes"]
    assert told == [{"field": "tags.Project", "from": "slipway", "to": "other"}]
    assert succeeded(call("cloudwatch_log_delivery", **tagged))["changes"] == []

    other = {**tagged, "output_format": "w3c", "resource_arn": OPTIONS["resource_arn"].replace("E0", "E9")}
    for check in (True, False):
        told = succeeded(call("cloudwatch_log_delivery", check=check, **other))["changes"]
        assert {change["field"] for change in told} == {"output_format", "resource_arn"}
    assert parts() == (1, 1, 1)
    assert succeeded(call("cloudwatch_log_delivery", **other))["changes"] == []

    gone: Answer = {"name": "stack-edge", "state": "absent"}
    assert succeeded(call("cloudwatch_log_delivery", **gone))["changed"]
    assert not succeeded(call("cloudwatch_log_delivery", **gone))["changed"]
    assert parts() == (0, 0, 0)


@pytest.mark.parametrize("state", ["present", "absent"])
def test_half_of_a_delivery_is_finished_or_removed(call: Call, state: str) -> None:
    client("logs").put_delivery_source(name="stack-edge", resourceArn=OPTIONS["resource_arn"], logType="ACCESS_LOGS")
    options = OPTIONS if state == "present" else {"name": "stack-edge"}
    assert succeeded(call("cloudwatch_log_delivery", state=state, **options))["changed"]
    assert parts() == ((1, 1, 1) if state == "present" else (0, 0, 0))
    assert not succeeded(call("cloudwatch_log_delivery", state=state, **options))["changed"]
    succeeded(call("cloudwatch_log_delivery", name="stack-edge", state="absent"))
