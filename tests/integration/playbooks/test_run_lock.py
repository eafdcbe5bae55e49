"""The lock in real runs: the second is refused, and the dead keep nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Play

LEASE = 6
PATH = "/locks/somewhere"


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    tasks: list[dict[str, Any]] = [
        {
            "name": "Lock",
            "slipway.aws.run_lock": {
                "path": PATH,
                "environment_name": "somewhere",
                "lease_seconds": LEASE,
                "region": "eu-west-1",
            },
        },
        {"name": "Work", "ansible.builtin.command": {"argv": ["sleep", "{{ seconds }}"]}},
        {"name": "Fail", "ansible.builtin.fail": {"msg": "as asked"}, "when": "broken | default(false) | bool"},
    ]
    python = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": python, "tasks": tasks}
    path = tmp_path / "work.yml"
    path.write_text(json.dumps([{"name": "Work", **play}]))
    return path


@pytest.fixture
def held(client: Callable[..., Any]) -> Callable[[], list[dict[str, Any]]]:
    ssm = client("ssm")
    return lambda: ssm.get_parameters_by_path(Path=PATH)["Parameters"]


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def running(play: Play, playbook: Path, held: Callable[[], list[Any]]) -> Iterator[subprocess.Popen[str]]:
    process = play.start(playbook, "-e", "seconds=120", inventory="localhost,")
    try:
        wait_for(held)
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        wait_for(lambda: not held())


def keepers(pid: int) -> list[int]:
    """Processes in the background that hold the lock for a run: no children of it, and with its number as their own."""
    found = []
    for status in Path("/proc").glob("[0-9]*/fdinfo/*"):
        try:
            if f"Pid:\t{pid}\n" in status.read_text():
                found.append(int(status.parts[2]))
        except OSError:
            continue
    return found


def test_the_second_run_is_refused_and_the_first_goes_on(
    play: Play, playbook: Path, running: subprocess.Popen[str], held: Callable[[], list[Any]]
) -> None:
    # Longer than the lease: the lock is renewed.
    time.sleep(LEASE + 1)
    refused = play(playbook, "-e", "seconds=0", inventory="localhost,")
    assert refused.status != 0
    words = " ".join(refused.output.split())
    assert "[locked] somewhere is being changed by" in words
    assert f"(work.yml, process {running.pid}) since" in words
    assert running.poll() is None
    assert held()[0]["Version"] > 1


def test_a_dry_run_neither_takes_nor_asks(
    play: Play, playbook: Path, running: subprocess.Popen[str], requests: Any
) -> None:
    before = [action for action in requests.actions if "Parameter" in action]
    looked = play(playbook, "-e", "seconds=0", "--check", inventory="localhost,")
    assert looked.status == 0, looked.output
    # Only renewals of the other.
    after = [action for action in requests.actions if "Parameter" in action][len(before) :]
    assert set(after) <= {"ssm:PutParameter", "ssm:GetParametersByPath"}
    assert running.poll() is None


@pytest.mark.parametrize("broken", [False, True], ids=["well", "with an error"])
def test_a_run_that_ends_lets_it_go(play: Play, playbook: Path, held: Callable[[], list[Any]], broken: bool) -> None:
    ran = play(playbook, "-e", "seconds=0", "-e", f"broken={broken}", inventory="localhost,")
    assert (ran.status == 0) is not broken, ran.output
    wait_for(lambda: not held(), 5)


def test_a_killed_run_lets_it_go_at_once(running: subprocess.Popen[str], held: Callable[[], list[Any]]) -> None:
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    wait_for(lambda: not held(), LEASE / 2)


def test_what_dies_with_its_machine_holds_no_longer_than_the_lease(
    play: Play, playbook: Path, running: subprocess.Popen[str]
) -> None:
    for keeper in keepers(running.pid):
        os.kill(keeper, signal.SIGKILL)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    # Nobody is left to let it go.
    time.sleep(LEASE + 2)
    assert play(playbook, "-e", "seconds=0", inventory="localhost,").status == 0


def test_a_run_that_lost_it_is_stopped(
    running: subprocess.Popen[str], client: Callable[..., Any], held: Callable[[], list[Any]]
) -> None:
    # Somebody deletes the lock by hand, and another run begins.
    ssm = client("ssm")
    ssm.delete_parameter(Name=held()[0]["Name"])
    output, _ = running.communicate(timeout=60)
    assert running.returncode != 0
    assert "[lock-lost] Another run has taken the lock of somewhere" in output
