"""Corrections of Budgets."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import Clients

ACCOUNT = "123456789012"
NAMED = {"AccountId": ACCOUNT, "BudgetName": "stack"}
ARN = f"arn:aws:budgets::{ACCOUNT}:budget/stack"
NOTIFICATION: dict[str, Any] = {
    "NotificationType": "ACTUAL",
    "ComparisonOperator": "GREATER_THAN",
    "Threshold": 80.0,
    "ThresholdType": "PERCENTAGE",
}
TOLD = [{"SubscriptionType": "EMAIL", "Address": "owner@example.com"}]


def budget(amount: str) -> dict[str, Any]:
    limit = {"Amount": amount, "Unit": "USD"}
    return {"BudgetName": "stack", "BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": limit}


def tags_of(budgets: Any) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in budgets.list_tags_for_resource(ResourceARN=ARN)["ResourceTags"]}


def test_a_budget_changes_and_keeps_its_notifications_and_tags(client: Clients) -> None:
    budgets = client("budgets", "us-east-1")
    for call in (
        {"AccountId": ACCOUNT, "NewBudget": budget("1")},
        {"AccountId": ACCOUNT, "NewBudget": {**budget("1"), "BudgetName": "other"}},
    ):
        with pytest.raises(ClientError) as refused:
            budgets.update_budget(**call)
        assert refused.value.response["Error"]["Code"] == "NotFoundException"
    budgets.create_budget(
        AccountId=ACCOUNT,
        Budget=budget("100"),
        NotificationsWithSubscribers=[{"Notification": NOTIFICATION, "Subscribers": TOLD}],
        ResourceTags=[{"Key": "a", "Value": "1"}],
    )
    period = budgets.describe_budget(**NAMED)["Budget"]["TimePeriod"]
    budgets.update_budget(AccountId=ACCOUNT, NewBudget=budget("150"))
    changed = budgets.describe_budget(**NAMED)["Budget"]
    assert (changed["BudgetLimit"]["Amount"], changed["TimePeriod"]) == ("150", period)
    (kept,) = budgets.describe_notifications_for_budget(**NAMED)["Notifications"]
    assert budgets.describe_subscribers_for_notification(**NAMED, Notification=kept)["Subscribers"] == TOLD
    with pytest.raises(ClientError) as refused:
        budgets.describe_subscribers_for_notification(**NAMED, Notification={**NOTIFICATION, "Threshold": 90.0})
    assert refused.value.response["Error"]["Code"] == "NotFoundException"

    budgets.tag_resource(ResourceARN=ARN, ResourceTags=[{"Key": "b", "Value": "2"}])
    budgets.untag_resource(ResourceARN=ARN, ResourceTagKeys=["a"])
    assert tags_of(budgets) == {"b": "2"}
