"""Budgets: they change, they have tags, and their notifications say whom they tell."""

from __future__ import annotations

import copy
import json
from typing import Any

from moto.budgets.exceptions import NotFoundException
from moto.budgets.models import Budget, BudgetsBackend, Notification
from moto.budgets.responses import BudgetsResponse
from moto.core.utils import unix_time

from .registry import correct

_create_budget = BudgetsResponse.create_budget


def _budget(backend: BudgetsBackend, account_id: str, name: str) -> Budget:
    found = backend.budgets[account_id].get(name)
    if found is None:
        raise NotFoundException(f"Unable to get budget: {name} - the budget doesn't exist.")
    return found


def _tagged(response: BudgetsResponse) -> dict[str, str]:
    """The tags of the budget that a request names by its ARN."""
    arn = response._get_param("ResourceARN")
    budget = _budget(response.backend, arn.split(":")[4], arn.partition(":budget/")[2])
    tags: dict[str, str] = budget.__dict__.setdefault("slipway_tags", {})
    return tags


@correct(BudgetsResponse, "create_budget")
def create_budget(self: BudgetsResponse) -> str:
    """https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_CreateBudget.html"""
    answer = _create_budget(self)
    name = self._get_param("Budget")["BudgetName"]
    tags = {tag["Key"]: tag["Value"] for tag in self._get_param("ResourceTags", [])}
    _budget(self.backend, self._get_param("AccountId"), name).__dict__["slipway_tags"] = tags
    return answer


@correct(BudgetsResponse, "update_budget")
def update_budget(self: BudgetsResponse) -> str:
    """The budget is replaced; its notifications stay, and so does its period when the new one has none.

    https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_UpdateBudget.html
    """
    wanted = copy.deepcopy(self._get_param("NewBudget"))
    budget = _budget(self.backend, self._get_param("AccountId"), wanted["BudgetName"])
    wanted.setdefault("TimePeriod", budget.budget["TimePeriod"])
    budget.budget = {**wanted, "LastUpdatedTime": unix_time()}
    return "{}"


@correct(BudgetsResponse, "describe_subscribers_for_notification")
def describe_subscribers_for_notification(self: BudgetsResponse) -> str:
    """https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_DescribeSubscribersForNotification.html"""
    budget = _budget(self.backend, self._get_param("AccountId"), self._get_param("BudgetName"))
    asked = self._get_param("Notification")
    same = ("NotificationType", "ComparisonOperator", "Threshold")

    def is_meant(one: Notification) -> bool:
        return all(one.details[name] == asked[name] for name in same)

    found = next((one for one in budget.notifications if is_meant(one)), None)
    if found is None:
        raise NotFoundException("Unable to get subscribers - the notification doesn't exist.")
    return json.dumps({"Subscribers": found.subscribers})


@correct(BudgetsResponse, "list_tags_for_resource")
def list_tags_for_resource(self: BudgetsResponse) -> str:
    """https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_ListTagsForResource.html"""
    tags: list[dict[str, Any]] = [{"Key": name, "Value": value} for name, value in _tagged(self).items()]
    return json.dumps({"ResourceTags": tags})


@correct(BudgetsResponse, "tag_resource")
def tag_resource(self: BudgetsResponse) -> str:
    """https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_TagResource.html"""
    _tagged(self).update({tag["Key"]: tag["Value"] for tag in self._get_param("ResourceTags", [])})
    return "{}"


@correct(BudgetsResponse, "untag_resource")
def untag_resource(self: BudgetsResponse) -> str:
    """https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_UntagResource.html"""
    for name in self._get_param("ResourceTagKeys", []):
        _tagged(self).pop(name, None)
    return "{}"
