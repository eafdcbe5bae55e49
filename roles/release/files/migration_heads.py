"""Print {"application": "its last migration"} of a Django project as JSON; no database is asked.

    migration_heads.py FILE

Runs in the project's directory, with DJANGO_SETTINGS_MODULE set, and writes FILE. Django's own way to load the graph
without a connection: https://docs.djangoproject.com/en/6.0/topics/migrations/ (MigrationLoader with None).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

# The project is not a package of the interpreter; it lies where the program is started.
sys.path.insert(0, str(Path.cwd()))


def heads() -> dict[str, str]:
    """The leaf of every application's migrations. Raises SystemExit where an application has two."""
    import django
    from django.db.migrations.loader import MigrationLoader

    django.setup()
    loader: Any = MigrationLoader(None, ignore_no_migrations=True)
    if conflicts := loader.detect_conflicts():
        raise SystemExit(f"More than one last migration: {conflicts}. Merge them (manage.py makemigrations --merge).")
    return dict(sorted(loader.graph.leaf_nodes()))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(heads(), indent=2) + "\n")
