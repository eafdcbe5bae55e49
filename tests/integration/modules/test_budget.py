"""A budget, whole, against the emulated account."""

from __future__ import annotations

import pytest

from .conftest import Answer, Call, client, succeeded

TOPIC = "arn:aws:sns:us-east-1:123456789012:alerts"
OPTIONS: Answer = {
    "name": "stack",
    "account_id": "123456789012",
    "limit_usd": 100,
    "cost_tags": {"Environment": "rehearsal"},
    "notifications": [{"type": "ACTUAL", "percent": 80}, {"type": "FORECASTED", "percent": 100}],
    "topic_arns": [TOPIC],
    "tags": {"Environment": "rehearsal"},
}
NAMED = {"AccountId": "123456789012", "BudgetName": "stack"}


def test_a_budget_from_the_cradle_to_the_grave(call: Call) -> None:
    assert succeeded(call("budget", check=True, **OPTIONS))["changed"]
    assert succeeded(call("budget", **OPTIONS))["changed"]
    for check in (True, False):
        assert succeeded(call("budget", check=check, **OPTIONS))["changes"] == []
    other: Answer = {
        **OPTIONS,
        "limit_usd": 150.5,
        "cost_tags": {},
        "notifications": [{"type": "ACTUAL", "percent": 90}, {"type": "FORECASTED", "percent": 100}],
        "addresses": ["owner@example.com"],
        "tags": {"Owner": "x"},
    }
    told = {
        "limit_usd": (100.0, 150.5),
        "cost_tags": (["user:Environment$rehearsal"], []),
        "notifications[ACTUAL 80 %]": ({"name": "ACTUAL 80 %", "subscribers": [TOPIC]}, None),
        "notifications[ACTUAL 90 %]": (None, {"name": "ACTUAL 90 %", "subscribers": [TOPIC, "owner@example.com"]}),
        "notifications[FORECASTED 100 %].subscribers": ([TOPIC], [TOPIC, "owner@example.com"]),
        "tags.Environment": ("rehearsal", None),
        "tags.Owner": (None, "x"),
    }
    for check in (True, False):
        answer = succeeded(call("budget", check=check, **other))
        assert {one["field"]: (one["from"], one["to"]) for one in answer["changes"]} == told
    assert succeeded(call("budget", **other))["changes"] == []

    budgets = client("budgets")
    by_hand = {"NotificationType": "ACTUAL", "ComparisonOperator": "LESS_THAN", "Threshold": 5.0}
    address = {"SubscriptionType": "EMAIL", "Address": "a@example.com"}
    budgets.create_notification(**NAMED, Notification=by_hand, Subscribers=[address])
    (found,) = succeeded(call("budget", **other))["changes"]
    assert found["field"] == "notifications[ACTUAL 5 % (LESS_THAN, None)]"
    assert len(budgets.describe_notifications_for_budget(**NAMED)["Notifications"]) == 2
    gone: Answer = {"name": "stack", "account_id": "123456789012", "state": "absent"}
    for check in (True, False):
        assert succeeded(call("budget", check=check, **gone))["changed"]
    assert not succeeded(call("budget", **gone))["changed"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"limit_usd": 0}, "needs some dollars"),
        ({"topic_arns": []}, "Nobody would be told"),
        ({"topic_arns": [TOPIC, TOPIC + "2"]}, "one topic"),
        ({"notifications": [{"type": "ACTUAL", "percent": part} for part in range(1, 12)]}, "10 notifications"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_a_budget_that_aws_would_refuse(call: Call, change: Answer, message: str, check: bool) -> None:
    assert message in call("budget", check=check, **{**OPTIONS, **change})["msg"]
    assert client("budgets").describe_budgets(AccountId="123456789012").get("Budgets", []) == []
