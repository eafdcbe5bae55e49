#!/usr/bin/python
"""Ansible module: an SNS topic, encrypted, with its policy and its subscriptions."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: sns_topic
version_added: 0.1.0
short_description: Create, update and delete SNS topics, encrypted with a key of one's own
description:
  - M(community.aws.sns_topic) cannot encrypt a topic and fails in check mode for one that does not exist yet.
  - A standard topic is found by its name, which is unique in the account and region.
author: Slipway
options:
  name:
    description: The name. A change of name is a new topic.
    type: str
    required: true
  display_name:
    description: The name in messages. Untouched when not set.
    type: str
  kms_key_id:
    description: ARN, id or alias of the key that encrypts the messages. Untouched when not set.
    type: str
  policy:
    description: The whole access policy. Untouched when not set.
    type: dict
  subscriptions:
    description:
      - Who is told. Untouched when not set.
      - SNS asks the owner of an address to confirm; O(confirm_timeout) says whether to wait for that.
    type: list
    elements: dict
    suboptions:
      protocol:
        description: How.
        type: str
        choices: [email, email-json, http, https, lambda, sms, sqs, firehose]
        required: true
      endpoint:
        description: Where; hidden, since addresses of chat and paging services hold their token.
        type: str
        required: true
  purge_subscriptions:
    description: Whether confirmed subscriptions that O(subscriptions) does not list are ended.
    type: bool
    default: true
  kept_subscriptions:
    description:
      - Of those that O(subscriptions) does not list, the ones that stay where they are found. Nobody makes them here.
      - For an address that SNS can only reach later, and that another task subscribes then.
    type: list
    elements: dict
    default: []
    suboptions:
      protocol:
        description: How.
        type: str
        choices: [email, email-json, http, https, lambda, sms, sqs, firehose]
        required: true
      endpoint:
        description: Where; hidden like the others.
        type: str
        required: true
  confirm_timeout:
    description:
      - Seconds to wait until every one of O(subscriptions) is confirmed.
      - One that waits for its owner's word is asked once more first.
      - An address that SNS does not reach yet is tried again for a while, since its name may be minutes old.
      - With 0 a subscription that nobody has confirmed yet counts as made.
    type: int
    default: 0
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
attributes:
  diff_mode:
    description: Shows the fields that differ and nothing else; of subscriptions only that they differ.
"""

EXAMPLES = r"""
- name: Let alarms reach the people on duty
  slipway.aws.sns_topic:
    name: slipway-staging-alerts
    kms_key_id: arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef
    subscriptions:
      - protocol: email
        endpoint: duty@example.com

- name: Wait until the application has confirmed that it listens
  slipway.aws.sns_topic:
    name: slipway-staging-alerts
    subscriptions:
      - protocol: https
        endpoint: https://staging.example.com/api/inbound/sns/
    purge_subscriptions: false
    confirm_timeout: 60
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: display_name, from: old, to: new}]
arn:
  description: The ARN; null in check mode as long as the topic does not exist, and when it is absent.
  returned: always
  type: str
topic:
  description: The topic as it is now; empty when it is absent.
  returned: always
  type: dict
  contains:
    arn:
      description: The ARN.
      type: str
    name:
      description: The name.
      type: str
    display_name:
      description: The name in messages.
      type: str
    kms_key_id:
      description: The key that encrypts the messages.
      type: str
    policy:
      description: The access policy.
      type: dict
    subscriptions:
      description: Hidden.
      type: str
    tags:
      description: The tags, when O(tags) is set.
      type: dict
"""

import json
from collections.abc import Sequence
from typing import Any, ClassVar, override

from ansible_collections.slipway.aws.plugins.module_utils.aws import (
    STATE_ARGUMENTS,
    TAG_ARGUMENTS,
    Api,
    aws_module,
    run,
)
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    Layout,
    Live,
    Resource,
    desired_tags,
    tag_delta,
    wait_until,
)

