"""CloudWatch: composite alarms, alarms that keep their state, dashboards with tags."""

from __future__ import annotations

from typing import Any

from moto.cloudwatch.exceptions import ResourceNotFoundException
from moto.cloudwatch.models import Alarm, CloudWatchBackend, Dashboard
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from .registry import correct

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
