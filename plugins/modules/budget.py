#!/usr/bin/python
"""Ansible module: a monthly budget, and who is told when it is used up."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: budget
version_added: 0.1.0
short_description: Create, update and delete monthly cost budgets
description:
  - A budget is found by its name, which is unique in the account.
  - The costs are those of everything that has O(cost_tags), which have to be activated as cost-allocation tags.
author: Slipway
options:
  name:
    description: The name. A change of name is a new budget.
    type: str
    required: true
  account_id:
    description: The account.
    type: str
    required: true
  limit_usd:
    description: US dollars a month. Required when O(state=present).
    type: float
  cost_tags:
    description: What counts has one of these tags; everything in the account when empty.
    type: dict
    default: {}
  notifications:
    description: When somebody is told; all notifications of the budget.
    type: list
    elements: dict
    default: []
    suboptions:
      type:
        description: What has been spent, or what will have been at the end of the month.
        type: str
        choices: [ACTUAL, FORECASTED]
        required: true
      percent:
        description: Part of the limit.
        type: float
        required: true
  topic_arns:
    description: Topics that are told.
    type: list
    elements: str
    default: []
  addresses:
    description: Electronic addresses that are told.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Hear of it before the bill comes
  slipway.aws.budget:
    name: slipway-staging
    account_id: "123456789012"
    limit_usd: 150
    cost_tags: {Environment: staging}
    notifications:
      - {type: FORECASTED, percent: 100}
    topic_arns: [arn:aws:sns:us-east-1:123456789012:slipway-staging-alerts]
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: limit_usd, from: 100.0, to: 150.0}]
budget:
  description: The budget as it is now; empty when it is absent.
  returned: always
  type: dict
  contains:
    name:
      description: The name.
      type: str
    limit_usd:
      description: US dollars a month.
      type: float
    cost_tags:
      description: What counts.
      type: list
      elements: str
    notifications:
      description: When somebody is told, and who.
      type: list
      elements: dict
    tags:
      description: The tags, when O(tags) is set.
      type: dict
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
    "name": {"type": "str", "required": True},
    "account_id": {"type": "str", "required": True},
    "limit_usd": {"type": "float"},
    "cost_tags": {"type": "dict", "default": {}},
    "notifications": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "type": {"type": "str", "choices": ["ACTUAL", "FORECASTED"], "required": True},
            "percent": {"type": "float", "required": True},
        },
    },
    "topic_arns": {"type": "list", "elements": "str", "default": []},
    "addresses": {"type": "list", "elements": "str", "default": []},
}

# https://docs.aws.amazon.com/cost-management/latest/userguide/management-limits.html
MAXIMUM_NOTIFICATIONS = 10
MAXIMUM_ADDRESSES = 10


def label(kind: str, percent: float) -> str:
    """What a person calls a notification, and what tells it from the others."""
    return f"{kind} {percent:g} %"


def amount(dollars: float) -> str:
    """Dollars as Budgets takes them: no exponent, no needless zeros."""
    return f"{dollars:.2f}".rstrip("0").rstrip(".")


def notification_request(fields: Fields) -> Fields:
    """Notification of AWS."""
    kind, percent, _ = fields["name"].split(" ")
    return {
        "NotificationType": kind,
        "ComparisonOperator": "GREATER_THAN",
        "Threshold": float(percent),
        "ThresholdType": "PERCENTAGE",
    }


def subscribers_request(fields: Fields) -> list[Fields]:
    """Subscribers of AWS: a topic is told from an address by its form."""
    return [
        {"SubscriptionType": "SNS" if one.startswith("arn:") else "EMAIL", "Address": one}
        for one in fields["subscribers"]
    ]


class Budget(Resource):
    kind = "budget"
    result_key = "budget"
    layout: ClassVar[Layout] = Layout(keys={"notifications": "name"})

    def __init__(self, api: Api, params: Fields) -> None:
        self.api = api
        self.params = params

    @property
    @override
    def name(self) -> str:
        return str(self.params["name"])

    @property
    def _identity(self) -> Fields:
        return {"AccountId": self.params["account_id"], "BudgetName": self.name}

    @property
    def _arn(self) -> str:
        return f"arn:aws:budgets::{self.params['account_id']}:budget/{self.name}"

    @override
    def find(self) -> Live | None:
        said = f"the budget {self.name}"
        answer = self.api.call_if_exists(
            f"read {said}", "describe_budget", missing=("NotFoundException",), **self._identity
        )
        if answer is None:
            return None
        live = answer["Budget"]
        listed = self.api.pages(
            f"list the notifications of {said}", "describe_notifications_for_budget", "Notifications", **self._identity
        )
        notifications = []
        for one in listed:
            asked = {name: value for name, value in one.items() if name != "NotificationState"}
            told = self.api.pages(
                f"list whom {said} tells",
                "describe_subscribers_for_notification",
                "Subscribers",
                **self._identity,
                Notification=asked,
            )
            ours = (
                one["ComparisonOperator"] == "GREATER_THAN" and one.get("ThresholdType", "PERCENTAGE") == "PERCENTAGE"
            )
            name = label(one["NotificationType"], one["Threshold"])
            notifications.append(
                {
                    # One of another form is nobody's wish, so that it goes.
                    "name": name if ours else f"{name} ({one['ComparisonOperator']}, {one.get('ThresholdType')})",
                    "subscribers": sorted(subscriber["Address"] for subscriber in told),
                    "request": asked,
                }
            )
        fields: Fields = {
            "limit_usd": float(live.get("BudgetLimit", {}).get("Amount", 0)),
            "cost_tags": sorted((live.get("CostFilters") or {}).get("TagKeyValue", [])),
            "notifications": [{key: one[key] for key in ("name", "subscribers")} for one in notifications],
        }
        if self.params["tags"] is not None:
            tags = self.api.call(f"read the tags of {said}", "list_tags_for_resource", ResourceARN=self._arn)
            fields["tags"] = {tag["Key"]: tag["Value"] for tag in tags.get("ResourceTags") or []}
        return Live(fields, {"requests": {one["name"]: one["request"] for one in notifications}, "budget": live})

    @override
    def desired(self, live: Live | None) -> Fields:
        told = sorted([*self.params["topic_arns"], *self.params["addresses"]])
        have = live.fields.get("tags", {}) if live else {}
        tags = desired_tags(have, self.params["tags"], purge=self.params["purge_tags"])
        return {
            "limit_usd": self.params["limit_usd"],
            # https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-create-filters.html
            "cost_tags": sorted(f"user:{name}${value}" for name, value in self.params["cost_tags"].items()),
            "notifications": [
                {"name": label(one["type"], one["percent"]), "subscribers": told}
                for one in self.params["notifications"]
            ],
            **({"tags": tags} if tags else {}),
        }

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        if desired["limit_usd"] <= 0:
            raise RefusalError(f"The limit of {self.name} is {desired['limit_usd']:g}: a budget needs some dollars.")
        if len(desired["notifications"]) > MAXIMUM_NOTIFICATIONS:
            raise RefusalError(f"A budget has {MAXIMUM_NOTIFICATIONS} notifications at most.")
        if desired["notifications"] and not desired["notifications"][0]["subscribers"]:
            raise RefusalError(f"Nobody would be told by {self.name}: give topic_arns or addresses.")
        if len(self.params["topic_arns"]) > 1 or len(self.params["addresses"]) > MAXIMUM_ADDRESSES:
            raise RefusalError(f"A notification tells one topic and {MAXIMUM_ADDRESSES} addresses at most.")
        self.api.check("create_budget", **self._creation(desired))

    def _budget(self, desired: Fields) -> Fields:
        return {
            "BudgetName": self.name,
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": amount(desired["limit_usd"]), "Unit": "USD"},
            "CostFilters": {"TagKeyValue": desired["cost_tags"]} if desired["cost_tags"] else {},
        }

    def _creation(self, desired: Fields) -> Fields:
        tags = [{"Key": name, "Value": value} for name, value in desired.get("tags", {}).items() if value is not None]
        return {
            "AccountId": self.params["account_id"],
            "Budget": self._budget(desired),
            "NotificationsWithSubscribers": [
                {"Notification": notification_request(one), "Subscribers": subscribers_request(one)}
                for one in desired["notifications"]
            ],
            **({"ResourceTags": tags} if tags else {}),
        }

    @override
    def create(self, desired: Fields) -> Live:
        self.api.call(f"create the budget {self.name}", "create_budget", **self._creation(desired))
        return self._found()

    def _found(self) -> Live:
        live = self.find()
        if live is None:
            raise RefusalError(f"The budget {self.name} was deleted while it was being changed.")
        return live

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        if any(change.field in ("limit_usd", "cost_tags") for change in changes):
            kept = {
                name: live.raw["budget"][name] for name in ("CostTypes", "TimePeriod") if name in live.raw["budget"]
            }
            self.api.call(
                f"update the budget {self.name}",
                "update_budget",
                AccountId=self.params["account_id"],
                NewBudget={**kept, **self._budget(desired)},
            )
        self._notify(live, desired)
        to_set, to_remove = tag_delta(live.fields.get("tags", {}), desired.get("tags", {}))
        if to_remove:
            self.api.call(f"untag {self.name}", "untag_resource", ResourceARN=self._arn, ResourceTagKeys=to_remove)
        if to_set:
            tags = [{"Key": name, "Value": value} for name, value in to_set.items()]
            self.api.call(f"tag {self.name}", "tag_resource", ResourceARN=self._arn, ResourceTags=tags)
        return self._found()

    def _notify(self, live: Live, desired: Fields) -> None:
        have = {one["name"]: one for one in live.fields["notifications"]}
        wanted = {one["name"]: one for one in desired["notifications"]}
        for name, one in have.items():
            if name not in wanted or differences(one, wanted[name], self.layout):
                self.api.call(
                    f"delete the notification {name} of {self.name}",
                    "delete_notification",
                    **self._identity,
                    Notification=live.raw["requests"][name],
                )
        for name, one in wanted.items():
            if name not in have or differences(have[name], one, self.layout):
                self.api.call(
                    f"create the notification {name} of {self.name}",
                    "create_notification",
                    **self._identity,
                    Notification=notification_request(one),
                    Subscribers=subscribers_request(one),
                )

    @override
    def delete(self, live: Live) -> Live | None:
        self.api.call(f"delete the budget {self.name}", "delete_budget", **self._identity)
        return None

    @override
    def result(self, live: Live) -> Fields:
        return {"name": self.name, **live.fields}

    @override
    def predicted(self, desired: Fields) -> Fields:
        return {"name": self.name, **desired}


def main() -> None:
    module = aws_module(ARGUMENTS, required_if=[("state", "present", ["limit_usd"])])
    run(module, Budget(Api(module.client("budgets")), module.params))


if __name__ == "__main__":
    main()
