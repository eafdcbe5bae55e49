"""The scheduled actions of a group, whole, against the emulated account."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Answer, Call, client, succeeded

MODULE = "autoscaling_scheduled_actions"
MORNING: Answer = {"name": "morning", "recurrence": "45 7 * * 1-5", "time_zone": "Europe/Dublin", "min_size": 4}
EVENING: Answer = {"name": "evening", "recurrence": "0 19 * * *", "min_size": 0, "max_size": 2, "desired_capacity": 0}


def live() -> dict[str, Any]:
    found = client("autoscaling").describe_scheduled_actions(AutoScalingGroupName="stack-web")
    return {one["ScheduledActionName"]: one for one in found["ScheduledUpdateGroupActions"]}


def test_the_actions(call: Call, group: str) -> None:
    options: Answer = {"group_name": group, "actions": [MORNING, EVENING]}
    assert succeeded(call(MODULE, check=True, **options))["changed"]
    assert live() == {}
    assert succeeded(call(MODULE, **options))["changed"]
    assert (live()["morning"]["MinSize"], live()["evening"]["DesiredCapacity"]) == (4, 0)
    for check in (True, False):
        assert succeeded(call(MODULE, check=check, **options))["changes"] == []

    fewer: Answer = {"group_name": group, "actions": [{**MORNING, "min_size": None, "desired_capacity": 3}]}
    for check in (True, False):
        told = {change["field"] for change in succeeded(call(MODULE, check=check, **fewer))["changes"]}
        assert told == {"actions[morning].min_size", "actions[morning].desired_capacity", "actions[evening]"}
    assert set(live()) == {"morning"}
    assert live()["morning"].get("MinSize") is None
    assert succeeded(call(MODULE, **fewer))["changes"] == []

    assert succeeded(call(MODULE, group_name=group, state="absent"))["changed"]
    assert not succeeded(call(MODULE, group_name=group, state="absent"))["changed"]
    assert live() == {}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({**MORNING, "recurrence": "0 8"}, "write five fields"),
        ({**MORNING, "min_size": None}, "changes nothing"),
        ({**MORNING, "max_size": 2}, "min_size 4 above max_size 2"),
    ],
)
def test_what_makes_no_sense_is_refused(call: Call, group: str, check: bool, wrong: Answer, says: str) -> None:
    refused = call(MODULE, check=check, group_name=group, actions=[wrong])
    assert refused["failed"]
    assert says in refused["msg"]
    assert live() == {}
