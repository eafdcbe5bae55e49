"""Hosts, the database and the emulated account are killed; the site goes on or comes back by itself."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from rehearsal import lifecycle, machine
from tests.rehearsal.conftest import Rehearsal

Eventually = Callable[..., None]

REPLACED_SECONDS = 60
#: Bounds of the client that watches: one request after the other, on loopback, so long at most.
WATCH_SECONDS = 180
PAUSE_SECONDS = 0.1


class Watch:
    """A client that asks the site again and again and remembers what went wrong."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self.answers = 0
        self.errors: list[str] = []
        self._rehearsal = rehearsal
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def _ask(self) -> None:
        end = time.monotonic() + WATCH_SECONDS
        with httpx.Client(base_url=self._rehearsal.url, verify=self._rehearsal.trust, timeout=15) as client:
            while not self._stop.wait(PAUSE_SECONDS) and time.monotonic() < end:
                for path in ("/api/summary/", "/"):
                    try:
                        answer = client.get(path, headers={"Cache-Control": "no-cache"})
                        self.answers += 1
                        if answer.status_code != 200:
                            self.errors.append(f"{path}: {answer.status_code} {answer.text[:120]!r}")
                    except httpx.HTTPError as error:
                        self.errors.append(f"{path}: {error!r}")

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=30)


@pytest.fixture(autouse=True)
def whole(rehearsal: Rehearsal, eventually: Eventually) -> Iterator[None]:
    """Each test begins and ends with two healthy hosts."""
    eventually(lambda: len(rehearsal.healthy_targets()) >= 2, 120, "two healthy hosts before the test")
    yield
    eventually(lambda: len(rehearsal.healthy_targets()) >= 2, 120, "two healthy hosts after the test")


def _replaced(rehearsal: Rehearsal, victim: str, before: set[str]) -> bool:
    healthy = rehearsal.healthy_targets()
    return victim not in healthy and len(healthy) >= 2 and bool(healthy - before)


def test_a_host_whose_application_is_dead_is_replaced(rehearsal: Rehearsal, eventually: Eventually) -> None:
    before = rehearsal.healthy_targets()
    victim = rehearsal.web_instances()[0]["InstanceId"]
    rehearsal.on(victim, "systemctl", "mask", "--runtime", "--now", "gunicorn.service", "gunicorn.socket", timeout=90)
    eventually(lambda: victim not in rehearsal.healthy_targets(), 60, "the dead application's host is unhealthy")
    # An instance is replaced after its grace period, which began when it was launched.
    eventually(lambda: _replaced(rehearsal, victim, before), 420, "another instance serves")


def test_a_terminated_instance_is_replaced_and_nobody_notices(rehearsal: Rehearsal, eventually: Eventually) -> None:
    before = rehearsal.healthy_targets()
    victim = rehearsal.web_instances()[0]["InstanceId"]
    with Watch(rehearsal) as watch:
        time.sleep(2)
        rehearsal.client("ec2").terminate_instances(InstanceIds=[victim])
        began = time.monotonic()
        eventually(lambda: _replaced(rehearsal, victim, before), REPLACED_SECONDS, "another instance serves")
        print(f"replaced after {time.monotonic() - began:.1f} s, {watch.answers} answers meanwhile")
        time.sleep(2)
    assert watch.answers > 20
    assert not watch.errors, watch.errors[:5]


def test_a_host_that_dies_is_replaced(rehearsal: Rehearsal, eventually: Eventually) -> None:
    before = rehearsal.healthy_targets()
    victim = rehearsal.web_instances()[0]["InstanceId"]
    rehearsal.engine.run("kill", victim)
    eventually(lambda: _replaced(rehearsal, victim, before), 90, "another instance serves")


def test_a_dead_database_comes_back_with_its_data(
    rehearsal: Rehearsal, site: httpx.Client, eventually: Eventually
) -> None:
    before = site.get("/api/incidents/").json()
    identifier = rehearsal.client("rds").describe_db_instances()["DBInstances"][0]["DBInstanceIdentifier"]
    rehearsal.engine.run("kill", f"rds-{identifier}")
    eventually(
        lambda: (answer := site.get("/api/incidents/")).status_code == 200 and answer.json() == before,
        60,
        "the API reads the same incidents again",
    )


def test_a_killed_account_remembers_everything(rehearsal: Rehearsal, eventually: Eventually) -> None:
    before = {instance["InstanceId"] for instance in rehearsal.web_instances()}
    cloud = machine.registered_cloud()
    assert cloud is not None
    os.kill(cloud.pid, signal.SIGKILL)
    eventually(lambda: not cloud.alive, 10, "the cloud is dead")
    lifecycle.up(rehearsal.settings)
    assert {instance["InstanceId"] for instance in rehearsal.web_instances()} == before
    eventually(lambda: rehearsal.healthy_targets() == before, 60, "the same hosts are healthy again")
    done = rehearsal.playbook("playbooks/verify.yml")
    assert done.returncode == 0, done.stdout[-2000:]


def test_what_a_killed_rehearsal_left_is_taken_up_again(
    rehearsal: Rehearsal, site: httpx.Client, eventually: Eventually
) -> None:
    incidents = site.get("/api/incidents/").json()
    before = rehearsal.healthy_targets()
    cloud = machine.registered_cloud()
    assert cloud is not None
    # The cloud, every container and every container's monitor, so that nobody is left to write down how they ended.
    containers = [container.pid for container in rehearsal.engine.containers().values() if container.running]
    for pid in (cloud.pid, *map(_parent, containers), *containers):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not cloud.alive, 10, "the cloud is dead")
    lifecycle.up(rehearsal.settings)
    eventually(
        lambda: len(healthy := rehearsal.healthy_targets()) >= 2 and not healthy & before, 120, "new hosts serve"
    )
    eventually(lambda: site.get("/api/incidents/").json() == incidents, 30, "the database has its data")


def _parent(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("PPid:")).split()[1])
