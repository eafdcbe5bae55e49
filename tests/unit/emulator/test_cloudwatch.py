"""Corrections of CloudWatch."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import Clients

ALARM: dict[str, Any] = {
    "AlarmName": "errors",
    "Namespace": "stack",
    "MetricName": "Errors",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "ComparisonOperator": "GreaterThanThreshold",
    "Threshold": 1.0,
}


def tags_of(cloudwatch: Any, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"]}


def test_an_alarm_keeps_its_state_and_its_tags_when_it_is_put_again(client: Clients) -> None:
    cloudwatch = client("cloudwatch")
    cloudwatch.put_metric_alarm(**ALARM, Tags=[{"Key": "a", "Value": "1"}])
    (alarm,) = cloudwatch.describe_alarms()["MetricAlarms"]
    assert alarm["StateValue"] == "INSUFFICIENT_DATA"
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="test")
    cloudwatch.put_metric_alarm(**{**ALARM, "Threshold": 2.0}, Tags=[{"Key": "a", "Value": "2"}])
    (alarm,) = cloudwatch.describe_alarms()["MetricAlarms"]
    assert (alarm["StateValue"], alarm["StateReason"], alarm["Threshold"]) == ("ALARM", "test", 2.0)
    assert tags_of(cloudwatch, alarm["AlarmArn"]) == {"a": "1"}


def test_a_composite_alarm_is_listed_when_asked_for(client: Clients) -> None:
    cloudwatch = client("cloudwatch")
    cloudwatch.put_metric_alarm(**ALARM)
    cloudwatch.put_composite_alarm(AlarmName="site", AlarmRule='ALARM("errors")')
    assert cloudwatch.describe_alarms()["CompositeAlarms"] == []
    found = cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])
    assert found["MetricAlarms"] == []
    assert [(one["AlarmName"], one["AlarmRule"]) for one in found["CompositeAlarms"]] == [("site", 'ALARM("errors")')]


def test_a_dashboard_has_tags(client: Clients) -> None:
    cloudwatch = client("cloudwatch")
    cloudwatch.put_dashboard(DashboardName="board", DashboardBody="{}", Tags=[{"Key": "a", "Value": "1"}])
    arn = cloudwatch.get_dashboard(DashboardName="board")["DashboardArn"]
    assert tags_of(cloudwatch, arn) == {"a": "1"}
    cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}])
    cloudwatch.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert tags_of(cloudwatch, arn) == {"b": "2"}
    with pytest.raises(ClientError) as refused:
        cloudwatch.untag_resource(ResourceARN=arn + "x", TagKeys=["a"])
    assert refused.value.response["Error"]["Code"] in ("ResourceNotFoundException", "ResourceNotFound")
