#!/usr/bin/python
"""Ansible module: the CloudWatch alarms of a stack, all of them at once."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cloudwatch_alarms
version_added: 0.1.0
short_description: Keep the metric alarms and composite alarms whose names begin alike
description:
  - M(amazon.aws.cloudwatch_metric_alarm) cannot tag an alarm and knows no composite alarms.
  - All alarms whose name begins with O(prefix) belong to the caller; those that are not given are deleted.
author: Slipway
options:
  prefix:
    description: What the names of all alarms begin with. It is put before every O(alarms[].name).
    type: str
    required: true
  state:
    description: Whether there shall be alarms. V(absent) deletes all that begin with O(prefix).
  alarms:
    description: Alarms on one metric each.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name without O(prefix).
        type: str
        required: true
      description:
        description: What it means, and what to do.
        type: str
        required: true
      namespace:
        description: Namespace of the metric.
        type: str
        required: true
      metric_name:
        description: The metric.
        type: str
        required: true
      dimensions:
        description: Its dimensions.
        type: dict
        default: {}
      statistic:
        description: V(Average), V(Sum), V(Minimum), V(Maximum), V(SampleCount), or a percentile such as V(p95).
        type: str
        default: Average
      period:
        description: Seconds of one data point.
        type: int
        default: 60
      evaluation_periods:
        description: Data points that are looked at.
        type: int
        default: 1
      datapoints_to_alarm:
        description: How many of them have to be bad; all when not set.
        type: int
      comparison:
        description: When a data point is bad.
        type: str
        choices:
          - GreaterThanThreshold
          - GreaterThanOrEqualToThreshold
          - LessThanThreshold
          - LessThanOrEqualToThreshold
        default: GreaterThanThreshold
      threshold:
        description: Compared with the data point.
        type: float
        required: true
      treat_missing_data:
        description: What a missing data point is.
        type: str
        choices: [breaching, notBreaching, ignore, missing]
        default: missing
  composite_alarms:
    description: Alarms on other alarms of the same region.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name without O(prefix).
        type: str
        required: true
      description:
        description: What it means, and what to do.
        type: str
        required: true
      rule:
        description: When it goes off, with whole names, such as V(ALARM("stack-errors") OR ALARM("stack-latency")).
        type: str
        required: true
  actions:
    description: ARNs of the topics that are told when an alarm goes off, and when it is over.
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
- name: Tell somebody when the application answers with errors
  slipway.aws.cloudwatch_alarms:
    prefix: slipway-staging-
    alarms:
      - name: target-5xx
        description: The application answers with errors.
        namespace: AWS/ApplicationELB
        metric_name: HTTPCode_Target_5XX_Count
        dimensions: {LoadBalancer: app/slipway-staging/0123456789abcdef}
        statistic: Sum
        threshold: 10
        treat_missing_data: notBreaching
    actions: [arn:aws:sns:eu-west-1:123456789012:slipway-staging-alerts]
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: "alarms[stack-target-5xx].threshold", from: 5.0, to: 10.0}]
alarms:
  description: The alarms as they are now; empty when they are absent.
  returned: always
  type: dict
  contains:
    alarms:
      description: The metric alarms, with whole names.
      type: list
      elements: dict
    composite_alarms:
      description: The composite alarms, with whole names.
      type: list
      elements: dict
"""

import re
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
)

COMPARISONS = [
    "GreaterThanThreshold",
    "GreaterThanOrEqualToThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
]
ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
    "prefix": {"type": "str", "required": True},
    "alarms": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "description": {"type": "str", "required": True},
            "namespace": {"type": "str", "required": True},
            "metric_name": {"type": "str", "required": True},
            "dimensions": {"type": "dict", "default": {}},
            "statistic": {"type": "str", "default": "Average"},
            "period": {"type": "int", "default": 60},
            "evaluation_periods": {"type": "int", "default": 1},
            "datapoints_to_alarm": {"type": "int"},
            "comparison": {"type": "str", "choices": COMPARISONS, "default": "GreaterThanThreshold"},
            "threshold": {"type": "float", "required": True},
            "treat_missing_data": {
                "type": "str",
                "choices": ["breaching", "notBreaching", "ignore", "missing"],
                "default": "missing",
            },
        },
    },
    "composite_alarms": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "description": {"type": "str", "required": True},
            "rule": {"type": "str", "required": True},
        },
    },
    "actions": {"type": "list", "elements": "str", "default": []},
}

STATISTICS = ("Average", "Sum", "Minimum", "Maximum", "SampleCount")
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DeleteAlarms.html
DELETED_AT_ONCE = 100
# A metric alarm looks back one day at most, or seven with periods of an hour and longer:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
DAY = 86_400
_NAMED = re.compile(r"\b(?:ALARM|OK|INSUFFICIENT_DATA)\(\s*[\"']?([^\"')]+)[\"']?\s*\)")


