#!/usr/bin/python
"""Ansible module: a sampling rule of X-Ray."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: xray_sampling_rule
version_added: 0.1.0
short_description: Create, update and delete sampling rules of X-Ray
description:
  - A rule says how many of the requests that it matches are traced. It is found by its name, which is unique in the
    account and region.
author: Slipway
options:
  name:
    description: The name. A change of name is a new rule.
    type: str
    required: true
  priority:
    description: Which rule is asked first, 1 to 9999; the lower number. Required when O(state=present).
    type: int
  fixed_rate:
    description:
      - Share of the matching requests beyond O(reservoir_size) that are traced, 0 to 1.
      - Required when O(state=present).
    type: float
  reservoir_size:
    description: Matching requests a second that are traced before O(fixed_rate) counts.
    type: int
    default: 1
  service_name:
    description: Name of the service; V(*) and V(?) stand for others, here and in all that follow.
    type: str
    default: "*"
  service_type:
    description: Where the service runs, as its segments say it.
    type: str
    default: "*"
  host:
    description: Host header of the request.
    type: str
    default: "*"
  http_method:
    description: Method of the request.
    type: str
    default: "*"
  url_path:
    description: Path of the request.
    type: str
    default: "*"
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Trace one request a second, and two of a hundred others
  slipway.aws.xray_sampling_rule:
    name: slipway-staging
    priority: 1000
    fixed_rate: 0.02
    service_name: slipway-staging
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: fixed_rate, from: 0.05, to: 0.02}]
sampling_rule:
  description: The rule as it is now; empty when it is absent.
  returned: always
  type: dict
  contains:
    name:
      description: The name.
      type: str
    arn:
      description: The ARN; null in check mode as long as it does not exist.
      type: str
    priority:
      description: Which rule is asked first.
      type: int
    fixed_rate:
      description: Share of the matching requests that are traced.
      type: float
    reservoir_size:
      description: Matching requests a second that are traced first.
      type: int
    service_name:
      description: Name of the service.
      type: str
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
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Change, Fields, Live, RefusalError
from ansible_collections.slipway.aws.plugins.module_utils.xray_resource import XRayResource

#: Option -> member of SamplingRule: https://docs.aws.amazon.com/xray/latest/api/API_SamplingRule.html
MEMBERS = {
    "priority": "Priority",
    "fixed_rate": "FixedRate",
    "reservoir_size": "ReservoirSize",
    "service_name": "ServiceName",
    "service_type": "ServiceType",
    "host": "Host",
    "http_method": "HTTPMethod",
    "url_path": "URLPath",
}
ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "priority": {"type": "int"},
    "fixed_rate": {"type": "float"},
    "reservoir_size": {"type": "int", "default": 1},
    **{name: {"type": "str", "default": "*"} for name in list(MEMBERS)[3:]},
}


class SamplingRule(XRayResource):
    kind = "X-Ray sampling rule"
    result_key = "sampling_rule"

    @override
    def find(self) -> Live | None:
        for record in self.api.pages("list the sampling rules", "get_sampling_rules", "SamplingRuleRecords"):
            rule = record["SamplingRule"]
            if rule["RuleName"] == self.name:
                return self.live(rule["RuleARN"], {name: rule[member] for name, member in MEMBERS.items()})
        return None

    @override
    def wanted(self) -> Fields:
        return {name: self.params[name] for name in MEMBERS}

    def _rule(self, desired: Fields) -> Fields:
        members = {member: desired[name] for name, member in MEMBERS.items()}
        return {"RuleName": self.name, "ResourceARN": "*", **members}

    def _request(self, desired: Fields) -> Fields:
        return {"SamplingRule": {**self._rule(desired), "Version": 1}, **self.tags_of(desired)}

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        self.api.check("create_sampling_rule", **self._request(desired))
        if not (desired["priority"] <= 9999 and 0 <= desired["fixed_rate"] <= 1):
            raise RefusalError(
                f"{self.name} has the priority {desired['priority']} and the rate {desired['fixed_rate']}: "
                "X-Ray takes priorities from 1 to 9999 and rates from 0 to 1."
            )
        self.refuse_name()

    @override
    def create(self, desired: Fields) -> Live:
        self.api.call(f"create the sampling rule {self.name}", "create_sampling_rule", **self._request(desired))
        return self.found()

    @override
    def change(self, desired: Fields) -> None:
        doing = f"update the sampling rule {self.name}"
        self.api.call(doing, "update_sampling_rule", SamplingRuleUpdate=self._rule(desired))

    @override
    def delete(self, live: Live) -> Live | None:
        self.api.call(f"delete the sampling rule {self.name}", "delete_sampling_rule", RuleName=self.name)
        return None


def main() -> None:
    module = aws_module(ARGUMENTS, required_if=[("state", "present", ["priority", "fixed_rate"])])
    run(module, SamplingRule(Api(module.client("xray")), module.params))


if __name__ == "__main__":
    main()
