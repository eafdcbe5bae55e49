"""An instance refresh from its start to its end, or back, against the emulated account with a data plane."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.emulator import backchannel
from rehearsal.emulator.backchannel import attach_data_plane
from rehearsal.images import DEBIAN_13_IMAGE_ID

from .conftest import Answer, Call, client, succeeded

MODULE = "autoscaling_instance_refresh"
NAME = "stack-web"
ALARM = "stack/target-5xx"


class Group:
    """A group of two, and a thread that does for its instances what a data plane does."""

    def __init__(self) -> None:
        self.ec2, self.autoscaling = client("ec2"), client("autoscaling")
        vpc = self.ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
        subnet = self.ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.0.0/24", AvailabilityZone="eu-west-1a")["Subnet"]
        self.template = self.ec2.create_launch_template(LaunchTemplateName="stack", LaunchTemplateData=self._data(1))[
            "LaunchTemplate"
        ]["LaunchTemplateId"]
        self.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=NAME,
            LaunchTemplate={"LaunchTemplateId": self.template, "Version": "1"},
            MinSize=2,
            MaxSize=4,
            DesiredCapacity=2,
            VPCZoneIdentifier=subnet["SubnetId"],
        )
        self._over = threading.Event()
        self._hands = threading.Thread(target=self._serve, daemon=True)
        self._hands.start()

    @staticmethod
    def _data(number: int) -> dict[str, Any]:
        user_data = base64.b64encode(str(number).encode()).decode()
        return {"ImageId": DEBIAN_13_IMAGE_ID, "InstanceType": "t3.small", "UserData": user_data}

    def _serve(self) -> None:
        while not self._over.wait(0.1):
            for reservation in self.ec2.describe_instances()["Reservations"]:
                for instance in reservation["Instances"]:
                    match instance["State"]["Name"]:
                        case "pending":
                            backchannel.set_instance_state(instance["InstanceId"], "running")
                        case "shutting-down":
                            backchannel.set_instance_state(instance["InstanceId"], "terminated")

    def version(self, number: int) -> Answer:
        made = self.ec2.create_launch_template_version(
            LaunchTemplateId=self.template, LaunchTemplateData=self._data(number)
        )
        return {"id": self.template, "version": str(made["LaunchTemplateVersion"]["VersionNumber"])}

    def versions(self) -> tuple[str, set[str]]:
        """The group's own, and those of its instances."""
        found = self.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[NAME])["AutoScalingGroups"][0]
        instances = {
            one["LaunchTemplate"]["Version"] for one in found["Instances"] if one["LifecycleState"] == "InService"
        }
        return found["LaunchTemplate"]["Version"], instances

    def end(self) -> None:
        self.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=NAME, ForceDelete=True)
        self._over.wait(1)
        self._over.set()
        self._hands.join()
        self.ec2.delete_launch_template(LaunchTemplateName="stack")


@pytest.fixture
def group() -> Iterator[Group]:
    attach_data_plane()
    made = Group()
    yield made
    made.end()
    attach_data_plane(False)


def alarm(state: str) -> None:
    cloudwatch = client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=ALARM,
        Namespace="AWS/ApplicationELB",
        MetricName="HTTPCode_Target_5XX_Count",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue=state, StateReason="a test")


def options(template: Answer, **more: Any) -> Answer:
    return {
        "group_name": NAME,
        "launch_template": template,
        "min_healthy_percent": 100,
        "max_healthy_percent": 150,
        "warmup_seconds": 0,
        "alarms": [ALARM],
        "wait_timeout": 60,
        **more,
    }


def test_everything_is_replaced_once(call: Call, group: Group) -> None:
    wanted = options(group.version(2))
    foretold = succeeded(call(MODULE, check=True, **wanted))
    assert {change["field"] for change in foretold["changes"]} == {"launch_template.version", "outdated"}
    assert group.versions() == ("1", {"1"})

    done = succeeded(call(MODULE, **wanted))
    assert done["changes"] == foretold["changes"]
    assert done["instance_refresh"]["status"] == "Successful"
    assert done["instance_refresh"]["progress"][-1]["percentage_complete"] == 100
    assert f"The alarm {ALARM} does not exist" in json.dumps(done["warnings"])
    assert group.versions() == ("2", {"2"})

    for check in (True, False):
        again = succeeded(call(MODULE, check=check, **wanted))
        assert not again["changed"]


def test_an_alarm_takes_everything_back(call: Call, group: Group) -> None:
    alarm("OK")
    later = threading.Timer(2, alarm, ["ALARM"])
    later.start()
    failed = call(MODULE, **options(group.version(2), bake_seconds=300))
    later.join()
    assert failed["failed"]
    assert "RollbackSuccessful" in failed["msg"]
    assert ALARM in failed["msg"]
    assert group.versions() == ("1", {"1"})

    # What sounds already cannot tell whether new instances are worse, and must not be in the way of the repair.
    repaired = succeeded(call(MODULE, **options(group.version(3))))
    assert "sounds already" in json.dumps(repaired["warnings"])
    assert group.versions() == ("3", {"3"})


def test_a_refresh_is_stopped(call: Call, group: Group) -> None:
    assert not succeeded(call(MODULE, group_name=NAME, state="absent"))["changed"]
    succeeded(call(MODULE, **options(group.version(2), checkpoint_percents=[50, 100]), wait=False))
    assert succeeded(call(MODULE, check=True, group_name=NAME, state="absent"))["changed"]
    assert succeeded(call(MODULE, group_name=NAME, state="absent"))["changed"]
    assert not succeeded(call(MODULE, group_name=NAME, state="absent"))["changed"]
    assert group.versions()[0] == "1"