def metric_fields(live: Fields) -> Fields:
    """MetricAlarm of AWS as fields; ``tags`` are not part of its answer."""
    return {
        "name": live["AlarmName"],
        "description": live.get("AlarmDescription", ""),
        "namespace": live.get("Namespace"),
        "metric_name": live.get("MetricName"),
        "dimensions": {one["Name"]: one["Value"] for one in live.get("Dimensions") or []},
        "statistic": live.get("Statistic") or live.get("ExtendedStatistic"),
        "period": live.get("Period"),
        "evaluation_periods": live.get("EvaluationPeriods"),
        "datapoints_to_alarm": live.get("DatapointsToAlarm") or live.get("EvaluationPeriods"),
        "comparison": live.get("ComparisonOperator"),
        "threshold": live.get("Threshold"),
        "treat_missing_data": live.get("TreatMissingData") or "missing",
        "actions": sorted(live.get("AlarmActions") or []),
        "ok_actions": sorted(live.get("OKActions") or []),
        "enabled": bool(live.get("ActionsEnabled", True)),
    }


def composite_fields(live: Fields) -> Fields:
    """CompositeAlarm of AWS as fields."""
    return {
        "name": live["AlarmName"],
        "description": live.get("AlarmDescription", ""),
        "rule": live.get("AlarmRule", ""),
        "actions": sorted(live.get("AlarmActions") or []),
        "ok_actions": sorted(live.get("OKActions") or []),
        "enabled": bool(live.get("ActionsEnabled", True)),
    }


def common_request(fields: Fields) -> Fields:
    """What PutMetricAlarm and PutCompositeAlarm share. Tags count when the alarm is made, and later do not."""
    tags = [{"Key": name, "Value": value} for name, value in fields.get("tags", {}).items() if value is not None]
    return {
        "AlarmName": fields["name"],
        "AlarmDescription": fields["description"],
        "ActionsEnabled": fields["enabled"],
        "AlarmActions": fields["actions"],
        "OKActions": fields["ok_actions"],
        **({"Tags": tags} if tags else {}),
    }


def metric_request(fields: Fields) -> Fields:
    """The parameters of PutMetricAlarm."""
    statistic = "Statistic" if fields["statistic"] in STATISTICS else "ExtendedStatistic"
    return {
        **common_request(fields),
        "Namespace": fields["namespace"],
        "MetricName": fields["metric_name"],
        "Dimensions": [{"Name": name, "Value": value} for name, value in sorted(fields["dimensions"].items())],
        statistic: fields["statistic"],
        "Period": fields["period"],
        "EvaluationPeriods": fields["evaluation_periods"],
        "DatapointsToAlarm": fields["datapoints_to_alarm"],
        "ComparisonOperator": fields["comparison"],
        "Threshold": fields["threshold"],
        "TreatMissingData": fields["treat_missing_data"],
    }


def composite_request(fields: Fields) -> Fields:
    """The parameters of PutCompositeAlarm."""
    return {**common_request(fields), "AlarmRule": fields["rule"]}


def refuse_metric(fields: Fields) -> None:
    """What AWS refuses beyond its model. Raises RefusalError."""
    name, period = fields["name"], fields["period"]
    if period not in (10, 20, 30) and period % 60:
        raise RefusalError(f"The period of {name} is {period} s: CloudWatch takes 10, 20, 30 and multiples of 60.")
    window = period * fields["evaluation_periods"]
    longest = 7 * DAY if period >= 3600 else DAY
    if window > longest:
        raise RefusalError(f"{name} looks back {window} s, and CloudWatch does {longest} s at most with this period.")
    if fields["datapoints_to_alarm"] > fields["evaluation_periods"]:
        raise RefusalError(f"{name} wants more bad data points than evaluation_periods looks at.")
    if fields["statistic"] not in STATISTICS and not re.fullmatch(
        r"(p|tm|tc|ts|wm)\d{1,3}(\.\d+)?", fields["statistic"]
    ):
        raise RefusalError(f"{name}: {fields['statistic']} is no statistic; {', '.join(STATISTICS)} and p95 are.")


