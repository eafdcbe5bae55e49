"""Monitors, what they saw, and the roll-ups that stay when the single checks are gone."""

from __future__ import annotations

import re
from typing import Final

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from status.models import Component, Incident, IncidentSeverity

STATUS_PATTERN: Final = re.compile(r"[1-5]\d\d(-[1-5]\d\d)?(,[1-5]\d\d(-[1-5]\d\d)?)*")


class MonitorMethod(models.TextChoices):
    GET = "GET", "GET"
    HEAD = "HEAD", "HEAD"


class MonitorState(models.TextChoices):
    UNKNOWN = "unknown", "Not known yet"
    UP = "up", "Up"
    DOWN = "down", "Down"


class RollupPeriod(models.TextChoices):
    HOUR = "hour", "Hour"
    DAY = "day", "Day (UTC)"


class Monitor(models.Model):
    """An address that is asked every ``interval_seconds`` and has to answer as expected within ``timeout_seconds``.

    ``failure_threshold`` failures in a row open an incident, ``success_threshold`` successes in a row close it.
    """

    name = models.CharField(max_length=80, unique=True)
    component = models.ForeignKey(Component, on_delete=models.SET_NULL, null=True, blank=True, related_name="monitors")
    url = models.CharField(max_length=2000)
    method = models.CharField(max_length=4, choices=MonitorMethod, default=MonitorMethod.GET)
    interval_seconds = models.PositiveIntegerField(default=60)
    timeout_seconds = models.PositiveIntegerField(default=10)
    expected_status = models.CharField(max_length=100, default="200-299")
    expected_body = models.CharField(max_length=200, blank=True, help_text="A text that the body has to hold.")
    failure_threshold = models.PositiveIntegerField(default=3)
    success_threshold = models.PositiveIntegerField(default=2)
    severity = models.CharField(max_length=20, choices=IncidentSeverity, default=IncidentSeverity.MAJOR)
    enabled = models.BooleanField(default=True)

    state = models.CharField(max_length=10, choices=MonitorState, default=MonitorState.UNKNOWN)
    failures_in_a_row = models.PositiveIntegerField(default=0)
    successes_in_a_row = models.PositiveIntegerField(default=0)
    last_scheduled_for = models.DateTimeField(null=True, blank=True)
    next_check_at = models.DateTimeField(default=timezone.now)
    incident = models.ForeignKey(Incident, on_delete=models.SET_NULL, null=True, blank=True, related_name="monitors")

    class Meta:
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(
                condition=Q(interval_seconds__gte=30, interval_seconds__lte=3600), name="monitor_interval_in_range"
            ),
            models.CheckConstraint(
                condition=Q(timeout_seconds__gte=1, timeout_seconds__lte=30, timeout_seconds__lt=F("interval_seconds")),
                name="monitor_timeout_in_range",
            ),
            models.CheckConstraint(
                condition=Q(failure_threshold__gte=1, success_threshold__gte=1), name="monitor_thresholds_in_range"
            ),
            models.CheckConstraint(condition=Q(state__in=MonitorState.values), name="monitor_state_known"),
        )
        indexes = (models.Index(fields=["next_check_at"], condition=Q(enabled=True), name="monitor_due"),)

    def __str__(self) -> str:
        return self.name

    def expects(self, status: int) -> bool:
        """Whether the status is one of ``expected_status``."""
        for part in self.expected_status.split(","):
            low, _, high = part.partition("-")
            if int(low) <= status <= int(high or low):
                return True
        return False


class Check(models.Model):
    """One look. ``scheduled_for`` makes it unique: a task that runs twice looks once as far as anybody can tell."""

    monitor = models.ForeignKey(Monitor, on_delete=models.CASCADE, related_name="checks")
    scheduled_for = models.DateTimeField()
    checked_at = models.DateTimeField()
    up = models.BooleanField()
    status_code = models.PositiveSmallIntegerField(null=True)
    latency_ms = models.PositiveIntegerField(null=True)
    detail = models.CharField(max_length=200, blank=True)
    covers_seconds = models.PositiveIntegerField(help_text="For how long it speaks when no other follows.")

    class Meta:
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=["monitor", "scheduled_for"], name="check_once"),)
        indexes = (
            models.Index(fields=["monitor", "checked_at"], name="check_series"),
            models.Index(fields=["checked_at"], name="check_age"),
        )

    def __str__(self) -> str:
        return f"{self.scheduled_for}: {'up' if self.up else 'down'}"


class Rollup(models.Model):
    """An hour or a day (UTC) of a monitor. Milliseconds of time and of latency; what is not known is neither."""

    monitor = models.ForeignKey(Monitor, on_delete=models.CASCADE, related_name="rollups")
    period = models.CharField(max_length=4, choices=RollupPeriod)
    starts_at = models.DateTimeField()
    up_ms = models.PositiveBigIntegerField()
    down_ms = models.PositiveBigIntegerField()
    checks = models.PositiveIntegerField()
    failures = models.PositiveIntegerField()
    latency_p50_ms = models.PositiveIntegerField(null=True)
    latency_p95_ms = models.PositiveIntegerField(null=True)
    latency_max_ms = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["monitor", "period", "starts_at"], name="rollup_once"),)
        indexes = (models.Index(fields=["period", "starts_at"], name="rollup_age"),)

    def __str__(self) -> str:
        return f"{self.period} {self.starts_at}"
