"""The series that everybody may read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.shortcuts import get_object_or_404
from django.utils import timezone

from config.answers import Read
from monitors import selectors
from monitors.serializers import LatencyPointOutput, UptimeReportOutput
from status.models import Component

#: Seconds that a series is kept: it changes with the roll-ups, and those come every few minutes.
SERIES_SECONDS: Final = 60


def uptime() -> Read:
    """The last 90 days of every component that is watched."""
    return Read(
        "uptime",
        lambda: UptimeReportOutput(selectors.uptime_report(now=timezone.now())).data,
        seconds=SERIES_SECONDS,
    )


def latency(component_id: int, *, span: selectors.LatencyRange) -> Read:
    def compute() -> Any:
        component = get_object_or_404(Component, pk=component_id)
        points = selectors.latency_series(component=component, span=span, now=timezone.now())
        return LatencyPointOutput(points, many=True).data  # type: ignore[arg-type]

    return Read(f"latency:{component_id}:{span}", compute, seconds=SERIES_SECONDS)


def standing() -> Iterator[Read]:
    """What the public page shows of the series, whatever somebody opens there."""
    yield uptime()
    for component in Component.objects.filter(monitors__isnull=False).distinct():
        for span in selectors.LatencyRange:
            yield latency(component.pk, span=span)
