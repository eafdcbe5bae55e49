"""The budget: of one environment, and told to one topic."""

from __future__ import annotations

from .conftest import ACCOUNT, TAGS, Clients, Converge, Values, tags_of

TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:stack-alerts"
VARIABLES: Values = {
    "aws_budget_name": "stack",
    "aws_budget_account_id": ACCOUNT,
    "aws_budget_limit_usd": 150,
    "aws_budget_topic_arn": TOPIC,
    "aws_budget_cost_tags": {"Environment": "test"},
    "aws_budget_tags": TAGS,
}


def test_the_budget(converge: Converge, client: Clients) -> None:
    converge.through_its_life("aws_budget", VARIABLES)
    budgets = client("budgets", "us-east-1")
    named = {"AccountId": ACCOUNT, "BudgetName": "stack"}
    budget = budgets.describe_budget(**named)["Budget"]
    assert budget["BudgetLimit"] == {"Amount": "150", "Unit": "USD"}
    assert budget["CostFilters"] == {"TagKeyValue": ["user:Environment$test"]}
    notifications = budgets.describe_notifications_for_budget(**named)["Notifications"]
    assert {(one["NotificationType"], one["Threshold"]) for one in notifications} == {
        ("ACTUAL", 80.0),
        ("ACTUAL", 100.0),
        ("FORECASTED", 100.0),
    }
    for one in notifications:
        told = budgets.describe_subscribers_for_notification(**named, Notification=one)["Subscribers"]
        assert told == [{"SubscriptionType": "SNS", "Address": TOPIC}]
    arn = f"arn:aws:budgets::{ACCOUNT}:budget/stack"
    assert tags_of(budgets.list_tags_for_resource(ResourceARN=arn)["ResourceTags"]) == {**TAGS, "Name": "stack"}