class Alarms(Resource):
    kind = "CloudWatch alarms"
    result_key = "alarms"
    layout: ClassVar[Layout] = Layout(
        keys={"alarms": "name", "composite_alarms": "name"}, presence=frozenset({"enabled"})
    )

    def __init__(self, api: Api, params: Fields) -> None:
        self.api = api
        self.params = params

    @property
    @override
    def name(self) -> str:
        return f"{self.params['prefix']}*"

    @override
    def find(self) -> Live | None:
        metric, composite = (
            self.api.pages(
                f"list the alarms {self.name}",
                "describe_alarms",
                f"{kind}s",
                AlarmNamePrefix=self.params["prefix"],
                AlarmTypes=[kind],
            )
            for kind in ("MetricAlarm", "CompositeAlarm")
        )
        if not metric and not composite:
            return None
        arns = {alarm["AlarmName"]: alarm["AlarmArn"] for alarm in [*metric, *composite]}
        fields: Fields = {
            "alarms": [metric_fields(alarm) for alarm in metric],
            "composite_alarms": [composite_fields(alarm) for alarm in composite],
        }
        if self.params["tags"] is not None and self.params["state"] == "present":
            for alarm in [*fields["alarms"], *fields["composite_alarms"]]:
                said = f"read the tags of the alarm {alarm['name']}"
                tags = self.api.call(said, "list_tags_for_resource", ResourceARN=arns[alarm["name"]])["Tags"]
                alarm["tags"] = {tag["Key"]: tag["Value"] for tag in tags}
        return Live(fields, {"arns": arns})

    @override
    def desired(self, live: Live | None) -> Fields:
        have = self._by_name(live)
        return {
            kind: [self._desired(one, have) for one in self.params[kind]] for kind in ("alarms", "composite_alarms")
        }

    def _desired(self, wanted: Fields, have: Mapping[str, Fields]) -> Fields:
        name = f"{self.params['prefix']}{wanted['name']}"
        actions = sorted(self.params["actions"])
        fields = {**wanted, "name": name, "actions": actions, "ok_actions": actions, "enabled": True}
        if "dimensions" in fields:
            fields["dimensions"] = {key: str(value) for key, value in wanted["dimensions"].items()}
            fields["datapoints_to_alarm"] = wanted["datapoints_to_alarm"] or wanted["evaluation_periods"]
        live = have.get(name, {}).get("tags", {})
        tags = desired_tags(live, self.params["tags"], purge=self.params["purge_tags"])
        return {**fields, **({"tags": tags} if tags else {})}

    @staticmethod
    def _by_name(live: Live | None) -> dict[str, Fields]:
        if live is None:
            return {}
        return {alarm["name"]: alarm for kind in ("alarms", "composite_alarms") for alarm in live.fields[kind]}

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        names = [alarm["name"] for alarm in [*desired["alarms"], *desired["composite_alarms"]]]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise RefusalError(f"There are two alarms {', '.join(twice)}: give each its own name.")
        for alarm in desired["alarms"]:
            refuse_metric(alarm)
            self.api.check("put_metric_alarm", **metric_request(alarm))
        for alarm in desired["composite_alarms"]:
            self.api.check("put_composite_alarm", **composite_request(alarm))
            unknown = [
                name
                for name in _NAMED.findall(alarm["rule"])
                if name.startswith(self.params["prefix"]) and name not in names
            ]
            if unknown:
                raise RefusalError(f"The rule of {alarm['name']} names {', '.join(unknown)}, which is not given.")

    @override
    def create(self, desired: Fields) -> Live:
        return self.update(Live({"alarms": [], "composite_alarms": []}, {"arns": {}}), desired, ())

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        have = self._by_name(live)
        kept = {alarm["name"] for kind in ("alarms", "composite_alarms") for alarm in desired[kind]}
        # A composite alarm is made after the alarms that it names, and goes before them.
        gone = [alarm["name"] for alarm in live.fields["composite_alarms"] if alarm["name"] not in kept]
        self._delete(gone, at_once=1)
        for alarm in desired["alarms"]:
            self._put(alarm, have, live, "put_metric_alarm", metric_request(alarm))
        for alarm in desired["composite_alarms"]:
            self._put(alarm, have, live, "put_composite_alarm", composite_request(alarm))
        self._delete([alarm["name"] for alarm in live.fields["alarms"] if alarm["name"] not in kept])
        return self.find() or Live({"alarms": [], "composite_alarms": []}, {"arns": {}})

    def _put(self, alarm: Fields, have: Mapping[str, Fields], live: Live, operation: str, request: Fields) -> None:
        name = alarm["name"]
        before = have.get(name)
        found = [] if before is None else differences(before, alarm, self.layout)
        if before is None or any(not change.field.startswith("tags") for change in found):
            self.api.call(f"put the alarm {name}", operation, **request)
        if before is None:
            return
        to_set, to_remove = tag_delta(before.get("tags", {}), alarm.get("tags", {}))
        arn = live.raw["arns"][name]
        if to_remove:
            self.api.call(f"untag the alarm {name}", "untag_resource", ResourceARN=arn, TagKeys=to_remove)
        if to_set:
            tags = [{"Key": key, "Value": value} for key, value in to_set.items()]
            self.api.call(f"tag the alarm {name}", "tag_resource", ResourceARN=arn, Tags=tags)

    def _delete(self, names: Sequence[str], at_once: int = DELETED_AT_ONCE) -> None:
        for begin in range(0, len(names), at_once):
            part: Any = list(names[begin : begin + at_once])
            self.api.call(f"delete the alarms {', '.join(part)}", "delete_alarms", AlarmNames=part)

    @override
    def delete(self, live: Live) -> Live | None:
        # One composite alarm in a request at most.
        self._delete([alarm["name"] for alarm in live.fields["composite_alarms"]], at_once=1)
        self._delete([alarm["name"] for alarm in live.fields["alarms"]])
        return None

    @override
    def result(self, live: Live) -> Fields:
        return dict(live.fields)


def main() -> None:
    module = aws_module(ARGUMENTS)
    run(module, Alarms(Api(module.client("cloudwatch")), module.params))


if __name__ == "__main__":
    main()
