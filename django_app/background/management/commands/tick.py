"""``manage.py tick``: queue what is due, once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from background.scheduler import tick


class Command(BaseCommand):
    help = "Queue the checks and jobs that are due. May run on any number of hosts at once; the worker does it too."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Queued {tick()} tasks.")
