"""A run says what it waits for."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.slipway.aws.plugins.callback import waits


class Run:
    """A callback, what it has displayed, and the time as it sees it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.callback = waits.CallbackModule()
        self.lines: list[str] = []
        self.now = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        self.callback._display = SimpleNamespace(display=self._display)
        self.host = SimpleNamespace(get_name=lambda: "database")

    def _display(self, line: str, *, stderr: bool = False) -> None:
        assert stderr, "a document on stdout has other readers"
        self.lines.append(line)

    def task(self, name: str, action: str, *, until: bool = True) -> Any:
        return SimpleNamespace(name=name, action=action, resolved_action=action, until=["x"] * until, _uuid=name)

    def result(self, task: Any) -> Any:
        return SimpleNamespace(host=self.host, task=task)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(monkeypatch)


def test_a_wait_is_told_with_its_age_and_what_is_usual_and_not_at_every_look(run: Run) -> None:
    task = run.task("await | Await the instance", "amazon.aws.rds_instance_info")
    run.callback.v2_runner_on_start(run.host, task)
    for run.now in (110.0, 120.0, 130.0, 140.0):
        run.callback.v2_runner_retry(run.result(task))
    run.now = 170.4
    run.callback.v2_runner_on_ok(run.result(task))
    assert run.lines == [
        "… database: await | Await the instance, for 10 s by now; AWS usually takes about 10 min",
        "… database: await | Await the instance, for 40 s by now; AWS usually takes about 10 min",
        "… database: await | Await the instance: took 1 min 10 s",
    ]


def test_nothing_is_said_of_what_is_there_at_once(run: Run) -> None:
    for until in (True, False):
        task = run.task("await | Await the instance", "amazon.aws.rds_instance_info", until=until)
        run.callback.v2_runner_on_start(run.host, task)
        run.callback.v2_runner_on_ok(run.result(task))
    assert run.lines == []


@pytest.mark.parametrize(
    ("action", "task", "minutes"),
    [
        ("amazon.aws.rds_instance_info", "absent_await | Await the end of the instance", 8),
        ("slipway.aws.acm_certificate_request", "await | Await the certificates", 5),
        ("ansible.builtin.uri", "await | Await an answer", None),
    ],
)
def test_what_is_usual_is_what_the_plan_says(action: str, task: str, minutes: int | None) -> None:
    assert waits.usual_minutes(action, task) == minutes