SUBSCRIPTIONS: Fields = {
    "type": "list",
    "elements": "dict",
    "options": {
        "protocol": {
            "type": "str",
            "required": True,
            "choices": ["email", "email-json", "http", "https", "lambda", "sms", "sqs", "firehose"],
        },
        "endpoint": {"type": "str", "required": True, "no_log": True},
    },
}
ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "display_name": {"type": "str"},
    "kms_key_id": {"type": "str"},
    "policy": {"type": "dict"},
    "subscriptions": SUBSCRIPTIONS,
    "kept_subscriptions": {**SUBSCRIPTIONS, "default": []},
    "purge_subscriptions": {"type": "bool", "default": True},
    "confirm_timeout": {"type": "int", "default": 0},
}

# https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html
ATTRIBUTES = {"display_name": "DisplayName", "kms_key_id": "KmsMasterKeyId", "policy": "Policy"}
# What stands in the place of a subscription's ARN: https://docs.aws.amazon.com/sns/latest/api/API_Subscription.html
UNCONFIRMED = ("PendingConfirmation", "pending confirmation", "Deleted")


def pair(subscription: Fields) -> Fields:
    """``{protocol, endpoint}`` of a Subscription of AWS."""
    return {"protocol": subscription["Protocol"], "endpoint": subscription.get("Endpoint", "")}


def attribute(name: str, value: Any) -> str:
    """A field as the text that SNS takes."""
    return json.dumps(value, sort_keys=True) if name == "policy" else str(value or "")


