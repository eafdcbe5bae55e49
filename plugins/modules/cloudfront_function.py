#!/usr/bin/python
"""Ansible module: a CloudFront function, published."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cloudfront_function
version_added: 0.1.0
short_description: Create, update, publish and delete CloudFront functions
description:
  - Makes the C(LIVE) stage of a CloudFront function equal to what is given. The C(DEVELOPMENT) stage is only the way
    there and is not compared, so what somebody tries out in it is neither noticed nor published.
  - A function that a distribution uses cannot be deleted.
author: Slipway
options:
  name:
    description: The name, unique in the account. A change of name is a new function.
    type: str
    required: true
  code:
    description: The source in JavaScript, at most 10 KB. Required when O(state=present).
    type: str
  comment:
    description: What it is for. Untouched when not set.
    type: str
  runtime:
    description: The JavaScript runtime.
    type: str
    choices: [cloudfront-js-1.0, cloudfront-js-2.0]
    default: cloudfront-js-2.0
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
attributes:
  diff_mode:
    description: Shows the fields that differ and nothing else; the code is one of them.
"""

EXAMPLES = r"""
- name: Send every address without a file name to the application's page
  slipway.aws.cloudfront_function:
    name: slipway-staging-spa
    comment: Rewrites routes of the single-page application to index.html
    code: "{{ lookup('ansible.builtin.file', 'spa.js') }}"
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: comment, from: old, to: new}]
function:
  description: The function as it is live; empty when it is absent.
  returned: always
  type: dict
  contains:
    arn:
      description: The ARN to name in a behaviour; null in check mode as long as the function does not exist.
      type: str
      sample: arn:aws:cloudfront::123456789012:function/slipway-staging-spa
    name:
      description: The name.
      type: str
    code:
      description: The source of the C(LIVE) stage.
      type: str
    comment:
      description: What it is for.
      type: str
    runtime:
      description: The JavaScript runtime.
      type: str
    stage:
      description: V(LIVE), or V(DEVELOPMENT) when it was never published; null in check mode before it exists.
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
    aws_module,
    run,
)
from ansible_collections.slipway.aws.plugins.module_utils.cloudfront_api import CloudFrontApi
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    Live,
    RefusalError,
    Resource,
    desired_tags,
    tag_delta,
    without_null,
)

# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-functions
MAXIMUM_CODE_BYTES = 10 * 1024

ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "code": {"type": "str"},
    "comment": {"type": "str"},
    "runtime": {
        "type": "str",
        "choices": ["cloudfront-js-1.0", "cloudfront-js-2.0"],
        "default": "cloudfront-js-2.0",
    },
}


def config_of(fields: Fields, live_config: Fields) -> Fields:
    """FunctionConfig of AWS. UpdateFunction takes the whole of it, so what we do not manage is carried over."""
    return {**live_config, "Comment": fields.get("comment", ""), "Runtime": fields["runtime"]}


class Function(Resource):
    kind = "CloudFront function"
    result_key = "function"

    def __init__(self, api: CloudFrontApi, params: Fields) -> None:
        self.api = api
        self.params = params

    @property
    @override
    def name(self) -> str:
        return str(self.params["name"])

    @override
    def find(self) -> Live | None:
        draft = self.api.function(self.name, "DEVELOPMENT")
        if draft is None:
            return None
        published = self.api.function(self.name, "LIVE")
        summary = (published or draft)["FunctionSummary"]
        arn = summary["FunctionMetadata"]["FunctionARN"]
        fields: Fields = {
            "code": self.api.function_code(self.name, "LIVE").decode() if published else "",
            "comment": summary["FunctionConfig"].get("Comment", ""),
            "runtime": summary["FunctionConfig"]["Runtime"],
            "stage": "LIVE" if published else "DEVELOPMENT",
        }
        if self.params["tags"] is not None:
            fields["tags"] = self.api.tags(arn)
        return Live(fields, {"arn": arn, "etag": draft["ETag"], "config": summary["FunctionConfig"]})

    @override
    def desired(self, live: Live | None) -> Fields:
        fields = without_null({name: self.params[name] for name in ("code", "comment", "runtime")})
        tags = desired_tags(
            live.fields.get("tags", {}) if live else {}, self.params["tags"], purge=self.params["purge_tags"]
        )
        return {**fields, "stage": "LIVE", **({"tags": tags} if tags else {})}

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        size = len(desired["code"].encode())
        if size > MAXIMUM_CODE_BYTES:
            raise RefusalError(
                f"The code of {self.name} has {size} bytes and CloudFront takes {MAXIMUM_CODE_BYTES}: "
                "shorten it, or move data into a key value store."
            )
        if not desired["code"].strip():
            raise RefusalError(f"The code of {self.name} is empty: give the source of a function named handler.")
        self.api.check(
            "create_function",
            Name=self.name,
            FunctionConfig=config_of(desired, {}),
            FunctionCode=desired["code"].encode(),
        )

    @override
    def create(self, desired: Fields) -> Live:
        answer = self.api.create_function(
            self.name, config_of(desired, {}), desired["code"].encode(), desired.get("tags", {})
        )
        return self._published(answer["ETag"])

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        to_set, to_remove = tag_delta(live.fields.get("tags", {}), desired.get("tags", {}))
        self.api.change_tags(live.raw["arn"], to_set, to_remove)
        if all(change.field.startswith("tags") for change in changes):
            return self._found()
        config = config_of({"comment": live.fields["comment"], **desired}, live.raw["config"])
        answer = self.api.update_function(self.name, live.raw["etag"], config, desired["code"].encode())
        return self._published(answer["ETag"])

    def _published(self, etag: str) -> Live:
        self.api.publish_function(self.name, etag)
        return self._found()

    def _found(self) -> Live:
        live = self.find()
        if live is None:
            raise RefusalError(f"The CloudFront function {self.name} was deleted while it was being changed.")
        return live

    @override
    def delete(self, live: Live) -> Live | None:
        self.api.delete_function(self.name, live.raw["etag"])
        return None

    @override
    def result(self, live: Live) -> Fields:
        return {"arn": live.raw["arn"], "name": self.name, **live.fields}

    @override
    def predicted(self, desired: Fields) -> Fields:
        return {"comment": "", **desired, "arn": None, "name": self.name, "stage": None}


def main() -> None:
    module = aws_module(ARGUMENTS, required_if=[("state", "present", ["code"])])
    run(module, Function(CloudFrontApi(module.client("cloudfront")), module.params))


if __name__ == "__main__":
    main()
