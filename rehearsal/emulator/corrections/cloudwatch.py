"""CloudWatch: composite alarms, alarms that keep their state and tell of it, dashboards with tags."""

from __future__ import annotations

import json
import logging
from functools import cache
from typing import Any

from botocore.session import Session
from moto.cloudwatch.exceptions import ResourceNotFoundException
from moto.cloudwatch.models import Alarm, CloudWatchBackend, Dashboard
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult
from moto.kms.models import kms_backends
from moto.sns.models import Topic, sns_backends

from rehearsal import policy
from rehearsal.settings import ACCOUNT_ID

from .registry import correct

log = logging.getLogger(__name__)

_set_alarm_state = CloudWatchBackend.set_alarm_state
_put_metric_alarm = CloudWatchBackend.put_metric_alarm
_put_metric_alarm_response = CloudWatchResponse.put_metric_alarm
_describe_alarms_response = CloudWatchResponse.describe_alarms
_put_dashboard_response = CloudWatchResponse.put_dashboard


@correct(CloudWatchBackend, "put_metric_alarm")
def put_metric_alarm(self: CloudWatchBackend, name: str, *args: Any, **kwargs: Any) -> Alarm:
    """A new alarm knows nothing yet; an old one keeps its state, and its tags are not touched.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    """
    before = self.alarms.get(name)
    if before is not None:
        kwargs["tags"] = None
    alarm = _put_metric_alarm(self, name, *args, **kwargs)
    if before is None:
        alarm.state_value = "INSUFFICIENT_DATA"
    else:
        for attribute in ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp", "history"):
            setattr(alarm, attribute, getattr(before, attribute))
    return alarm


@correct(CloudWatchResponse, "put_composite_alarm")
def put_composite_alarm(self: CloudWatchResponse) -> Any:
    """moto keeps both kinds in one list and tells them apart by the rule.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
    """
    return _put_metric_alarm_response(self)


@correct(CloudWatchResponse, "describe_alarms")
def describe_alarms(self: CloudWatchResponse) -> Any:
    """Only metric alarms unless the request names the kinds.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
    """
    kinds = self._get_param("AlarmTypes") or ["MetricAlarm"]
    found: dict[str, list[Alarm]] = _describe_alarms_response(self).result  # type: ignore[assignment]
    return ActionResult({kind: alarms if kind.removesuffix("s") in kinds else [] for kind, alarms in found.items()})


# -- actions -------------------------------------------------------------------------------------------------

_SERVICE = "cloudwatch.amazonaws.com"
_ACTIONS = {"OK": "ok_actions", "ALARM": "alarm_actions", "INSUFFICIENT_DATA": "insufficient_data_actions"}


@correct(CloudWatchBackend, "set_alarm_state")
def set_alarm_state(self: CloudWatchBackend, alarm_name: str, reason: str, reason_data: str, state_value: str) -> None:
    """A change of state is told to the topics that the alarm names for it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html
    """
    alarm = self.alarms.get(alarm_name)
    before = alarm.state_value if alarm else ""
    _set_alarm_state(self, alarm_name, reason, reason_data, state_value)
    if alarm is None or alarm.state_value == before or not alarm.actions_enabled:
        return
    for arn in getattr(alarm, _ACTIONS[state_value]) or []:
        if arn.split(":")[2] != "sns":
            continue
        topic = sns_backends[ACCOUNT_ID][arn.split(":")[3]].topics.get(arn)
        if topic is None or (refused := _refused(alarm, topic)):
            log.warning(
                "the alarm %s cannot tell %s: %s", alarm.name, arn, refused if topic else "there is no such topic"
            )
            continue
        topic.publish(
            json.dumps(_told(alarm, before)),
            subject=f'{state_value}: "{alarm.name}" in {_place(alarm.region_name)}'[:100],
        )


