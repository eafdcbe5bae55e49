"""The Auto Scaling engine: spreading, replacing, draining, refreshing."""

from __future__ import annotations

import base64
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.emulator import backchannel
from rehearsal.images import DEBIAN_13_IMAGE_ID

from .conftest import Clients, Network


class Group:
    """An Auto Scaling group behind a target group, and a data plane that does what it is told to."""

    def __init__(self, client: Clients, network: Network, name: str, **arguments: Any) -> None:
        self.ec2, self.elbv2, self.autoscaling = client("ec2"), client("elbv2"), client("autoscaling")
        self.name = name
        balancer = self.elbv2.create_load_balancer(
            Name=name, Subnets=network.subnet_ids, SecurityGroups=[network.group_id]
        )["LoadBalancers"][0]
        self.targets = self.elbv2.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=network.vpc_id)[
            "TargetGroups"
        ][0]["TargetGroupArn"]
        self.elbv2.modify_target_group_attributes(
            TargetGroupArn=self.targets,
            Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "1"}],
        )
        self.elbv2.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.targets}],
        )
        self.template = self.ec2.create_launch_template(
            LaunchTemplateName=name,
            LaunchTemplateData={
                "ImageId": DEBIAN_13_IMAGE_ID,
                "InstanceType": "t3.micro",
                "SecurityGroupIds": [network.group_id],
                "UserData": base64.b64encode(b"1").decode(),
                "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "From", "Value": "template"}]}],
            },
        )["LaunchTemplate"]["LaunchTemplateId"]
        self.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchTemplate={"LaunchTemplateId": self.template, "Version": "1"},
            VPCZoneIdentifier=",".join(network.subnet_ids),
            TargetGroupARNs=[self.targets],
            HealthCheckType="ELB",
            HealthCheckGracePeriod=0,
            Tags=[{"Key": "Role", "Value": "web", "PropagateAtLaunch": True}],
            **{"MinSize": 2, "MaxSize": 4, "DesiredCapacity": 2, **arguments},
        )

    def described(self) -> dict[str, Any]:
        found: dict[str, Any] = self.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])[
            "AutoScalingGroups"
        ][0]
        return found

    def members(self, state: str | None = None) -> list[dict[str, Any]]:
        return [one for one in self.described()["Instances"] if state in (None, one["LifecycleState"])]

    def ids(self, state: str | None = None) -> set[str]:
        return {one["InstanceId"] for one in self.members(state)}

    def health(self) -> dict[str, str]:
        found = self.elbv2.describe_target_health(TargetGroupArn=self.targets)["TargetHealthDescriptions"]
        return {one["Target"]["Id"]: one["TargetHealth"]["State"] for one in found}

    def version(self) -> str:
        found = self.ec2.create_launch_template_version(
            LaunchTemplateId=self.template,
            SourceVersion="1",
            LaunchTemplateData={"UserData": base64.b64encode(b"2").decode()},
        )
        return str(found["LaunchTemplateVersion"]["VersionNumber"])

    def boot(self) -> None:
        """What a data plane does in one round."""
        for reservation in self.ec2.describe_instances(
            Filters=[{"Name": "tag:aws:autoscaling:groupName", "Values": [self.name]}]
        )["Reservations"]:
            for instance in reservation["Instances"]:
                match instance["State"]["Name"]:
                    case "pending":
                        backchannel.set_instance_state(instance["InstanceId"], "running")
                    case "shutting-down":
                        backchannel.set_instance_state(instance["InstanceId"], "terminated")
                    case "stopping":
                        backchannel.set_instance_state(instance["InstanceId"], "stopped")
        for target, state in self.health().items():
            if state == "initial":
                backchannel.set_target_health(self.targets, target, 80, "healthy")

    def settle(self, done: Callable[[], bool], seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, (self.members(), self.health())
            self.boot()
            time.sleep(0.1)

    def is_steady(self, count: int = 2) -> bool:
        return len(self.ids()) == count == len(self.ids("InService")) == len(self.health())


def test_without_a_data_plane_a_group_is_complete_at_once(client: Clients, network: Network) -> None:
    group = Group(client, network, "at-once", DesiredCapacity=4)
    assert Counter(one["AvailabilityZone"] for one in group.members("InService")) == {"eu-west-1a": 2, "eu-west-1b": 2}
    assert set(group.health()) == group.ids()
    first = group.members()[0]["InstanceId"]
    instance = group.ec2.describe_instances(InstanceIds=[first])["Reservations"][0]["Instances"][0]
    tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
    assert tags["Role"] == "web"
    assert tags["From"] == "template"
    assert tags["aws:autoscaling:groupName"] == "at-once"
    assert tags["aws:ec2launchtemplate:version"] == "1"
    group.autoscaling.set_desired_capacity(AutoScalingGroupName="at-once", DesiredCapacity=2)
    assert Counter(one["AvailabilityZone"] for one in group.members()) == {"eu-west-1a": 1, "eu-west-1b": 1}
    with pytest.raises(ClientError, match="ResourceInUse"):
        group.autoscaling.delete_auto_scaling_group(AutoScalingGroupName="at-once")
    group.autoscaling.delete_auto_scaling_group(AutoScalingGroupName="at-once", ForceDelete=True)
    assert group.health() == {}


def test_an_instance_terminated_by_hand_is_replaced_and_registered(client: Clients, network: Network) -> None:
    group = Group(client, network, "by-hand")
    victim = min(group.ids())
    group.ec2.terminate_instances(InstanceIds=[victim])
    assert victim not in group.ids()
    assert len(group.ids("InService")) == 2
    assert set(group.health()) == group.ids()


@pytest.mark.usefixtures("data_plane")
class TestWithADataPlane:
    @pytest.fixture
    def group(self, client: Clients, network: Network, request: pytest.FixtureRequest) -> Group:
        name = request.node.name.removeprefix("test_").replace("_", "-")[:30].strip("-")
        group = Group(client, network, name)
        assert len(group.ids("Pending")) == 2
        assert group.health() == {}
        group.settle(group.is_steady)
        return group

    def test_scale_out_and_in(self, group: Group) -> None:
        group.autoscaling.set_desired_capacity(AutoScalingGroupName=group.name, DesiredCapacity=3)
        # Asking again launches nothing more while the first is pending.
        group.autoscaling.set_desired_capacity(AutoScalingGroupName=group.name, DesiredCapacity=3)
        assert len(group.ids("Pending")) == 1
        group.settle(lambda: group.is_steady(3))
        group.autoscaling.set_desired_capacity(AutoScalingGroupName=group.name, DesiredCapacity=2)
        [leaving] = group.ids("Terminating")
        assert group.health()[leaving] == "draining"
        started = time.monotonic()
        group.settle(lambda: leaving not in group.ids())
        assert time.monotonic() - started > 0.8

    def test_a_dead_host_is_replaced(self, group: Group) -> None:
        victim = min(group.ids())
        backchannel.instance_body_died(victim)
        assert len(group.ids("Pending")) == 1
        group.settle(lambda: victim not in group.ids() and group.is_steady())
        found = group.autoscaling.describe_scaling_activities(AutoScalingGroupName=group.name)["Activities"]
        assert any(victim in one["Description"] and one["StatusCode"] == "Successful" for one in found)

    def test_an_unhealthy_host_is_replaced_once(self, group: Group) -> None:
        victim = min(group.ids())
        backchannel.replace_unhealthy(group.name, victim)
        backchannel.replace_unhealthy(group.name, victim)
        assert len(group.ids("Pending")) == 1
        group.settle(lambda: victim not in group.ids() and group.is_steady())
        with pytest.raises(KeyError):
            backchannel.replace_unhealthy(group.name, victim)

    def test_the_group_launches_the_version_that_it_pins(self, group: Group) -> None:
        version = group.version()
        group.ec2.modify_launch_template(LaunchTemplateId=group.template, DefaultVersion=version)
        group.autoscaling.set_desired_capacity(AutoScalingGroupName=group.name, DesiredCapacity=3)
        group.settle(lambda: group.is_steady(3))
        assert {one["LaunchTemplate"]["Version"] for one in group.members()} == {"1"}
        group.autoscaling.update_auto_scaling_group(
            AutoScalingGroupName=group.name,
            LaunchTemplate={"LaunchTemplateId": group.template, "Version": version},
            DesiredCapacity=4,
        )
        group.settle(lambda: group.is_steady(4))
        assert Counter(one["LaunchTemplate"]["Version"] for one in group.members()) == {"1": 3, version: 1}
        assert group.described()["LaunchTemplate"]["Version"] == version

    def hook(self, group: Group, transition: str, **arguments: Any) -> str:
        name = f"{group.name}-{transition}"
        group.autoscaling.put_lifecycle_hook(
            AutoScalingGroupName=group.name,
            LifecycleHookName=name,
            LifecycleTransition=f"autoscaling:EC2_INSTANCE_{transition.upper()}",
            **{"HeartbeatTimeout": 600, "DefaultResult": "ABANDON", **arguments},
        )
        return name

    def complete(self, group: Group, hook: str, instance_id: str, result: str = "CONTINUE") -> None:
        group.autoscaling.complete_lifecycle_action(
            AutoScalingGroupName=group.name,
            LifecycleHookName=hook,
            InstanceId=instance_id,
            LifecycleActionResult=result,
        )

    def test_a_launch_waits_for_its_hook(self, group: Group) -> None:
        hook = self.hook(group, "launching")
        group.autoscaling.set_desired_capacity(AutoScalingGroupName=group.name, DesiredCapacity=3)
        group.settle(lambda: len(group.ids("Pending:Wait")) == 1)
        [waiting] = group.ids("Pending:Wait")
        # Who waits counts for the capacity, and gets no request yet.
        group.boot()
        assert len(group.ids()) == 3
        assert waiting not in group.health()
        with pytest.raises(ClientError, match="No active Lifecycle Action found with instance ID"):
            self.complete(group, "another", waiting)
        self.complete(group, hook, waiting)
        assert waiting in group.ids("InService")
        group.settle(lambda: group.is_steady(3))
        with pytest.raises(ClientError, match="No active Lifecycle Action"):
            self.complete(group, hook, waiting)

    def test_an_abandoned_launch_is_replaced(self, group: Group) -> None:
        hook = self.hook(group, "launching")
        group.autoscaling.set_desired_capacity(AutoScalingGroupName=group.name, DesiredCapacity=3)
        group.settle(lambda: len(group.ids("Pending:Wait")) == 1)
        [first] = group.ids("Pending:Wait")
        self.complete(group, hook, first, "ABANDON")
        group.settle(lambda: first not in group.ids() and len(group.ids("Pending:Wait")) == 1)
        found = group.autoscaling.describe_scaling_activities(AutoScalingGroupName=group.name)["Activities"]
        launches = [one for one in found if first in one["Description"] and "Launching" in one["Description"]]
        assert [one["StatusCode"] for one in launches] == ["Cancelled"]
        assert "was abandoned" in launches[0]["StatusMessage"]

    def test_a_hook_that_nobody_completes_has_its_default_result(
        self, group: Group, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        launching = self.hook(group, "launching", HeartbeatTimeout=30, DefaultResult="CONTINUE")
        group.autoscaling.set_desired_capacity(AutoScalingGroupName=group.name, DesiredCapacity=3)
        group.settle(lambda: len(group.ids("Pending:Wait")) == 1)
        [waiting] = group.ids("Pending:Wait")
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 25)
        group.autoscaling.record_lifecycle_action_heartbeat(
            AutoScalingGroupName=group.name, LifecycleHookName=launching, InstanceId=waiting
        )
        monkeypatch.setattr(time, "time", lambda: now + 45)
        time.sleep(1.5)
        assert group.ids("Pending:Wait") == {waiting}
        monkeypatch.setattr(time, "time", lambda: now + 60)
        group.settle(lambda: waiting in group.ids("InService"))

    def test_who_leaves_is_drained_first_and_then_waits_for_its_hook(self, group: Group) -> None:
        hook = self.hook(group, "terminating", DefaultResult="CONTINUE")
        group.autoscaling.set_desired_capacity(AutoScalingGroupName=group.name, DesiredCapacity=3)
        group.settle(lambda: group.is_steady(3))
        group.autoscaling.set_desired_capacity(AutoScalingGroupName=group.name, DesiredCapacity=2)
        [leaving] = group.ids("Terminating")
        assert group.health()[leaving] == "draining"
        with pytest.raises(ClientError, match="No active Lifecycle Action"):
            self.complete(group, hook, leaving)
        group.settle(lambda: group.ids("Terminating:Wait") == {leaving})
        assert leaving not in group.health()
        states = group.ec2.describe_instances(InstanceIds=[leaving])["Reservations"][0]["Instances"][0]["State"]
        assert states["Name"] == "running"
        self.complete(group, hook, leaving)
        group.settle(lambda: leaving not in group.ids() and group.is_steady())

    def test_a_dead_host_waits_for_nobody_and_is_replaced_at_once(self, group: Group) -> None:
        hook = self.hook(group, "terminating", DefaultResult="CONTINUE")
        victim = min(group.ids())
        group.ec2.terminate_instances(InstanceIds=[victim])
        group.settle(lambda: len(group.ids("InService")) == 2 and victim not in group.ids("InService"))
        # Nobody is there to complete the action: its time runs out, or somebody else completes it.
        assert group.ids("Terminating:Wait") == {victim}
        self.complete(group, hook, victim)
        group.settle(group.is_steady)

    def test_a_hook_that_is_deleted_lets_everybody_go(self, group: Group) -> None:
        launching, terminating = self.hook(group, "launching"), self.hook(group, "terminating")
        group.autoscaling.set_desired_capacity(AutoScalingGroupName=group.name, DesiredCapacity=3)
        group.settle(lambda: len(group.ids("Pending:Wait")) == 1)
        [waiting] = group.ids("Pending:Wait")
        group.autoscaling.delete_lifecycle_hook(AutoScalingGroupName=group.name, LifecycleHookName=launching)
        group.settle(lambda: group.ids("Terminating:Wait") == {waiting})
        group.autoscaling.delete_lifecycle_hook(AutoScalingGroupName=group.name, LifecycleHookName=terminating)
        group.settle(lambda: group.is_steady(3))

    def test_a_group_that_is_deleted_by_force_waits_for_no_hook(self, group: Group) -> None:
        self.hook(group, "terminating")
        group.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=group.name, ForceDelete=True)
        find = group.autoscaling.describe_auto_scaling_groups
        group.settle(lambda: not find(AutoScalingGroupNames=[group.name])["AutoScalingGroups"])

    def test_a_refresh_fails_when_no_new_instance_completes_its_launch(self, group: Group) -> None:
        hook = self.hook(group, "launching")
        self.refresh(
            group,
            DesiredConfiguration={"LaunchTemplate": {"LaunchTemplateId": group.template, "Version": group.version()}},
            Preferences={"MinHealthyPercentage": 100, "MaxHealthyPercentage": 150, "InstanceWarmup": 0},
        )

        def over() -> bool:
            for instance_id in group.ids("Pending:Wait"):
                self.complete(group, hook, instance_id, "ABANDON")
            return str(self.refresh_state(group)["Status"]) == "Failed"

        group.settle(over)
        assert len(group.ids("InService")) == 2

    def refresh(self, group: Group, **arguments: Any) -> str:
        started = group.autoscaling.start_instance_refresh(AutoScalingGroupName=group.name, **arguments)
        return str(started["InstanceRefreshId"])

    def refresh_state(self, group: Group) -> dict[str, Any]:
        found: dict[str, Any] = group.autoscaling.describe_instance_refreshes(AutoScalingGroupName=group.name)[
            "InstanceRefreshes"
        ][0]
        return found

    def test_refresh_launches_before_terminating(self, group: Group) -> None:
        before, version = group.ids(), group.version()
        desired = {"LaunchTemplate": {"LaunchTemplateId": group.template, "Version": version}}
        preferences = {
            "MinHealthyPercentage": 100,
            "MaxHealthyPercentage": 150,
            "InstanceWarmup": 0,
            "SkipMatching": True,
            "AutoRollback": True,
        }
        self.refresh(group, DesiredConfiguration=desired, Preferences=preferences)
        with pytest.raises(ClientError, match="InstanceRefreshInProgress"):
            self.refresh(group)
        lowest, highest = 99, 0

        def finished() -> bool:
            nonlocal lowest, highest
            healthy = [state for state in group.health().values() if state == "healthy"]
            staying = len(group.ids("Pending") | group.ids("InService"))
            lowest, highest = min(lowest, len(healthy)), max(highest, staying)
            return str(self.refresh_state(group)["Status"]) == "Successful"

        group.settle(finished)
        assert (lowest, highest) == (2, 3)
        group.settle(group.is_steady)
        assert not before & group.ids()
        assert {one["LaunchTemplate"]["Version"] for one in group.members()} == {version}
        assert group.described()["LaunchTemplate"]["Version"] == version
        assert self.refresh_state(group)["PercentageComplete"] == 100

    def test_refresh_with_nothing_to_do(self, group: Group) -> None:
        before = group.ids()
        self.refresh(group, Preferences={"SkipMatching": True})
        group.settle(lambda: str(self.refresh_state(group)["Status"]) == "Successful")
        assert group.ids() == before

    def test_refresh_replaces_one_after_the_other(self, group: Group) -> None:
        before = group.ids()
        self.refresh(group, Preferences={"MinHealthyPercentage": 50, "InstanceWarmup": 0})
        lowest = 99

        def finished() -> bool:
            nonlocal lowest
            lowest = min(lowest, len([state for state in group.health().values() if state == "healthy"]))
            return str(self.refresh_state(group)["Status"]) == "Successful"

        group.settle(finished)
        assert lowest == 1
        assert not before & group.ids("InService")

    def test_refresh_rolls_back_when_the_new_ones_die(self, group: Group) -> None:
        version = group.version()
        self.refresh(
            group,
            DesiredConfiguration={"LaunchTemplate": {"LaunchTemplateId": group.template, "Version": version}},
            Preferences={
                "MinHealthyPercentage": 100,
                "MaxHealthyPercentage": 200,
                "InstanceWarmup": 0,
                "AutoRollback": True,
            },
        )
        end = time.monotonic() + 20
        while not str(self.refresh_state(group)["Status"]).startswith("Rollback"):
            assert time.monotonic() < end
            for member in group.members("Pending"):
                backchannel.instance_body_died(member["InstanceId"])
            time.sleep(0.1)
        group.settle(lambda: str(self.refresh_state(group)["Status"]) == "RollbackSuccessful")
        group.settle(group.is_steady)
        assert {one["LaunchTemplate"]["Version"] for one in group.members()} == {"1"}
        assert group.described()["LaunchTemplate"]["Version"] == "1"

    def sound(self, client: Clients, name: str, state: str) -> None:
        cloudwatch = client("cloudwatch")
        if state == "INSUFFICIENT_DATA":
            cloudwatch.put_metric_alarm(
                AlarmName=name,
                Namespace="AWS/ApplicationELB",
                MetricName="HTTPCode_Target_5XX_Count",
                Statistic="Sum",
                Period=60,
                EvaluationPeriods=1,
                Threshold=1,
                ComparisonOperator="GreaterThanThreshold",
            )
        else:
            cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")

    def test_refresh_rolls_back_when_an_alarm_sounds(self, group: Group, client: Clients) -> None:
        alarm = f"{group.name}/target-5xx"
        self.sound(client, alarm, "INSUFFICIENT_DATA")
        desired = {"LaunchTemplate": {"LaunchTemplateId": group.template, "Version": group.version()}}
        preferences = {
            "MinHealthyPercentage": 100,
            "MaxHealthyPercentage": 150,
            "InstanceWarmup": 0,
            "AutoRollback": True,
            "AlarmSpecification": {"Alarms": [alarm]},
            "BakeTime": 600,
        }
        self.refresh(group, DesiredConfiguration=desired, Preferences=preferences)
        group.settle(lambda: str(self.refresh_state(group)["Status"]) == "Baking")
        with pytest.raises(ClientError, match="not available for update while the instance refresh is active"):
            group.autoscaling.update_auto_scaling_group(AutoScalingGroupName=group.name, **desired)
        self.sound(client, alarm, "ALARM")
        group.settle(lambda: str(self.refresh_state(group)["Status"]) == "RollbackSuccessful")
        group.settle(group.is_steady)
        assert alarm in self.refresh_state(group)["RollbackDetails"]["RollbackReason"]
        assert {one["LaunchTemplate"]["Version"] for one in group.members()} == {"1"}
        assert group.described()["LaunchTemplate"]["Version"] == "1"

    def test_refresh_without_rollback_fails_when_an_alarm_sounds(self, group: Group, client: Clients) -> None:
        alarm = f"{group.name}/latency"
        self.sound(client, alarm, "INSUFFICIENT_DATA")
        self.refresh(group, Preferences={"AlarmSpecification": {"Alarms": [alarm]}, "BakeTime": 600})
        self.sound(client, alarm, "ALARM")
        group.settle(lambda: str(self.refresh_state(group)["Status"]) == "Failed")
        assert alarm in self.refresh_state(group)["StatusReason"]

    def test_refresh_waits_at_a_checkpoint(self, group: Group) -> None:
        version = group.version()
        preferences = {
            "MinHealthyPercentage": 100,
            "MaxHealthyPercentage": 200,
            "InstanceWarmup": 0,
            "CheckpointPercentages": [50, 100],
            "CheckpointDelay": 2,
        }
        desired = {"LaunchTemplate": {"LaunchTemplateId": group.template, "Version": version}}
        self.refresh(group, DesiredConfiguration=desired, Preferences=preferences)
        group.settle(lambda: "checkpoint of 50" in str(self.refresh_state(group).get("StatusReason")))
        reached = time.monotonic()
        versions = Counter(one["LaunchTemplate"]["Version"] for one in group.members("InService"))
        assert versions == {"1": 1, version: 1}
        assert self.refresh_state(group)["PercentageComplete"] == 50
        group.settle(lambda: str(self.refresh_state(group)["Status"]) == "Successful")
        assert time.monotonic() - reached > 1.5
        assert {one["LaunchTemplate"]["Version"] for one in group.members("InService")} == {version}

    def test_refresh_replaces_what_is_protected_when_it_is_told_to(self, group: Group) -> None:
        before = group.ids()
        group.autoscaling.set_instance_protection(
            AutoScalingGroupName=group.name, InstanceIds=sorted(before), ProtectedFromScaleIn=True
        )
        desired = {"LaunchTemplate": {"LaunchTemplateId": group.template, "Version": group.version()}}
        self.refresh(
            group,
            DesiredConfiguration=desired,
            Preferences={"InstanceWarmup": 0, "SkipMatching": True, "ScaleInProtectedInstances": "Ignore"},
        )
        group.settle(lambda: str(self.refresh_state(group)["Status"]) == "Successful")
        assert group.ids() == before
        self.refresh(group, Preferences={"InstanceWarmup": 0, "ScaleInProtectedInstances": "Refresh"})
        group.settle(lambda: str(self.refresh_state(group)["Status"]) == "Successful")
        assert not before & group.ids("InService")

    def test_a_cancelled_refresh_stops(self, group: Group) -> None:
        self.refresh(group, Preferences={"MinHealthyPercentage": 100, "MaxHealthyPercentage": 150})
        group.autoscaling.cancel_instance_refresh(AutoScalingGroupName=group.name)
        assert self.refresh_state(group)["Status"] == "Cancelled"
        group.settle(group.is_steady)

    def test_a_deleted_group_shows_until_its_hosts_are_gone(self, group: Group) -> None:
        group.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=group.name, ForceDelete=True)
        assert group.described()["Status"] == "Delete in progress"

        def gone() -> bool:
            found = group.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group.name])
            return not found["AutoScalingGroups"]

        group.settle(gone)
        assert group.health() == {}


