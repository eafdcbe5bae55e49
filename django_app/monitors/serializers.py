from __future__ import annotations

from typing import Any

from rest_framework import serializers

from config.fields import TextField
from monitors.models import STATUS_PATTERN, Check, Monitor, MonitorMethod, MonitorState
from monitors.selectors import ComponentUptime, LatencyPoint, LatencyRange, UptimeReport
from outbound.guard import MAXIMUM_URL, Refused, Unreachable, check_url
from status.models import Component, IncidentSeverity


class OutboundUrlField(TextField):
    """An address that the application may be made to ask: judged now, and again whenever it is asked."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MAXIMUM_URL, **options)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        url = super().run_validation(data)
        if isinstance(url, str):
            try:
                check_url(url)
            except (Refused, Unreachable) as reason:
                raise serializers.ValidationError(str(reason)) from None
        return url


class MonitorOutput(serializers.Serializer[Monitor]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    component = serializers.IntegerField(source="component_id", allow_null=True, help_text="Id of a component.")
    url = serializers.CharField()
    method = serializers.ChoiceField(choices=MonitorMethod.choices)
    interval_seconds = serializers.IntegerField()
    timeout_seconds = serializers.IntegerField()
    expected_status = serializers.CharField()
    expected_body = serializers.CharField(allow_blank=True)
    failure_threshold = serializers.IntegerField()
    success_threshold = serializers.IntegerField()
    severity = serializers.ChoiceField(choices=IncidentSeverity.choices)
    enabled = serializers.BooleanField()
    state = serializers.ChoiceField(choices=MonitorState.choices)
    last_check_at = serializers.DateTimeField(
        source="last_scheduled_for", allow_null=True, help_text="The moment that the last look was for."
    )
    next_check_at = serializers.DateTimeField()
    incident = serializers.IntegerField(source="incident_id", allow_null=True, help_text="The incident it opened.")


class MonitorInput(serializers.Serializer[dict[str, Any]]):
    name = TextField(max_length=80)
    component = serializers.PrimaryKeyRelatedField(
        queryset=Component.objects.all(), required=False, allow_null=True, help_text="Id of a component."
    )
    url = OutboundUrlField()
    method = serializers.ChoiceField(choices=MonitorMethod.choices, required=False)
    interval_seconds = serializers.IntegerField(min_value=30, max_value=3600, required=False)
    timeout_seconds = serializers.IntegerField(min_value=1, max_value=30, required=False)
    expected_status = serializers.RegexField(
        rf"^{STATUS_PATTERN.pattern}\Z", max_length=100, required=False, help_text="For example 200-299,301."
    )
    expected_body = TextField(max_length=200, allow_blank=True, required=False)
    failure_threshold = serializers.IntegerField(min_value=1, max_value=20, required=False)
    success_threshold = serializers.IntegerField(min_value=1, max_value=20, required=False)
    severity = serializers.ChoiceField(choices=IncidentSeverity.choices, required=False)
    enabled = serializers.BooleanField(required=False)


class MonitorPageOutput(serializers.Serializer[Any]):
    results = MonitorOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class CheckOutput(serializers.Serializer[Check]):
    id = serializers.IntegerField()
    checked_at = serializers.DateTimeField()
    up = serializers.BooleanField()
    status_code = serializers.IntegerField(allow_null=True)
    latency_ms = serializers.IntegerField(allow_null=True)
    detail = serializers.CharField(allow_blank=True)


class CheckPageOutput(serializers.Serializer[Any]):
    results = CheckOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class CheckQueuedOutput(serializers.Serializer[Any]):
    scheduled_for = serializers.DateTimeField(help_text="What is seen is in the checks once a worker has looked.")


class ComponentUptimeOutput(serializers.Serializer[ComponentUptime]):
    component = serializers.IntegerField()
    uptime = serializers.FloatField(allow_null=True, min_value=0, max_value=1)
    days = serializers.ListField(child=serializers.FloatField(allow_null=True, min_value=0, max_value=1))


class UptimeReportOutput(serializers.Serializer[UptimeReport]):
    first_day = serializers.DateField()
    components = ComponentUptimeOutput(many=True)


class LatencyQuery(serializers.Serializer[dict[str, Any]]):
    range = serializers.ChoiceField(choices=[span.value for span in LatencyRange], default=LatencyRange.DAY.value)


class LatencyPointOutput(serializers.Serializer[LatencyPoint]):
    at = serializers.DateTimeField()
    p50_ms = serializers.IntegerField(allow_null=True)
    p95_ms = serializers.IntegerField(allow_null=True)
