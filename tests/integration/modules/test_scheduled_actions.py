"""The scheduled actions of a group, whole, against the emulated account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .test_modules import Answer, Call, call, client, endpoint, environment, succeeded

__all__ = ["call", "endpoint", "environment"]

MODULE = "autoscaling_scheduled_actions"
MORNING: Answer = {"name": "morning", "recurrence": "45 7 * * 1-5", "time_zone": "Europe/Dublin", "min_size": 4}
EVENING: Answer = {"name": "evening", "recurrence": "0 19 * * *", "min_size": 0, "max_size": 2, "desired_capacity": 0}


@pytest.fixture
def group() -> Iterator[str]:
    ec2: Any = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.0.0/24", AvailabilityZone="eu-west-1a")["Subnet"]["SubnetId"]
    data = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "t3.small"}
    template = ec2.create_launch_template(LaunchTemplateName="stack", LaunchTemplateData=data)
    client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="stack-web",
        LaunchTemplate={"LaunchTemplateId": template["LaunchTemplate"]["LaunchTemplateId"], "Version": "1"},
        MinSize=0,
        MaxSize=4,
        DesiredCapacity=0,
        VPCZoneIdentifier=subnet,
    )
    yield "stack-web"
    client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName="stack-web", ForceDelete=True)
    ec2.delete_launch_template(LaunchTemplateName="stack")


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
