from __future__ import annotations

from django.tasks import task
from django.utils import timezone

from status.services import maintenance_advance


@task
def advance_maintenance() -> None:
    """Begin and end announced work; what has moved is not moved again."""
    maintenance_advance(now=timezone.now())
