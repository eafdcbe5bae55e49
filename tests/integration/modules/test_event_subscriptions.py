"""Event subscriptions of RDS, from the first to the last, against the emulated account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Answer, Call, client, succeeded

MODULE = "rds_event_subscriptions"
GROUP: Answer = {"name": "parameters", "source_type": "db-parameter-group", "source_ids": ["stack"]}
EVERYTHING: Answer = {"name": "everything", "source_type": "db-instance"}
OPTIONS: Answer = {
    "prefix": "stack-",
    "topic_arn": "arn:aws:sns:eu-west-1:123456789012:stack-alerts",
    "subscriptions": [{**GROUP, "categories": ["configuration change"]}, EVERYTHING],
    "tags": {"Environment": "test"},
}


@pytest.fixture(autouse=True)
def group() -> Iterator[None]:
    rds: Any = client("rds")
    rds.create_db_parameter_group(DBParameterGroupName="stack", DBParameterGroupFamily="postgres17", Description="d")
    yield
    rds.delete_db_parameter_group(DBParameterGroupName="stack")


def live() -> dict[str, Any]:
    found = client("rds").describe_event_subscriptions()["EventSubscriptionsList"]
    return {one["CustSubscriptionId"]: one for one in found}


def test_the_subscriptions(call: Call) -> None:
    others = {"SnsTopicArn": OPTIONS["topic_arn"], "SourceType": "db-instance", "Enabled": True}
    client("rds").create_event_subscription(SubscriptionName="others", **others)
    assert succeeded(call(MODULE, check=True, **OPTIONS))["changed"]
    assert set(live()) == {"others"}
    assert succeeded(call(MODULE, **OPTIONS))["changed"]
    made = live()
    assert set(made) == {"others", "stack-parameters", "stack-everything"}
    assert made["stack-parameters"]["EventCategoriesList"] == ["configuration change"]
    assert (made["stack-everything"]["Enabled"], made["stack-everything"]["SourceIdsList"]) == (True, [])
    for check in (True, False):
        assert succeeded(call(MODULE, check=check, **OPTIONS))["changes"] == []

    tagged = {**OPTIONS, "tags": {"Environment": "other"}}
    assert succeeded(call(MODULE, **tagged))["changed"]
    assert succeeded(call(MODULE, **tagged))["changes"] == []
    other: Answer = {**tagged, "subscriptions": [{**GROUP, "categories": []}]}
    for check in (True, False):
        told = {change["field"] for change in succeeded(call(MODULE, check=check, **other))["changes"]}
        assert told == {"subscriptions[stack-parameters].categories", "subscriptions[stack-everything]"}
    assert set(live()) == {"others", "stack-parameters"}
    assert succeeded(call(MODULE, **other))["changes"] == []

    for check in (True, False):
        assert succeeded(call(MODULE, check=check, prefix="stack-", state="absent"))["changed"]
    assert not succeeded(call(MODULE, prefix="stack-", state="absent"))["changed"]
    assert set(live()) == {"others"}


def test_two_of_one_name_are_refused(call: Call) -> None:
    for check in (True, False):
        refused = call(MODULE, check=check, **{**OPTIONS, "subscriptions": [EVERYTHING, EVERYTHING]})
        assert "two event subscriptions stack-everything" in refused["msg"]
