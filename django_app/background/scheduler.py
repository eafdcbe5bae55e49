"""What is due is queued once, however many hosts look at the clock.

Rows are claimed with FOR UPDATE SKIP LOCKED: of two hosts at the same moment one gets a row and the other goes on
without it. The claim is committed before the task is queued: a host that dies in between leaves a check or a job out
once, and its next turn comes by the clock.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from typing import Final

from django.db import close_old_connections, transaction
from django.utils import timezone

from background.jobs import JOBS
from background.models import ScheduledJob
from monitors.services import monitors_claim
from monitors.tasks import check_monitor

logger = logging.getLogger(__name__)

TICK_SECONDS: Final = 5.0


def tick(*, now: datetime | None = None) -> int:
    """Queue everything that is due; answers how many tasks."""
    now = now or timezone.now()
    jobs = claim_jobs(now=now)
    for name in jobs:
        JOBS[name].task.enqueue()
    with transaction.atomic():
        checks = monitors_claim(now=now)
    for monitor_id, scheduled_for in checks:
        check_monitor.enqueue(monitor_id, scheduled_for.isoformat())
    return len(jobs) + len(checks)


@transaction.atomic
def claim_jobs(*, now: datetime) -> list[str]:
    """The names of the jobs that are due, each for one caller."""
    known = set(ScheduledJob.objects.values_list("name", flat=True))
    if missing := JOBS.keys() - known:
        rows = [ScheduledJob(name=name, next_run_at=now) for name in sorted(missing)]
        ScheduledJob.objects.bulk_create(rows, ignore_conflicts=True)
    due = list(ScheduledJob.objects.select_for_update(skip_locked=True).filter(name__in=JOBS, next_run_at__lte=now))
    for row in due:
        row.last_run_at, row.next_run_at = now, now + JOBS[row.name].every
    ScheduledJob.objects.bulk_update(due, ["last_run_at", "next_run_at"])
    return sorted(row.name for row in due)


def run(stopping: threading.Event, *, every: float = TICK_SECONDS) -> None:
    """Tick until ``stopping`` is set. A failure is logged, and the next tick is another attempt."""
    while not stopping.is_set():
        try:
            tick()
        except Exception:
            logger.exception("The scheduler's tick failed.")
        finally:
            close_old_connections()
        stopping.wait(every)
