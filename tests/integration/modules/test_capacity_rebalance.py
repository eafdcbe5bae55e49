"""Capacity Rebalancing of a group, switched on and off, against the emulated account."""

from __future__ import annotations

from typing import Any

from .conftest import Answer, Call, client, succeeded

MODULE = "autoscaling_capacity_rebalance"


def live() -> Any:
    return (
        client("autoscaling")
        .describe_auto_scaling_groups(AutoScalingGroupNames=["stack-web"])["AutoScalingGroups"][0]
        .get("CapacityRebalance", False)
    )


def test_it_is_switched_on_and_off(call: Call, group: str) -> None:
    for state, wanted in (("present", True), ("absent", False)):
        options: Answer = {"group_name": group, "state": state}
        assert succeeded(call(MODULE, check=True, **options))["changed"]
        assert live() is not wanted
        assert succeeded(call(MODULE, **options))["changed"]
        assert live() is wanted
        for check in (True, False):
            assert not succeeded(call(MODULE, check=check, **options))["changed"]


def test_a_group_that_there_is_not_is_refused(call: Call) -> None:
    for check in (True, False):
        assert "no Auto Scaling group nobody" in call(MODULE, check=check, group_name="nobody")["msg"]
