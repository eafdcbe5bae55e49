"""``manage.py prepare``: what a project with a database would migrate with."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Say that there is nothing to migrate."

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write(f"{settings.GREETING}: nothing to migrate.")
