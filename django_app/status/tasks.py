from __future__ import annotations

from django.tasks import task
from django.utils import timezone

from config.answers import remember
from status import reads
from status.services import maintenance_advance


@task
def advance_maintenance() -> None:
    """Begin and end announced work; what has moved is not moved again."""
    maintenance_advance(now=timezone.now())


@task
def remember_page() -> None:
    """Whoever comes while the database is away is shown what was so a minute ago, whichever host he asks."""
    remember(reads.standing())
