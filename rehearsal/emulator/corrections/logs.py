"""CloudWatch Logs: a metric filter has one name in its group, and a group can be given another key.

Hosts write all the time, and the account lives in memory: of a stream its last lines are kept (`LINES_KEPT`).
"""

from __future__ import annotations

from typing import Any

from moto.logs.exceptions import ConflictException, InvalidParameterException, ResourceNotFoundException
from moto.logs.metric_filters import MetricFilters
from moto.logs.models import LogGroup, LogsBackend, LogStream
from moto.logs.responses import LogsResponse

from .registry import correct

LINES_KEPT = 5_000
_BATCH_EVENTS = 10_000
_BATCH_BYTES = 1_048_576
_EVENT_OVERHEAD = 26

_put_log_events = LogStream.put_log_events
_add_filter = MetricFilters.add_filter
_put_metric_filter = LogsBackend.put_metric_filter
_delete_log_group = LogsBackend.delete_log_group
_delete_delivery_source = LogsBackend.delete_delivery_source
_delete_delivery_destination = LogsBackend.delete_delivery_destination


@correct(MetricFilters, "add_filter")
def add_filter(
    self: MetricFilters, filter_name: str, filter_pattern: str, log_group_name: str, metric_transformations: Any
) -> None:
    """A filter of the same name is replaced.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html
    """
    self.delete_filter(filter_name, log_group_name)
    _add_filter(self, filter_name, filter_pattern, log_group_name, metric_transformations)


def _group(backend: LogsBackend, name: str) -> LogGroup:
    if name not in backend.groups:
        raise ResourceNotFoundException
    return backend.groups[name]


@correct(LogsBackend, "put_metric_filter")
def put_metric_filter(
    self: LogsBackend, filter_name: str, filter_pattern: str, log_group_name: str, metric_transformations: Any
) -> None:
    """The log group has to exist.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html
    """
    _group(self, log_group_name)
    _put_metric_filter(self, filter_name, filter_pattern, log_group_name, metric_transformations)


@correct(LogsBackend, "delete_log_group")
def delete_log_group(self: LogsBackend, log_group_name: str) -> None:
    """The filters of a group go with it.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteLogGroup.html
    """
    _delete_log_group(self, log_group_name)
    self.filters.metric_filters = [one for one in self.filters.metric_filters if one["logGroupName"] != log_group_name]


@correct(LogsResponse, "associate_kms_key")
def associate_kms_key(self: LogsResponse) -> str:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html"""
    _group(self.logs_backend, self._get_param("logGroupName")).kms_key_id = self._get_param("kmsKeyId")
    return ""


@correct(LogsResponse, "disassociate_kms_key")
def disassociate_kms_key(self: LogsResponse) -> str:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DisassociateKmsKey.html"""
    _group(self.logs_backend, self._get_param("logGroupName")).kms_key_id = None
    return ""


@correct(LogStream, "put_log_events")
def put_log_events(self: LogStream, log_events: list[dict[str, Any]]) -> str:
    """One call takes 10,000 events and 1 MB at most; retention is by number of lines here.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
    """
    size = sum(len(event["message"].encode()) + _EVENT_OVERHEAD for event in log_events)
    if len(log_events) > _BATCH_EVENTS or size > _BATCH_BYTES:
        raise InvalidParameterException("Upload too large: a batch holds 10,000 events and 1,048,576 bytes at most.")
    token = _put_log_events(self, log_events)
    del self.events[:-LINES_KEPT]
    return token


@correct(LogsBackend, "delete_delivery_source")
def delete_delivery_source(self: LogsBackend, name: str) -> None:
    """Not while a delivery comes from it.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteDeliverySource.html
    """
    if any(one.delivery_source_name == name for one in self.deliveries.values()):
        raise ConflictException("Cannot delete delivery source with active deliveries.")
    _delete_delivery_source(self, name)


@correct(LogsBackend, "delete_delivery_destination")
def delete_delivery_destination(self: LogsBackend, name: str) -> None:
    """Not while a delivery goes to it.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteDeliveryDestination.html
    """
    destination = self.delivery_destinations.get(name)
    if destination and any(one.delivery_destination_arn == destination.arn for one in self.deliveries.values()):
        raise ConflictException("Cannot delete delivery destination with active deliveries.")
    _delete_delivery_destination(self, name)
