"""Background work on a real queue protocol: sent, done, done again, given up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.http import HttpResponse
from django.tasks import default_task_backend, task, task_backends
from django.tasks.exceptions import InvalidTask
from django.test import override_settings
from django.utils import timezone
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from background import backends, scheduler
from background.backends import MessageInvalid, SqsBackend, open_envelope, sqs_client
from background.jobs import JOBS
from background.models import ScheduledJob
from background.scheduler import claim_jobs, tick
from background.worker import Worker
from config import tracing
from config.tracing import TraceMiddleware
from monitors.models import Check
from monitors.tasks import check_monitor
from status.models import Component
from tests.factories import ComponentFactory, make_maintenance, make_monitor
from tests.outside import reachable_outside
from tests.sqs import sqs_server
from tests.test_tracing import ROOT, Sink, ask, provider, sink

__all__ = ["provider", "sink"]

seen: list[Any] = []
troubles: list[Exception] = []


@task
def note(value: Any, *, pause: float = 0) -> None:
    time.sleep(pause)
    seen.append(value)


@task
def stumble(value: Any) -> None:
    """Fails as often as there are troubles left."""
    seen.append(value)
    if troubles:
        raise troubles.pop()


@task(takes_context=True)
def count_attempts(context: Any) -> None:
    seen.append(context.attempt)
    if context.attempt < 2:
        raise RuntimeError("once more")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with sqs_server() as endpoint:
        yield endpoint


@pytest.fixture
def queue(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqsBackend]:
    """An empty queue whose messages go to a dead-letter queue after three receives."""
    for name, value in (
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_DEFAULT_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ):
        monkeypatch.setenv(name, value)
    backends.forget_clients()
    seen.clear()
    troubles.clear()
    client = sqs_client()
    name = f"tasks-{time.monotonic_ns()}"
    dead = client.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    url = client.create_queue(
        QueueName=name,
        Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "3"})},
    )["QueueUrl"]
    chosen = {"default": {"BACKEND": "background.backends.SqsBackend", "OPTIONS": {"queue_url": url}}}
    with override_settings(TASKS=chosen):
        backend = task_backends["default"]
        assert isinstance(backend, SqsBackend)
        yield backend
    backends.forget_clients()


def amount(url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs_client().get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]  # type: ignore[arg-type]
    return sum(int(value) for value in attributes.values())


def worker(queue: SqsBackend, **options: Any) -> Worker:
    return Worker(queue, **{"wait": 0, "threads": 2, "backoff": lambda _: 0, **options})


def wait_for(condition: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_a_task_is_sent_done_and_gone(queue: SqsBackend) -> None:
    result = note.enqueue({"a": [1, None]}, pause=0)
    assert result.status == "READY"
    assert amount(queue.queue_url) == 1

    assert worker(queue).run(until_empty=True) == 1

    assert seen == [{"a": [1, None]}]
    assert amount(queue.queue_url) == 0


@pytest.fixture
def _tracing(provider: Any) -> Iterator[None]:
    with override_settings(TRACING_SERVICE="status"):
        yield


@task
def ask_database(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text", [value])


def enqueuing(_request: Any) -> HttpResponse:
    ask_database.enqueue("hidden-value")
    return HttpResponse()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_tracing")
def test_the_trace_of_a_request_goes_on_in_its_task(queue: SqsBackend, provider: Any, sink: Sink) -> None:
    ask(TraceMiddleware(enqueuing), f"Root={ROOT}")
    worker(queue).run(until_empty=True)
    provider.force_flush()

    segments = {one.get("annotations", {}).get("task") or one["name"]: one for one in sink.segments()}
    request, done, query = segments["status"], segments["tests.test_tasks.ask_database"], segments["default"]
    assert {one["trace_id"] for one in (request, done, query)} == {ROOT}
    assert (done["parent_id"], query["parent_id"]) == (request["id"], done["id"])
    # A segment of its own, as of another service that was called: it ends long after the request.
    assert "type" not in done
    assert (done["name"], done["service"]) == ("status", {"version": "r1"})
    assert "hidden" not in json.dumps(sink.segments())


@pytest.mark.usefixtures("_tracing")
def test_a_task_of_a_request_that_was_not_traced_is_not_either(
    queue: SqsBackend, provider: Any, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def view(_request: Any) -> HttpResponse:
        note.enqueue(1)
        return HttpResponse()

    never = tracing.make_provider("status", "r1", tracing.SegmentExporter(lambda: None), ALWAYS_OFF)
    with monkeypatch.context() as patch:
        patch.setattr(tracing, "tracer", lambda: never.get_tracer("test"))
        ask(TraceMiddleware(view), f"Root={ROOT}")
    never.shutdown()
    # By a worker that traces all that nobody has decided about.
    worker(queue).run(until_empty=True)
    provider.force_flush()
    assert seen == [1]
    assert sink.taken == []


@pytest.mark.usefixtures("_tracing")
def test_a_task_that_the_clock_queued_begins_a_trace_and_its_failure_is_a_fault(
    queue: SqsBackend, provider: Any, sink: Sink
) -> None:
    troubles.append(RuntimeError("hidden words"))
    stumble.enqueue("x")
    worker(queue).run(until_empty=True)
    provider.force_flush()

    first, second = sorted(sink.segments(), key=lambda one: one["start_time"])
    assert first["fault"]
    assert "fault" not in second
    assert abs(int(first["trace_id"].split("-")[1], 16) - first["start_time"]) < 60
    assert "hidden" not in json.dumps(sink.segments())


def test_a_task_that_fails_is_tried_again(queue: SqsBackend) -> None:
    troubles.append(RuntimeError("network"))
    stumble.enqueue("x")

    worker(queue).run(until_empty=True)

    assert seen == ["x", "x"]
    assert amount(queue.queue_url) == 0


def test_a_task_knows_its_attempt(queue: SqsBackend) -> None:
    count_attempts.enqueue()
    worker(queue).run(until_empty=True)
    assert seen == [1, 2]


def test_a_task_that_always_fails_ends_among_the_dead(queue: SqsBackend) -> None:
    troubles.extend(RuntimeError(str(n)) for n in range(10))
    stumble.enqueue("x")

    worker(queue).run(until_empty=True)

    assert seen == ["x"] * 3
    assert amount(queue.queue_url) == 0
    assert amount(f"{queue.queue_url}-dead") == 1


def test_a_failed_task_waits_longer_each_time() -> None:
    backoff = Worker(None).backoff  # type: ignore[arg-type]
    assert [backoff(n) for n in (1, 2, 3, 20)] == [10, 20, 40, 900]


def test_a_worker_that_dies_loses_nothing(queue: SqsBackend) -> None:
    note.enqueue("x")
    # Another worker has taken it, and is never heard of again.
    sqs_client().receive_message(QueueUrl=queue.queue_url, VisibilityTimeout=1)
    assert worker(queue).run(until_empty=True) == 0

    time.sleep(1.2)
    worker(queue).run(until_empty=True)

    assert seen == ["x"]


def test_a_long_task_is_kept_from_the_others(queue: SqsBackend) -> None:
    note.enqueue("long", pause=3)
    first, second = worker(queue, visibility=1), worker(queue, visibility=1)
    runner = threading.Thread(target=first.run, kwargs={"until_empty": False})
    runner.start()
    wait_for(lambda: first._in_flight)
    for _ in range(4):
        assert second.run(until_empty=True) == 0
        time.sleep(0.5)
    first.stopping.set()
    runner.join()

    assert seen == ["long"]
    assert amount(queue.queue_url) == 0


def test_stopping_finishes_what_is_running(queue: SqsBackend) -> None:
    note.enqueue("x", pause=1)
    one = worker(queue)
    runner = threading.Thread(target=one.run)
    runner.start()
    wait_for(lambda: one._in_flight)
    one.stopping.set()
    runner.join()

    assert seen == ["x"]
    assert amount(queue.queue_url) == 0


def test_tasks_run_side_by_side(queue: SqsBackend) -> None:
    for number in range(4):
        note.enqueue(number, pause=0.5)
    began = time.monotonic()

    worker(queue, threads=4).run(until_empty=True)

    assert time.monotonic() - began < 1.8
    assert sorted(seen) == [0, 1, 2, 3]


def test_a_deferred_task_comes_later(queue: SqsBackend) -> None:
    note.using(run_after=timezone.now() + timedelta(seconds=2)).enqueue("later")
    assert worker(queue).run(until_empty=True) == 0
    time.sleep(2.3)
    worker(queue).run(until_empty=True)
    assert seen == ["later"]


def test_longer_than_sqs_can_wait_takes_another_round(queue: SqsBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "MAXIMUM_DELAY", 1)
    note.using(run_after=timezone.now() + timedelta(seconds=3)).enqueue("much later")
    time.sleep(1.2)
    assert worker(queue).run(until_empty=True) == 1
    assert seen == []
    time.sleep(2.5)
    worker(queue).run(until_empty=True)
    assert seen == ["much later"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no JSON",
        "[]",
        "{}",
        json.dumps({"version": 2}),
        json.dumps({"version": 1, "id": "x", "task": "os.system", "args": ["true"], "kwargs": {}, "enqueued_at": "x"}),
        json.dumps({"version": 1, "id": "x", "task": "nowhere.task", "args": [], "kwargs": {}, "enqueued_at": "x"}),
        json.dumps({"version": 1, "id": "x", "task": 7, "args": [], "kwargs": {}, "enqueued_at": "x"}),
    ],
)
def test_a_message_cannot_name_anything_but_a_task(body: str) -> None:
    with pytest.raises(MessageInvalid):
        open_envelope(body)


def test_what_is_no_task_ends_among_the_dead(queue: SqsBackend) -> None:
    sqs_client().send_message(QueueUrl=queue.queue_url, MessageBody="no task")
    worker(queue).run(until_empty=True)
    assert amount(f"{queue.queue_url}-dead") == 1


def test_too_much_for_a_message_is_refused(queue: SqsBackend) -> None:
    with pytest.raises(InvalidTask, match="more than"):
        note.enqueue("x" * backends.MAXIMUM_BYTES)


def test_a_queue_that_is_away_does_not_end_the_worker(queue: SqsBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    one = worker(queue)
    receive = one._receive
    failures = [OSError("away")]

    def sometimes(slots: int) -> list[dict[str, Any]]:
        if failures:
            raise failures.pop()
        return receive(slots)

    monkeypatch.setattr(one, "_receive", sometimes)
    note.enqueue("x")
    assert one.run(until_empty=True) == 1
    assert seen == ["x"]


def test_the_command_stops_at_sigterm(queue: SqsBackend, transactional_db: None, tmp_path: Path) -> None:
    """The command in a process of its own, as systemd starts and stops it."""
    script = (
        "import sys; from django.core.management import execute_from_command_line as go;"
        "go(['manage.py', 'worker', '--no-scheduler', '--wait', '1', '--threads', '1'])"
    )
    module = tmp_path / "worker_settings.py"
    module.write_text(
        "from tests.settings import *\n"
        f"TASKS = {settings.TASKS!r}\n"
        f"DATABASES['default']['NAME'] = {connection.settings_dict['NAME']!r}\n"
    )
    note.enqueue("x")
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "worker_settings", "PYTHONPATH": f"{tmp_path}:."}
    process = subprocess.Popen(
        [sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        wait_for(lambda: amount(queue.queue_url) == 0, seconds=30)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=15)
    finally:
        process.kill()
        process.wait()

    assert process.returncode == 0, output
    assert "Stopped after 1 messages." in output
    assert '"task": "tests.test_tasks.note"' in output


def test_without_a_queue_there_is_no_worker() -> None:
    with pytest.raises(CommandError, match="DJANGO_TASKS_QUEUE_URL"):
        call_command("worker")


# -- The scheduler -----------------------------------------------------------------------------------------------------


def queued() -> list[str]:
    results: list[Any] = default_task_backend.results  # type: ignore[attr-defined]
    return [result.task.name for result in results]


@pytest.fixture
def empty_backend() -> None:
    default_task_backend.clear()  # type: ignore[attr-defined]


@pytest.mark.django_db(transaction=True)
def test_each_job_is_queued_once_in_its_time(empty_backend: None) -> None:
    now = timezone.now()
    monitor = make_monitor(next_check_at=now)

    assert tick(now=now) == len(JOBS) + 1
    assert tick(now=now) == 0
    assert queued().count("check_monitor") == 1
    results: list[Any] = default_task_backend.results  # type: ignore[attr-defined]
    assert results[-1].args == [monitor.pk, now.isoformat()]

    later = now + timedelta(seconds=60)
    assert tick(now=later) == 5
    assert sorted(queued()[-5:]) == [
        "advance_maintenance",
        "check_monitor",
        "queue_forgotten",
        "remember_page",
        "remember_series",
    ]


@pytest.mark.django_db(transaction=True)
def test_many_hosts_queue_each_job_once() -> None:
    now = timezone.now()
    claimed: list[str] = []
    start = threading.Barrier(4)

    def host() -> None:
        try:
            start.wait()
            claimed.extend(claim_jobs(now=now))
        finally:
            connection.close()

    hosts = [threading.Thread(target=host) for _ in range(4)]
    for thread in hosts:
        thread.start()
    for thread in hosts:
        thread.join()

    assert sorted(claimed) == sorted(JOBS)
    assert ScheduledJob.objects.count() == len(JOBS)


@pytest.mark.django_db(transaction=True)
def test_a_failed_tick_is_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = threading.Event()
    calls: list[int] = []

    def failing() -> int:
        calls.append(1)
        if len(calls) == 3:
            stopping.set()
        raise RuntimeError("no database")

    monkeypatch.setattr(scheduler, "tick", failing)
    scheduler.run(stopping, every=0.01)

    assert len(calls) == 3


# -- Every task of the application, twice -----------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(JOBS))
def test_a_job_may_run_twice(name: str) -> None:
    JOBS[name].task.call()
    JOBS[name].task.call()


@pytest.mark.django_db
def test_a_check_that_runs_twice_looks_once() -> None:
    moment = timezone.now().isoformat()
    with reachable_outside() as world:
        monitor = make_monitor(url=world.url)
        check_monitor.call(monitor.pk, moment)
        check_monitor.call(monitor.pk, moment)
        assert len(world.received) == 1
    assert Check.objects.get().up is True
    monitor.refresh_from_db()
    assert monitor.successes_in_a_row == 1


@pytest.mark.django_db
def test_a_check_of_long_ago_is_left_out() -> None:
    with reachable_outside() as world:
        monitor = make_monitor(url=world.url)
        check_monitor.call(monitor.pk, (timezone.now() - timedelta(hours=1)).isoformat())
        check_monitor.call(monitor.pk + 1, timezone.now().isoformat())
        assert world.received == []


@pytest.mark.django_db
def test_the_clock_of_maintenance_may_tick_twice() -> None:
    start = timezone.now() - timedelta(minutes=1)
    make_maintenance(components=[ComponentFactory.create()], starts_at=start)
    for _ in range(2):
        JOBS["advance-maintenance"].task.call()
    assert Component.objects.get().state == "maintenance"
