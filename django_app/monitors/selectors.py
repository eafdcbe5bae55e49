"""Reads of monitors and of their series."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db.models import Max, QuerySet, Sum

from monitors.models import Check, Monitor, Rollup, RollupPeriod
from status.models import Component

UPTIME_DAYS: Final = 90


class LatencyRange(StrEnum):
    DAY = "day"
    WEEK = "week"
    QUARTER = "quarter"


_RANGES: Final = {
    LatencyRange.DAY: (RollupPeriod.HOUR, timedelta(days=1)),
    LatencyRange.WEEK: (RollupPeriod.HOUR, timedelta(days=7)),
    LatencyRange.QUARTER: (RollupPeriod.DAY, timedelta(days=90)),
}


@dataclass(frozen=True, slots=True)
class ComponentUptime:
    """``days`` has a number from 0 to 1 for each day, the oldest first; None where nothing is known."""

    component: int
    uptime: float | None
    days: list[float | None]


@dataclass(frozen=True, slots=True)
class UptimeReport:
    first_day: date
    components: list[ComponentUptime]


@dataclass(frozen=True, slots=True)
class LatencyPoint:
    at: datetime
    p50_ms: int | None
    p95_ms: int | None


def monitor_list() -> QuerySet[Monitor]:
    return Monitor.objects.all()


def check_list(*, monitor_id: int) -> QuerySet[Check]:
    return Check.objects.filter(monitor=monitor_id)


def uptime_report(*, now: datetime, days: int = UPTIME_DAYS) -> UptimeReport:
    """The days of every component that a monitor watches, in one query. Several monitors count by their time."""
    first = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    rows = (
        Rollup.objects.filter(period=RollupPeriod.DAY, starts_at__gte=first, monitor__component__isnull=False)
        .values("monitor__component", "starts_at")
        .annotate(up=Sum("up_ms"), down=Sum("down_ms"))
        .order_by("monitor__component", "starts_at")
    )
    series: dict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
    for row in rows:
        series[row["monitor__component"]][(row["starts_at"] - first).days] = (row["up"], row["down"])
    return UptimeReport(
        first_day=first.date(),
        components=[
            ComponentUptime(
                component=component,
                uptime=_ratio(sum(up for up, _ in known.values()), sum(down for _, down in known.values())),
                days=[_ratio(*known[day]) if day in known else None for day in range(days)],
            )
            for component, known in series.items()
        ],
    )


def latency_series(*, component: Component, span: LatencyRange, now: datetime) -> list[LatencyPoint]:
    """The latencies of a component, in one query. Of several monitors the slowest is shown."""
    period, length = _RANGES[span]
    rows = (
        Rollup.objects.filter(period=period, starts_at__gte=now - length, monitor__component=component)
        .values("starts_at")
        .annotate(p50=Max("latency_p50_ms"), p95=Max("latency_p95_ms"))
        .order_by("starts_at")
    )
    return [LatencyPoint(at=row["starts_at"], p50_ms=row["p50"], p95_ms=row["p95"]) for row in rows]


def _ratio(up: int, down: int) -> float | None:
    # Six digits are a second in twelve days; cut and not rounded, so that a failure is never shown as 1.
    return int(up / (up + down) * 1_000_000) / 1_000_000 if up + down else None
