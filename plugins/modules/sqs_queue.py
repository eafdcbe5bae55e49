#!/usr/bin/python
"""Ansible module: an SQS queue with its policies."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: sqs_queue
version_added: 0.1.0
short_description: Create, update and delete standard SQS queues with encryption and redrive permissions
description:
  - M(community.aws.sqs_queue) can neither encrypt with keys of SQS nor say who may use a dead-letter queue, and a queue
    that it makes is open for a moment before its policy comes.
  - A queue is found by its name, which is unique in the account and region.
author: Slipway
options:
  name:
    description: The name. A change of name is a new queue, and the messages stay in the old one.
    type: str
    required: true
  state:
    description: Whether it shall exist. A queue takes its messages along when it is deleted.
  visibility_seconds:
    description: For how long a received message is hidden unless the receiver says otherwise. Untouched when not set.
    type: int
  retention_seconds:
    description: For how long a message is kept. Untouched when not set.
    type: int
  wait_seconds:
    description: For how long a receiver waits for a message unless it says otherwise. Untouched when not set.
    type: int
  encrypted:
    description: Whether SQS encrypts what it keeps, with keys of its own. Untouched when not set.
    type: bool
  policy:
    description: The whole access policy. Untouched when not set.
    type: dict
  redrive:
    description: Where messages go that were received too often. Untouched when not set.
    type: dict
    suboptions:
      dead_letter_arn:
        description: ARN of the dead-letter queue.
        type: str
        required: true
      receives:
        description: How often a message is received before it goes there.
        type: int
        required: true
  redrive_sources:
    description: ARNs of the only queues that may use this one as their dead-letter queue. Untouched when not set.
    type: list
    elements: str
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Make the dead-letter queue
  slipway.aws.sqs_queue:
    name: slipway-staging-tasks-dead
    encrypted: true
    retention_seconds: 1209600
    redrive_sources: ["arn:aws:sqs:eu-west-1:123456789012:slipway-staging-tasks"]

- name: Make the queue
  slipway.aws.sqs_queue:
    name: slipway-staging-tasks
    encrypted: true
    redrive:
      dead_letter_arn: arn:aws:sqs:eu-west-1:123456789012:slipway-staging-tasks-dead
      receives: 8
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: visibility_seconds, from: 30, to: 60}]
url:
  description: The URL; null in check mode as long as the queue does not exist, and when it is absent.
  returned: always
  type: str
queue:
  description: The queue as it is now; empty when it is absent.
  returned: always
  type: dict
  contains:
    url:
      description: The URL.
      type: str
    arn:
      description: The ARN.
      type: str
    name:
      description: The name.
      type: str
    visibility_seconds:
      description: For how long a received message is hidden.
      type: int
    retention_seconds:
      description: For how long a message is kept.
      type: int
    wait_seconds:
      description: For how long a receiver waits.
      type: int
    encrypted:
      description: Whether SQS encrypts with keys of its own.
      type: bool
    policy:
      description: The access policy.
      type: dict
    redrive:
      description: Where messages go that were received too often.
      type: dict
    redrive_sources:
      description: The queues that may use this one as their dead-letter queue.
      type: list
      elements: str
    tags:
      description: The tags, when O(tags) is set.
      type: dict
"""

import json
from collections.abc import Mapping, Sequence
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
    RefusalError,
    Resource,
    desired_tags,
    differences,
    tag_delta,
    wait_until,
)

ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "visibility_seconds": {"type": "int"},
    "retention_seconds": {"type": "int"},
    "wait_seconds": {"type": "int"},
    "encrypted": {"type": "bool"},
    "policy": {"type": "dict"},
    "redrive": {
        "type": "dict",
        "options": {
            "dead_letter_arn": {"type": "str", "required": True},
            "receives": {"type": "int", "required": True},
        },
    },
    "redrive_sources": {"type": "list", "elements": "str"},
}

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
ATTRIBUTES = {
    "visibility_seconds": "VisibilityTimeout",
    "retention_seconds": "MessageRetentionPeriod",
    "wait_seconds": "ReceiveMessageWaitTimeSeconds",
    "encrypted": "SqsManagedSseEnabled",
    "policy": "Policy",
    "redrive": "RedrivePolicy",
    "redrive_sources": "RedriveAllowPolicy",
}
# The same page, from and to in seconds.
RANGES = {
    "visibility_seconds": (0, 43_200),
    "retention_seconds": (60, 1_209_600),
    "wait_seconds": (0, 20),
}
MOST_RECEIVES = 1000
MOST_SOURCES = 10
MISSING = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
# In this time a change spreads; how long messages are kept takes longer.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
SPREAD_SECONDS = 60
RETENTION_SPREAD_SECONDS = 900
# A name is free again a minute after its queue was deleted.
DELETED_RECENTLY = ("AWS.SimpleQueueService.QueueDeletedRecently", "QueueDeletedRecently")


def attribute(name: str, value: Any) -> str:
    """A field as the text that SQS takes."""
    match name:
        case "policy":
            return json.dumps(value, sort_keys=True) if value else ""
        case "redrive":
            return json.dumps({"deadLetterTargetArn": value["dead_letter_arn"], "maxReceiveCount": value["receives"]})
        case "redrive_sources":
            return json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": sorted(value)})
        case "encrypted":
            return "true" if value else "false"
    return str(value)


