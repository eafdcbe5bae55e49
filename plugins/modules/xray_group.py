#!/usr/bin/python
"""Ansible module: an X-Ray group."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: xray_group
version_added: 0.1.0
short_description: Create, update and delete groups of X-Ray
description:
  - A group is the traces that an expression finds. It is found by its name, which is unique in the account and region.
author: Slipway
options:
  name:
    description: The name. A change of name is a new group.
    type: str
    required: true
  filter_expression:
    description: Which traces belong to it, in X-Ray's own language. Required when O(state=present).
    type: str
  insights_enabled:
    description: Whether X-Ray looks for anomalies in it, which costs by the trace.
    type: bool
    default: false
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Find the traces of one service
  slipway.aws.xray_group:
    name: slipway-staging
    filter_expression: service("slipway-staging")
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: filter_expression, from: null, to: service("slipway-staging")}]
group:
  description: The group as it is now; empty when it is absent.
  returned: always
  type: dict
  contains:
    name:
      description: The name.
      type: str
    arn:
      description: The ARN; null in check mode as long as it does not exist.
      type: str
    filter_expression:
      description: Which traces belong to it.
      type: str
    insights_configuration:
      description: Whether X-Ray looks for anomalies.
      type: dict
    tags:
      description: The tags, when O(tags) is set.
      type: dict
"""

from collections.abc import Sequence
from typing import override

from ansible_collections.slipway.aws.plugins.module_utils.aws import (
    STATE_ARGUMENTS,
    TAG_ARGUMENTS,
    Api,
    aws_module,
    run,
)
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Change, Fields, Live
from ansible_collections.slipway.aws.plugins.module_utils.xray_resource import XRayResource

ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "filter_expression": {"type": "str"},
    "insights_enabled": {"type": "bool", "default": False},
}


class Group(XRayResource):
    kind = "X-Ray group"
    result_key = "group"

    @override
    def find(self) -> Live | None:
        for group in self.api.pages("list the groups", "get_groups", "Groups"):
            if group["GroupName"] == self.name:
                insights = group.get("InsightsConfiguration", {})
                return self.live(
                    group["GroupARN"],
                    {
                        "filter_expression": group.get("FilterExpression", ""),
                        "insights_configuration": {"enabled": insights.get("InsightsEnabled", False)},
                    },
                )
        return None

    @override
    def wanted(self) -> Fields:
        return {
            "filter_expression": self.params["filter_expression"],
            "insights_configuration": {"enabled": self.params["insights_enabled"]},
        }

    def _request(self, desired: Fields) -> Fields:
        return {
            "GroupName": self.name,
            "FilterExpression": desired["filter_expression"],
            "InsightsConfiguration": {"InsightsEnabled": desired["insights_configuration"]["enabled"]},
        }

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        self.api.check("create_group", **self._request(desired), **self.tags_of(desired))
        self.refuse_name()

    @override
    def create(self, desired: Fields) -> Live:
        request = {**self._request(desired), **self.tags_of(desired)}
        self.api.call(f"create the group {self.name}", "create_group", **request)
        return self.found()

    @override
    def change(self, desired: Fields) -> None:
        self.api.call(f"update the group {self.name}", "update_group", **self._request(desired))

    @override
    def delete(self, live: Live) -> Live | None:
        self.api.call(f"delete the group {self.name}", "delete_group", GroupName=self.name)
        return None


def main() -> None:
    module = aws_module(ARGUMENTS, required_if=[("state", "present", ["filter_expression"])])
    run(module, Group(Api(module.client("xray")), module.params))


if __name__ == "__main__":
    main()
