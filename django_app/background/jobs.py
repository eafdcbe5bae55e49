"""What is done regularly, and how often. Every task here bears to run twice, and to be left out once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.tasks.base import Task

from accounts.tasks import clear_sessions
from inbound.tasks import apply_retention as apply_inbound_retention
from monitors.tasks import apply_retention, refresh_rollups, remember_series
from status.tasks import advance_maintenance, remember_page
from subscribers.tasks import apply_retention as apply_subscribers_retention
from subscribers.tasks import queue_forgotten


@dataclass(frozen=True, slots=True)
class Job:
    task: Task[Any, Any]
    every: timedelta


JOBS: Final[Mapping[str, Job]] = {
    "advance-maintenance": Job(advance_maintenance, timedelta(seconds=15)),
    "apply-retention-of-inbound": Job(apply_inbound_retention, timedelta(days=1)),
    "apply-retention-of-subscribers": Job(apply_subscribers_retention, timedelta(hours=6)),
    "queue-forgotten": Job(queue_forgotten, timedelta(seconds=60)),
    "apply-retention": Job(apply_retention, timedelta(hours=6)),
    "clear-sessions": Job(clear_sessions, timedelta(days=1)),
    "refresh-rollups": Job(refresh_rollups, timedelta(minutes=5)),
    "remember-page": Job(remember_page, timedelta(seconds=60)),
    "remember-series": Job(remember_series, timedelta(seconds=60)),
}
