#!/usr/bin/python
"""Ansible module: whether an Auto Scaling group replaces Spot Instances before AWS takes them."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: autoscaling_capacity_rebalance
version_added: 0.1.0
short_description: Let an Auto Scaling group replace Spot Instances before AWS takes them
description:
  - With Capacity Rebalancing the group launches another instance when EC2 recommends it for a Spot Instance that is at
    risk, and lets the old one go when the new one is healthy. Without, it learns of the loss two minutes before.
  - M(amazon.aws.autoscaling_group) has no word for it.
author: Slipway
options:
  group_name:
    description: The group, which exists.
    type: str
    required: true
  state:
    description: Whether the group shall do so.
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Reads, refuses a group that there is not, and says what would change.
"""

EXAMPLES = r"""
- name: Replace Spot Instances before they are taken
  slipway.aws.autoscaling_capacity_rebalance:
    group_name: slipway-production-web
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: state, from: absent, to: present}]
capacity_rebalance:
  description: What the group does now; empty when it does nothing of the kind.
  returned: always
  type: dict
"""

from collections.abc import Sequence
from typing import override

from ansible_collections.slipway.aws.plugins.module_utils.aws import STATE_ARGUMENTS, Api, aws_module, run
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    Live,
    RefusalError,
    Resource,
)

ARGUMENTS: Fields = {**STATE_ARGUMENTS, "group_name": {"type": "str", "required": True}}


class CapacityRebalance(Resource):
    kind = "Capacity Rebalancing"
    result_key = "capacity_rebalance"

    def __init__(self, api: Api, params: Fields) -> None:
        self.api = api
        self.params = params

    @property
    @override
    def name(self) -> str:
        return str(self.params["group_name"])

    @override
    def find(self) -> Live | None:
        groups = self.api.call(
            f"look at the group {self.name}", "describe_auto_scaling_groups", AutoScalingGroupNames=[self.name]
        )["AutoScalingGroups"]
        if not groups:
            raise RefusalError(f"There is no Auto Scaling group {self.name}: make it first.")
        return Live({"group_name": self.name}) if groups[0].get("CapacityRebalance") else None

    @override
    def desired(self, live: Live | None) -> Fields:
        return {"group_name": self.name}

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        """Nothing: a group without Spot Instances has nothing to replace, and may say so."""

    def _write(self, wanted: bool) -> None:
        self.api.call(
            f"set Capacity Rebalancing of {self.name}",
            "update_auto_scaling_group",
            AutoScalingGroupName=self.name,
            CapacityRebalance=wanted,
        )

    @override
    def create(self, desired: Fields) -> Live:
        self._write(True)
        return Live(desired)

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        return live

    @override
    def delete(self, live: Live) -> Live | None:
        self._write(False)
        return None


def main() -> None:
    module = aws_module(ARGUMENTS)
    run(module, CapacityRebalance(Api(module.client("autoscaling")), module.params))


if __name__ == "__main__":
    main()
