#!/usr/bin/python
"""Ansible module: the instances of an Auto Scaling group, replaced when they are not as they shall be."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: autoscaling_instance_refresh
version_added: 0.1.0
short_description: Bring a group and its instances to a version of a launch template
description:
  - M(amazon.aws.autoscaling_instance_refresh) starts a refresh whenever it is asked, and knows neither alarms, a way
    back, checkpoints nor a desired configuration.
  - This one starts a refresh when the group or one of its instances has another version, and only then.
  - The group gets the new version from the refresh, when it succeeds. A group that was updated before has nothing to
    go back to.
  - A refresh to the same version that runs already, such as that of a run that was interrupted, is taken over. One to
    another version is awaited first.
  - With O(wait=true) a refresh that does not succeed fails the task with AWS's reason, also when all was taken back.
author: Slipway
options:
  group_name:
    description: The group.
    type: str
    required: true
  state:
    description: V(present) brings everything to O(launch_template). V(absent) cancels a refresh that runs.
  launch_template:
    description: What the group and its instances shall have. Required with O(state=present).
    type: dict
    suboptions:
      id:
        description: Id of the launch template.
        type: str
        required: true
      version:
        description: Number of its version. V($Latest) and V($Default) are refused, since nothing goes back from them.
        type: str
        required: true
  min_healthy_percent:
    description: Part of the desired capacity that stays in service.
    type: int
    default: 90
  max_healthy_percent:
    description: Part of the desired capacity that may run at once; at most 100 above O(min_healthy_percent).
    type: int
    default: 100
  warmup_seconds:
    description: Seconds that a new instance has to be in service before it counts. The group's own when not set.
    type: int
  bake_seconds:
    description: Seconds for which O(alarms) are listened to after the last instance was replaced.
    type: int
    default: 0
  checkpoint_percents:
    description: After so many percent the refresh rests. Ascending; V(100) at the end, or the rest is not replaced.
    type: list
    elements: int
    default: []
  checkpoint_seconds:
    description: How long it rests.
    type: int
    default: 3600
  auto_rollback:
    description: Whether the instances go back to the group's version when the refresh fails or an alarm sounds.
    type: bool
    default: true
  alarms:
    description:
      - Names of up to ten CloudWatch alarms, each of which ends the refresh when it sounds.
      - One that does not exist yet, or sounds already and so says nothing about new instances, is left out with a
        warning.
    type: list
    elements: str
    default: []
  protected_instances:
    description: What happens with instances that are protected from scale in. V(wait) fails after an hour.
    type: str
    choices: [refresh, ignore, wait]
    default: wait
  standby_instances:
    description: What happens with instances in standby. V(wait) fails after an hour.
    type: str
    choices: [terminate, ignore, wait]
    default: wait
  wait:
    description: Whether to wait until the refresh is over, or with O(state=absent) until it has stopped.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait at most.
    type: int
    default: 3600
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Reads, refuses what AWS would refuse, and says which instances would be replaced.
  diff_mode:
    description: Shows the version of the group and the instances that have another.
"""

