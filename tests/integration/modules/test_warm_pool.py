"""The warm pool of a group, from its beginning to its end, against the emulated account."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Answer, Call, client, succeeded

MODULE = "autoscaling_warm_pool"


def live() -> dict[str, Any] | None:
    found: dict[str, Any] | None = (
        client("autoscaling").describe_warm_pool(AutoScalingGroupName="stack-web").get("WarmPoolConfiguration")
    )
    return found


def test_the_pool(call: Call, group: str) -> None:
    options: Answer = {"group_name": group, "min_size": 1}
    assert succeeded(call(MODULE, check=True, **options))["changes"][0] == {
        "field": "state",
        "from": "absent",
        "to": "present",
    }
    assert live() is None
    assert succeeded(call(MODULE, **options))["changed"]
    found = live()
    assert found is not None
    assert (found["MinSize"], found["PoolState"]) == (1, "Stopped")
    described = client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"]
    assert described[0]["WarmPoolConfiguration"]["MinSize"] == 1
    for check in (True, False):
        assert succeeded(call(MODULE, check=check, **options))["changes"] == []

    more: Answer = {
        "group_name": group,
        "min_size": 0,
        "pool_state": "Running",
        "max_prepared_capacity": 3,
        "reuse_on_scale_in": True,
    }
    for check in (True, False):
        told = {change["field"] for change in succeeded(call(MODULE, check=check, **more))["changes"]}
        assert told == {"min_size", "pool_state", "max_prepared_capacity", "reuse_on_scale_in"}
    assert succeeded(call(MODULE, **more))["changes"] == []
    assert succeeded(call(MODULE, **options))["changed"]
    found = live()
    assert found is not None
    assert "MaxGroupPreparedCapacity" not in found

    assert succeeded(call(MODULE, check=True, group_name=group, state="absent"))["changed"]
    assert live() is not None
    assert succeeded(call(MODULE, group_name=group, state="absent"))["changed"]
    assert not succeeded(call(MODULE, group_name=group, state="absent"))["changed"]
    assert live() is None


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"min_size": -1}, "negative size"),
        ({"min_size": 3, "max_prepared_capacity": 2}, "min_size 3 above 2"),
        ({"group_name": "nobody"}, "no Auto Scaling group nobody"),
    ],
)
def test_what_makes_no_sense_is_refused(call: Call, group: str, check: bool, wrong: Answer, says: str) -> None:
    refused = call(MODULE, check=check, **{"group_name": group, **wrong})
    assert refused["failed"]
    assert says in refused["msg"]
    assert live() is None
