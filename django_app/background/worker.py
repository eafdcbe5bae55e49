"""Receives tasks from SQS and runs them.

A message is deleted after its task has succeeded and not before: a worker that dies loses nothing, its messages become
visible again. While a task runs, its message is kept invisible; when it fails, the message comes back later and later,
until the queue's redrive policy takes it away.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings
from django.db import close_old_connections
from django.tasks.base import TaskContext, TaskResult, TaskResultStatus
from django.tasks.signals import task_finished, task_started
from django.utils import timezone

from background.backends import Envelope, MessageInvalid, SqsBackend, open_envelope, sqs_client

logger = logging.getLogger(__name__)

#: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
MAXIMUM_BACKOFF: Final = 900
FIRST_BACKOFF: Final = 10
MAXIMUM_RECEIVE: Final = 10


@dataclass
class Worker:
    """``threads`` tasks at once. ``visibility`` and ``wait`` are in seconds, the latter bounds the wait for a stop."""

    backend: SqsBackend
    threads: int = 4
    visibility: int = 60
    wait: int = 5
    backoff: Callable[[int], int] = lambda received: min(MAXIMUM_BACKOFF, FIRST_BACKOFF * 2 ** (received - 1))
    stopping: threading.Event = field(default_factory=threading.Event)
    _in_flight: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)

    def run(self, *, until_empty: bool = False) -> int:
        """Work until ``stopping`` is set, or until nothing is left; answers how many messages were taken.

        What is being done is finished before this returns.
        """
        taken = 0
        pause = 1.0
        free = threading.Semaphore(self.threads)
        keeper = threading.Thread(target=self._keep_invisible, daemon=True, name="visibility")
        keeper.start()
        try:
            with ThreadPoolExecutor(max_workers=self.threads, thread_name_prefix="task") as pool:
                while not self.stopping.is_set():
                    slots = self._slots(free)
                    with self._lock:
                        # What fails comes back: only an answer that was asked for while nothing ran says "empty".
                        idle = not self._in_flight
                    try:
                        messages = self._receive(slots)
                        pause = 1.0
                    except Exception:
                        logger.exception("The queue cannot be read; the next attempt is in %.0f s.", pause)
                        self._give_back(free, slots)
                        self.stopping.wait(pause)
                        pause = min(30.0, pause * 2)
                        continue
                    self._give_back(free, slots - len(messages))
                    for message in messages:
                        taken += 1
                        with self._lock:
                            self._in_flight[message["ReceiptHandle"]] = time.monotonic()
                        pool.submit(self._handle, message).add_done_callback(lambda _: free.release())
                    if until_empty and not messages:
                        if idle:
                            break
                        self.stopping.wait(0.05)
        finally:
            self._ended.set()
        return taken

    def _slots(self, free: threading.Semaphore) -> int:
        """Wait for a free thread, and take all that are: a message that nobody can run yet is another host's."""
        free.acquire()
        slots = 1
        while slots < MAXIMUM_RECEIVE and free.acquire(blocking=False):
            slots += 1
        return slots

    @staticmethod
    def _give_back(free: threading.Semaphore, slots: int) -> None:
        for _ in range(slots):
            free.release()

    def _client(self) -> Any:
        return sqs_client(read_timeout=self.wait + 5)

    def _receive(self, amount: int) -> list[dict[str, Any]]:
        answer = self._client().receive_message(
            QueueUrl=self.backend.queue_url,
            MaxNumberOfMessages=amount,
            WaitTimeSeconds=self.wait,
            VisibilityTimeout=self.visibility,
            MessageSystemAttributeNames=["ApproximateReceiveCount", "AWSTraceHeader"],
        )
        found: list[dict[str, Any]] = answer.get("Messages", [])
        return found

    def _keep_invisible(self) -> None:
        while not self._ended.wait(min(1.0, self.visibility / 4)):
            with self._lock:
                due = [handle for handle, at in self._in_flight.items() if time.monotonic() - at > self.visibility / 2]
            for handle in due:
                with self._lock:
                    if handle not in self._in_flight:
                        continue
                    self._in_flight[handle] = time.monotonic()
                self._change_visibility(handle, self.visibility)

    def _handle(self, message: dict[str, Any]) -> None:
        handle: str = message["ReceiptHandle"]
        attributes: dict[str, str] = message.get("Attributes", {})
        received = int(attributes.get("ApproximateReceiveCount", "1"))
        close_old_connections()
        try:
            envelope = open_envelope(message["Body"])
            if envelope.run_after is not None and envelope.run_after > timezone.now():
                # Longer than SQS can wait: one round more.
                self.backend.send(envelope)
            else:
                with _traced(envelope.task.module_path, attributes.get("AWSTraceHeader", "")):
                    self._run(envelope, received)
            succeeded = True
        except MessageInvalid as reason:
            # A newer release may have sent it, so that it is not thrown away: it will be read, or end among the dead.
            logger.error("A message is left on the queue: %s", reason)
            succeeded = False
        except Exception:
            logger.exception("A task failed for the %d. time.", received)
            succeeded = False
        try:
            if succeeded:
                self._client().delete_message(QueueUrl=self.backend.queue_url, ReceiptHandle=handle)
            else:
                self._change_visibility(handle, self.backoff(received))
        except Exception:
            logger.exception("A message could not be deleted; its task will run again.")
        finally:
            close_old_connections()
            with self._lock:
                self._in_flight.pop(handle, None)

    def _run(self, envelope: Envelope, received: int) -> None:
        task = envelope.task
        now = timezone.now()
        result: TaskResult[Any, Any] = TaskResult(
            task=task,
            id=envelope.id,
            status=TaskResultStatus.RUNNING,
            enqueued_at=envelope.enqueued_at,
            started_at=now,
            last_attempted_at=now,
            finished_at=None,
            args=list(envelope.args),
            kwargs=dict(envelope.kwargs),
            backend=self.backend.alias,
            errors=[],
            worker_ids=[socket.gethostname()] * received,
        )
        task_started.send(type(self.backend), task_result=result)
        began = time.monotonic()
        status = TaskResultStatus.FAILED
        try:
            context: tuple[TaskContext[Any, Any], ...] = (
                (TaskContext(task_result=result),) if task.takes_context else ()
            )
            task.call(*context, *envelope.args, **envelope.kwargs)
            status = TaskResultStatus.SUCCESSFUL
        finally:
            object.__setattr__(result, "status", status)
            object.__setattr__(result, "finished_at", timezone.now())
            task_finished.send(type(self.backend), task_result=result)
            logger.info(
                "task %s %s",
                task.module_path,
                status.value.lower(),
                extra={
                    "task": task.module_path,
                    "task_id": envelope.id,
                    "attempt": received,
                    "milliseconds": round((time.monotonic() - began) * 1000, 1),
                },
            )

    def _change_visibility(self, handle: str, seconds: int) -> None:
        try:
            self._client().change_message_visibility(
                QueueUrl=self.backend.queue_url, ReceiptHandle=handle, VisibilityTimeout=seconds
            )
        except Exception:
            logger.warning("The visibility of a message could not be changed.", exc_info=True)


def _traced(name: str, header: str) -> AbstractContextManager[None]:
    if not settings.TRACING_SERVICE:
        return nullcontext()
    # OpenTelemetry is for those who trace.
    from config.tracing import traced_task

    return traced_task(name, header)