EXAMPLES = r"""
- name: Replace what has an older template, and take it back when users notice
  slipway.aws.autoscaling_instance_refresh:
    group_name: slipway-production-web
    launch_template: {id: lt-0123456789abcdef0, version: "7"}
    min_healthy_percent: 100
    max_healthy_percent: 150
    bake_seconds: 300
    alarms: [slipway-production/target-5xx, slipway-production/unhealthy-hosts]

- name: Stop a refresh
  slipway.aws.autoscaling_instance_refresh:
    group_name: slipway-production-web
    state: absent
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: outdated, from: [i-0123456789abcdef0], to: []}]
instance_refresh:
  description: The refresh that was started, taken over or cancelled; without its id when there was none.
  returned: always
  type: dict
  contains:
    launch_template:
      description: What the group has.
      type: dict
    outdated:
      description: Ids of the instances that have another version.
      type: list
      elements: str
    instance_refresh_id:
      description: Its id.
      type: str
    status:
      description: AWS's word for where it stands.
      type: str
    status_reason:
      description: Why it stands there.
      type: str
    percentage_complete:
      description: Percent of the instances that are replaced.
      type: int
    alarms:
      description: The alarms that it listens to.
      type: list
      elements: str
    progress:
      description: How it went while the module waited.
      type: list
      elements: dict
      sample: [{seconds: 41, status: InProgress, percentage_complete: 50}]
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, override

from ansible_collections.slipway.aws.plugins.module_utils.aws import STATE_ARGUMENTS, Api, aws_module, run
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    Layout,
    Live,
    RefusalError,
    Resource,
    wait_until,
)

ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    "group_name": {"type": "str", "required": True},
    "launch_template": {
        "type": "dict",
        "options": {"id": {"type": "str", "required": True}, "version": {"type": "str", "required": True}},
    },
    "min_healthy_percent": {"type": "int", "default": 90},
    "max_healthy_percent": {"type": "int", "default": 100},
    "warmup_seconds": {"type": "int"},
    "bake_seconds": {"type": "int", "default": 0},
    "checkpoint_percents": {"type": "list", "elements": "int", "default": []},
    "checkpoint_seconds": {"type": "int", "default": 3600},
    "auto_rollback": {"type": "bool", "default": True},
    "alarms": {"type": "list", "elements": "str", "default": []},
    "protected_instances": {"type": "str", "choices": ["refresh", "ignore", "wait"], "default": "wait"},
    "standby_instances": {"type": "str", "choices": ["terminate", "ignore", "wait"], "default": "wait"},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 3600},
}
# https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstanceRefresh.html
ACTIVE = ("Pending", "InProgress", "Baking", "Cancelling", "RollbackInProgress")
ONWARD = ("Pending", "InProgress", "Baking")
# https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html
SERVING = ("Pending", "Pending:Wait", "Pending:Proceed", "InService")
STANDING_BY = ("EnteringStandby", "Standby")

LONGEST_SECONDS = 172_800


def specification(configuration: Mapping[str, Any]) -> Fields:
    """``{id, version}`` of a group or a desired configuration, whether or not it mixes instance types."""
    mixed = (configuration.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    found = mixed.get("LaunchTemplateSpecification") or configuration.get("LaunchTemplate") or {}
    return {"id": found.get("LaunchTemplateId"), "version": found.get("Version")}


def outdated(group: Fields, wanted: Fields, params: Fields) -> list[str]:
    """Ids of the instances that a refresh to ``wanted`` would replace."""
    states = SERVING if params["standby_instances"] == "ignore" else (*SERVING, *STANDING_BY)
    return sorted(
        one["InstanceId"]
        for one in group["Instances"]
        if one["LifecycleState"] in states
        and specification(one) != wanted
        and not (one.get("ProtectedFromScaleIn") and params["protected_instances"] == "ignore")
    )


def desired_configuration(group: Fields, wanted: Fields) -> Fields:
    """The group's own configuration with another version of the launch template."""
    template = {"LaunchTemplateId": wanted["id"], "Version": wanted["version"]}
    mixed = group.get("MixedInstancesPolicy")
    if not mixed:
        return {"LaunchTemplate": template}
    policy = {**mixed, "LaunchTemplate": {**mixed["LaunchTemplate"], "LaunchTemplateSpecification": template}}
    return {"MixedInstancesPolicy": policy}


