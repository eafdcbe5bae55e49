"""Web instances: what the group is made of, and how it comes to another template."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.emulator import account, backchannel
from rehearsal.images import DEBIAN_13_IMAGE_ID

from .conftest import ACCOUNT, TAGS, Clients, Converge, Values

GROUP = "stack-web"
ALARM = "stack/target-5xx"


@pytest.fixture
def variables(client: Clients) -> Values:
    """The role's inputs, and what they name."""
    ec2, elbv2 = client("ec2"), client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{number}.0/24", AvailabilityZone=f"eu-west-1{zone}")["Subnet"]
        for number, zone in enumerate("ab")
    ]
    targets = elbv2.create_target_group(Name=GROUP, Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]
    client("iam").create_instance_profile(InstanceProfileName=GROUP)
    group_id = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
    return {
        "aws_compute_name": "stack",
        "aws_compute_image_id": DEBIAN_13_IMAGE_ID,
        "aws_compute_instance_profile_arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/stack-web",
        "aws_compute_security_group_ids": [group_id],
        "aws_compute_subnet_ids": [subnet["SubnetId"] for subnet in subnets],
        "aws_compute_target_group_arn": targets["TargetGroupArn"],
        "aws_compute_tags": TAGS,
        "aws_compute_warmup_seconds": 0,
        "aws_compute_bake_seconds": 0,
        "aws_compute_poll_seconds": 1,
        "aws_compute_wait_seconds": 60,
        "aws_compute_refresh_alarms": [ALARM],
    }


@pytest.fixture
def slow_instances() -> Iterator[None]:
    """Whoever sets `account.data_plane.attached` says how long an instance takes to go."""
    yield
    account.data_plane.attached = False


def group(client: Clients) -> Any:
    return client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"][0]


def versions(client: Clients) -> tuple[str, list[str]]:
    found = group(client)
    return found["LaunchTemplate"]["Version"], [one["LaunchTemplate"]["Version"] for one in found["Instances"]]


def refreshes(client: Clients) -> list[Any]:
    found: list[Any] = client("autoscaling").describe_instance_refreshes(AutoScalingGroupName=GROUP)[
        "InstanceRefreshes"
    ]
    return found


def hooks(client: Clients) -> dict[str, tuple[str, int, str]]:
    found = client("autoscaling").describe_lifecycle_hooks(AutoScalingGroupName=GROUP)["LifecycleHooks"]
    return {
        one["LifecycleHookName"]: (one["LifecycleTransition"], one["HeartbeatTimeout"], one["DefaultResult"])
        for one in found
    }


def test_the_group_through_its_life(converge: Converge, client: Clients, variables: Values) -> None:
    made = converge.through_its_life("aws_compute", variables)
    assert made.result["group_name"] == GROUP
    assert versions(client) == ("1", ["1", "1"])
    assert refreshes(client) == []
    assert hooks(client) == {
        "stack-launch": ("autoscaling:EC2_INSTANCE_LAUNCHING", 600, "ABANDON"),
        "stack-terminate": ("autoscaling:EC2_INSTANCE_TERMINATING", 120, "CONTINUE"),
    }
    without = {**variables, "aws_compute_launch_seconds": 0, "aws_compute_leave_seconds": 90}
    for check in (True, False):
        changed = converge("aws_compute", without, check=check)
        assert changed.changed == ("group | Let an instance say when it is ready and when it has finished",)
    assert hooks(client) == {"stack-terminate": ("autoscaling:EC2_INSTANCE_TERMINATING", 90, "CONTINUE")}
    assert converge("aws_compute", without).changed == ()


def test_a_wait_that_auto_scaling_does_not_know_is_refused(converge: Converge, variables: Values) -> None:
    refused = converge("aws_compute", {**variables, "aws_compute_launch_seconds": 20}, check=True)
    assert refused.failed
    assert "30 to 7200 seconds" in refused.messages


def test_a_new_template_reaches_the_group_by_a_refresh(converge: Converge, client: Clients, variables: Values) -> None:
    assert not converge("aws_compute", variables).failed
    larger = {**variables, "aws_compute_root_volume_gib": 12}
    foretold = converge("aws_compute", larger, check=True)
    assert foretold.changed == ("template | Keep the launch template", "roll | Start the refresh")
    assert "(the next)" in foretold.differences
    assert versions(client) == ("1", ["1", "1"])

    done = converge("aws_compute", larger)
    assert not done.failed, done.messages
    assert set(foretold.changed) <= set(done.changed)
    assert versions(client) == ("2", ["2", "2"])
    [refresh] = refreshes(client)
    assert refresh["Preferences"]["AutoRollback"]
    assert refresh["DesiredConfiguration"]["LaunchTemplate"]["Version"] == "2"
    for check in (False, True):
        again = converge("aws_compute", larger, check=check)
        assert again.changed == (), again.differences