def test_limits(client: Clients, network: Network) -> None:
    group = Group(client, network, "limits")
    with pytest.raises(ClientError, match="above max value 4"):
        group.autoscaling.set_desired_capacity(AutoScalingGroupName="limits", DesiredCapacity=5)
    with pytest.raises(ClientError, match="must be between"):
        group.autoscaling.update_auto_scaling_group(AutoScalingGroupName="limits", DesiredCapacity=9)
    group.autoscaling.update_auto_scaling_group(AutoScalingGroupName="limits", MinSize=3)
    assert group.described()["DesiredCapacity"] == len(group.ids()) == 3
    with pytest.raises(ClientError, match="AlreadyExists"):
        group.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName="limits", MinSize=0, MaxSize=0, AvailabilityZones=["eu-west-1a"]
        )
    group.autoscaling.enable_metrics_collection(AutoScalingGroupName="limits", Granularity="1Minute")
    group.autoscaling.disable_metrics_collection(AutoScalingGroupName="limits")
    assert group.described().get("EnabledMetrics", []) == []


def test_what_no_refresh_may_ask_for(client: Clients, network: Network) -> None:
    group = Group(client, network, "refusals")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"CheckpointPercentages": [50, 20]}, "ascending"),
        ({"CheckpointDelay": 5}, "requires CheckpointPercentages"),
        ({"AlarmSpecification": {"Alarms": [str(number) for number in range(11)]}}, "up to 10"),
        ({"AutoRollback": True}, "DesiredConfiguration is empty"),
    ]
    for preferences, says in wrong:
        with pytest.raises(ClientError, match=says):
            group.autoscaling.start_instance_refresh(AutoScalingGroupName=group.name, Preferences=preferences)
    group.autoscaling.update_auto_scaling_group(
        AutoScalingGroupName=group.name, LaunchTemplate={"LaunchTemplateId": group.template, "Version": "$Latest"}
    )
    with pytest.raises(ClientError, match="Latest or"):
        group.autoscaling.start_instance_refresh(
            AutoScalingGroupName=group.name,
            DesiredConfiguration={"LaunchTemplate": {"LaunchTemplateId": group.template, "Version": "1"}},
            Preferences={"AutoRollback": True},
        )


