"""``manage.py migration_heads``: the last migration of every app, for the manifest of a release."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.migrations.loader import MigrationLoader


class Command(BaseCommand):
    help = 'Print {"app": "last migration"} as JSON. Reads the files of this release only; no database is asked.'
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        loader = MigrationLoader(None, ignore_no_migrations=True)
        if conflicts := loader.detect_conflicts():
            raise CommandError(f"More than one last migration: {conflicts}")
        self.stdout.write(json.dumps(dict(sorted(loader.graph.leaf_nodes())), indent=2))
