#!/usr/bin/python
"""Ansible module: where a web ACL of WAF writes what it decided."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: wafv2_logging
version_added: 0.1.0
short_description: Keep the logging configuration of a web ACL
description:
  - A web ACL has one logging configuration at most. It goes with the web ACL.
  - For a log group of CloudWatch, AWS adds a policy to CloudWatch Logs that lets the delivery service write.
author: Slipway
options:
  web_acl_arn:
    description: ARN of the web ACL.
    type: str
    required: true
  state:
    description: Whether it shall log.
  destination_arn:
    description: A log group, bucket or stream whose name begins with C(aws-waf-logs-). Required when O(state=present).
    type: str
  redacted_headers:
    description: Headers whose value is left out.
    type: list
    elements: str
    default: []
  kept_actions:
    description: Requests with one of these outcomes are logged, others are not; empty for all.
    type: list
    elements: str
    choices: [ALLOW, BLOCK, COUNT, CAPTCHA, CHALLENGE, EXCLUDED_AS_COUNT]
    default: []
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Write down what was blocked or would have been
  slipway.aws.wafv2_logging:
    web_acl_arn: "{{ acl.arn }}"
    destination_arn: arn:aws:logs:eu-west-1:123456789012:log-group:aws-waf-logs-slipway-staging
    redacted_headers: [authorization, cookie]
    kept_actions: [BLOCK, COUNT]
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: kept_actions, from: [], to: [BLOCK]}]
logging:
  description: The configuration as it is now; empty when there is none.
  returned: always
  type: dict
  contains:
    destination_arn:
      description: Where to.
      type: str
    redacted_headers:
      description: What is left out.
      type: list
      elements: str
    kept_actions:
      description: What is logged; empty for all.
      type: list
      elements: str
"""

from collections.abc import Sequence
from typing import override

from ansible_collections.slipway.aws.plugins.module_utils.aws import STATE_ARGUMENTS, Api, aws_module, run
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    Live,
    RefusalError,
    Resource,
)

ACTIONS = ["ALLOW", "BLOCK", "COUNT", "CAPTCHA", "CHALLENGE", "EXCLUDED_AS_COUNT"]
ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    "web_acl_arn": {"type": "str", "required": True},
    "destination_arn": {"type": "str"},
    "redacted_headers": {"type": "list", "elements": "str", "default": []},
    "kept_actions": {"type": "list", "elements": "str", "choices": ACTIONS, "default": []},
}


def kept_actions(configuration: Fields) -> list[str]:
    """The outcomes that a LoggingFilter of the form that this module writes keeps.

    A filter of another form, made by hand, gives ``["?"]``: no desired value equals it, so it is replaced.
    """
    chosen = configuration.get("LoggingFilter")
    if not chosen:
        return []
    conditions = [one for part in chosen.get("Filters", []) for one in part.get("Conditions", [])]
    ours = (
        chosen.get("DefaultBehavior") == "DROP"
        and all((part["Behavior"], part["Requirement"]) == ("KEEP", "MEETS_ANY") for part in chosen["Filters"])
        and all("ActionCondition" in one for one in conditions)
    )
    return [one["ActionCondition"]["Action"] for one in conditions] if ours else ["?"]


def request_of(arn: str, fields: Fields) -> Fields:
    """LoggingConfiguration of AWS. https://docs.aws.amazon.com/waf/latest/APIReference/API_LoggingConfiguration.html"""
    request: Fields = {"ResourceArn": arn, "LogDestinationConfigs": [fields["destination_arn"]]}
    if fields["redacted_headers"]:
        request["RedactedFields"] = [{"SingleHeader": {"Name": name}} for name in fields["redacted_headers"]]
    if fields["kept_actions"]:
        conditions = [{"ActionCondition": {"Action": action}} for action in fields["kept_actions"]]
        kept = {"Behavior": "KEEP", "Requirement": "MEETS_ANY", "Conditions": conditions}
        request["LoggingFilter"] = {"DefaultBehavior": "DROP", "Filters": [kept]}
    return request


class Logging(Resource):
    kind = "logging configuration"
    result_key = "logging"

    def __init__(self, api: Api, params: Fields) -> None:
        self.api = api
        self.params = params

    @property
    @override
    def name(self) -> str:
        return str(self.params["web_acl_arn"])

    @override
    def find(self) -> Live | None:
        answer = self.api.call_if_exists(
            f"read the logging configuration of {self.name}",
            "get_logging_configuration",
            missing=("WAFNonexistentItemException",),
            ResourceArn=self.name,
        )
        if answer is None:
            return None
        live = answer["LoggingConfiguration"]
        redacted = [one["SingleHeader"]["Name"] for one in live.get("RedactedFields") or [] if "SingleHeader" in one]
        return Live(
            {
                "destination_arn": live["LogDestinationConfigs"][0],
                "redacted_headers": redacted,
                "kept_actions": kept_actions(live),
            }
        )

    @override
    def desired(self, live: Live | None) -> Fields:
        # WAF writes the names of headers small.
        headers = [name.lower() for name in self.params["redacted_headers"]]
        return {
            "destination_arn": self.params["destination_arn"],
            "redacted_headers": headers,
            "kept_actions": self.params["kept_actions"],
        }

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        destination = desired["destination_arn"].rstrip(":*").rsplit(":", 1)[-1].rsplit("/", 1)[-1]
        if not destination.startswith("aws-waf-logs-"):
            raise RefusalError(f"WAF writes only to names that begin with aws-waf-logs-, and {destination} does not.")
        self.api.check("put_logging_configuration", LoggingConfiguration=request_of(self.name, desired))

    @override
    def create(self, desired: Fields) -> Live:
        self.api.call(
            f"set the logging configuration of {self.name}",
            "put_logging_configuration",
            # WAF is not told of a new log group at once.
            retry_on=("WAFLogDestinationPermissionIssueException", "WAFUnavailableEntityException"),
            LoggingConfiguration=request_of(self.name, desired),
        )
        return self.find() or Live(desired)

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        return self.create(desired)

    @override
    def delete(self, live: Live) -> Live | None:
        self.api.call(f"end the logging of {self.name}", "delete_logging_configuration", ResourceArn=self.name)
        return None


def main() -> None:
    module = aws_module(ARGUMENTS, required_if=[("state", "present", ["destination_arn"])])
    run(module, Logging(Api(module.client("wafv2")), module.params))


if __name__ == "__main__":
    main()
