"""The lock in real runs: the second is refused, and the dead keep nothing."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .account import Account, Ran, end

LEASE = 6
PATH = "/locks/somewhere"


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    working = tmp_path / "working"
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
        {
            "name": "Work",
            "ansible.builtin.command": {"argv": ["sh", "-c", f"touch {working}; exec sleep {{{{ seconds }}}}"]},
        },
        {"name": "Fail", "ansible.builtin.fail": {"msg": "as asked"}, "when": "broken | default(false) | bool"},
    ]
    python = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": python, "tasks": tasks}
    path = tmp_path / "work.yml"
    path.write_text(json.dumps([{"name": "Work", **play}]))
    return path


@pytest.fixture
def held(account: Account) -> Callable[[], list[dict[str, Any]]]:
    ssm = account.client("ssm")
    return lambda: ssm.get_parameters_by_path(Path=PATH)["Parameters"]


def work(account: Account, playbook: Path, *words: str) -> Ran:
    return account.run(playbook, *words, inventory="localhost,")


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def running(account: Account, playbook: Path, held: Callable[[], list[Any]]) -> Iterator[subprocess.Popen[str]]:
    process = account.start(playbook, "-e", "seconds=120", inventory="localhost,")
    try:
        # Not as soon as the lock is held: the module that took it may still be about to leave it to its keeper.
        wait_for(playbook.with_name("working").exists)
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            end(process)
        wait_for(lambda: not held())


def keepers(pid: int) -> set[int]:
    """Processes in the background that hold the lock for a run: those that have opened it to see its end."""
    found = set()
    for descriptor in Path("/proc").glob("[0-9]*/fdinfo/*"):
        with contextlib.suppress(OSError):
            if f"Pid:\t{pid}\n" in descriptor.read_text():
                found.add(int(descriptor.parts[2]))
    return found


def test_the_second_run_is_refused_and_the_first_goes_on(
    account: Account, playbook: Path, running: subprocess.Popen[str], held: Callable[[], list[Any]]
) -> None:
    # Longer than the lease: the lock is renewed.
    time.sleep(LEASE + 1)
    refused = work(account, playbook, "-e", "seconds=0")
    assert refused.status != 0
    assert "[locked] somewhere is being changed by" in refused.words
    assert f"(work.yml, process {running.pid}) since" in refused.words
    assert running.poll() is None
    assert held()[0]["Version"] > 1


def test_a_dry_run_neither_takes_nor_asks(account: Account, playbook: Path, running: subprocess.Popen[str]) -> None:
    looked = work(account, playbook, "-e", "seconds=0", "--check")
    assert looked.status == 0, looked.output
    # Only renewals of the other.
    assert set(account.asked) <= {"ssm:PutParameter"}
    assert running.poll() is None


@pytest.mark.parametrize("broken", [False, True], ids=["well", "with an error"])
def test_a_run_that_ends_lets_it_go(
    account: Account, playbook: Path, held: Callable[[], list[Any]], broken: bool
) -> None:
    ran = work(account, playbook, "-e", "seconds=0", "-e", f"broken={broken}")
    assert (ran.status == 0) is not broken, ran.output
    wait_for(lambda: not held(), 5)


def test_a_killed_run_lets_it_go_at_once(running: subprocess.Popen[str], held: Callable[[], list[Any]]) -> None:
    os.killpg(running.pid, signal.SIGKILL)
    end(running)
    wait_for(lambda: not held(), LEASE / 2)


def test_what_dies_with_its_machine_holds_no_longer_than_the_lease(
    account: Account, playbook: Path, running: subprocess.Popen[str]
) -> None:
    (keeper,) = keepers(running.pid)
    os.kill(keeper, signal.SIGKILL)
    os.killpg(running.pid, signal.SIGKILL)
    end(running)
    # Nobody is left to let it go. The next run of the same machine sees that, and waits for the end of the lease.
    assert work(account, playbook, "-e", "seconds=0").status == 0


def test_a_run_that_lost_it_is_stopped(
    running: subprocess.Popen[str], account: Account, held: Callable[[], list[Any]]
) -> None:
    # Somebody deletes the lock by hand, and another run begins.
    ssm = account.client("ssm")
    ssm.delete_parameter(Name=held()[0]["Name"])
    ran = end(running)
    assert ran.status != 0
    assert "[lock-lost] Another run has taken the lock of somewhere" in ran.words
