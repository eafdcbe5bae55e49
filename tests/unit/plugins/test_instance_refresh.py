"""When a refresh is started, what it is asked for, and how its end is told. AWS is botocore's stub."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible_collections.slipway.aws.plugins.module_utils.aws import Api
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields, RefusalError, converge
from ansible_collections.slipway.aws.plugins.modules import autoscaling_instance_refresh as module
from botocore.stub import Stubber

NAME = "stack-web"
TEMPLATE = "lt-0123456789abcdef0"
REFRESH = "08b91cf7-8fa6-48af-b6a6-d227f40f1b9b"
WANTED = {"id": TEMPLATE, "version": "2"}


def params(**changed: Any) -> Fields:
    defaults = {name: option.get("default") for name, option in module.ARGUMENTS.items()}
    return {**defaults, "group_name": NAME, "launch_template": WANTED, **changed}


def specification(version: str) -> Fields:
    return {"LaunchTemplateId": TEMPLATE, "LaunchTemplateName": "stack", "Version": version}


def instance(number: int, version: str, state: str = "InService", **more: Any) -> Fields:
    return {
        "InstanceId": f"i-{number}",
        "AvailabilityZone": "eu-west-1a",
        "LifecycleState": state,
        "HealthStatus": "Healthy",
        "LaunchTemplate": specification(version),
        "ProtectedFromScaleIn": False,
        **more,
    }


def group(version: str, *instances: Fields, **more: Any) -> Fields:
    return {
        "AutoScalingGroupName": NAME,
        "MinSize": 2,
        "MaxSize": 4,
        "DesiredCapacity": 2,
        "DefaultCooldown": 300,
        "AvailabilityZones": ["eu-west-1a"],
        "HealthCheckType": "ELB",
        "CreatedTime": 0,
        "Instances": list(instances),
        "LaunchTemplate": specification(version),
        **more,
    }


def refresh(status: str, *, version: str = "2", **more: Any) -> Fields:
    return {
        "InstanceRefreshId": REFRESH,
        "AutoScalingGroupName": NAME,
        "Status": status,
        "PercentageComplete": 50,
        "DesiredConfiguration": {"LaunchTemplate": specification(version)},
        **more,
    }


class Aws:
    """Both services; what is asked has to be asked in this order."""

    def __init__(self) -> None:
        untyped: Any = boto3
        made = {
            service: untyped.client(service, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
            for service in ("autoscaling", "cloudwatch")
        }
        self.autoscaling, self.cloudwatch = (Stubber(client) for client in made.values())
        self.apis = {service: Api(client, retries=1, delay=0) for service, client in made.items()}
        self.autoscaling.activate()
        self.cloudwatch.activate()

    def groups(self, *found: Fields) -> None:
        self.autoscaling.add_response(
            "describe_auto_scaling_groups", {"AutoScalingGroups": list(found)}, {"AutoScalingGroupNames": [NAME]}
        )

    def refreshes(self, *found: Fields, refresh_id: str | None = None) -> None:
        which: Fields = {"InstanceRefreshIds": [refresh_id]} if refresh_id else {"MaxRecords": 1}
        expected = {"AutoScalingGroupName": NAME, **which}
        self.autoscaling.add_response("describe_instance_refreshes", {"InstanceRefreshes": list(found)}, expected)

    def started(self, **expected: Any) -> None:
        whole = {"AutoScalingGroupName": NAME, "Strategy": "Rolling", **expected}
        self.autoscaling.add_response("start_instance_refresh", {"InstanceRefreshId": REFRESH}, whole)

    def alarms(self, names: list[str], states: dict[str, str]) -> None:
        found = [{"AlarmName": name, "StateValue": state} for name, state in states.items()]
        expected = {"AlarmNames": names, "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
        self.cloudwatch.add_response("describe_alarms", {"MetricAlarms": found}, expected)

    def converge(self, options: Fields, *, check: bool = False) -> tuple[Any, module.InstanceRefresh]:
        resource = module.InstanceRefresh(self.apis["autoscaling"], self.apis["cloudwatch"], options)
        outcome = converge(resource, state=options["state"], check_mode=check, wait=options["wait"])
        return outcome, resource


@pytest.fixture
def aws() -> Iterator[Aws]:
    made = Aws()
    yield made
    made.autoscaling.assert_no_pending_responses()
    made.cloudwatch.assert_no_pending_responses()


PREFERENCES = {
    "MinHealthyPercentage": 90,
    "MaxHealthyPercentage": 100,
    "SkipMatching": True,
    "AutoRollback": True,
    "ScaleInProtectedInstances": "Wait",
    "StandbyInstances": "Wait",
}
BARE = {"LaunchTemplateId": TEMPLATE, "Version": "2"}


def test_a_group_that_is_as_it_shall_be_is_left_alone(aws: Aws) -> None:
    aws.groups(group("2", instance(1, "2"), instance(2, "1", "Terminating:Wait")))
    aws.refreshes(refresh("Successful"))
    outcome, _ = aws.converge(params())
    assert outcome.changes == ()


def test_a_dry_run_names_the_instances_and_starts_nothing(aws: Aws) -> None:
    aws.groups(group("1", instance(1, "1"), instance(2, "2"), instance(3, "1", "Pending:Wait")))
    aws.refreshes()
    outcome, _ = aws.converge(params(), check=True)
    told = {change.field: (change.before, change.after) for change in outcome.changes}
    assert told == {"launch_template.version": ("1", "2"), "outdated": (["i-1", "i-3"], [])}


def test_everything_that_can_be_asked_for_is_asked_for(aws: Aws) -> None:
    options = params(
        wait=False,
        warmup_seconds=0,
        bake_seconds=300,
        checkpoint_percents=[50, 100],
        checkpoint_seconds=60,
        protected_instances="refresh",
        standby_instances="terminate",
        alarms=["stack/a", "stack/b", "stack/c"],
    )
    aws.groups(group("1", instance(1, "1")))
    aws.refreshes()
    aws.refreshes()
    aws.groups(group("1", instance(1, "1")))
    aws.alarms(["stack/a", "stack/b", "stack/c"], {"stack/a": "INSUFFICIENT_DATA", "stack/b": "ALARM"})
    aws.started(
        DesiredConfiguration={"LaunchTemplate": BARE},
        Preferences={
            **PREFERENCES,
            "InstanceWarmup": 0,
            "BakeTime": 300,
            "CheckpointPercentages": [50, 100],
            "CheckpointDelay": 60,
            "ScaleInProtectedInstances": "Refresh",
            "StandbyInstances": "Terminate",
            "AlarmSpecification": {"Alarms": ["stack/a"]},
        },
    )
    aws.refreshes(refresh("Pending"), refresh_id=REFRESH)
    outcome, resource = aws.converge(options)
    assert outcome.after["instance_refresh_id"] == REFRESH
    warnings = resource.top_level(outcome.after)["warnings"]
    assert ["b sounds already" in warnings[0], "c does not exist" in warnings[1]] == [True, True]


def test_a_group_of_mixed_types_keeps_its_types(aws: Aws) -> None:
    types = [{"InstanceType": "t3.small"}, {"InstanceType": "t3a.small"}]
    mixed: Fields = {
        "LaunchTemplate": {"LaunchTemplateSpecification": specification("1"), "Overrides": types},
        "InstancesDistribution": {"OnDemandBaseCapacity": 1},
    }
    of_types = group("1", instance(1, "1"), MixedInstancesPolicy=mixed)
    del of_types["LaunchTemplate"]
    aws.groups(of_types)
    aws.refreshes()
    aws.refreshes()
    aws.groups(of_types)
    policy = {**mixed, "LaunchTemplate": {"LaunchTemplateSpecification": BARE, "Overrides": types}}
    aws.started(DesiredConfiguration={"MixedInstancesPolicy": policy}, Preferences=PREFERENCES)
    aws.refreshes(refresh("Pending"), refresh_id=REFRESH)
    outcome, _ = aws.converge(params(wait=False))
    assert [change.field for change in outcome.changes] == ["launch_template.version", "outdated"]


def test_a_refresh_to_the_same_version_is_taken_over(aws: Aws) -> None:
    aws.groups(group("1", instance(1, "1"), instance(2, "2")))
    aws.refreshes(refresh("InProgress"))
    aws.refreshes(refresh("InProgress"))
    aws.refreshes(refresh("InProgress"), refresh_id=REFRESH)
    aws.refreshes(refresh("Baking", PercentageComplete=100), refresh_id=REFRESH)
    aws.refreshes(refresh("Successful", PercentageComplete=100), refresh_id=REFRESH)
    aws.groups(group("2", instance(3, "2"), instance(2, "2")))
    outcome, _ = aws.converge(params())
    assert outcome.changes
    assert outcome.after["outdated"] == []
    assert [step["status"] for step in outcome.after["progress"]] == ["InProgress", "Baking", "Successful"]


@pytest.mark.parametrize("other", [{"status": "InProgress", "version": "1"}, {"status": "RollbackInProgress"}])
def test_another_refresh_is_awaited_before_ours_is_started(aws: Aws, other: Any) -> None:
    aws.groups(group("1", instance(1, "1")))
    aws.refreshes(refresh(**other))
    aws.refreshes(refresh(**other))
    aws.refreshes(refresh("Cancelled"), refresh_id=REFRESH)
    aws.groups(group("1", instance(1, "1")))
    aws.started(DesiredConfiguration={"LaunchTemplate": BARE}, Preferences=PREFERENCES)
    aws.refreshes(refresh("Pending"), refresh_id=REFRESH)
    aws.converge(params(wait=False))


@pytest.mark.parametrize(
    ("end", "says"),
    [
        (
            refresh("RollbackSuccessful", RollbackDetails={"RollbackReason": "The alarm sounds."}),
            "The alarm sounds. All",
        ),
        (refresh("Failed", StatusReason="Three died."), "ended as Failed at 50 %: Three died. What was replaced stays"),
        (refresh("Cancelled"), "AWS gave no reason"),
    ],
)
def test_a_refresh_that_does_not_succeed_fails_with_the_reason(aws: Aws, end: Fields, says: str) -> None:
    aws.groups(group("1", instance(1, "1")))
    aws.refreshes(refresh("InProgress"))
    aws.refreshes(refresh("InProgress"))
    aws.refreshes(end, refresh_id=REFRESH)
    with pytest.raises(RefusalError, match=says):
        aws.converge(params())


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"min_healthy_percent": 50, "max_healthy_percent": 200}, "at most 100 between them"),
        ({"checkpoint_percents": [50, 50]}, "not ascending"),
        ({"checkpoint_percents": [0, 50]}, "not ascending"),
        ({"alarms": [f"a{number}" for number in range(11)]}, "ten alarms at most"),
        ({"launch_template": {"id": TEMPLATE, "version": "$Latest"}}, "nothing goes back"),
        ({"bake_seconds": 172801}, "bake_seconds is 172801"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_what_aws_would_refuse_is_refused_before(aws: Aws, changed: Fields, says: str, check: bool) -> None:
    aws.groups(group("1", instance(1, "1")))
    aws.refreshes()
    with pytest.raises(RefusalError, match=says):
        aws.converge(params(**changed), check=check)


def test_a_group_that_is_not_there_is_named(aws: Aws) -> None:
    aws.groups()
    with pytest.raises(RefusalError, match=f"no Auto Scaling group {NAME}"):
        aws.converge(params())


def test_what_is_ignored_is_not_out_of_date() -> None:
    of_three = group(
        "1", instance(1, "1", ProtectedFromScaleIn=True), instance(2, "1", "Standby"), instance(3, "1", "Detaching")
    )
    assert module.outdated(of_three, WANTED, params()) == ["i-1", "i-2"]
    ignoring = params(protected_instances="ignore", standby_instances="ignore")
    assert module.outdated(of_three, WANTED, ignoring) == []


def test_a_refresh_is_cancelled_and_its_end_awaited(aws: Aws) -> None:
    aws.groups(group("1"))
    aws.refreshes(refresh("InProgress"))
    aws.autoscaling.add_response(
        "cancel_instance_refresh", {"InstanceRefreshId": REFRESH}, {"AutoScalingGroupName": NAME}
    )
    aws.refreshes(refresh("Cancelling"), refresh_id=REFRESH)
    aws.refreshes(refresh("Cancelled"), refresh_id=REFRESH)
    outcome, _ = aws.converge(params(state="absent"))
    assert [change.field for change in outcome.changes] == ["state"]
    aws.groups(group("1"))
    aws.refreshes(refresh("Cancelled"))
    assert aws.converge(params(state="absent"))[0].changes == ()
