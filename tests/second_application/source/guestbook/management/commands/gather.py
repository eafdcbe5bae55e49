"""``manage.py gather``: the project's own name for collecting its static files."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Collect the static files."

    def handle(self, *_args: Any, **_options: Any) -> None:
        call_command("collectstatic", interactive=False, verbosity=0)