class Topic(Resource):
    kind = "SNS topic"
    result_key = "topic"
    layout: ClassVar[Layout] = Layout(ordered=frozenset({"Statement"}), secret=frozenset({"subscriptions"}))
    lifted: ClassVar[Fields] = {"arn": None}

    def __init__(self, api: Api, params: Fields) -> None:
        self.api = api
        self.params = params

    @property
    @override
    def name(self) -> str:
        return str(self.params["name"])

    @override
    def find(self) -> Live | None:
        topics = self.api.pages("list the topics", "list_topics", "Topics")
        arns = [topic["TopicArn"] for topic in topics if topic["TopicArn"].rsplit(":", 1)[-1] == self.name]
        return self._read(arns[0]) if arns else None

    def _read(self, arn: str) -> Live:
        said = f"the topic {self.name}"
        attributes = self.api.call(f"read {said}", "get_topic_attributes", TopicArn=arn)["Attributes"]
        fields: Fields = {
            "display_name": attributes.get("DisplayName", ""),
            "kms_key_id": attributes.get("KmsMasterKeyId", ""),
            "policy": json.loads(attributes.get("Policy") or "{}"),
        }
        raw: Fields = {"arn": arn}
        if self.params["subscriptions"] is not None:
            listed = self.api.pages(
                f"list the subscriptions of {said}", "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn
            )
            wanted = self._wanted()
            # One that waits for its owner's word cannot be ended; it ends by itself after a few days.
            made = [] if self.params["confirm_timeout"] else wanted
            counted = [one for one in listed if one["SubscriptionArn"] not in UNCONFIRMED or pair(one) in made]
            fields["subscriptions"] = [pair(one) for one in counted]
            raw["subscriptions"] = counted
        if self.params["tags"] is not None:
            answer = self.api.call(f"read the tags of {said}", "list_tags_for_resource", ResourceArn=arn)
            fields["tags"] = {tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])}
        return Live(fields, raw)

    def _wanted(self) -> list[Fields]:
        return self._pairs("subscriptions")

    def _pairs(self, option: str) -> list[Fields]:
        return [{"protocol": one["protocol"], "endpoint": one["endpoint"]} for one in self.params[option]]

    @override
    def desired(self, live: Live | None) -> Fields:
        have = live.fields if live else {}
        fields = {name: self.params[name] for name in ATTRIBUTES if self.params[name] is not None}
        if self.params["subscriptions"] is not None:
            wanted, found = self._wanted(), have.get("subscriptions", [])
            kept = [one for one in found if one in self._pairs("kept_subscriptions")]
            stay = kept if self.params["purge_subscriptions"] else found
            fields["subscriptions"] = wanted + [one for one in stay if one not in wanted]
        tags = desired_tags(have.get("tags", {}), self.params["tags"], purge=self.params["purge_tags"])
        return {**fields, **({"tags": tags} if tags else {})}

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        self.api.check("create_topic", **self._request(desired))

    def _request(self, desired: Fields) -> Fields:
        attributes = {ATTRIBUTES[name]: attribute(name, desired[name]) for name in ATTRIBUTES if name in desired}
        tags = [{"Key": name, "Value": value} for name, value in desired.get("tags", {}).items() if value is not None]
        return {"Name": self.name, "Attributes": attributes, **({"Tags": tags} if tags else {})}

    @override
    def create(self, desired: Fields) -> Live:
        arn = self.api.call(f"create the topic {self.name}", "create_topic", **self._request(desired))["TopicArn"]
        self._subscribe(arn, desired.get("subscriptions", []))
        return self._read(arn)

    def _subscribe(self, arn: str, subscriptions: Sequence[Fields]) -> None:
        # "Unreachable Endpoint" has no code of its own.
        passing = ("InvalidParameter",) if self.params["confirm_timeout"] else ()
        for one in subscriptions:
            self.api.call(
                f"subscribe somebody to the topic {self.name}",
                "subscribe",
                retry_on=passing,
                TopicArn=arn,
                Protocol=one["protocol"],
                Endpoint=one["endpoint"],
            )

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        arn = live.raw["arn"]
        for name in sorted({change.field.split(".")[0] for change in changes} & set(ATTRIBUTES)):
            self.api.call(
                f"set {name} of the topic {self.name}",
                "set_topic_attributes",
                TopicArn=arn,
                AttributeName=ATTRIBUTES[name],
                AttributeValue=attribute(name, desired[name]),
            )
        if "subscriptions" in desired:
            self._subscribe(arn, [one for one in desired["subscriptions"] if one not in live.fields["subscriptions"]])
            for one in live.raw["subscriptions"]:
                if pair(one) not in desired["subscriptions"]:
                    self.api.call(
                        f"end a subscription of the topic {self.name}",
                        "unsubscribe",
                        SubscriptionArn=one["SubscriptionArn"],
                    )
        to_set, to_remove = tag_delta(live.fields.get("tags", {}), desired.get("tags", {}))
        if to_remove:
            self.api.call(f"untag the topic {self.name}", "untag_resource", ResourceArn=arn, TagKeys=list(to_remove))
        if to_set:
            tags = [{"Key": name, "Value": value} for name, value in to_set.items()]
            self.api.call(f"tag the topic {self.name}", "tag_resource", ResourceArn=arn, Tags=tags)
        return self._read(arn)

    @override
    def await_present(self, live: Live) -> Live:
        if not self.params["confirm_timeout"] or self.params["subscriptions"] is None:
            return live

        def probe() -> tuple[bool, str]:
            nonlocal live
            live = self._read(live.raw["arn"])
            missing = sum(one not in live.fields["subscriptions"] for one in self._wanted())
            return not missing, f"{missing} not confirmed"

        wait_until(
            f"Confirming the subscriptions of the topic {self.name}",
            probe,
            timeout=self.params["confirm_timeout"],
            longest_pause=3,
        )
        return live

    @override
    def delete(self, live: Live) -> Live | None:
        self.api.call(f"delete the topic {self.name}", "delete_topic", TopicArn=live.raw["arn"])
        return None

    @override
    def result(self, live: Live) -> Fields:
        return {"arn": live.raw["arn"], "name": self.name, **live.fields}

    @override
    def predicted(self, desired: Fields) -> Fields:
        return {"display_name": "", "kms_key_id": "", "policy": {}, **desired, "arn": None, "name": self.name}


def main() -> None:
    module = aws_module(ARGUMENTS)
    run(module, Topic(Api(module.client("sns")), module.params))


if __name__ == "__main__":
    main()
