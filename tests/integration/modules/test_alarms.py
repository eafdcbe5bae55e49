"""Alarms and dashboards, whole, against the emulated account."""

from __future__ import annotations

import json

import pytest

from .conftest import Answer, Call, client, succeeded

ERRORS: Answer = {
    "name": "errors",
    "description": "The application answers with errors.",
    "namespace": "AWS/ApplicationELB",
    "metric_name": "HTTPCode_Target_5XX_Count",
    "dimensions": {"LoadBalancer": "app/stack/1"},
    "statistic": "Sum",
    "threshold": 10,
    "evaluation_periods": 5,
    "datapoints_to_alarm": 3,
    "treat_missing_data": "notBreaching",
}
LATENCY: Answer = {
    **{name: ERRORS[name] for name in ("namespace", "dimensions")},
    "name": "latency",
    "description": "It is slow.",
    "metric_name": "TargetResponseTime",
    "statistic": "p95",
    "threshold": 0,
}
OPTIONS: Answer = {
    "prefix": "stack-",
    "alarms": [ERRORS, LATENCY],
    "composite_alarms": [
        {"name": "site", "description": "Users notice.", "rule": 'ALARM("stack-errors") OR ALARM("stack-latency")'}
    ],
    "actions": ["arn:aws:sns:eu-west-1:123456789012:alerts"],
    "tags": {"Environment": "rehearsal"},
}


def test_alarms_from_the_cradle_to_the_grave(call: Call) -> None:
    cloudwatch = client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="theirs", EvaluationPeriods=1, ComparisonOperator="GreaterThanThreshold", Threshold=1.0
    )
    assert succeeded(call("cloudwatch_alarms", check=True, **OPTIONS))["changed"]
    assert succeeded(call("cloudwatch_alarms", **OPTIONS))["changed"]
    for check in (True, False):
        assert succeeded(call("cloudwatch_alarms", check=check, **OPTIONS))["changes"] == []
    live = cloudwatch.describe_alarms(AlarmNames=["stack-latency"])["MetricAlarms"][0]
    assert (live["ExtendedStatistic"], live["Threshold"], live["DatapointsToAlarm"]) == ("p95", 0.0, 1)

    cloudwatch.disable_alarm_actions(AlarmNames=["stack-errors"])
    stricter = {**OPTIONS, "alarms": [{**ERRORS, "threshold": 5}, LATENCY], "tags": {"Owner": "x"}}
    told = {
        "alarms[stack-errors].threshold": (10.0, 5.0),
        "alarms[stack-errors].enabled": (False, True),
        **{f"{alarm}.tags.Owner": (None, "x") for alarm in ("alarms[stack-errors]", "alarms[stack-latency]")},
        "composite_alarms[stack-site].tags.Owner": (None, "x"),
    }
    for check in (True, False):
        answer = succeeded(call("cloudwatch_alarms", check=check, **stricter))
        found = {one["field"]: (one["from"], one["to"]) for one in answer["changes"]}
        assert {field: found.get(field) for field in told} == told
    assert succeeded(call("cloudwatch_alarms", **stricter))["changes"] == []

    fewer = {**stricter, "alarms": [LATENCY], "composite_alarms": []}
    assert succeeded(call("cloudwatch_alarms", **fewer))["changed"]
    left = cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    assert {alarm["AlarmName"] for alarm in left["MetricAlarms"]} == {"stack-latency", "theirs"}
    assert left["CompositeAlarms"] == []
    succeeded(call("cloudwatch_alarms", **OPTIONS))
    for check in (True, False):
        assert succeeded(call("cloudwatch_alarms", check=check, prefix="stack-", state="absent"))["changed"]
    assert not succeeded(call("cloudwatch_alarms", prefix="stack-", state="absent"))["changed"]
    assert [alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]] == ["theirs"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alarms": [{**ERRORS, "period": 90}]}, "takes 10, 20, 30 and multiples of 60"),
        ({"alarms": [{**ERRORS, "period": 300, "evaluation_periods": 300}]}, "CloudWatch does 86400 s at most"),
        ({"alarms": [{**ERRORS, "datapoints_to_alarm": 6}]}, "more bad data points"),
        ({"alarms": [{**ERRORS, "statistic": "average"}]}, "average is no statistic"),
        ({"alarms": [ERRORS, ERRORS]}, "There are two alarms stack-errors"),
        ({"alarms": [ERRORS]}, "names stack-latency, which is not given"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_an_alarm_that_aws_would_refuse_is_refused_first(call: Call, change: Answer, message: str, check: bool) -> None:
    refused = call("cloudwatch_alarms", check=check, **{**OPTIONS, **change})
    assert message in refused["msg"]
    assert client("cloudwatch").describe_alarms(AlarmNamePrefix="stack-")["MetricAlarms"] == []


def test_a_dashboard_from_the_cradle_to_the_grave(call: Call) -> None:
    def body(text: str) -> Answer:
        return {"widgets": [{"type": "text", "width": 24, "height": 1, "properties": {"markdown": text}}]}

    options: Answer = {"name": "stack", "body": body("old"), "tags": {"Environment": "rehearsal"}}
    assert succeeded(call("cloudwatch_dashboard", check=True, **options))["changed"]
    made = succeeded(call("cloudwatch_dashboard", **options))
    assert made["dashboard"]["tags"] == options["tags"]
    for check in (True, False):
        assert succeeded(call("cloudwatch_dashboard", check=check, **options))["changes"] == []
    changed = {**options, "body": body("new"), "tags": {"Owner": "x"}}
    for check in (True, False):
        fields = [one["field"] for one in succeeded(call("cloudwatch_dashboard", check=check, **changed))["changes"]]
        assert fields == ["body.widgets", "tags.Environment", "tags.Owner"]
    live = client("cloudwatch").get_dashboard(DashboardName="stack")
    assert json.loads(live["DashboardBody"]) == body("new")
    assert succeeded(call("cloudwatch_dashboard", **changed))["changes"] == []
    assert succeeded(call("cloudwatch_dashboard", name="stack", state="absent"))["changed"]
    assert not succeeded(call("cloudwatch_dashboard", name="stack", state="absent"))["changed"]
