#!/usr/bin/python
"""Ansible module: a CloudFront origin access control."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cloudfront_origin_access_control
version_added: 0.1.0
short_description: Create, update and delete CloudFront origin access controls
description:
  - An origin access control lets a distribution sign its requests to an origin, so that the origin (an S3 bucket, say)
    can refuse everybody else.
  - It is found by its name, which is unique in the account.
  - An origin access control cannot be tagged.
author: Slipway
options:
  name:
    description: The name, at most 64 characters. A change of name is a new origin access control.
    type: str
    required: true
  description:
    description: What it is for. Untouched when not set.
    type: str
  origin_type:
    description: The kind of origin that the requests are signed for.
    type: str
    choices: [s3, mediastore, mediapackagev2, lambda]
    default: s3
  signing_behavior:
    description: Which requests are signed. V(no-override) leaves an C(Authorization) header of the viewer in place.
    type: str
    choices: [always, never, no-override]
    default: always
  signing_protocol:
    description: How requests are signed.
    type: str
    choices: [sigv4]
    default: sigv4
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Let the distribution sign what it asks of the bucket
  slipway.aws.cloudfront_origin_access_control:
    name: slipway-staging-frontend
    description: Reads the front end's bucket
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: description, from: old, to: new}]
origin_access_control:
  description: The origin access control; empty when it is absent.
  returned: always
  type: dict
  contains:
    id:
      description: The id to name in an origin; null in check mode as long as it does not exist.
      type: str
      sample: E2QWRUHAPOMQZL
    name:
      description: The name.
      type: str
    description:
      description: What it is for.
      type: str
    origin_type:
      description: The kind of origin.
      type: str
    signing_behavior:
      description: Which requests are signed.
      type: str
    signing_protocol:
      description: How requests are signed.
      type: str
"""

from collections.abc import Sequence
from typing import override

from ansible_collections.slipway.aws.plugins.module_utils.aws import STATE_ARGUMENTS, aws_module, run
from ansible_collections.slipway.aws.plugins.module_utils.cloudfront_api import CloudFrontApi
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    Live,
    Resource,
    merged,
    without_null,
)

ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "description": {"type": "str"},
    "origin_type": {
        "type": "str",
        "choices": ["s3", "mediastore", "mediapackagev2", "lambda"],
        "default": "s3",
    },
    "signing_behavior": {"type": "str", "choices": ["always", "never", "no-override"], "default": "always"},
    "signing_protocol": {"type": "str", "choices": ["sigv4"], "default": "sigv4"},
}

API_NAMES = {
    "name": "Name",
    "description": "Description",
    "origin_type": "OriginAccessControlOriginType",
    "signing_behavior": "SigningBehavior",
    "signing_protocol": "SigningProtocol",
}


def config_of(fields: Fields) -> Fields:
    """OriginAccessControlConfig of AWS."""
    return {API_NAMES[name]: value for name, value in fields.items()}


def fields_of(config: Fields) -> Fields:
    """The way back; AWS leaves an empty description out."""
    return {name: config.get(api_name, "") for name, api_name in API_NAMES.items()}


class OriginAccessControl(Resource):
    kind = "origin access control"
    result_key = "origin_access_control"

    def __init__(self, api: CloudFrontApi, params: Fields) -> None:
        self.api = api
        self.params = params

    @property
    @override
    def name(self) -> str:
        return str(self.params["name"])

    @override
    def find(self) -> Live | None:
        for summary in self.api.origin_access_controls():
            if summary["Name"] == self.name:
                answer = self.api.origin_access_control(summary["Id"])
                return self._live(answer) if answer else None
        return None

    def _live(self, answer: Fields) -> Live:
        control = answer["OriginAccessControl"]
        return Live(fields_of(control["OriginAccessControlConfig"]), {"id": control["Id"], "etag": answer.get("ETag")})

    @override
    def desired(self, live: Live | None) -> Fields:
        fields: Fields = without_null({name: self.params[name] for name in API_NAMES})
        return fields

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        self.api.check("create_origin_access_control", OriginAccessControlConfig=config_of(desired))

    @override
    def create(self, desired: Fields) -> Live:
        return self._live(self.api.create_origin_access_control(config_of(desired)))

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        config = config_of(merged(live.fields, desired, self.layout))
        return self._live(self.api.update_origin_access_control(live.raw["id"], live.raw["etag"], config))

    @override
    def delete(self, live: Live) -> Live | None:
        self.api.delete_origin_access_control(live.raw["id"], live.raw["etag"])
        return None

    @override
    def result(self, live: Live) -> Fields:
        return {"id": live.raw["id"], **live.fields}

    @override
    def predicted(self, desired: Fields) -> Fields:
        return {"id": None, "description": "", **desired}


def main() -> None:
    module = aws_module(ARGUMENTS)
    run(module, OriginAccessControl(CloudFrontApi(module.client("cloudfront")), module.params))


if __name__ == "__main__":
    main()
