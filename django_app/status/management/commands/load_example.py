"""``manage.py load_example``: something to look at on a fresh installation."""

from __future__ import annotations

from typing import Any, Final

from django.core.management.base import BaseCommand
from django.db import transaction

from status.models import Component
from status.services import component_create

COMPONENTS: Final = (
    ("Website", "The public site and its assets"),
    ("API", "What partners and the mobile app talk to"),
    ("Sign-in", "Accounts, sessions and single sign-on"),
    ("Background jobs", "Mail, exports and nightly reports"),
)


class Command(BaseCommand):
    help = "Add four example components, unless there is a component already."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if Component.objects.exists():
            self.stdout.write("There are components already; nothing was added.")
            return
        for position, (name, description) in enumerate(COMPONENTS):
            component_create(name=name, description=description, position=position)
        self.stdout.write(f"Added {len(COMPONENTS)} components.")
