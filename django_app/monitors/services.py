"""Writes: settings of monitors, what a check saw and what follows from it, roll-ups and retention."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Max, Min, QuerySet
from django.utils import timezone

from accounts.actors import SYSTEM, Actor
from audit.services import audit_record, difference, snapshot
from config.problems import Conflict, Unavailable
from monitors.models import Check, Monitor, MonitorState, Rollup, RollupPeriod
from monitors.uptime import Look, measure, percentile
from outbound.http import MAXIMUM_REDIRECTS, Fetched, Refused, Unreachable, fetch
from status.models import ComponentState, Incident, IncidentSeverity, IncidentState
from status.services import component_update, incident_open, incident_update_post

logger = logging.getLogger(__name__)

#: A missed check is forgiven: the one before speaks for so many intervals.
COVERED_INTERVALS: Final = 2
LONGEST_COVER: Final = timedelta(seconds=3600 * COVERED_INTERVALS)

CHECK_RETENTION: Final = timedelta(days=8)
HOUR_RETENTION: Final = timedelta(days=100)
DAY_RETENTION: Final = timedelta(days=400)
DELETE_BATCH: Final = 5000

SETTINGS: Final = (
    "name",
    "component",
    "url",
    "method",
    "interval_seconds",
    "timeout_seconds",
    "expected_status",
    "expected_body",
    "failure_threshold",
    "success_threshold",
    "severity",
    "enabled",
)
_STATE_OF_SEVERITY: Final = {
    IncidentSeverity.MINOR.value: ComponentState.DEGRADED,
    IncidentSeverity.MAJOR.value: ComponentState.PARTIAL_OUTAGE,
    IncidentSeverity.CRITICAL.value: ComponentState.MAJOR_OUTAGE,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a look saw; ``detail`` is empty when all was as expected."""

    checked_at: datetime
    up: bool
    status_code: int | None
    latency_ms: int | None
    detail: str


@transaction.atomic
def monitor_create(*, actor: Actor = SYSTEM, **values: Any) -> Monitor:
    """Add a monitor with the values of SETTINGS; its first check is due at once.

    Raises:
        Conflict: another monitor has the name, or the timeout is not shorter than the interval.
    """
    _refuse_taken_name(values["name"])
    monitor = Monitor(**values)
    _refuse_long_timeout(monitor)
    monitor.save()
    audit_record(
        actor=actor, action="monitor.create", target=monitor, changes=difference({}, snapshot(monitor, SETTINGS))
    )
    return monitor


@transaction.atomic
def monitor_update(*, monitor: Monitor, actor: Actor = SYSTEM, **values: Any) -> Monitor:
    """Change the given ones of SETTINGS; what is asked anew is asked at once.

    Raises:
        Conflict: as ``monitor_create``.
    """
    monitor = Monitor.objects.select_for_update().get(pk=monitor.pk)
    before = snapshot(monitor, SETTINGS)
    if "name" in values and values["name"] != monitor.name:
        _refuse_taken_name(values["name"])
    for name, value in values.items():
        setattr(monitor, name, value)
    _refuse_long_timeout(monitor)
    changes = difference(before, snapshot(monitor, SETTINGS))
    if set(changes) & {"url", "method", "expected_status", "expected_body", "enabled", "interval_seconds"}:
        monitor.next_check_at = timezone.now()
        monitor.failures_in_a_row = monitor.successes_in_a_row = 0
    monitor.save()
    if changes:
        audit_record(actor=actor, action="monitor.update", target=monitor, changes=changes)
    return monitor


@transaction.atomic
def monitor_delete(*, monitor: Monitor, actor: Actor = SYSTEM) -> None:
    """Remove a monitor and its series. An incident that it opened stays, for people to close."""
    audit_record(actor=actor, action="monitor.delete", target=monitor)
    monitor.delete()


def monitor_check_now(*, monitor: Monitor, actor: Actor = SYSTEM) -> datetime:
    """Queue a look beside the regular ones; answers the moment that it is for.

    Raises:
        Conflict: the monitor is paused.
        Unavailable: the queue does not take it.
    """
    # Imported late: the tasks are made of these services.
    from monitors.tasks import check_monitor

    if not monitor.enabled:
        raise Conflict("This monitor is paused: resume it first.")
    moment = timezone.now()
    try:
        check_monitor.enqueue(monitor.pk, moment.isoformat())
    except Exception as error:
        # Whatever the queue's client raises: nothing has happened, and the person has to know.
        logger.exception("A look could not be queued.")
        raise Unavailable("The queue of background work cannot be reached right now.") from error
    audit_record(actor=actor, action="monitor.check", target=monitor)
    return moment


