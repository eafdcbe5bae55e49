"""Auto Scaling's view of load balancer health: who is replaced, and when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moto.moto_api._internal.models import moto_api_backend

from rehearsal.dataplane.autoscaling import AutoScalingGroups, Member, checks_load_balancer, to_replace
from rehearsal.emulator import backchannel
from rehearsal.emulator.server import Emulator


def member(
    name: str,
    target: str = "healthy",
    *,
    lifecycle: str = "InService",
    health: str = "Healthy",
    age: float | None = 1000,
) -> Member:
    return Member(name, lifecycle, health, age, frozenset({target}))


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param([member("a"), member("b")], [], id="all well"),
        pytest.param([member("a"), member("b", "unhealthy")], ["b"], id="one is ill"),
        pytest.param([member("a"), member("b", "unhealthy", age=10)], [], id="within the grace period"),
        pytest.param([member("a"), member("b", "initial")], [], id="not checked yet"),
        pytest.param([member("a"), member("c", "unhealthy"), member("b", "unhealthy")], ["b"], id="one at a time"),
        pytest.param(
            [member("a"), member("b", "unhealthy"), member("c", lifecycle="Terminating", age=None)],
            [],
            id="none while another one goes",
        ),
        pytest.param(
            [
                member("a"),
                member("b", "unhealthy"),
                member("c", lifecycle="Terminating:Wait", health="Unhealthy", age=None),
            ],
            ["b"],
            id="who waits for its hook is gone already",
        ),
        pytest.param(
            [member("a"), member("b", "unhealthy"), member("c", lifecycle="Pending:Wait", age=None)],
            [],
            id="none while another one comes",
        ),
        pytest.param(
            [member("a"), member("b", "unhealthy"), member("c", "initial")], [], id="a newcomer is not checked"
        ),
        pytest.param(
            [member("a"), member("b", "unhealthy"), member("c", "unhealthy", health="Unhealthy")],
            [],
            id="one is marked already",
        ),
        pytest.param([member("a", "unhealthy"), member("b", "unhealthy")], ["a", "b"], id="all are dead"),
        pytest.param(
            [member("a", "unhealthy"), member("b", lifecycle="Pending", age=None)], ["a"], id="the last one is dead"
        ),
        pytest.param([member("a", "unhealthy", lifecycle="Standby", age=None)], [], id="in standby"),
        pytest.param([], [], id="empty"),
    ],
)
def test_who_is_replaced(members: list[Member], expected: list[str]) -> None:
    assert to_replace(members, grace_seconds=300) == expected


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ({"HealthCheckType": "ELB", "TargetGroupARNs": ["arn"]}, True),
        ({"HealthCheckType": "EC2, ELB", "TargetGroupARNs": ["arn"]}, True),
        ({"HealthCheckType": "EC2", "TargetGroupARNs": ["arn"]}, False),
        ({"HealthCheckType": "ELB", "TargetGroupARNs": []}, False),
        (
            {
                "HealthCheckType": "ELB",
                "TargetGroupARNs": ["arn"],
                "SuspendedProcesses": [{"ProcessName": "HealthCheck"}],
            },
            False,
        ),
    ],
)
def test_which_groups_listen(group: dict[str, Any], expected: bool) -> None:
    assert checks_load_balancer(group) is expected


# -- against the emulated account ----------------------------------------------------------------------------


class OfThisTest:
    """As much of a data plane's context as the controller uses."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def client(self, service: str, region: str | None = None) -> Any:
        from rehearsal.dataplane.context import _client

        return _client(service, region or "eu-west-1", self._endpoint)


@pytest.fixture
def context() -> Iterator[OfThisTest]:
    moto_api_backend.reset()
    emulator = Emulator(0, data_plane=True)
    emulator.start()
    yield OfThisTest(emulator.endpoint)
    emulator.stop()
    backchannel.attach_data_plane(False)
    moto_api_backend.reset()


def make_group(context: OfThisTest) -> tuple[str, str]:
    """A group of two with a target group; both instances run. Returns the group's name and the target group."""
    ec2, elbv2, scaling = (context.client(name) for name in ("ec2", "elbv2", "autoscaling"))
    vpc = ec2.create_vpc(CidrBlock="10.33.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.33.{n}.0/24", AvailabilityZone=f"eu-west-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]
    image = ec2.describe_images()["Images"][0]["ImageId"]
    ec2.create_launch_template(
        LaunchTemplateName="replaced", LaunchTemplateData={"ImageId": image, "InstanceType": "t3.micro"}
    )
    group = elbv2.create_target_group(Name="replaced", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]
    balancer = elbv2.create_load_balancer(Name="replaced", Subnets=subnets)["LoadBalancers"][0]
    elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}],
    )
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="replaced",
        LaunchTemplate={"LaunchTemplateName": "replaced", "Version": "1"},
        MinSize=2,
        MaxSize=2,
        VPCZoneIdentifier=",".join(subnets),
        TargetGroupARNs=[group["TargetGroupArn"]],
        HealthCheckType="ELB",
        HealthCheckGracePeriod=0,
    )
    run_pending(context)
    return "replaced", group["TargetGroupArn"]


def run_pending(context: OfThisTest) -> None:
    """What the data plane does when hosts have booted."""
    for reservation in context.client("ec2").describe_instances()["Reservations"]:
        for instance in reservation["Instances"]:
            if instance["State"]["Name"] == "pending":
                backchannel.set_instance_state(instance["InstanceId"], "running")


def states(context: OfThisTest, name: str) -> dict[str, str]:
    group = context.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    return {one["InstanceId"]: one["LifecycleState"] for one in group["AutoScalingGroups"][0]["Instances"]}


def test_an_ill_instance_is_replaced(context: OfThisTest) -> None:
    name, arn = make_group(context)
    first, second = sorted(states(context, name))
    controller = AutoScalingGroups(context)  # type: ignore[arg-type]
    for instance_id in (first, second):
        backchannel.set_target_health(arn, instance_id, 80, "healthy")
    controller.reconcile()
    assert states(context, name) == {first: "InService", second: "InService"}
    backchannel.set_target_health(arn, second, 80, "unhealthy", "Target.Timeout", "Request timed out")
    controller.reconcile()
    found = states(context, name)
    assert found[first] == "InService"
    assert found.get(second, "gone") != "InService"
    assert set(found) - {first, second}
    # While the successor comes, the other one stays, whatever its health.
    backchannel.set_target_health(arn, first, 80, "unhealthy", "Target.Timeout", "Request timed out")
    newcomer = next(iter(set(found) - {first, second}))
    run_pending(context)
    controller.reconcile()
    assert states(context, name)[first] == "InService"
    backchannel.set_target_health(arn, newcomer, 80, "healthy")
    activities = context.client("autoscaling").describe_scaling_activities(AutoScalingGroupName=name)["Activities"]
    assert any("health" in activity["Cause"] for activity in activities)
