"""``manage.py worker``: run tasks from the queue, and queue what is due."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.tasks import task_backends

from background import scheduler
from background.backends import SqsBackend
from background.worker import Worker


class Command(BaseCommand):
    help = (
        "Run tasks from the SQS queue until SIGTERM or SIGINT; what is running is finished first. The scheduler runs "
        "in the same process, and does each thing once however many workers there are."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--threads", type=int, default=4, help="Tasks at once; each has a connection (4).")
        parser.add_argument(
            "--visibility", type=int, default=60, help="Seconds until a dead worker's tasks return (60)."
        )
        parser.add_argument("--wait", type=int, default=5, help="Seconds of a long poll, and at most until a stop (5).")
        parser.add_argument("--until-empty", action="store_true", help="End when the queue is empty.")
        parser.add_argument("--no-scheduler", action="store_true", help="Only run tasks.")

    def handle(self, *args: Any, **options: Any) -> None:
        backend = task_backends["default"]
        if not isinstance(backend, SqsBackend):
            raise CommandError("There is no queue: set DJANGO_TASKS_QUEUE_URL.")
        if (
            not 1 <= options["threads"] <= 64
            or not 5 <= options["visibility"] <= 43_200
            or not 0 <= options["wait"] <= 20
        ):
            raise CommandError("--threads is from 1 to 64, --visibility from 5 to 43200, --wait from 0 to 20.")
        worker = Worker(backend, threads=options["threads"], visibility=options["visibility"], wait=options["wait"])

        def stop(_number: int, _frame: FrameType | None) -> None:
            worker.stopping.set()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        if not options["no_scheduler"]:
            threading.Thread(target=scheduler.run, args=(worker.stopping,), daemon=True, name="scheduler").start()
        taken = worker.run(until_empty=options["until_empty"])
        self.stdout.write(f"Stopped after {taken} messages.")
