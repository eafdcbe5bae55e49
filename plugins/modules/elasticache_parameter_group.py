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
  parameters:
    description: Parameter and value. A boolean is spelt C(yes) or C(no).
    type: dict
extends_documentation_fragment:
  - slipway.aws.parameter_group
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

from ansible_collections.slipway.aws.plugins.module_utils.aws import aws_module, run
from ansible_collections.slipway.aws.plugins.module_utils.elasticache_api import ElastiCacheApi
from ansible_collections.slipway.aws.plugins.module_utils.parameter_group import ARGUMENTS, ParameterGroup, Spelling


class CacheParameterGroup(ParameterGroup):
    """A parameter group of ElastiCache."""

    kind = "cache parameter group"
    holder = "the replication group"
    spelling = Spelling("ElastiCache", yes="yes", no="no")


def main() -> None:
    module = aws_module(ARGUMENTS, required_if=[("state", "present", ["family"])])
    run(module, CacheParameterGroup(ElastiCacheApi(module.client("elasticache")), module.params))


if __name__ == "__main__":
    main()
