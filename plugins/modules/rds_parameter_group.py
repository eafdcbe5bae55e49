#!/usr/bin/python
"""Ansible module: a parameter group of RDS, of any family."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rds_parameter_group
version_added: 0.1.0
short_description: Create, change and delete DB parameter groups
description:
  - Holds the parameters against what RDS says of the family (names, values, which are fixed) before anything is
    changed, also in check mode. No family is built in.
  - Unlike M(amazon.aws.rds_instance_param_group) it says in check mode which parameters would change, sets dynamic
    parameters at once and static ones with the next restart of the instance (RDS refuses the former way for the
    latter), and resets what is not asked for any more.
author: Slipway
options:
  parameters:
    description: Parameter and value. A boolean is spelt C(1) or C(0).
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
- name: Let nobody in without TLS
  slipway.aws.rds_parameter_group:
    name: slipway-staging-postgres17
    family: postgres17
    description: The database of slipway-staging
    parameters:
      rds.force_ssl: true
      shared_preload_libraries: pg_stat_statements,auto_explain
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: parameters.work_mem, from: null, to: '8192'}]
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
from ansible_collections.slipway.aws.plugins.module_utils.parameter_group import ARGUMENTS, ParameterGroup, Spelling
from ansible_collections.slipway.aws.plugins.module_utils.rds_api import RdsApi


class DBParameterGroup(ParameterGroup):
    """A parameter group of RDS."""

    kind = "DB parameter group"
    holder = "the instance"
    spelling = Spelling("RDS", yes="1", no="0")


def main() -> None:
    module = aws_module(ARGUMENTS, required_if=[("state", "present", ["family"])])
    run(module, DBParameterGroup(RdsApi(module.client("rds")), module.params))


if __name__ == "__main__":
    main()
