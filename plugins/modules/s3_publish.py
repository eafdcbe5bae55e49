#!/usr/bin/python
"""Ansible module: a directory becomes objects of a bucket, in a safe order."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: s3_publish
version_added: 0.1.0
short_description: Publish a directory to a bucket, rule by rule, with cache headers
description:
  - Uploads what differs in contents, Content-Type or Cache-Control, in the order of the rules, so that a page is
    written only when everything it refers to is there.
  - Removes only below O(purge_prefixes), and there only what no manifest of O(manifests_prefix) names any more. A
    visitor who loaded the page before keeps finding its files.
  - The bucket's encryption and versioning do not matter. The contents are compared by a SHA-256 kept as metadata.
author: Slipway
options:
  bucket:
    description: The bucket.
    type: str
    required: true
  source:
    description: The directory.
    type: path
    required: true
  prefix:
    description: What every key begins with.
    type: str
    default: ""
  rules:
    description:
      - How files are published, one rule after the other. A file belongs to the first rule that matches, and one that
        none matches is refused.
    type: list
    elements: dict
    required: true
    suboptions:
      patterns:
        description: Shell patterns of relative names; C(*) crosses slashes, and a pattern after C(!) takes names out.
        type: list
        elements: str
        required: true
      cache_control:
        description: The Cache-Control header; empty for none.
        type: str
        default: ""
  purge_prefixes:
    description: Prefixes below which old objects are removed. Nothing is removed when it is empty.
    type: list
    elements: str
    default: []
  manifests_bucket:
    description: The bucket of the manifests; O(bucket) when not set.
    type: str
  manifests_prefix:
    description:
      - Objects below it whose name ends in C(/manifest.json) hold a JSON object with a list C(files) of relative names,
        which stay. Required with O(purge_prefixes).
    type: str
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    support: full
    description: Reads, and says what would be written and removed.
"""

EXAMPLES = r"""
- name: Publish the page
  slipway.aws.s3_publish:
    bucket: slipway-staging-123456789012-frontend
    source: dist
    rules:
      - patterns: [assets/*]
        cache_control: public, max-age=31536000, immutable
      - patterns: [index.html]
        cache_control: no-cache
"""

RETURN = r"""
written:
  description: The keys that were written, or in check mode would be, in that order.
  returned: always
  type: list
  elements: str
  sample: [assets/index-4f2a9c1b.js, index.html]
removed:
  description: The keys that were removed, or in check mode would be.
  returned: always
  type: list
  elements: str
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.slipway.aws.plugins.module_utils.aws import AWSError, Module, aws_module
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields, RefusalError
from ansible_collections.slipway.aws.plugins.module_utils.s3_objects import S3Api, Wanted, is_same, plan

ARGUMENTS: Fields = {
    "bucket": {"type": "str", "required": True},
    "source": {"type": "path", "required": True},
    "prefix": {"type": "str", "default": ""},
    "rules": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "patterns": {"type": "list", "elements": "str", "required": True},
            "cache_control": {"type": "str", "default": ""},
        },
    },
    "purge_prefixes": {"type": "list", "elements": "str", "default": []},
    "manifests_bucket": {"type": "str"},
    "manifests_prefix": {"type": "str"},
}


def files_of_manifest(key: str, text: str) -> set[str]:
    """The relative names that a manifest lists. Raises RefusalError: a guess here would remove what somebody uses."""
    try:
        files = json.loads(text)["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise RefusalError(f"The manifest {key} cannot be read ({error!r}): remove it or write it again.") from error
    if not isinstance(files, list) or not all(isinstance(name, str) for name in files):
        raise RefusalError(f"The manifest {key} has no list of files: remove it or write it again.")
    return set(files)


def kept_keys(api: S3Api, manifests_prefix: str, prefix: str) -> set[str]:
    """The keys that the manifests name."""
    manifests = [item["Key"] for item in api.objects(manifests_prefix) if item["Key"].endswith("/manifest.json")]
    return {prefix + name for key in manifests for name in files_of_manifest(key, api.read(key).decode())}


def publish(api: S3Api, manifests: S3Api, params: Mapping[str, Any], *, check_mode: bool) -> Fields:
    """Write what differs, then remove what nobody needs. Returns the fields of the result."""
    wanted: list[Wanted] = plan(Path(params["source"]), params["prefix"], params["rules"])
    present = {item["Key"] for item in api.objects(params["prefix"])}
    written = [one for one in wanted if one.key not in present or not is_same(one, api.head(one.key))]
    if not check_mode:
        for one in written:
            api.put(one)
    removed: list[str] = []
    if params["purge_prefixes"]:
        kept = {one.key for one in wanted} | kept_keys(manifests, params["manifests_prefix"], params["prefix"])
        below = tuple(params["prefix"] + purged for purged in params["purge_prefixes"])
        removed = sorted(key for key in present if key.startswith(below) and key not in kept)
        if removed and not check_mode:
            api.delete(removed)
    return {
        "changed": bool(written or removed),
        "written": [one.key for one in written],
        "removed": removed,
    }


def main() -> None:
    module: Module = aws_module(ARGUMENTS)
    params = module.params
    try:
        if params["purge_prefixes"] and not params["manifests_prefix"]:
            raise RefusalError("purge_prefixes needs manifests_prefix, which says what stays.")
        client = module.client("s3")
        api = S3Api(client, params["bucket"])
        manifests = S3Api(client, params["manifests_bucket"] or params["bucket"])
        module.exit_json(**publish(api, manifests, params, check_mode=module.check_mode))
    except RefusalError as refusal:
        module.fail_json(msg=str(refusal))
    except AWSError as error:
        module.fail_json_aws_error(error)


if __name__ == "__main__":
    main()