def _refused(alarm: Alarm, topic: Topic) -> str:
    """Why the alarm may not use the topic; empty when it may.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#sns-what-permissions-for-sse
    """
    who = policy.Principal(service=_SERVICE)
    context = {
        "aws:SourceAccount": ACCOUNT_ID,
        "aws:SourceArn": alarm.alarm_arn,
        "aws:SecureTransport": "true",
        "aws:PrincipalIsAWSService": "true",
    }
    asked = policy.Request(who, "sns:Publish", topic.arn, context)
    if not policy.evaluate(asked, (), [policy.parse(topic.policy, "policy of the topic")]).allowed:
        return "the topic's policy does not let CloudWatch publish"
    key_id = topic.kms_master_key_id
    if not key_id:
        return ""
    keys = kms_backends[ACCOUNT_ID][topic.sns_backend.region_name]
    key = keys.keys.get(keys.any_id_to_key_id(key_id))
    if key is None:
        return "its key does not exist"
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        if not policy.trusts(key.policy, policy.Request(who, action, key.arn, context)).allowed:
            return f"its key does not let CloudWatch do {action}"
    return ""


def _told(alarm: Alarm, before: str) -> dict[str, Any]:
    """The message, as its example has it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """

    def moment(value: Any) -> str:
        return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}+0000"

    told = {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": ACCOUNT_ID,
        "AlarmConfigurationUpdatedTimestamp": moment(alarm.configuration_updated_timestamp),
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": moment(alarm.state_updated_timestamp),
        "Region": _place(alarm.region_name),
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": before,
        "OKActions": alarm.ok_actions,
        "AlarmActions": alarm.alarm_actions,
        "InsufficientDataActions": alarm.insufficient_data_actions,
    }
    if alarm.rule:
        return {**told, "AlarmRule": alarm.rule}
    trigger = {
        "MetricName": alarm.metric_name,
        "Namespace": alarm.namespace,
        "StatisticType": "Statistic",
        "Statistic": str(alarm.statistic or "").upper(),
        "Unit": alarm.unit,
        "Dimensions": [{"value": one.value, "name": one.name} for one in alarm.dimensions],
        "Period": alarm.period,
        "EvaluationPeriods": alarm.evaluation_periods,
        "DatapointsToAlarm": alarm.datapoints_to_alarm,
        "ComparisonOperator": alarm.comparison_operator,
        "Threshold": alarm.threshold,
        "TreatMissingData": alarm.treat_missing_data or "missing",
        "EvaluateLowSampleCountPercentile": alarm.evaluate_low_sample_count_percentile or "",
    }
    return {**told, "Trigger": trigger}


@cache
def _place(region: str) -> str:
    """How people call a region."""
    for partition in Session().get_data("endpoints")["partitions"]:
        if region in partition["regions"]:
            return str(partition["regions"][region]["description"])
    return region


# -- dashboards ----------------------------------------------------------------------------------------------


def _dashboard(backend: CloudWatchBackend, arn: str) -> Dashboard | None:
    return next((board for board in backend.dashboards.values() if board.arn == arn), None)


@correct(CloudWatchResponse, "put_dashboard")
def put_dashboard(self: CloudWatchResponse) -> Any:
    """A new dashboard takes tags.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html
    """
    name = self._get_param("DashboardName")
    is_new = name not in self.cloudwatch_backend.dashboards
    answer = _put_dashboard_response(self)
    if is_new and (tags := self._get_param("Tags", [])):
        self.cloudwatch_backend.tagger.tag_resource(self.cloudwatch_backend.dashboards[name].arn, tags)
    return answer


_tag_resource = CloudWatchBackend.tag_resource


@correct(CloudWatchBackend, "tag_resource")
def tag_resource(self: CloudWatchBackend, arn: str, tags: dict[str, str]) -> None:
    """Dashboards can be tagged too.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_TagResource.html
    """
    if _dashboard(self, arn) is None:
        _tag_resource(self, arn, tags)
    else:
        self.tagger.tag_resource(arn, self.tagger.convert_dict_to_tags_input(tags))


@correct(CloudWatchBackend, "untag_resource")
def untag_resource(self: CloudWatchBackend, arn: str, tag_keys: list[str]) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_UntagResource.html"""
    if _dashboard(self, arn) is None and all(alarm.alarm_arn != arn for alarm in self.alarms.values()):
        raise ResourceNotFoundException
    self.tagger.untag_resource_using_names(arn, tag_keys)