def monitor_look(*, monitor: Monitor) -> Outcome:
    """Ask the address, once. Touches no table, so that no transaction waits for somebody else's server."""
    now = timezone.now()
    try:
        fetched = fetch(
            monitor.url,
            method=monitor.method,
            timeout=monitor.timeout_seconds,
            redirects=MAXIMUM_REDIRECTS,
            stop_at=frozenset(status for status in range(300, 400) if monitor.expects(status)),
        )
    except (Refused, Unreachable) as reason:
        return Outcome(checked_at=now, up=False, status_code=None, latency_ms=None, detail=str(reason)[:200])
    detail = _complaint(monitor, fetched)
    return Outcome(
        checked_at=now,
        up=not detail,
        status_code=fetched.status,
        latency_ms=round(fetched.seconds * 1000),
        detail=detail[:200],
    )


def _complaint(monitor: Monitor, fetched: Fetched) -> str:
    if not monitor.expects(fetched.status):
        return f"The status was {fetched.status}, and {monitor.expected_status} is expected."
    if monitor.expected_body and monitor.expected_body.encode() not in fetched.body:
        return "The body does not hold the expected text."
    return ""


@transaction.atomic
def check_record(*, monitor_id: int, scheduled_for: datetime, outcome: Outcome) -> bool:
    """Keep what a look saw, and open or close an incident when it is time; answers whether it was news.

    Recording the same look again changes nothing, and a late one is kept but no longer counts for the row.
    """
    monitor = Monitor.objects.select_for_update().filter(pk=monitor_id).first()
    if monitor is None:
        return False
    _, created = Check.objects.get_or_create(
        monitor=monitor,
        scheduled_for=scheduled_for,
        defaults={
            "checked_at": outcome.checked_at,
            "up": outcome.up,
            "status_code": outcome.status_code,
            "latency_ms": outcome.latency_ms,
            "detail": outcome.detail,
            "covers_seconds": monitor.interval_seconds * COVERED_INTERVALS,
        },
    )
    if not created or (monitor.last_scheduled_for is not None and scheduled_for < monitor.last_scheduled_for):
        return created
    monitor.last_scheduled_for = scheduled_for
    if monitor.incident is not None and monitor.incident.state == IncidentState.RESOLVED:
        # A person has closed it: what fails from now on is counted anew.
        monitor.incident = None
        monitor.failures_in_a_row = 0
    if outcome.up:
        monitor.successes_in_a_row += 1
        monitor.failures_in_a_row = 0
        if monitor.state != MonitorState.DOWN or monitor.successes_in_a_row >= monitor.success_threshold:
            monitor.state = MonitorState.UP
            _close_incident(monitor)
    else:
        monitor.failures_in_a_row += 1
        monitor.successes_in_a_row = 0
        if monitor.failures_in_a_row >= monitor.failure_threshold:
            monitor.state = MonitorState.DOWN
            _open_incident(monitor, outcome)
    monitor.save()
    return True


def _actor(monitor: Monitor) -> Actor:
    return Actor.of_system(f"monitor {monitor.name}")


def _in_a_row(times: int) -> str:
    return "once" if times == 1 else f"{times} times in a row"


def _open_incident(monitor: Monitor, outcome: Outcome) -> None:
    component = monitor.component
    if monitor.incident is not None or (component and component.state == ComponentState.MAINTENANCE):
        return
    monitor.incident = incident_open(
        title=f"{component.name if component else monitor.name} is not reachable"[:160],
        message=f"The monitor “{monitor.name}” has failed {_in_a_row(monitor.failures_in_a_row)}. {outcome.detail}",
        state=IncidentState.INVESTIGATING,
        severity=monitor.severity,
        components=[component] if component else [],
        component_state=_STATE_OF_SEVERITY[monitor.severity],
        actor=_actor(monitor),
    )


def _close_incident(monitor: Monitor) -> None:
    incident, component = monitor.incident, monitor.component
    if incident is None:
        return
    monitor.incident = None
    incident_update_post(
        incident=incident,
        state=IncidentState.RESOLVED,
        message=f"The monitor “{monitor.name}” has succeeded {_in_a_row(monitor.successes_in_a_row)}.",
        actor=_actor(monitor),
    )
    if component is None or component.state == ComponentState.MAINTENANCE:
        return
    if not Incident.objects.filter(components=component, resolved_at=None).exists():
        component_update(component=component, state=ComponentState.OPERATIONAL, actor=_actor(monitor))


