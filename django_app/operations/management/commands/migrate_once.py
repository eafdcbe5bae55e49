"""``manage.py migrate_once``: migrate, alone and without blocking the running application for long."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from operations.locks import (
    MigrationLockBusyError,
    is_lock_timeout,
    migration_lock,
    set_lock_timeout,
    table_lock_holders,
)


class Command(BaseCommand):
    help = (
        "Apply the migrations under an advisory lock of PostgreSQL. A migration that cannot get its lock on a table "
        "within --lock-timeout gives up, because every query of the application would queue up behind it."
    )
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--wait", type=float, default=300.0, help="Seconds to wait for another run of this command (300)."
        )
        parser.add_argument(
            "--lock-timeout", type=float, default=5.0, help="Seconds a migration may wait for a table (5)."
        )
        parser.add_argument(
            "--then",
            action="append",
            default=[],
            metavar="COMMAND",
            help="A command of manage.py to run afterwards under the same lock; may be given again.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with migration_lock(connection, wait=options["wait"], say=self._say) as observer:
                self._migrate(observer, lock_timeout=options["lock_timeout"], verbosity=options["verbosity"])
                for command in options["then"]:
                    call_command(command, stdout=self.stdout, stderr=self.stderr)
        except MigrationLockBusyError as busy:
            raise CommandError(str(busy)) from busy

    def _migrate(self, observer: BaseDatabaseWrapper, *, lock_timeout: float, verbosity: int) -> None:
        set_lock_timeout(connection, lock_timeout)
        try:
            call_command("migrate", interactive=False, verbosity=verbosity, stdout=self.stdout, stderr=self.stderr)
        except OperationalError as error:
            # Deferred SQL that fails leaves its transaction open (BaseDatabaseSchemaEditor.__exit__), and its locks.
            holders = [session for session in table_lock_holders(observer) if session.pid != _pid(connection)]
            connection.close()
            connection.connect()
            if not is_lock_timeout(error):
                raise
            names = ", ".join(str(session) for session in holders)
            raise CommandError(
                f"A migration waited {lock_timeout:g} s for a lock on a table and gave up; nothing of it was applied. "
                f"Tables are held by {names or 'nobody any more'}. Run the command again."
            ) from error
        set_lock_timeout(connection, 0)

    def _say(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()


def _pid(wrapper: BaseDatabaseWrapper) -> int | None:
    """The server's process of an open connection, known without a query."""
    return wrapper.connection.info.backend_pid if wrapper.connection is not None else None
