#!/usr/bin/python
"""Ansible module: a CloudFront response headers policy."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cloudfront_response_headers_policy
version_added: 0.1.0
short_description: Create, update and delete CloudFront response headers policies
description:
  - A response headers policy says which headers CloudFront adds to, or removes from, the answers that it sends.
  - It is found by its name, which is unique in the account, and takes the API's own configuration in snake_case.
  - A section that is not set is left as it is; a section that is set is complete, and an empty one removes it.
  - A response headers policy cannot be tagged.
author: Slipway
options:
  name:
    description: The name. A change of name is a new policy.
    type: str
    required: true
  comment:
    description: What it is for. Untouched when not set.
    type: str
  security_headers_config:
    description: The security headers.
    type: dict
    suboptions:
      strict_transport_security:
        description: C(Strict-Transport-Security).
        type: dict
        suboptions:
          access_control_max_age_sec:
            description: Seconds for which a browser shall use nothing but HTTPS.
            type: int
            required: true
          include_subdomains:
            description: Whether that holds for subdomains too.
            type: bool
          preload:
            description: Whether browsers may carry the domain in their preload list.
            type: bool
          override:
            description: Whether the header replaces the origin's. V(false) when not set.
            type: bool
      content_security_policy:
        description: C(Content-Security-Policy).
        type: dict
        suboptions:
          content_security_policy:
            description: The value of the header.
            type: str
            required: true
          override:
            description: Whether the header replaces the origin's. V(false) when not set.
            type: bool
      content_type_options:
        description: C(X-Content-Type-Options), always C(nosniff).
        type: dict
        suboptions:
          override:
            description: Whether the header replaces the origin's. V(false) when not set.
            type: bool
      frame_options:
        description: C(X-Frame-Options).
        type: dict
        suboptions:
          frame_option:
            description: The value of the header.
            type: str
            choices: [DENY, SAMEORIGIN]
            required: true
          override:
            description: Whether the header replaces the origin's. V(false) when not set.
            type: bool
      referrer_policy:
        description: C(Referrer-Policy).
        type: dict
        suboptions:
          referrer_policy:
            description: The value of the header.
            type: str
            choices:
              - no-referrer
              - no-referrer-when-downgrade
              - origin
              - origin-when-cross-origin
              - same-origin
              - strict-origin
              - strict-origin-when-cross-origin
              - unsafe-url
            required: true
          override:
            description: Whether the header replaces the origin's. V(false) when not set.
            type: bool
      xss_protection:
        description: C(X-XSS-Protection).
        type: dict
        suboptions:
          protection:
            description: Whether the filter is on (V(1)) or off (V(0)).
            type: bool
            required: true
          mode_block:
            description:
              - Whether the browser blocks the page instead of cleaning it.
              - Excludes O(security_headers_config.xss_protection.report_uri).
            type: bool
          report_uri:
            description: Where the browser reports to.
            type: str
          override:
            description: Whether the header replaces the origin's. V(false) when not set.
            type: bool
  custom_headers_config:
    description: Headers of your own. An empty list removes them all.
    type: list
    elements: dict
    suboptions:
      header:
        description: The name of the header.
        type: str
        required: true
      value:
        description: Its value.
        type: str
        required: true
      override:
        description: Whether the header replaces the origin's. V(false) when not set.
        type: bool
  remove_headers_config:
    description: Names of headers that do not reach the viewer. An empty list keeps them all.
    type: list
    elements: str
  cors_config:
    description: The headers of cross-origin resource sharing.
    type: dict
    suboptions:
      access_control_allow_origins:
        description: Origins that may read the answers.
        type: list
        elements: str
        required: true
      access_control_allow_headers:
        description: Headers that a request may carry.
        type: list
        elements: str
        required: true
      access_control_allow_methods:
        description: Methods that may be used.
        type: list
        elements: str
        choices: [GET, POST, OPTIONS, PUT, DELETE, PATCH, HEAD, ALL]
        required: true
      access_control_allow_credentials:
        description: Whether requests may carry credentials.
        type: bool
        required: true
      access_control_expose_headers:
        description: Headers that a script may read.
        type: list
        elements: str
      access_control_max_age_sec:
        description: Seconds for which a preflight answer may be kept.
        type: int
      origin_override:
        description: Whether the headers replace the origin's.
        type: bool
        required: true
  server_timing_headers_config:
    description: The C(Server-Timing) header.
    type: dict
    suboptions:
      enabled:
        description: Whether it is sent.
        type: bool
        required: true
      sampling_rate:
        description: Percentage of the answers that carry it, 0 to 100, up to four decimals.
        type: float
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Tell browsers to be careful with the application
  slipway.aws.cloudfront_response_headers_policy:
    name: slipway-staging-application
    security_headers_config:
      strict_transport_security:
        access_control_max_age_sec: 31536000
        include_subdomains: true
        override: true
      content_type_options:
        override: true
      frame_options:
        frame_option: DENY
        override: true
      referrer_policy:
        referrer_policy: strict-origin-when-cross-origin
        override: true
      content_security_policy:
        content_security_policy: default-src 'self'
        override: false
    custom_headers_config:
      - header: Permissions-Policy
        value: camera=(), microphone=()
        override: true
    remove_headers_config: [Server]
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample:
    - field: security_headers_config.frame_options.frame_option
      from: SAMEORIGIN
      to: DENY
response_headers_policy:
  description: The policy as CloudFront has it, in snake_case; empty when it is absent.
  returned: always
  type: dict
  contains:
    id:
      description: The id to name in a behaviour; null in check mode as long as the policy does not exist.
      type: str
      sample: 5a9e2f27-43d2-4c53-8b41-1c2b30a8a1d4
    name:
      description: The name.
      type: str
"""

