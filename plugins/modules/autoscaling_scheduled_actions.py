#!/usr/bin/python
"""Ansible module: the scheduled actions of an Auto Scaling group, all of them."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: autoscaling_scheduled_actions
version_added: 0.1.0
short_description: Keep the scheduled actions of an Auto Scaling group
description:
  - M(community.aws.autoscaling_scheduled_action) keeps one action, and never learns of one that is no longer wanted.
  - All actions of the group are managed; those that are not listed are deleted.
author: Slipway
options:
  group_name:
    description: The group.
    type: str
    required: true
  state:
    description: Whether the actions shall exist. V(absent) deletes all of them.
  actions:
    description: All actions of the group.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name, unique in the group.
        type: str
        required: true
      recurrence:
        description: When, in the five fields of cron.
        type: str
        required: true
      time_zone:
        description: In which time zone, such as V(Europe/Dublin).
        type: str
        default: UTC
      min_size:
        description: The smallest size from then on. Untouched when not set.
        type: int
      max_size:
        description: The largest size from then on. Untouched when not set.
        type: int
      desired_capacity:
        description: The size at that moment. Untouched when not set.
        type: int
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Be larger before everybody comes to work
  slipway.aws.autoscaling_scheduled_actions:
    group_name: slipway-production-web
    actions:
      - {name: morning, recurrence: 45 7 * * 1-5, time_zone: Europe/Dublin, min_size: 4}
      - {name: evening, recurrence: 0 19 * * 1-5, time_zone: Europe/Dublin, min_size: 2}
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: "actions[morning].min_size", from: 2, to: 4}]
scheduled_actions:
  description: The actions as they are now; empty when they are absent.
  returned: always
  type: dict
  contains:
    actions:
      description: Each as in O(actions).
      type: list
      elements: dict
"""

from collections.abc import Sequence
from typing import ClassVar, override

from ansible_collections.slipway.aws.plugins.module_utils.aws import STATE_ARGUMENTS, Api, aws_module, run
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    Layout,
    Live,
    RefusalError,
    Resource,
    differences,
)

ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    "group_name": {"type": "str", "required": True},
    "actions": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "recurrence": {"type": "str", "required": True},
            "time_zone": {"type": "str", "default": "UTC"},
            "min_size": {"type": "int"},
            "max_size": {"type": "int"},
            "desired_capacity": {"type": "int"},
        },
    },
}
# https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScheduledUpdateGroupAction.html
MEMBERS = {
    "name": "ScheduledActionName",
    "recurrence": "Recurrence",
    "time_zone": "TimeZone",
    "min_size": "MinSize",
    "max_size": "MaxSize",
    "desired_capacity": "DesiredCapacity",
}
SIZES = ("min_size", "max_size", "desired_capacity")


class ScheduledActions(Resource):
    kind = "scheduled actions"
    result_key = "scheduled_actions"
    # A size of zero is a size, and no size is none.
    layout: ClassVar[Layout] = Layout(keys={"actions": "name"}, presence=frozenset(SIZES))

    def __init__(self, api: Api, params: Fields) -> None:
        self.api = api
        self.params = params

    @property
    @override
    def name(self) -> str:
        return str(self.params["group_name"])

    @override
    def find(self) -> Live | None:
        found = self.api.pages(
            f"look at the scheduled actions of {self.name}",
            "describe_scheduled_actions",
            "ScheduledUpdateGroupActions",
            AutoScalingGroupName=self.name,
        )
        actions = [{name: one.get(member) for name, member in MEMBERS.items()} for one in found]
        for action in actions:
            action["time_zone"] = action["time_zone"] or "UTC"
        if not actions and self.params["state"] == "absent":
            return None
        return Live({"actions": actions})

    @override
    def desired(self, live: Live | None) -> Fields:
        return {"actions": [dict(action) for action in self.params["actions"]]}

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        names = [action["name"] for action in desired["actions"]]
        for action in desired["actions"]:
            if names.count(action["name"]) > 1:
                raise RefusalError(f"{self.name} would have two scheduled actions {action['name']}: name them apart.")
            if len(action["recurrence"].split()) != 5:
                raise RefusalError(
                    f"The recurrence of {action['name']} is {action['recurrence']!r}: write five fields, minute, hour, "
                    "day, month and weekday, such as 0 8 * * 1-5."
                )
            sizes = {name: action[name] for name in SIZES if action[name] is not None}
            if not sizes:
                raise RefusalError(
                    f"The scheduled action {action['name']} changes nothing: give it {', '.join(SIZES)}."
                )
            if min(sizes.values()) < 0:
                raise RefusalError(f"The scheduled action {action['name']} has a negative size.")
            low, high = sizes.get("min_size", 0), sizes.get("max_size")
            if high is not None and low > high:
                raise RefusalError(f"The scheduled action {action['name']} has min_size {low} above max_size {high}.")
            self.api.check("put_scheduled_update_group_action", **self._request(action))

    def _request(self, action: Fields) -> Fields:
        given = {member: action[name] for name, member in MEMBERS.items() if action[name] is not None}
        return {"AutoScalingGroupName": self.name, **given}

    @override
    def create(self, desired: Fields) -> Live:
        raise NotImplementedError("a group always has its list of scheduled actions")

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        have = {action["name"]: action for action in live.fields["actions"]}
        for action in desired["actions"]:
            before = have.get(action["name"])
            if before is not None and not differences(before, action, self.layout):
                continue
            if before is not None and any(before[size] is not None and action[size] is None for size in SIZES):
                # What a request leaves out stays: a size that is no longer wanted goes with its action.
                self._delete(action["name"])
            self.api.call(
                f"write the scheduled action {action['name']}",
                "put_scheduled_update_group_action",
                **self._request(action),
            )
        for gone in sorted(have.keys() - {action["name"] for action in desired["actions"]}):
            self._delete(gone)
        return self.find() or live

    def _delete(self, name: str) -> None:
        self.api.call(
            f"delete the scheduled action {name}",
            "delete_scheduled_action",
            AutoScalingGroupName=self.name,
            ScheduledActionName=name,
        )

    @override
    def delete(self, live: Live) -> Live | None:
        for action in live.fields["actions"]:
            self._delete(action["name"])
        return None


def main() -> None:
    module = aws_module(ARGUMENTS)
    run(module, ScheduledActions(Api(module.client("autoscaling")), module.params))


if __name__ == "__main__":
    main()
