#!/usr/bin/python
"""Ansible module: the warm pool of an Auto Scaling group."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: autoscaling_warm_pool
version_added: 0.1.0
short_description: Keep the warm pool of an Auto Scaling group
description:
  - Instances of a warm pool have booted once and wait beside the group, so that scaling out takes seconds.
  - Stopped ones cost their volumes, running ones cost what every instance costs.
author: Slipway
options:
  group_name:
    description: The group.
    type: str
    required: true
  state:
    description: Whether the pool shall exist.
  pool_state:
    description: In what state its instances wait. V(Hibernated) needs a launch template that allows it.
    type: str
    choices: [Stopped, Running, Hibernated]
    default: Stopped
  min_size:
    description: How many instances wait at least.
    type: int
    default: 0
  max_prepared_capacity:
    description:
      - How many instances group and pool have together at most, and so how many wait.
      - With V(-1) it is the largest size of the group.
    type: int
    default: -1
  reuse_on_scale_in:
    description: Whether instances go back into the pool when the group scales in.
    type: bool
    default: false
  wait:
    description: Whether to wait until a deleted pool is gone.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait at most.
    type: int
    default: 900
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Let two instances wait for the morning
  slipway.aws.autoscaling_warm_pool:
    group_name: slipway-production-web
    min_size: 2
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: min_size, from: 0, to: 2}]
warm_pool:
  description: The pool as it is now; empty when it is absent.
  returned: always
  type: dict
  contains:
    pool_state:
      description: In what state its instances wait.
      type: str
    min_size:
      description: How many wait at least.
      type: int
    max_prepared_capacity:
      description: How many instances group and pool have together at most; -1 for the largest size of the group.
      type: int
    reuse_on_scale_in:
      description: Whether instances go back into the pool.
      type: bool
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
    wait_until,
)

ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    "group_name": {"type": "str", "required": True},
    "pool_state": {"type": "str", "choices": ["Stopped", "Running", "Hibernated"], "default": "Stopped"},
    "min_size": {"type": "int", "default": 0},
    "max_prepared_capacity": {"type": "int", "default": -1},
    "reuse_on_scale_in": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 900},
}
FIELDS = ("pool_state", "min_size", "max_prepared_capacity", "reuse_on_scale_in")


class WarmPool(Resource):
    kind = "warm pool"
    result_key = "warm_pool"

    def __init__(self, api: Api, params: Fields) -> None:
        self.api = api
        self.params = params

    @property
    @override
    def name(self) -> str:
        return str(self.params["group_name"])

    @override
    def find(self) -> Live | None:
        group = self.api.call(
            f"look at the group {self.name}", "describe_auto_scaling_groups", AutoScalingGroupNames=[self.name]
        )["AutoScalingGroups"]
        if not group and self.params["state"] == "absent":
            return None
        if not group:
            raise RefusalError(f"There is no Auto Scaling group {self.name}: make it first.")
        answer = self.api.call(
            f"look at the warm pool of {self.name}", "describe_warm_pool", AutoScalingGroupName=self.name
        )
        pool = answer.get("WarmPoolConfiguration")
        if not pool:
            return None
        capacity = pool.get("MaxGroupPreparedCapacity")
        fields = {
            "pool_state": pool.get("PoolState") or "Stopped",
            "min_size": pool.get("MinSize") or 0,
            "max_prepared_capacity": -1 if capacity is None else capacity,
            "reuse_on_scale_in": bool((pool.get("InstanceReusePolicy") or {}).get("ReuseOnScaleIn")),
        }
        return Live(fields, {"status": pool.get("Status") or ""})

    @override
    def desired(self, live: Live | None) -> Fields:
        return {name: self.params[name] for name in FIELDS}

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        low, high = desired["min_size"], desired["max_prepared_capacity"]
        if low < 0 or high < -1:
            raise RefusalError(f"The warm pool of {self.name} would have a negative size.")
        if high != -1 and low > high:
            raise RefusalError(
                f"The warm pool of {self.name} would have min_size {low} above {high} prepared instances."
            )
        if live and self.is_leaving(live):
            raise RefusalError(f"The warm pool of {self.name} is being deleted: run again when it is gone.")
        self.api.check("put_warm_pool", **self._request(desired))

    def _request(self, desired: Fields) -> Fields:
        return {
            "AutoScalingGroupName": self.name,
            "PoolState": desired["pool_state"],
            "MinSize": desired["min_size"],
            "MaxGroupPreparedCapacity": desired["max_prepared_capacity"],
            "InstanceReusePolicy": {"ReuseOnScaleIn": desired["reuse_on_scale_in"]},
        }

    def _write(self, desired: Fields) -> Live:
        self.api.call(f"write the warm pool of {self.name}", "put_warm_pool", **self._request(desired))
        return self.find() or Live(desired)

    @override
    def create(self, desired: Fields) -> Live:
        return self._write(desired)

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        return self._write(desired)

    @override
    def delete(self, live: Live) -> Live | None:
        # Without force AWS refuses a pool that has instances; they serve nobody.
        self.api.call(
            f"delete the warm pool of {self.name}",
            "delete_warm_pool",
            AutoScalingGroupName=self.name,
            ForceDelete=True,
        )
        return self.find()

    @override
    def is_leaving(self, live: Live) -> bool:
        return bool(live.raw.get("status") == "PendingDelete")

    @override
    def await_absent(self, live: Live) -> None:
        def probe() -> tuple[bool, str]:
            found = self.find()
            return found is None, found.raw["status"] if found else "gone"

        wait_until(f"Deleting the warm pool of {self.name}", probe, timeout=self.params["wait_timeout"])


def main() -> None:
    module = aws_module(ARGUMENTS)
    run(module, WarmPool(Api(module.client("autoscaling")), module.params))


if __name__ == "__main__":
    main()
