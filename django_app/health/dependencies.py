"""What the application cannot do without, each asked by one cheap question."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.core.cache import cache
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """``detail`` is a sentence without addresses or credentials: the answer may be read by anybody."""

    ok: bool
    detail: str


def check_database() -> Result:
    """Ask PostgreSQL for a row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return Result(ok=True, detail="PostgreSQL answers.")


def check_cache() -> Result:
    """Ask the cache for a key that does not exist: that passes TCP, TLS and AUTH."""
    cache.get("readyz")
    return Result(ok=True, detail="The cache answers.")


@functools.cache
def _migrations_on_disk() -> frozenset[tuple[str, str]]:
    # Files of a release never change under a running process.
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations or ())


def check_migrations() -> Result:
    """Compare the migrations of this release with those that the database has seen."""
    applied = MigrationRecorder(connection).applied_migrations()
    pending = sorted(f"{app}.{name}" for app, name in _migrations_on_disk() if (app, name) not in applied)
    if pending:
        return Result(ok=False, detail=f"Not applied yet: {', '.join(pending)}.")
    return Result(ok=True, detail="Every migration is applied.")


CHECKS: Mapping[str, tuple[Callable[[], Result], str]] = {
    "database": (check_database, "PostgreSQL does not answer."),
    "cache": (check_cache, "The cache does not answer."),
    "migrations": (check_migrations, "The applied migrations cannot be read."),
}


def check_all() -> dict[str, Result]:
    """Every result by name. A check that raises is a failed one; its reason goes to the log."""
    results: dict[str, Result] = {}
    for name, (check, failure) in CHECKS.items():
        try:
            results[name] = check()
        except Exception:
            logger.exception("readyz: %s failed", name)
            results[name] = Result(ok=False, detail=failure)
    return results