def monitors_claim(*, now: datetime, limit: int = 500) -> list[tuple[int, datetime]]:
    """Take the checks that are due, each for one caller: pairs of monitor id and the moment that it is due for.

    Belongs into a transaction that also hands the checks on: when that fails, they stay due.
    """
    due = list(
        Monitor.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(enabled=True, next_check_at__lte=now)
        .order_by("next_check_at")[:limit]
    )
    claimed = []
    for monitor in due:
        claimed.append((monitor.pk, monitor.next_check_at))
        interval = timedelta(seconds=monitor.interval_seconds)
        # What was missed while nobody looked is not made up for.
        missed = (now - monitor.next_check_at) // interval
        monitor.next_check_at += interval * (missed + 1)
    Monitor.objects.bulk_update(due, ["next_check_at"])
    return claimed


def rollups_refresh(*, now: datetime) -> int:
    """Bring the roll-ups of every monitor up to ``now``; answers how many were written.

    A period is computed from its checks and written whole, so that running it again, or twice at once, is harmless.
    """
    written = 0
    for monitor_id in Monitor.objects.values_list("pk", flat=True):
        for period in RollupPeriod:
            written += _refresh(monitor_id, period.value, now)
    return written


def _refresh(monitor_id: int, period: str, now: datetime) -> int:
    length, floor = _PERIODS[period]
    last = Rollup.objects.filter(monitor=monitor_id, period=period).aggregate(last=Max("starts_at"))["last"]
    first = Check.objects.filter(monitor=monitor_id).aggregate(first=Min("checked_at"))["first"]
    if first is None:
        return 0
    # The one before the last may have been computed before its last check was in.
    start = max(floor(first), last - length) if last is not None else floor(first)
    if last is not None and start < now - CHECK_RETENTION + length:
        # Some of its checks are gone already: what is written is better than what is left.
        start = floor(now - CHECK_RETENTION + 2 * length)
    checks = list(
        Check.objects.filter(monitor=monitor_id, checked_at__gte=start - LONGEST_COVER, checked_at__lte=now).order_by(
            "checked_at"
        )
    )
    rows = []
    while start <= now:
        rows.append(_rollup(monitor_id, period, start, min(start + length, now), checks))
        start += length
    Rollup.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["monitor", "period", "starts_at"],
        update_fields=_ROLLUP_VALUES,
    )
    return len(rows)


def _rollup(monitor_id: int, period: str, start: datetime, end: datetime, checks: list[Check]) -> Rollup:
    near = [check for check in checks if start - LONGEST_COVER <= check.checked_at < end]
    looks = [Look(at=c.checked_at, up=c.up, covers=timedelta(seconds=c.covers_seconds)) for c in near]
    uptime = measure(looks, start=start, end=end)
    inside = [check for check in near if check.checked_at >= start]
    latencies = sorted(check.latency_ms for check in inside if check.up and check.latency_ms is not None)
    return Rollup(
        monitor_id=monitor_id,
        period=period,
        starts_at=start,
        up_ms=uptime.up // timedelta(milliseconds=1),
        down_ms=uptime.down // timedelta(milliseconds=1),
        checks=len(inside),
        failures=sum(1 for check in inside if not check.up),
        latency_p50_ms=percentile(latencies, 0.5),
        latency_p95_ms=percentile(latencies, 0.95),
        latency_max_ms=latencies[-1] if latencies else None,
    )


def retention_apply(*, now: datetime) -> int:
    """Delete what is older than its retention, in batches that hold no lock for long; answers how many rows."""
    old: list[QuerySet[Any]] = [
        Check.objects.filter(checked_at__lt=now - CHECK_RETENTION),
        Rollup.objects.filter(period=RollupPeriod.HOUR, starts_at__lt=now - HOUR_RETENTION),
        Rollup.objects.filter(period=RollupPeriod.DAY, starts_at__lt=now - DAY_RETENTION),
    ]
    deleted = 0
    for rows in old:
        while True:
            batch = list(rows.order_by("pk").values_list("pk", flat=True)[:DELETE_BATCH])
            if not batch:
                break
            deleted += rows.model.objects.filter(pk__in=batch).delete()[0]
    return deleted


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _day(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


_PERIODS: Final[dict[str, tuple[timedelta, Callable[[datetime], datetime]]]] = {
    RollupPeriod.HOUR.value: (timedelta(hours=1), _hour),
    RollupPeriod.DAY.value: (timedelta(days=1), _day),
}
_ROLLUP_VALUES: Final = [
    "up_ms",
    "down_ms",
    "checks",
    "failures",
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_max_ms",
]


def _refuse_taken_name(name: str) -> None:
    if Monitor.objects.filter(name=name).exists():
        raise Conflict(f"A monitor is already called {name}.")


def _refuse_long_timeout(monitor: Monitor) -> None:
    if monitor.timeout_seconds >= monitor.interval_seconds:
        raise Conflict("The timeout has to be shorter than the interval.")