def test_a_refresh_that_goes_back_fails_the_run(converge: Converge, client: Clients, variables: Values) -> None:
    assert not converge("aws_compute", variables).failed
    client("cloudwatch").put_metric_alarm(
        AlarmName=ALARM,
        Namespace="AWS/ApplicationELB",
        MetricName="HTTPCode_Target_5XX_Count",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    larger = {**variables, "aws_compute_root_volume_gib": 12, "aws_compute_bake_seconds": 600}
    begun = converge.begin("aws_compute", larger)
    while not (found := refreshes(client)) or found[0]["Status"] != "Baking":
        assert begun.poll() is None, "it ended before it baked"
    client("cloudwatch").set_alarm_state(AlarmName=ALARM, StateValue="ALARM", StateReason="a test")
    failed = converge.end(begun)
    assert failed.failed
    assert "RollbackSuccessful" in failed.messages
    assert ALARM in failed.messages
    assert versions(client) == ("1", ["1", "1"])
    assert group(client)["DesiredCapacity"] == 2


def test_what_an_interrupted_run_began_is_awaited_first(converge: Converge, client: Clients, variables: Values) -> None:
    assert not converge("aws_compute", variables).failed
    larger = {**variables, "aws_compute_root_volume_gib": 12}
    begun = converge.begin("aws_compute", {**larger, "aws_compute_bake_seconds": 25})
    while not refreshes(client):
        assert begun.poll() is None, "it ended before it began"
    begun.kill()
    begun.communicate()
    again = converge("aws_compute", larger)
    assert not again.failed, again.messages
    assert "roll | Start the refresh" not in again.changed
    assert versions(client) == ("2", ["2", "2"])
    assert len(refreshes(client)) == 1


@pytest.mark.usefixtures("slow_instances")
def test_a_group_that_somebody_deletes_is_awaited_and_made_again(
    converge: Converge, client: Clients, variables: Values
) -> None:
    account.data_plane.attached = False
    assert not converge("aws_compute", variables).failed
    before = [one["InstanceId"] for one in group(client)["Instances"]]
    account.data_plane.attached = True
    client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=GROUP, ForceDelete=True)
    assert group(client)["Status"] == "Delete in progress"

    foretold = converge("aws_compute", variables, check=True)
    assert not foretold.failed, foretold.messages
    assert "group | Keep the Auto Scaling group" in foretold.changed
    begun = converge.begin("aws_compute", variables)
    time.sleep(8)
    assert begun.poll() is None, "it did not wait"
    account.data_plane.attached = False
    for instance in before:
        backchannel.set_instance_state(instance, "terminated")
    made = converge.end(begun)
    assert not made.failed, made.messages
    assert "Status" not in group(client)
    assert len(group(client)["Instances"]) == 2
    assert not {one["InstanceId"] for one in group(client)["Instances"]} & set(before)


def test_a_warm_pool_comes_and_goes(converge: Converge, client: Clients, variables: Values) -> None:
    warm = {**variables, "aws_compute_warm_pool_state": "Stopped", "aws_compute_warm_pool_min_size": 2}
    task = ("group | Let instances wait beside the group, or none",)

    def pool() -> Any:
        return client("autoscaling").describe_warm_pool(AutoScalingGroupName=GROUP).get("WarmPoolConfiguration")

    made = converge("aws_compute", warm)
    assert not made.failed, made.messages
    assert task[0] in made.changed
    assert (pool()["PoolState"], pool()["MinSize"]) == ("Stopped", 2)
    assert converge("aws_compute", warm).changed == ()
    for check in (True, False):
        assert converge("aws_compute", variables, check=check).changed == task
    assert pool() is None


def test_a_group_of_mixed_types_is_refreshed_as_one(converge: Converge, client: Clients, variables: Values) -> None:
    mixed = {**variables, "aws_compute_other_instance_types": ["t3a.small"], "aws_compute_on_demand_percent": 50}
    made = converge("aws_compute", mixed)
    assert not made.failed, made.messages
    policy = group(client)["MixedInstancesPolicy"]
    assert [one["InstanceType"] for one in policy["LaunchTemplate"]["Overrides"]] == ["t3.small", "t3a.small"]
    assert policy["InstancesDistribution"]["OnDemandPercentageAboveBaseCapacity"] == 50
    assert group(client)["CapacityRebalance"] is True

    larger = {**mixed, "aws_compute_root_volume_gib": 12}
    done = converge("aws_compute", larger)
    assert not done.failed, done.messages
    found = group(client)
    assert found["MixedInstancesPolicy"]["LaunchTemplate"]["LaunchTemplateSpecification"]["Version"] == "2"
    assert {one["LaunchTemplate"]["Version"] for one in found["Instances"]} == {"2"}
    assert "MixedInstancesPolicy" in refreshes(client)[0]["DesiredConfiguration"]
    for check in (False, True):
        again = converge("aws_compute", larger, check=check)
        assert again.changed == (), again.differences


@pytest.mark.parametrize("others", [[], ["t3a.small"]], ids=["one type", "several types"])
def test_the_end_of_a_group(converge: Converge, client: Clients, variables: Values, others: list[str]) -> None:
    made = converge("aws_compute", {**variables, "aws_compute_other_instance_types": others})
    assert not made.failed, made.messages
    foretold = converge("aws_compute", variables, check=True, stage="absent")
    assert not foretold.failed, foretold.messages
    ended = converge("aws_compute", variables, stage="absent")
    assert not ended.failed, ended.messages
    assert "absent | Scale the group to nothing" in ended.changed
    assert client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert client("ec2").describe_launch_templates()["LaunchTemplates"] == []
    again = converge("aws_compute", variables, stage="absent")
    assert again.changed == (), again.messages
