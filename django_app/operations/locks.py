"""One migration at a time, by an advisory lock of the database itself.

https://www.postgresql.org/docs/17/explicit-locking.html#ADVISORY-LOCKS: a session-level lock outlives transactions
and ends with the session, so that a killed run leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

# Any constant will do, as long as every release uses the same one: the bytes of "migrate".
MIGRATION_LOCK: Final = int.from_bytes(b"migrate", "big")

LOCK_NOT_AVAILABLE: Final = "55P03"  # https://www.postgresql.org/docs/17/errcodes-appendix.html


class MigrationLockBusyError(Exception):
    """The migration lock was not free in time; the message names who holds it."""


@dataclass(frozen=True, slots=True)
class Session:
    """Another session of the database, as pg_stat_activity tells it. ``age`` is that of its transaction or session."""

    pid: int
    application_name: str
    user: str
    state: str
    age: timedelta

    def __str__(self) -> str:
        name = self.application_name or "an unnamed application"
        return f"{name} (pid {self.pid}, user {self.user}, {self.state}, for {int(self.age.total_seconds())} s)"


_SESSIONS: Final = """
    SELECT DISTINCT a.pid, a.application_name, coalesce(a.usename, '?'), coalesce(a.state, 'state hidden'),
           now() - coalesce(a.xact_start, a.backend_start, now())
      FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.granted AND l.pid <> pg_backend_pid()
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND l.locktype = %s AND (%s IS NULL OR ((l.classid::bigint << 32) | l.objid::bigint) = %s)
"""


def _sessions(connection: BaseDatabaseWrapper, *, locktype: str, key: int | None) -> list[Session]:
    with connection.cursor() as cursor:
        cursor.execute(_SESSIONS, [locktype, key, key])
        return [Session(*row) for row in cursor.fetchall()]


def migration_lock_holders(connection: BaseDatabaseWrapper) -> list[Session]:
    """Who holds the migration lock. pg_locks shows a bigint key in two halves, classid and objid."""
    return _sessions(connection, locktype="advisory", key=MIGRATION_LOCK)


def table_lock_holders(connection: BaseDatabaseWrapper) -> list[Session]:
    """Who holds a lock on any table, in a transaction that is still open."""
    return _sessions(connection, locktype="relation", key=None)


def is_lock_timeout(error: OperationalError) -> bool:
    """Whether lock_timeout ended the statement."""
    return getattr(error.__cause__, "pgcode", None) == LOCK_NOT_AVAILABLE


def set_lock_timeout(connection: BaseDatabaseWrapper, seconds: float) -> None:
    """Bound the wait for any lock of this session; 0 takes the bound away."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{int(seconds * 1000)}ms"])


@contextmanager
def migration_lock(
    connection: BaseDatabaseWrapper, *, wait: float, say: Callable[[str], None]
) -> Iterator[BaseDatabaseWrapper]:
    """Hold the migration lock of this database, in a session of its own, which is handed over for questions.

    A failed migration may leave its session in an aborted transaction; the lock must not depend on that. Waits up to
    ``wait`` seconds and says for whom.

    Raises:
        MigrationLockBusyError: somebody else held it all that time.
    """
    holder = connection.copy()
    try:
        with holder.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [MIGRATION_LOCK])
            (taken,) = cursor.fetchone()
        if not taken:
            _wait_for_lock(holder, wait=wait, say=say)
        yield holder
    finally:
        # The lock ends with its session.
        holder.close()


def _wait_for_lock(holder: BaseDatabaseWrapper, *, wait: float, say: Callable[[str], None]) -> None:
    others = _names(migration_lock_holders(holder))
    say(f"Waiting up to {wait:g} s for the migration lock, which is held by {others}.")
    set_lock_timeout(holder, wait)
    try:
        with holder.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
    except OperationalError as error:
        if not is_lock_timeout(error):
            raise
        others = _names(migration_lock_holders(holder))
        raise MigrationLockBusyError(
            f"The migration lock was not free within {wait:g} s; it is held by {others}."
        ) from error


def _names(sessions: list[Session]) -> str:
    return ", ".join(str(session) for session in sessions) or "a session that has just ended"
