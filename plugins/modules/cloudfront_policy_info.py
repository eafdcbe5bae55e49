#!/usr/bin/python
"""Ansible module: ids of CloudFront policies by name."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cloudfront_policy_info
version_added: 0.1.0
short_description: Ids of CloudFront's cache, origin request and response headers policies by name
description:
  - Behaviours name policies by id. This tells the ids of AWS's own policies (V(Managed-CachingOptimized), …) and of
    those of the account.
  - A name that is asked for and not there is refused, with the nearest one.
author: Slipway
options:
  cache_policies:
    description: Names of cache policies. All when not set.
    type: list
    elements: str
  origin_request_policies:
    description: Names of origin request policies. All when not set.
    type: list
    elements: str
  response_headers_policies:
    description: Names of response headers policies. All when not set.
    type: list
    elements: str
  origin:
    description: Whose policies are read.
    type: str
    choices: [all, managed, custom]
    default: all
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    support: full
    description: Reads only.
"""

EXAMPLES = r"""
- name: Read the ids of the policies
  slipway.aws.cloudfront_policy_info:
    cache_policies: [Managed-CachingOptimized, Managed-CachingDisabled]
    origin_request_policies: [Managed-AllViewer]
    response_headers_policies: []
  register: policies
"""

RETURN = r"""
cache_policies:
  description: Name and id.
  returned: always
  type: dict
  sample: {Managed-CachingDisabled: 4135ea2d-6df8-44a3-9df3-4b5a84be39ad}
origin_request_policies:
  description: Name and id.
  returned: always
  type: dict
  sample: {Managed-AllViewer: 216adef6-5c7f-47e4-b989-5492eafa07d3}
response_headers_policies:
  description: Name and id.
  returned: always
  type: dict
  sample: {Managed-SecurityHeadersPolicy: 67f7725c-6f97-4210-82d7-5512b31e9d03}
"""

from collections.abc import Mapping, Sequence

from ansible_collections.slipway.aws.plugins.module_utils.aws import AWSError, aws_module
from ansible_collections.slipway.aws.plugins.module_utils.cloudfront_api import CloudFrontApi
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields, RefusalError, nearest

# Option → (word in the API's operation, member of an item).
KINDS = {
    "cache_policies": ("cache", "CachePolicy"),
    "origin_request_policies": ("origin_request", "OriginRequestPolicy"),
    "response_headers_policies": ("response_headers", "ResponseHeadersPolicy"),
}

ARGUMENTS: Fields = {
    **{option: {"type": "list", "elements": "str"} for option in KINDS},
    "origin": {"type": "str", "choices": ["all", "managed", "custom"], "default": "all"},
}


def ids_by_name(items: Sequence[Mapping[str, Fields]], member: str) -> dict[str, str]:
    """Items of a list operation as ``{name: id}``."""
    return {item[member][f"{member}Config"]["Name"]: item[member]["Id"] for item in items}


def chosen(ids: Mapping[str, str], names: Sequence[str] | None, option: str) -> dict[str, str]:
    """The ids that are asked for. Raises RefusalError for a name that is not there."""
    if names is None:
        return dict(ids)
    for name in names:
        if name not in ids:
            raise RefusalError(f"CloudFront has no policy {name} among the {option}.{nearest(name, ids)}")
    return {name: ids[name] for name in names}


def read(api: CloudFrontApi, params: Fields) -> Fields:
    """``{option: {name: id}}`` for every kind; a kind with an empty list is not asked for."""
    origins = ["managed", "custom"] if params["origin"] == "all" else [params["origin"]]
    result: Fields = {}
    for option, (kind, member) in KINDS.items():
        names = params[option]
        items = [] if names == [] else [item for origin in origins for item in api.policies(kind, origin)]
        result[option] = chosen(ids_by_name(items, member), names, option)
    return result


def main() -> None:
    module = aws_module(ARGUMENTS)
    try:
        module.exit_json(changed=False, **read(CloudFrontApi(module.client("cloudfront")), module.params))
    except RefusalError as refusal:
        module.fail_json(msg=str(refusal))
    except AWSError as error:
        module.fail_json_aws_error(error)


if __name__ == "__main__":
    main()
