"""The migration lock against a second, real session."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from operations.locks import MIGRATION_LOCK, MigrationLockBusyError, migration_lock, migration_lock_holders


@pytest.fixture
def other_session(transactional_db: None) -> Iterator[psycopg2.extensions.connection]:
    """Another session of the same database that tells its name."""
    del transactional_db
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    parameters.pop("context", None)
    parameters["application_name"] = "status old-release web-1"
    other = psycopg2.connect(**parameters)
    yield other
    other.close()


def hold(other: psycopg2.extensions.connection) -> None:
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
    other.commit()


def test_it_migrates_and_leaves_no_lock(transactional_db: None) -> None:
    output = io.StringIO()
    call_command("migrate_once", stdout=output)

    assert "No migrations to apply" in output.getvalue()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone() == (0,)
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)


def test_it_runs_what_comes_then(transactional_db: None) -> None:
    for said in ("Added 4 components.", "nothing was added"):
        output = io.StringIO()
        call_command("migrate_once", "--then=load_example", stdout=output)
        assert said in output.getvalue()


def test_it_names_who_holds_the_lock_and_gives_up(other_session: psycopg2.extensions.connection) -> None:
    hold(other_session)
    output = io.StringIO()

    with pytest.raises(CommandError, match=r"not free within 1 s; it is held by status old-release web-1 \(pid \d+"):
        call_command("migrate_once", "--wait=1", stdout=output)

    assert "Waiting up to 1 s for the migration lock, which is held by status old-release web-1" in output.getvalue()
    assert "Operations to perform" not in output.getvalue()


def test_it_goes_on_when_the_other_one_has_finished(other_session: psycopg2.extensions.connection) -> None:
    hold(other_session)
    timer = threading.Timer(0.5, other_session.close)
    timer.start()
    output = io.StringIO()

    call_command("migrate_once", "--wait=20", stdout=output)
    timer.join()

    assert "Waiting up to" in output.getvalue()
    assert "No migrations to apply" in output.getvalue()


def test_two_runs_never_overlap(other_session: psycopg2.extensions.connection) -> None:
    with migration_lock(connection, wait=1, say=lambda _: None), other_session.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [MIGRATION_LOCK])
        assert cursor.fetchone() == (False,)
    hold(other_session)
    assert [holder.application_name for holder in migration_lock_holders(connection)] == ["status old-release web-1"]
    with pytest.raises(MigrationLockBusyError), migration_lock(connection, wait=0.2, say=lambda _: None):
        pytest.fail("The lock was taken twice.")


def test_a_migration_does_not_queue_behind_a_long_transaction(
    other_session: psycopg2.extensions.connection,
) -> None:
    call_command("migrate", "status", "zero", verbosity=0)
    try:
        with other_session.cursor() as cursor:
            # status.0001 references this table, for which its foreign key needs a lock.
            cursor.execute("LOCK TABLE accounts_user IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(CommandError, match=r"waited 0.3 s for a lock on a table.*status old-release web-1"):
            call_command("migrate_once", "--lock-timeout=0.3", stdout=io.StringIO())
        other_session.rollback()
    finally:
        other_session.rollback()
        output = io.StringIO()
        call_command("migrate_once", stdout=output)
    assert "Applying status.0001_initial" in output.getvalue()
