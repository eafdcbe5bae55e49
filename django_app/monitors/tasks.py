"""Tasks of the monitors. Each may run twice: what it does the second time changes nothing."""

from __future__ import annotations

from datetime import datetime

from django.tasks import task
from django.utils import timezone

from config.answers import remember
from monitors import reads
from monitors.models import Check, Monitor
from monitors.services import check_record, monitor_look, retention_apply, rollups_refresh


@task
def check_monitor(monitor_id: int, scheduled_for: str) -> None:
    """Look once for the given moment (ISO 8601), unless that has been done, is pointless by now or is not wanted."""
    moment = datetime.fromisoformat(scheduled_for)
    monitor = Monitor.objects.filter(pk=monitor_id, enabled=True).first()
    if monitor is None or Check.objects.filter(monitor=monitor, scheduled_for=moment).exists():
        return
    if (timezone.now() - moment).total_seconds() > 2 * monitor.interval_seconds:
        # The queue was stopped for a while: a row of old checks would only be a load.
        return
    check_record(monitor_id=monitor_id, scheduled_for=moment, outcome=monitor_look(monitor=monitor))


@task
def refresh_rollups() -> None:
    rollups_refresh(now=timezone.now())


@task
def remember_series() -> None:
    """As status.tasks.remember_page, for what the monitors saw."""
    remember(reads.standing())


@task
def apply_retention() -> None:
    retention_apply(now=timezone.now())
