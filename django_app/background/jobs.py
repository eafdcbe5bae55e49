"""What is done regularly, and how often. Every task here bears to run twice, and to be left out once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.tasks.base import Task

from accounts.tasks import clear_sessions
from monitors.tasks import apply_retention, refresh_rollups
from status.tasks import advance_maintenance


@dataclass(frozen=True, slots=True)
class Job:
    task: Task[Any, Any]
    every: timedelta


JOBS: Final[Mapping[str, Job]] = {
    "advance-maintenance": Job(advance_maintenance, timedelta(seconds=15)),
    "apply-retention": Job(apply_retention, timedelta(hours=6)),
    "clear-sessions": Job(clear_sessions, timedelta(days=1)),
    "refresh-rollups": Job(refresh_rollups, timedelta(minutes=5)),
}