from collections.abc import Sequence
from typing import Any, override

from ansible_collections.slipway.aws.plugins.module_utils.aws import STATE_ARGUMENTS, aws_module, run
from ansible_collections.slipway.aws.plugins.module_utils.cloudfront_api import CloudFrontApi
from ansible_collections.slipway.aws.plugins.module_utils.cloudfront_headers import (
    LAYOUT,
    api_fields,
    live_fields,
    policy_fields,
    refuse,
)
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    Live,
    Resource,
    merged,
)
from ansible_collections.slipway.aws.plugins.module_utils.service_model import from_api, to_api

OVERRIDE: Fields = {"override": {"type": "bool"}}
REFERRER_POLICIES = [
    "no-referrer",
    "no-referrer-when-downgrade",
    "origin",
    "origin-when-cross-origin",
    "same-origin",
    "strict-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
]
METHODS = ["GET", "POST", "OPTIONS", "PUT", "DELETE", "PATCH", "HEAD", "ALL"]


def section(**options: Fields) -> Fields:
    return {"type": "dict", "options": options}


def words(**more: Any) -> Fields:
    return {"type": "list", "elements": "str", **more}


ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "comment": {"type": "str"},
    "security_headers_config": section(
        strict_transport_security=section(
            access_control_max_age_sec={"type": "int", "required": True},
            include_subdomains={"type": "bool"},
            preload={"type": "bool"},
            **OVERRIDE,
        ),
        content_security_policy=section(content_security_policy={"type": "str", "required": True}, **OVERRIDE),
        content_type_options=section(**OVERRIDE),
        frame_options=section(
            frame_option={"type": "str", "choices": ["DENY", "SAMEORIGIN"], "required": True}, **OVERRIDE
        ),
        referrer_policy=section(
            referrer_policy={"type": "str", "choices": REFERRER_POLICIES, "required": True}, **OVERRIDE
        ),
        xss_protection={
            **section(
                protection={"type": "bool", "required": True},
                mode_block={"type": "bool"},
                report_uri={"type": "str"},
                **OVERRIDE,
            ),
            "mutually_exclusive": [("mode_block", "report_uri")],
        },
    ),
    "custom_headers_config": {
        "type": "list",
        "elements": "dict",
        "options": {
            "header": {"type": "str", "required": True},
            "value": {"type": "str", "required": True},
            **OVERRIDE,
        },
    },
    "remove_headers_config": words(),
    "cors_config": section(
        access_control_allow_origins=words(required=True),
        access_control_allow_headers=words(required=True),
        access_control_allow_methods=words(required=True, choices=METHODS),
        access_control_allow_credentials={"type": "bool", "required": True},
        access_control_expose_headers=words(),
        access_control_max_age_sec={"type": "int"},
        origin_override={"type": "bool", "required": True},
    ),
    "server_timing_headers_config": section(
        enabled={"type": "bool", "required": True}, sampling_rate={"type": "float"}
    ),
}


class ResponseHeadersPolicy(Resource):
    kind = "response headers policy"
    result_key = "response_headers_policy"
    layout = LAYOUT

    def __init__(self, api: CloudFrontApi, params: Fields) -> None:
        self.api = api
        self.params = params
        self.shape = api.shape("ResponseHeadersPolicyConfig")

    @property
    @override
    def name(self) -> str:
        return str(self.params["name"])

    @override
    def find(self) -> Live | None:
        for item in self.api.policies("response_headers", "custom"):
            policy = item["ResponseHeadersPolicy"]
            if policy["ResponseHeadersPolicyConfig"]["Name"] == self.name:
                answer = self.api.response_headers_policy(policy["Id"])
                return self._live(answer) if answer else None
        return None

    def _live(self, answer: Fields) -> Live:
        policy = answer["ResponseHeadersPolicy"]
        fields = live_fields(from_api(self.shape, policy["ResponseHeadersPolicyConfig"]))
        return Live(fields, {"id": policy["Id"], "etag": answer.get("ETag")})

    @override
    def desired(self, live: Live | None) -> Fields:
        return policy_fields(self.params)

    def _config(self, live: Live | None, desired: Fields) -> Fields:
        fields = merged(live.fields if live else {}, desired, LAYOUT)
        config: Fields = to_api(self.shape, api_fields(fields))
        return config

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        refuse(desired)
        self.api.check("create_response_headers_policy", ResponseHeadersPolicyConfig=self._config(live, desired))

    @override
    def create(self, desired: Fields) -> Live:
        return self._live(self.api.create_response_headers_policy(self._config(None, desired)))

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        config = self._config(live, desired)
        return self._live(self.api.update_response_headers_policy(live.raw["id"], live.raw["etag"], config))

    @override
    def delete(self, live: Live) -> Live | None:
        self.api.delete_response_headers_policy(live.raw["id"], live.raw["etag"])
        return None

    @override
    def result(self, live: Live) -> Fields:
        return {"id": live.raw["id"], **live.fields}

    @override
    def predicted(self, desired: Fields) -> Fields:
        return {"id": None, **desired}


def main() -> None:
    module = aws_module(ARGUMENTS)
    run(module, ResponseHeadersPolicy(CloudFrontApi(module.client("cloudfront")), module.params))


if __name__ == "__main__":
    main()
