#!/usr/bin/python
"""Ansible module: only the newest groups of objects stay below a prefix."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: s3_prune
version_added: 0.1.0
short_description: Keep the newest groups of objects below a prefix, and remove the others
description:
  - A group is everything below C(prefix/NAME/), a release for example. Its age is that of its newest object.
  - Objects that lie directly below the prefix belong to no group and stay.
author: Slipway
options:
  bucket:
    description: The bucket.
    type: str
    required: true
  prefix:
    description: Where the groups lie; ends with a slash.
    type: str
    required: true
  keep:
    description: How many of the newest groups stay.
    type: int
    required: true
  protect:
    description: Names of groups that stay whatever their age. Empty names are ignored.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    support: full
    description: Reads, and says what would be removed.
"""

EXAMPLES = r"""
- name: Keep five releases
  slipway.aws.s3_prune:
    bucket: slipway-staging-123456789012-releases
    prefix: releases/
    keep: 5
    protect: [4f2a9c1b7d3e5a60]
"""

RETURN = r"""
removed:
  description: The names of the groups that went, or in check mode would.
  returned: always
  type: list
  elements: str
"""

from ansible_collections.slipway.aws.plugins.module_utils.aws import AWSError, Module, aws_module
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields, RefusalError
from ansible_collections.slipway.aws.plugins.module_utils.s3_objects import S3Api, groups_to_remove

ARGUMENTS: Fields = {
    "bucket": {"type": "str", "required": True},
    "prefix": {"type": "str", "required": True},
    "keep": {"type": "int", "required": True},
    "protect": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    module: Module = aws_module(ARGUMENTS)
    params = module.params
    try:
        if not params["prefix"].endswith("/"):
            raise RefusalError(f"The prefix {params['prefix']} does not end with a slash, so others may begin with it.")
        if params["keep"] < 1:
            raise RefusalError("keep must be 1 or more: this module does not empty a bucket.")
        api = S3Api(module.client("s3"), params["bucket"])
        groups = groups_to_remove(
            api.objects(params["prefix"]), params["prefix"], keep=params["keep"], protect=set(params["protect"])
        )
        if not module.check_mode:
            api.delete([key for keys in groups.values() for key in keys])
        module.exit_json(changed=bool(groups), removed=list(groups))
    except RefusalError as refusal:
        module.fail_json(msg=str(refusal))
    except AWSError as error:
        module.fail_json_aws_error(error)


if __name__ == "__main__":
    main()
