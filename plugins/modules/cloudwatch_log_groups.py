#!/usr/bin/python
"""Ansible module: CloudWatch log groups with retention, key and metric filters, many at once."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cloudwatch_log_groups
version_added: 0.1.0
short_description: Keep CloudWatch log groups, how long they keep what, their key and their metric filters
description:
  - M(amazon.aws.cloudwatchlogs_log_group) changes the retention of a group even in check mode, never changes its key,
    and deletes a new group when AWS does not know the retention;
    M(amazon.aws.cloudwatchlogs_log_group_metric_filter) fails in check mode for a group that does not exist yet.
  - A group that a service has made already, such as one of RDS, is taken over.
author: Slipway
options:
  state:
    description: Whether the groups shall exist. What they hold goes with them.
  groups:
    description: The groups. Others are not touched.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name.
        type: str
        required: true
      retention_in_days:
        description: Days for which events are kept; V(0) keeps them for ever. Untouched when not set.
        type: int
      kms_key_id:
        description: ARN of the key that encrypts what comes in from now on. Untouched when not set.
        type: str
      metric_filters:
        description: The filters of the group, all of them. Untouched when not set.
        type: list
        elements: dict
        suboptions:
          name:
            description: The name, unique in the group.
            type: str
            required: true
          pattern:
            description: Which events count, in the language of CloudWatch Logs; empty for all.
            type: str
            required: true
          metric_name:
            description: The metric that is written.
            type: str
            required: true
          metric_namespace:
            description: Its namespace.
            type: str
            required: true
          metric_value:
            description: What an event counts, a number or a field of the event such as V($.seconds).
            type: str
            default: '1'
          default_value:
            description: What is written for a minute without such an event. Nothing when not set.
            type: float
          unit:
            description: The unit of the metric.
            type: str
            default: None
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Keep the log of the application for a month and count its errors
  slipway.aws.cloudwatch_log_groups:
    groups:
      - name: /slipway-staging/application
        retention_in_days: 30
        metric_filters:
          - name: errors
            pattern: '{ $.level = "ERROR" }'
            metric_name: ApplicationErrors
            metric_namespace: slipway-staging
            default_value: 0
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: "groups[/a].retention_in_days", from: null, to: 30}]
log_groups:
  description: The groups as they are now; empty when they are absent.
  returned: always
  type: dict
  contains:
    groups:
      description: Each with C(name), C(arn), C(retention_in_days), C(kms_key_id), C(metric_filters) and C(tags).
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
    "groups": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "retention_in_days": {"type": "int"},
            "kms_key_id": {"type": "str"},
            "metric_filters": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "name": {"type": "str", "required": True},
                    "pattern": {"type": "str", "required": True},
                    "metric_name": {"type": "str", "required": True},
                    "metric_namespace": {"type": "str", "required": True},
                    "metric_value": {"type": "str", "default": "1"},
                    "default_value": {"type": "float"},
                    "unit": {"type": "str", "default": "None"},
                },
            },
        },
    },
}

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTIONS = frozenset(
    (0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
)
UNCHANGED = ("retention_in_days", "kms_key_id", "metric_filters")


def filter_request(group: str, fields: Fields) -> Fields:
    """The parameters of PutMetricFilter."""
    transformation: Fields = {
        "metricName": fields["metric_name"],
        "metricNamespace": fields["metric_namespace"],
        "metricValue": fields["metric_value"],
        "unit": fields["unit"],
    }
    if fields.get("default_value") is not None:
        transformation["defaultValue"] = fields["default_value"]
    return {
        "logGroupName": group,
        "filterName": fields["name"],
        "filterPattern": fields["pattern"],
        "metricTransformations": [transformation],
    }


def filter_fields(live: Fields) -> Fields:
    """MetricFilter of AWS as fields. It has always one transformation."""
    transformation = live["metricTransformations"][0]
    default = transformation.get("defaultValue")
    return {
        "name": live["filterName"],
        "pattern": live.get("filterPattern", ""),
        "metric_name": transformation["metricName"],
        "metric_namespace": transformation["metricNamespace"],
        "metric_value": transformation["metricValue"],
        # Empty and zero would be one to the comparison, and are two things to CloudWatch.
        "default_value": None if default is None else float(default),
        "unit": transformation.get("unit", "None"),
    }


class LogGroups(Resource):
    kind = "CloudWatch log groups"
    result_key = "log_groups"
    layout: ClassVar[Layout] = Layout(
        keys={"groups": "name", "metric_filters": "name"}, presence=frozenset({"default_value"})
    )

    def __init__(self, api: Api, params: Fields) -> None:
        self.api = api
        self.params = params

    @property
    @override
    def name(self) -> str:
        return ", ".join(group["name"] for group in self.params["groups"])

    @override
    def find(self) -> Live | None:
        live = {group["name"]: found for group in self.params["groups"] if (found := self._find(group))}
        if self.params["state"] == "absent" and not live:
            return None
        fields = [{name: value for name, value in group.items() if name != "arn"} for group in live.values()]
        return Live({"groups": fields}, {"arns": {name: group["arn"] for name, group in live.items()}})

    def _find(self, wanted: Fields) -> Fields | None:
        name = wanted["name"]
        listed = self.api.pages(
            f"look for the log group {name}", "describe_log_groups", "logGroups", logGroupNamePrefix=name
        )
        found = next((group for group in listed if group["logGroupName"] == name), None)
        if found is None:
            return None
        # DescribeLogGroups ends the ARN with ":*", tags want it without.
        arn = found.get("logGroupArn") or found["arn"].removesuffix(":*")
        fields: Fields = {
            "name": name,
            "arn": arn,
            "retention_in_days": found.get("retentionInDays", 0),
            "kms_key_id": found.get("kmsKeyId", ""),
        }
        if wanted["metric_filters"] is not None:
            filters = self.api.pages(
                f"list the metric filters of {name}", "describe_metric_filters", "metricFilters", logGroupName=name
            )
            fields["metric_filters"] = [filter_fields(one) for one in filters]
        if self.params["tags"] is not None:
            answer = self.api.call(f"read the tags of {name}", "list_tags_for_resource", resourceArn=arn)
            fields["tags"] = answer.get("tags", {})
        return fields

    @override
    def desired(self, live: Live | None) -> Fields:
        have = self._by_name(live)
        groups: list[Fields] = []
        for wanted in self.params["groups"]:
            group = {"name": wanted["name"], **{key: wanted[key] for key in UNCHANGED if wanted[key] is not None}}
            tags = desired_tags(
                have.get(wanted["name"], {}).get("tags", {}), self.params["tags"], purge=self.params["purge_tags"]
            )
            groups.append({**group, **({"tags": tags} if tags else {})})
        return {"groups": groups}

    @staticmethod
    def _by_name(live: Live | None) -> dict[str, Fields]:
        return {group["name"]: group for group in live.fields["groups"]} if live else {}

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        for group in desired["groups"]:
            days = group.get("retention_in_days", 0)
            if days not in RETENTIONS:
                near = min(RETENTIONS, key=lambda known: abs(known - days))
                raise RefusalError(f"CloudWatch Logs cannot keep {group['name']} for {days} days: {near} is nearest.")
            self.api.check("create_log_group", **self._creation(group))
            for one in group.get("metric_filters", []):
                self.api.check("put_metric_filter", **filter_request(group["name"], one))

    @staticmethod
    def _creation(group: Fields) -> Fields:
        tags = {name: value for name, value in group.get("tags", {}).items() if value is not None}
        return {
            "logGroupName": group["name"],
            **({"kmsKeyId": group["kms_key_id"]} if group.get("kms_key_id") else {}),
            **({"tags": tags} if tags else {}),
        }

    @override
    def create(self, desired: Fields) -> Live:
        return self.update(Live({"groups": []}, {"arns": {}}), desired, ())

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        have = self._by_name(live)
        for group in desired["groups"]:
            name = group["name"]
            if name not in have:
                self.api.call(f"create the log group {name}", "create_log_group", **self._creation(group))
            self._converge(name, have.get(name, {**group, "retention_in_days": 0, "metric_filters": []}), group, live)
        return self.find() or live

    def _converge(self, name: str, have: Fields, group: Fields, live: Live) -> None:
        days = group.get("retention_in_days", have["retention_in_days"])
        if days and days != have["retention_in_days"]:
            self.api.call(
                f"set the retention of {name}", "put_retention_policy", logGroupName=name, retentionInDays=days
            )
        elif not days and have["retention_in_days"]:
            self.api.call(f"end the retention of {name}", "delete_retention_policy", logGroupName=name)
        key = group.get("kms_key_id", have.get("kms_key_id"))
        if key and key != have.get("kms_key_id"):
            self.api.call(f"encrypt {name}", "associate_kms_key", logGroupName=name, kmsKeyId=key)
        elif not key and have.get("kms_key_id"):
            self.api.call(f"take the key from {name}", "disassociate_kms_key", logGroupName=name)
        if "metric_filters" in group:
            self._filter(name, have["metric_filters"], group["metric_filters"])
        to_set, to_remove = tag_delta(have.get("tags", {}), group.get("tags", {}))
        if to_remove:
            self.api.call(f"untag {name}", "untag_resource", resourceArn=live.raw["arns"][name], tagKeys=to_remove)
        if to_set:
            self.api.call(f"tag {name}", "tag_resource", resourceArn=live.raw["arns"][name], tags=to_set)

    def _filter(self, name: str, have: Sequence[Fields], wanted: Sequence[Fields]) -> None:
        live = {one["name"]: one for one in have}
        for one in wanted:
            if one["name"] not in live or differences(live[one["name"]], one, self.layout):
                self.api.call(
                    f"put the metric filter {one['name']} on {name}", "put_metric_filter", **filter_request(name, one)
                )
        for gone in sorted(live.keys() - {one["name"] for one in wanted}):
            self.api.call(
                f"take the metric filter {gone} from {name}",
                "delete_metric_filter",
                logGroupName=name,
                filterName=gone,
            )

    @override
    def delete(self, live: Live) -> Live | None:
        for name in self._by_name(live):
            self.api.call(f"delete the log group {name}", "delete_log_group", logGroupName=name)
        return None

    @override
    def result(self, live: Live) -> Fields:
        arns = live.raw["arns"]
        return {"groups": [{**group, "arn": arns.get(group["name"])} for group in live.fields["groups"]]}


def main() -> None:
    module = aws_module(ARGUMENTS)
    run(module, LogGroups(Api(module.client("logs")), module.params))


if __name__ == "__main__":
    main()
