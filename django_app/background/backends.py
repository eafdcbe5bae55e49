"""Django's tasks on an SQS queue.

A message is one task as JSON. SQS delivers it at least once (a standard queue, https://docs.aws.amazon.com/
AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html), so that a task must bear to
run twice. What fails again and again goes where the queue's redrive policy says.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.tasks.backends.base import BaseTaskBackend
from django.tasks.base import Task, TaskResult, TaskResultStatus
from django.tasks.exceptions import InvalidTask
from django.tasks.signals import task_enqueued
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageSystemAttributeValueTypeDef

logger = logging.getLogger(__name__)

#: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
MAXIMUM_DELAY: Final = 900
MAXIMUM_BYTES: Final = 256 * 1024
VERSION: Final = 1

_clients: dict[float, SQSClient] = {}
_clients_lock: Final = threading.Lock()


class MessageInvalid(Exception):  # noqa: N818 - the name of the finding
    """A message is not a task of this application."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A task on its way. ``run_after`` is set when SQS could not wait for so long by itself."""

    id: str
    task: Task[Any, Any]
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    enqueued_at: datetime
    run_after: datetime | None


def sqs_client(*, read_timeout: float = 5) -> SQSClient:
    """A client of this process for waits of this length; boto3 takes region, credentials and endpoint as it does.

    Clients may be used by many threads, and are made by one at a time:
    https://docs.aws.amazon.com/boto3/latest/guide/clients.html#multithreading-or-multiprocessing-with-clients
    """
    with _clients_lock:
        if read_timeout not in _clients:
            # A process that queues nothing need not carry it: boto3 is some 20 MB.
            import boto3
            from botocore.config import Config

            _clients[read_timeout] = boto3.client(
                "sqs",
                config=Config(
                    connect_timeout=3, read_timeout=read_timeout, retries={"mode": "standard", "max_attempts": 3}
                ),
            )
        return _clients[read_timeout]


def forget_clients() -> None:
    """Make new clients from now on; for tests."""
    with _clients_lock:
        _clients.clear()


class SqsBackend(BaseTaskBackend):
    """``OPTIONS``: ``queue_url``, of a standard queue."""

    supports_defer = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        self.queue_url: str = self.options.get("queue_url", "")
        if not self.queue_url:
            raise ImproperlyConfigured(f"TASKS[{alias!r}] has no queue_url in its OPTIONS.")

    def enqueue(self, task: Task[Any, Any], args: Any, kwargs: Any) -> TaskResult[Any, Any]:
        """Send a task. Call it after the commit that the task depends on: a worker may be faster than a transaction.

        Raises:
            InvalidTask: it is too large for a message.
            botocore.exceptions.BotoCoreError, ClientError: the queue did not take it.
        """
        self.validate_task(task)
        result: TaskResult[Any, Any] = TaskResult(
            task=task,
            id=get_random_string(32),
            status=TaskResultStatus.READY,
            enqueued_at=timezone.now(),
            started_at=None,
            last_attempted_at=None,
            finished_at=None,
            args=list(args),
            kwargs=dict(kwargs),
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )
        assert result.enqueued_at is not None  # noqa: S101 - set above
        self.send(Envelope(result.id, task, result.args, result.kwargs, result.enqueued_at, task.run_after))
        task_enqueued.send(type(self), task_result=result)
        return result

    def send(self, envelope: Envelope) -> None:
        """Put an envelope on the queue, as late as SQS can."""
        body = json.dumps(
            {
                "version": VERSION,
                "id": envelope.id,
                "task": envelope.task.module_path,
                "args": envelope.args,
                "kwargs": envelope.kwargs,
                "enqueued_at": envelope.enqueued_at.isoformat(),
                "run_after": envelope.run_after.isoformat() if envelope.run_after else None,
            }
        )
        if len(body.encode()) > MAXIMUM_BYTES:
            raise InvalidTask(f"{envelope.task.module_path} has arguments of more than {MAXIMUM_BYTES} bytes.")
        sqs_client().send_message(
            QueueUrl=self.queue_url,
            MessageBody=body,
            DelaySeconds=_delay(envelope.run_after),
            MessageSystemAttributes=_trace(),
        )


def _trace() -> dict[Literal["AWSTraceHeader"], MessageSystemAttributeValueTypeDef]:
    if not settings.TRACING_SERVICE:
        return {}
    # OpenTelemetry is for those who trace.
    from config.tracing import sent_header

    header = sent_header()
    return {"AWSTraceHeader": {"DataType": "String", "StringValue": header}} if header else {}


def _delay(run_after: datetime | None) -> int:
    if run_after is None:
        return 0
    return min(MAXIMUM_DELAY, max(0, -(-int((run_after - timezone.now()).total_seconds() * 1000) // 1000)))


def open_envelope(body: str) -> Envelope:
    """The task in a message.

    Raises:
        MessageInvalid: it is none. Only what is declared a task can be named: a message cannot call any function.
    """
    try:
        content = json.loads(body)
        if content["version"] != VERSION:
            raise MessageInvalid(f"The message has version {content['version']!r}, and this release reads {VERSION}.")
        task = import_string(content["task"])
        if not isinstance(task, Task):
            raise MessageInvalid(f"{content['task']} is not a task.")
        run_after = content.get("run_after")
        return Envelope(
            id=str(content["id"]),
            task=task,
            args=list(content["args"]),
            kwargs=dict(content["kwargs"]),
            enqueued_at=datetime.fromisoformat(content["enqueued_at"]),
            run_after=datetime.fromisoformat(run_after) if run_after else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError, ImportError) as error:
        raise MessageInvalid(f"The message is not a task: {type(error).__name__}: {error}") from error