def fields_of(attributes: Mapping[str, str]) -> Fields:
    """The fields of the Attributes that SQS answers."""
    redrive = json.loads(attributes.get("RedrivePolicy") or "{}")
    allow = json.loads(attributes.get("RedriveAllowPolicy") or "{}")
    return {
        **{name: int(attributes.get(ATTRIBUTES[name], 0)) for name in RANGES},
        "encrypted": attributes.get("SqsManagedSseEnabled") == "true",
        "policy": json.loads(attributes.get("Policy") or "{}"),
        "redrive": (
            {"dead_letter_arn": redrive["deadLetterTargetArn"], "receives": int(redrive["maxReceiveCount"])}
            if redrive
            else {}
        ),
        "redrive_sources": allow.get("sourceQueueArns", []),
    }


class Queue(Resource):
    kind = "SQS queue"
    result_key = "queue"
    layout: ClassVar[Layout] = Layout(ordered=frozenset({"Statement"}))
    lifted: ClassVar[Fields] = {"url": None}

    def __init__(self, api: Api, params: Fields) -> None:
        self.api = api
        self.params = params
        self._spreads_for = 0

    @property
    @override
    def name(self) -> str:
        return str(self.params["name"])

    @override
    def find(self) -> Live | None:
        answer = self.api.call_if_exists(
            f"find the queue {self.name}", "get_queue_url", missing=MISSING, QueueName=self.name
        )
        return None if answer is None else self._read(answer["QueueUrl"])

    def _read(self, url: str) -> Live:
        attributes = self.api.call(
            f"read the queue {self.name}", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"]
        )["Attributes"]
        fields = fields_of(attributes)
        if self.params["tags"] is not None:
            answer = self.api.call(f"read the tags of the queue {self.name}", "list_queue_tags", QueueUrl=url)
            fields["tags"] = answer.get("Tags", {})
        return Live(fields, {"url": url, "arn": attributes["QueueArn"]})

    @override
    def desired(self, live: Live | None) -> Fields:
        fields = {name: self.params[name] for name in ATTRIBUTES if self.params[name] is not None}
        have = live.fields.get("tags", {}) if live else {}
        tags = desired_tags(have, self.params["tags"], purge=self.params["purge_tags"])
        return {**fields, **({"tags": tags} if tags else {})}

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        for name, (lowest, highest) in RANGES.items():
            if name in desired and not lowest <= desired[name] <= highest:
                raise RefusalError(f"{name} is {desired[name]}; SQS takes {lowest} to {highest} seconds.")
        if "redrive" in desired and not 1 <= desired["redrive"]["receives"] <= MOST_RECEIVES:
            raise RefusalError(
                f"redrive.receives is {desired['redrive']['receives']}; SQS takes 1 to {MOST_RECEIVES} receives."
            )
        if not 1 <= len(desired.get("redrive_sources", [""])) <= MOST_SOURCES:
            raise RefusalError(f"redrive_sources takes 1 to {MOST_SOURCES} queues.")
        self.api.check("create_queue", **self._request(desired))

    def _request(self, desired: Fields) -> Fields:
        attributes = {ATTRIBUTES[name]: attribute(name, desired[name]) for name in ATTRIBUTES if name in desired}
        tags = {name: value for name, value in desired.get("tags", {}).items() if value is not None}
        return {"QueueName": self.name, "Attributes": attributes, **({"tags": tags} if tags else {})}

    @override
    def create(self, desired: Fields) -> Live:
        answer = self.api.call(
            f"create the queue {self.name}", "create_queue", retry_on=DELETED_RECENTLY, **self._request(desired)
        )
        return self._read(answer["QueueUrl"])

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        url = live.raw["url"]
        differing = sorted({change.field.split(".")[0] for change in changes} & set(ATTRIBUTES))
        if differing:
            self.api.call(
                f"set {', '.join(differing)} of the queue {self.name}",
                "set_queue_attributes",
                QueueUrl=url,
                Attributes={ATTRIBUTES[name]: attribute(name, desired[name]) for name in differing},
            )
        to_set, to_remove = tag_delta(live.fields.get("tags", {}), desired.get("tags", {}))
        if to_remove:
            self.api.call(f"untag the queue {self.name}", "untag_queue", QueueUrl=url, TagKeys=list(to_remove))
        if to_set:
            self.api.call(f"tag the queue {self.name}", "tag_queue", QueueUrl=url, Tags=to_set)
        # SQS answers the old attributes for a while; what was sent is what will be.
        self._spreads_for = RETENTION_SPREAD_SECONDS if "retention_seconds" in differing else SPREAD_SECONDS
        kept = {name: value for name, value in live.fields.get("tags", {}).items() if name not in to_remove}
        fields = {**live.fields, **{name: desired[name] for name in differing}}
        return Live({**fields, **({"tags": {**kept, **to_set}} if "tags" in fields else {})}, live.raw)

    @override
    def await_present(self, live: Live) -> Live:
        """Wait until SQS answers what was sent: whoever looks before takes the old values for what is meant."""

        def spread() -> tuple[bool, str]:
            old = differences(self._read(live.raw["url"]).fields, live.fields, self.layout)
            return not old, f"the old {', '.join(change.field for change in old)}"

        if self._spreads_for:
            # AWS's minute, and a little more.
            wait_until(f"The change of the queue {self.name}", spread, timeout=self._spreads_for + 30, longest_pause=5)
        return live

    @override
    def delete(self, live: Live) -> Live | None:
        self.api.call(f"delete the queue {self.name}", "delete_queue", QueueUrl=live.raw["url"])
        return None

    @override
    def result(self, live: Live) -> Fields:
        return {**live.raw, "name": self.name, **live.fields}

    @override
    def predicted(self, desired: Fields) -> Fields:
        return {**fields_of({}), **desired, "name": self.name, "url": None, "arn": None}


def main() -> None:
    module = aws_module(ARGUMENTS)
    run(module, Queue(Api(module.client("sqs")), module.params))


if __name__ == "__main__":
    main()
