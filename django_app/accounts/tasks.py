from __future__ import annotations

from django.core.management import call_command
from django.tasks import task


@task
def clear_sessions() -> None:
    """Delete sessions that have run out; a sign-in leaves one each."""
    call_command("clearsessions")
