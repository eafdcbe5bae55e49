#!/usr/bin/python
"""Ansible module: what RDS tells a topic, many subscriptions at once."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rds_event_subscriptions
version_added: 0.1.0
short_description: Keep the event subscriptions of RDS that begin with a prefix
description:
  - RDS tells a topic what happens to an instance that no metric shows, such as a failover, a failure or a parameter
    that somebody changed.
  - Subscriptions whose name begins with O(prefix) and which are not in O(subscriptions) are deleted; those of others
    are not touched. One that differs is made anew.
  - The topic's policy, and the policy of its key, have to let C(events.rds.amazonaws.com) in.
author: Slipway
options:
  prefix:
    description: Beginning of the names.
    type: str
    required: true
  topic_arn:
    description: The topic that is told.
    type: str
  subscriptions:
    description: All subscriptions with O(prefix).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Rest of the name.
        type: str
        required: true
      source_type:
        description: What it is about.
        type: str
        choices: [db-instance, db-parameter-group, db-snapshot]
        required: true
      source_ids:
        description: Names of these. All of the account when empty.
        type: list
        elements: str
        default: []
      categories:
        description: What is told, in the words of C(aws rds describe-event-categories). Everything when empty.
        type: list
        elements: str
        default: []
  state:
    description: Whether there shall be subscriptions. V(absent) deletes all that begin with O(prefix).
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Hear of failures of the database
  slipway.aws.rds_event_subscriptions:
    prefix: slipway-production-
    topic_arn: arn:aws:sns:eu-west-1:123456789012:slipway-production-alerts
    subscriptions:
      - name: database
        source_type: db-instance
        source_ids: [slipway-production]
        categories: [failure, failover, low storage]
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: "subscriptions[slipway-production-database].categories", from: [failure], to: [failure, failover]}]
event_subscriptions:
  description: The subscriptions as they are now; empty when they are absent.
  returned: always
  type: dict
  contains:
    subscriptions:
      description: Each with its whole name and its topic.
      type: list
      elements: dict
"""

from collections.abc import Sequence
from typing import ClassVar, override

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
)

ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
    "prefix": {"type": "str", "required": True},
    "topic_arn": {"type": "str"},
    "subscriptions": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "source_type": {
                "type": "str",
                "choices": ["db-instance", "db-parameter-group", "db-snapshot"],
                "required": True,
            },
            "source_ids": {"type": "list", "elements": "str", "default": []},
            "categories": {"type": "list", "elements": "str", "default": []},
        },
    },
}
# What is made a moment before is not known everywhere yet; what is deleted holds its name for a while.
_EARLY = ("SourceNotFound", "SubscriptionAlreadyExist")


class EventSubscriptions(Resource):
    kind = "event subscriptions"
    result_key = "event_subscriptions"
    layout: ClassVar[Layout] = Layout(keys={"subscriptions": "name"})

    def __init__(self, api: Api, params: Fields) -> None:
        self.api = api
        self.params = params
        self.arns: dict[str, str] = {}

    @property
    @override
    def name(self) -> str:
        return str(self.params["prefix"])

    @override
    def find(self) -> Live | None:
        found = self.api.pages("list event subscriptions", "describe_event_subscriptions", "EventSubscriptionsList")
        subscriptions = []
        for one in found:
            name = one["CustSubscriptionId"]
            if not name.startswith(self.name) or one["Status"] == "deleting":
                continue
            arn = self.arns[name] = one["EventSubscriptionArn"]
            tags = self.api.call(f"read the tags of {name}", "list_tags_for_resource", ResourceName=arn)["TagList"]
            subscriptions.append(
                {
                    "name": name,
                    "source_type": one.get("SourceType"),
                    "source_ids": one.get("SourceIdsList", []),
                    "categories": one.get("EventCategoriesList", []),
                    "topic_arn": one["SnsTopicArn"],
                    "enabled": one["Enabled"],
                    "tags": {tag["Key"]: tag["Value"] for tag in tags},
                }
            )
        if not subscriptions and self.params["state"] == "absent":
            return None
        return Live({"subscriptions": subscriptions})

    @override
    def desired(self, live: Live | None) -> Fields:
        have = {one["name"]: one["tags"] for one in live.fields["subscriptions"]} if live else {}
        purge = self.params["purge_tags"]
        shared = {"topic_arn": self.params["topic_arn"], "enabled": True}
        subscriptions = []
        for one in self.params["subscriptions"]:
            name = f"{self.name}{one['name']}"
            tags = desired_tags(have.get(name, {}), self.params["tags"], purge=purge)
            subscriptions.append({**one, **shared, "name": name, "tags": tags})
        return {"subscriptions": subscriptions}

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        names = [one["name"] for one in desired["subscriptions"]]
        for one in desired["subscriptions"]:
            if names.count(one["name"]) > 1:
                raise RefusalError(f"There would be two event subscriptions {one['name']}: name them apart.")
            self.api.check("create_event_subscription", **self._request(one))

    def _request(self, one: Fields) -> Fields:
        # Without categories RDS tells everything, and without sources of all of them.
        some = {"SourceIds": one["source_ids"], "EventCategories": one["categories"]}
        return {
            "SubscriptionName": one["name"],
            "SnsTopicArn": one["topic_arn"],
            "SourceType": one["source_type"],
            "Enabled": one["enabled"],
            "Tags": [{"Key": key, "Value": value} for key, value in one["tags"].items() if value is not None],
            **{member: values for member, values in some.items() if values},
        }

    @override
    def create(self, desired: Fields) -> Live:
        raise NotImplementedError("there is always a list of subscriptions")

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        have = {one["name"]: one for one in live.fields["subscriptions"]}
        for one in desired["subscriptions"]:
            before = have.get(one["name"])
            differs = differences(before, one, self.layout) if before else []
            if before and not differs:
                continue
            if before and all(change.field.startswith("tags") for change in differs):
                self._tag(one, before)
                continue
            if before:
                self._delete(one["name"])
            self.api.call(
                f"make the event subscription {one['name']}",
                "create_event_subscription",
                retry_on=_EARLY,
                **self._request(one),
            )
        for gone in sorted(have.keys() - {one["name"] for one in desired["subscriptions"]}):
            self._delete(gone)
        return self.find() or live

    def _tag(self, one: Fields, before: Fields) -> None:
        arn = self.arns[one["name"]]
        to_set, to_remove = tag_delta(before["tags"], one["tags"])
        if to_remove:
            self.api.call(f"untag {arn}", "remove_tags_from_resource", ResourceName=arn, TagKeys=to_remove)
        if to_set:
            tags = [{"Key": key, "Value": value} for key, value in to_set.items()]
            self.api.call(f"tag {arn}", "add_tags_to_resource", ResourceName=arn, Tags=tags)

    def _delete(self, name: str) -> None:
        self.api.call_if_exists(
            f"delete the event subscription {name}",
            "delete_event_subscription",
            missing={"SubscriptionNotFound"},
            SubscriptionName=name,
        )

    @override
    def delete(self, live: Live) -> Live | None:
        for one in live.fields["subscriptions"]:
            self._delete(one["name"])
        return None


def main() -> None:
    module = aws_module(ARGUMENTS, required_if=[("state", "present", ["topic_arn"])])
    run(module, EventSubscriptions(Api(module.client("rds")), module.params))


if __name__ == "__main__":
    main()
