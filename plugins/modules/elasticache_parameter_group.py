#!/usr/bin/python
"""Ansible module: an ElastiCache parameter group of any family."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: elasticache_parameter_group
version_added: 0.1.0
short_description: Create, change and delete ElastiCache parameter groups
description:
  - Holds the parameters against what ElastiCache says of the family (names, values, which are fixed) before anything
    is changed, also in check mode. No family is built in.
author: Slipway
options:
  name:
    description: Its name. A change of name is a new group.
    type: str
    required: true
  family:
    description: The family, such as V(valkey8). Required when O(state=present). It cannot be changed.
    type: str
  description:
    description: What it is for. The name for a new one. It cannot be changed.
    type: str
  parameters:
    description: Parameter and value. A boolean is spelt C(yes) or C(no).
    type: dict
  purge_parameters:
    description: Whether parameters that are set but not in O(parameters) are reset to the family's default.
    type: bool
    default: true
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Let the cache forget what was used least
  slipway.aws.elasticache_parameter_group:
    name: slipway-staging
    family: valkey8
    description: The cache of slipway-staging
    parameters:
      maxmemory-policy: allkeys-lru
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: parameters.maxmemory-policy, from: volatile-lru, to: allkeys-lru}]
parameter_group:
  description: The group; empty when it is absent.
  returned: always
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    arn:
      description: Its ARN; null in check mode as long as it does not exist.
      type: str
    family:
      description: Its family.
      type: str
    description:
      description: What it is for.
      type: str
    parameters:
      description: The parameters that are set; the rest are the family's defaults.
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
    aws_module,
    run,
)
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    Live,
    RefusalError,
    Resource,
    desired_tags,
    tag_delta,
)
from ansible_collections.slipway.aws.plugins.module_utils.elasticache_api import ElastiCacheApi
from ansible_collections.slipway.aws.plugins.module_utils.elasticache_config import (
    desired_parameters,
    user_parameters,
)

ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "family": {"type": "str"},
    "description": {"type": "str"},
    "parameters": {"type": "dict"},
    "purge_parameters": {"type": "bool", "default": True},
}


class ParameterGroup(Resource):
    kind = "cache parameter group"
    result_key = "parameter_group"

    def __init__(self, api: ElastiCacheApi, params: Fields) -> None:
        self.api = api
        self.params = params

    @property
    @override
    def name(self) -> str:
        return str(self.params["name"])

    @override
    def find(self) -> Live | None:
        group = self.api.parameter_group(self.name)
        return self._live(group) if group else None

    def _live(self, group: Fields) -> Live:
        parameters = self.api.parameters(self.name)
        fields = {
            "family": group["CacheParameterGroupFamily"],
            "description": group.get("Description", ""),
            "parameters": user_parameters(parameters),
        }
        if self.params["tags"] is not None:
            fields["tags"] = self.api.tags(group["ARN"])
        return Live(fields, {"arn": group.get("ARN"), "known": {item["ParameterName"]: item for item in parameters}})

    @override
    def desired(self, live: Live | None) -> Fields:
        have = live.fields if live else {}
        fields = {name: self.params[name] for name in ("family", "description") if self.params[name] is not None}
        if live is None:
            fields.setdefault("description", self.name)
        given = self.params["parameters"]
        if given is not None:
            parameters = desired_parameters(
                given, self._known(live), have.get("parameters", {}), purge=self.params["purge_parameters"]
            )
            if parameters:
                fields["parameters"] = parameters
        tags = desired_tags(have.get("tags", {}), self.params["tags"], purge=self.params["purge_tags"])
        return {**fields, **({"tags": tags} if tags else {})}

    def _known(self, live: Live | None) -> dict[str, Fields]:
        if live is not None:
            known: dict[str, Fields] = live.raw["known"]
            return known
        family = self.params["family"]
        known = {item["ParameterName"]: item for item in self.api.parameters_of_family(family)}
        if not known:
            raise RefusalError(f"ElastiCache knows no family {family}.")
        return known

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        for change in changes if live else ():
            if change.field in ("family", "description"):
                raise RefusalError(
                    f"{change.field} of {self.name} is {change.before} and cannot become {change.after}: make a new "
                    "parameter group under another name, give it to the replication group, then delete this one."
                )

    @override
    def create(self, desired: Fields) -> Live:
        self.api.create_parameter_group(self.name, desired["family"], desired["description"], desired.get("tags", {}))
        self.api.set_parameters(self.name, desired.get("parameters", {}))
        return self._found()

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        to_set, to_remove = tag_delta(live.fields.get("tags", {}), desired.get("tags", {}))
        self.api.change_tags(live.raw["arn"], to_set, to_remove)
        values, reset = tag_delta(live.fields["parameters"], desired.get("parameters", {}))
        self.api.reset_parameters(self.name, reset)
        self.api.set_parameters(self.name, values)
        return self._found()

    def _found(self) -> Live:
        live = self.find()
        if live is None:
            raise RefusalError(f"The cache parameter group {self.name} was deleted while it was being changed.")
        return live

    @override
    def delete(self, live: Live) -> Live | None:
        self.api.delete_parameter_group(self.name)
        return None

    @override
    def result(self, live: Live) -> Fields:
        return {"name": self.name, "arn": live.raw["arn"], **live.fields}

    @override
    def predicted(self, desired: Fields) -> Fields:
        return {"name": self.name, "arn": None, "parameters": {}, **desired}


def main() -> None:
    module = aws_module(ARGUMENTS, required_if=[("state", "present", ["family"])])
    run(module, ParameterGroup(ElastiCacheApi(module.client("elasticache")), module.params))


if __name__ == "__main__":
    main()