def preferences(params: Fields, alarms: Sequence[str]) -> Fields:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html"""
    found: Fields = {
        "MinHealthyPercentage": params["min_healthy_percent"],
        "MaxHealthyPercentage": params["max_healthy_percent"],
        "SkipMatching": True,
        "AutoRollback": params["auto_rollback"],
        "ScaleInProtectedInstances": params["protected_instances"].capitalize(),
        "StandbyInstances": params["standby_instances"].capitalize(),
    }
    if params["warmup_seconds"] is not None:
        found["InstanceWarmup"] = params["warmup_seconds"]
    if params["bake_seconds"]:
        found["BakeTime"] = params["bake_seconds"]
    if params["checkpoint_percents"]:
        found["CheckpointPercentages"] = params["checkpoint_percents"]
        found["CheckpointDelay"] = params["checkpoint_seconds"]
    if alarms:
        found["AlarmSpecification"] = {"Alarms": list(alarms)}
    return found


class InstanceRefresh(Resource):
    kind = "instance refresh"
    result_key = "instance_refresh"
    layout: ClassVar[Layout] = Layout()

    def __init__(self, api: Api, cloudwatch: Api, params: Fields) -> None:
        self.api = api
        self.cloudwatch = cloudwatch
        self.params = params
        self.left_out: list[str] = []

    @property
    @override
    def name(self) -> str:
        return str(self.params["group_name"])

    # -- what is ---------------------------------------------------------------------------------------------

    def _group(self) -> Fields | None:
        found = self.api.call(
            f"look at the group {self.name}", "describe_auto_scaling_groups", AutoScalingGroupNames=[self.name]
        )["AutoScalingGroups"]
        return next(iter(found), None)

    def _refresh(self, refresh_id: str | None = None) -> Fields | None:
        """The refresh with this id, or the latest one."""
        which: Fields = {"InstanceRefreshIds": [refresh_id]} if refresh_id else {"MaxRecords": 1}
        found = self.api.call(
            f"look at the instance refreshes of {self.name}",
            "describe_instance_refreshes",
            AutoScalingGroupName=self.name,
            **which,
        )["InstanceRefreshes"]
        return next(iter(found), None)

    def _active(self) -> Fields | None:
        found = self._refresh()
        return found if found and found["Status"] in ACTIVE else None

    @override
    def find(self) -> Live | None:
        group = self._group()
        absent = self.params["state"] == "absent"
        if group is None:
            if absent:
                return None
            raise RefusalError(f"There is no Auto Scaling group {self.name}: make it first.")
        active = self._active()
        if absent:
            return Live({}, self._described(active)) if active else None
        return self._live(group, active)

    def _live(self, group: Fields, refresh: Fields | None) -> Live:
        wanted = self.params["launch_template"]
        fields = {"launch_template": specification(group), "outdated": outdated(group, wanted, self.params)}
        return Live(fields, self._described(refresh) if refresh else {})

    @staticmethod
    def _described(refresh: Fields) -> Fields:
        watched = (refresh.get("Preferences") or {}).get("AlarmSpecification") or {}
        return {
            "instance_refresh_id": refresh["InstanceRefreshId"],
            "status": refresh["Status"],
            "status_reason": refresh.get("StatusReason") or "",
            "rollback_reason": (refresh.get("RollbackDetails") or {}).get("RollbackReason") or "",
            "percentage_complete": refresh.get("PercentageComplete") or 0,
            "alarms": watched.get("Alarms") or [],
        }

    @override
    def desired(self, live: Live | None) -> Fields:
        return {"launch_template": dict(self.params["launch_template"]), "outdated": []}

    # -- what is refused -------------------------------------------------------------------------------------

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        low, high = self.params["min_healthy_percent"], self.params["max_healthy_percent"]
        if not (0 <= low <= 100 <= high <= 200 and high - low <= 100):
            raise RefusalError(
                f"AWS takes no refresh between {low} % and {high} %: the one lies within 0 to 100, the other within "
                "100 to 200, and at most 100 between them."
            )
        checkpoints = self.params["checkpoint_percents"]
        if checkpoints != sorted(set(checkpoints)) or any(not 0 < percent <= 100 for percent in checkpoints):
            raise RefusalError(f"The checkpoints {checkpoints} are not ascending percentages from 1 to 100.")
        for option in ("bake_seconds", "checkpoint_seconds"):
            if not 0 <= self.params[option] <= LONGEST_SECONDS:
                raise RefusalError(f"{option} is {self.params[option]}, and AWS allows 0 to {LONGEST_SECONDS}.")
        if len(self.params["alarms"]) > 10:
            raise RefusalError(f"AWS listens to ten alarms at most, and {self.name} has {len(self.params['alarms'])}.")
        version = desired["launch_template"]["version"]
        now = live.fields["launch_template"]["version"] if live else None
        for whose, number in (("the wanted version", version), (f"the version of {self.name}", now)):
            if str(number).startswith("$"):
                raise RefusalError(f"{whose} is {number}, from which nothing goes back: state the number.")
        self.api.check(
            "start_instance_refresh",
            AutoScalingGroupName=self.name,
            DesiredConfiguration=desired_configuration({}, desired["launch_template"]),
            Preferences=preferences(self.params, self.params["alarms"]),
        )

    # -- what is done ----------------------------------------------------------------------------------------

    @override
    def create(self, desired: Fields) -> Live:
        raise NotImplementedError("find() refuses a group that does not exist")

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        active = self._active()
        if active and not self._is_ours(active, desired["launch_template"]):
            self._settle(active["InstanceRefreshId"])
            active = None
        if active is None:
            group = self._group()
            if group is None:
                raise RefusalError(f"The Auto Scaling group {self.name} was deleted meanwhile.")
            active = self._refresh(self._start(group, desired["launch_template"]))
        return Live(live.fields, self._described(active) if active else {})

    @staticmethod
    def _is_ours(refresh: Fields, wanted: Fields) -> bool:
        return refresh["Status"] in ONWARD and specification(refresh.get("DesiredConfiguration") or {}) == wanted

    def _start(self, group: Fields, wanted: Fields) -> str:
        answer = self.api.call(
            f"start an instance refresh of {self.name}",
            "start_instance_refresh",
            AutoScalingGroupName=self.name,
            Strategy="Rolling",
            DesiredConfiguration=desired_configuration(group, wanted),
            Preferences=preferences(self.params, self._alarms()),
        )
        return str(answer["InstanceRefreshId"])

    def _alarms(self) -> list[str]:
        """The alarms that can tell something about new instances."""
        names: list[str] = self.params["alarms"]
        if not names:
            return []
        doing = f"look at the alarms of {self.name}"
        kinds = ["MetricAlarm", "CompositeAlarm"]
        answer = self.cloudwatch.call(doing, "describe_alarms", AlarmNames=names, AlarmTypes=kinds)
        found = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
        states = {one["AlarmName"]: one["StateValue"] for one in found}
        for name in names:
            if name not in states:
                self.left_out.append(f"The alarm {name} does not exist: the refresh of {self.name} goes without it.")
            elif states[name] == "ALARM":
                self.left_out.append(f"The alarm {name} sounds already: the refresh of {self.name} goes without it.")
        return [name for name in names if states.get(name, "ALARM") != "ALARM"]

    @override
    def delete(self, live: Live) -> Live | None:
        gone = ("ActiveInstanceRefreshNotFound",)
        answer = self.api.call_if_exists(
            f"cancel the instance refresh of {self.name}",
            "cancel_instance_refresh",
            missing=gone,
            AutoScalingGroupName=self.name,
        )
        return live if answer else None

    @override
    def is_leaving(self, live: Live) -> bool:
        return bool(live.raw["status"] == "Cancelling")

    # -- what is awaited -------------------------------------------------------------------------------------

    def _settle(self, refresh_id: str) -> tuple[Fields, list[Fields]]:
        """Wait until a refresh is over; what it came to, and how it went."""
        progress: list[Fields] = []
        begin = time.monotonic()
        last: Fields = {}

        def probe() -> tuple[bool, str]:
            nonlocal last
            last = self._refresh(refresh_id) or {"InstanceRefreshId": refresh_id, "Status": "gone"}
            step = {"status": last["Status"], "percentage_complete": last.get("PercentageComplete") or 0}
            if not progress or {name: progress[-1][name] for name in step} != step:
                progress.append({"seconds": round(time.monotonic() - begin), **step})
            return last["Status"] not in ACTIVE, f"{step['status']}, {step['percentage_complete']} % replaced"

        wait_until(f"The instance refresh of {self.name}", probe, timeout=self.params["wait_timeout"])
        return last, progress

    @override
    def await_present(self, live: Live) -> Live:
        refresh_id = live.raw.get("instance_refresh_id")
        if not refresh_id:
            return live
        refresh, progress = self._settle(refresh_id)
        status = refresh["Status"]
        if status != "Successful":
            told = self._described(refresh)
            reasons = [told["rollback_reason"], told["status_reason"]]
            after = (
                "All instances are as they were before."
                if status == "RollbackSuccessful"
                else "What was replaced stays replaced; the next run goes on from there."
            )
            raise RefusalError(
                f"The instance refresh of {self.name} ended as {status} at {told['percentage_complete']} %: "
                f"{' '.join(filter(None, reasons)) or 'AWS gave no reason.'} {after} "
                "The activities of the group and the journal of slipway-activate on a new instance say more."
            )
        group = self._group()
        now = self._live(group, refresh) if group else live
        return Live(now.fields, {**now.raw, "progress": progress})

    @override
    def await_absent(self, live: Live) -> None:
        self._settle(live.raw["instance_refresh_id"])

    @override
    def top_level(self, after: Fields) -> Fields:
        return {"warnings": self.left_out} if self.left_out else {}


def main() -> None:
    module = aws_module(ARGUMENTS, required_if=[("state", "present", ["launch_template"])])
    autoscaling, cloudwatch = (Api(module.client(service)) for service in ("autoscaling", "cloudwatch"))
    run(module, InstanceRefresh(autoscaling, cloudwatch, module.params))


if __name__ == "__main__":
    main()