def test_a_hook_has_what_it_was_given(client: Clients, network: Network) -> None:
    group = Group(client, network, "hooks")
    plain = {"AutoScalingGroupName": "hooks", "LifecycleHookName": "hooks-launch"}
    launching = "autoscaling:EC2_INSTANCE_LAUNCHING"
    for wrong in (
        {"LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCH"},
        {"LifecycleTransition": launching, "HeartbeatTimeout": 10},
        {"LifecycleTransition": launching, "DefaultResult": "IGNORE"},
    ):
        with pytest.raises(ClientError, match="ValidationError"):
            group.autoscaling.put_lifecycle_hook(**plain, **wrong)
    group.autoscaling.put_lifecycle_hook(**plain, LifecycleTransition=launching, HeartbeatTimeout=90)
    group.autoscaling.put_lifecycle_hook(**plain, DefaultResult="CONTINUE")
    [found] = group.autoscaling.describe_lifecycle_hooks(AutoScalingGroupName="hooks")["LifecycleHooks"]
    assert found == {
        **plain,
        "LifecycleTransition": launching,
        "HeartbeatTimeout": 90,
        "GlobalTimeout": 9000,
        "DefaultResult": "CONTINUE",
    }
    group.autoscaling.delete_lifecycle_hook(**plain)
    with pytest.raises(ClientError, match="No Lifecycle Hook found"):
        group.autoscaling.delete_lifecycle_hook(**plain)
