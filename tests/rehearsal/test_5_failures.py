"""Hosts, the database and the emulated account are killed; the site goes on or comes back by itself."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from rehearsal import lifecycle, machine
from rehearsal.dataplane.rds import SUPERUSER
from tests.rehearsal.conftest import RESULTS, Rehearsal, shown
from tests.rehearsal.test_2_browser import browser
from tests.rehearsal.test_7_background import api

__all__ = ["api", "browser"]

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
    """Each test begins and ends with two healthy hosts that reach all they need."""
    eventually(rehearsal.ready, 120, "two ready hosts before the test")
    yield
    eventually(rehearsal.ready, 120, "two ready hosts after the test")


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


def test_a_static_parameter_is_in_force_after_a_reboot_of_the_database(
    rehearsal: Rehearsal, site: httpx.Client, eventually: Eventually
) -> None:
    rds = rehearsal.client("rds")

    def instance() -> dict[str, Any]:
        (found,) = rds.describe_db_instances()["DBInstances"]
        return dict(found)

    identifier, group = instance()["DBInstanceIdentifier"], instance()["DBParameterGroups"][0]["DBParameterGroupName"]
    static = {"ParameterName": "max_connections", "ApplyMethod": "pending-reboot"}

    def limit() -> str:
        psql = ("psql", "-X", "-A", "-t", "-h", "/tmp", "-U", SUPERUSER, "-d", "postgres")  # noqa: S108
        return rehearsal.on(f"rds-{identifier}", *psql, "-c", "SHOW max_connections").strip()

    def reboot() -> None:
        rds.reboot_db_instance(DBInstanceIdentifier=identifier)
        eventually(lambda: instance()["DBInstanceStatus"] == "available", 60, "the database is available again")
        assert instance()["DBParameterGroups"][0]["ParameterApplyStatus"] == "in-sync"
        eventually(lambda: site.get("/api/incidents/").status_code == 200, 60, "the API reads it again")

    before = limit()
    assert before != "57"
    try:
        rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[{**static, "ParameterValue": "57"}])
        assert instance()["DBParameterGroups"][0]["ParameterApplyStatus"] == "pending-reboot"
        assert limit() == before
        reboot()
        assert limit() == "57"
    finally:
        rds.reset_db_parameter_group(DBParameterGroupName=group, Parameters=[static])
        reboot()
    assert limit() == before


@contextmanager
def nobody_connects(rehearsal: Rehearsal) -> Iterator[None]:
    """The database takes no connection and drops those that are open, for as long as the block runs."""
    instance = rehearsal.client("rds").describe_db_instances()["DBInstances"][0]
    body = f"rds-{instance['DBInstanceIdentifier']}"

    def tell(statement: str) -> None:
        # From within the body, as the service itself.
        psql = ("psql", "-X", "-q", "-h", "/tmp", "-U", SUPERUSER, "-d", "postgres", "-v", "ON_ERROR_STOP=1")  # noqa: S108
        rehearsal.on(body, *psql, "-c", statement)

    name = instance["DBName"]
    tell(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    try:
        tell(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608 (a name of our own)
        yield
    finally:
        tell(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def started(rehearsal: Rehearsal) -> set[str]:
    """When the application was started, on each host."""
    properties = ("systemctl", "show", "--property=ExecMainStartTimestampMonotonic", "gunicorn.service")
    return {f"{one['InstanceId']} {rehearsal.on(one['InstanceId'], *properties)}" for one in rehearsal.web_instances()}


def _asked_on(rehearsal: Rehearsal, host: str, path: str) -> str:
    """The status of a host's own answer, as the balancer would get it, and not one that nginx has kept."""
    name = rehearsal.url.removeprefix("https://")
    headers = [word for one in (f"Host: {name}", "X-Forwarded-Proto: https", "Cookie: a=b") for word in ("-H", one)]
    return rehearsal.on(
        host, "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *headers, f"http://127.0.0.1{path}"
    )


@pytest.fixture
def visitor(browser: Browser, rehearsal: Rehearsal) -> Iterator[Page]:
    """A page whose browser may complain: it says so of every 503."""
    context = browser.new_context(base_url=rehearsal.url, ignore_https_errors=True)
    yield context.new_page()
    context.close()


def test_without_the_database_the_page_shows_what_was_known_and_writes_are_refused(
    rehearsal: Rehearsal, api: httpx.Client, site: httpx.Client, visitor: Page, eventually: Eventually
) -> None:
    processes = started(rehearsal)
    incident = {"title": "Never heard of", "message": "It must not be written."}
    known = site.get("/api/summary/").json()
    assert not known["stale"]
    visitor.goto("/")
    expect(visitor.get_by_role("heading", level=1)).to_be_visible()
    with nobody_connects(rehearsal):
        # On one host a fresh one may still be kept for a second when the other has none left.
        eventually(
            lambda: all(site.get("/api/summary/").json()["stale"] for _ in range(6)), 30, "every summary says it is old"
        )
        answer = site.get("/api/summary/")
        assert answer.status_code == 200, shown(answer)
        old = answer.json()
        assert old["components"] == known["components"]
        assert old["as_of"]
        assert "database-unavailable" in answer.headers["cache-status"]
        for host in (one["InstanceId"] for one in rehearsal.web_instances()):
            for path in (
                "/api/uptime/",
                "/api/incidents/?show=resolved&limit=5",
                "/api/maintenance/",
                "/api/feed.atom",
            ):
                said = _asked_on(rehearsal, host, path)
                assert said == "200", f"{host} answers {path} with {said}, which it may never have been asked before"
        visitor.goto("/")
        expect(visitor.get_by_text("Last known at")).to_be_visible(timeout=20_000)
        expect(visitor.get_by_text(known["components"][0]["name"]).first).to_be_visible()
        RESULTS.mkdir(exist_ok=True)
        visitor.screenshot(path=RESULTS / "without-database.png", full_page=True)
        refused = api.post("/api/incidents/", json=incident)
        assert refused.status_code == 503, shown(refused)
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) > 0
        # The hosts are alive: to replace them would help nobody.
        assert len(rehearsal.healthy_targets()) >= 2
    eventually(
        lambda: not any(site.get("/api/summary/").json()["stale"] for _ in range(6)),
        30,
        "it is of now again",
    )
    visitor.goto("/")
    expect(visitor.get_by_text("Last known at")).to_have_count(0, timeout=20_000)
    assert all(one["title"] != incident["title"] for one in site.get("/api/incidents/").json()["results"])
    eventually(lambda: api.get("/api/session/").json()["signed_in"], 30, "whoever was signed in still is")
    written = api.post("/api/incidents/", json={**incident, "title": "Heard of"})
    assert written.status_code == 201, shown(written)
    assert started(rehearsal) == processes


@pytest.mark.parametrize("how", ["kill", "pause"])
def test_without_the_cache_everything_goes_on(
    rehearsal: Rehearsal, api: httpx.Client, site: httpx.Client, eventually: Eventually, how: str
) -> None:
    processes = started(rehearsal)
    (cache,) = [name for name in rehearsal.engine.containers() if name.startswith("cache-")]
    # One that is dead refuses and is started again at once; one that is frozen swallows what it is sent.
    rehearsal.engine.run(how, cache)
    try:
        for _ in range(5):
            answer = site.get("/api/summary/", headers={"Cookie": "not=kept"})
            assert answer.status_code == 200, shown(answer)
            assert not answer.json()["stale"]
        written = api.post("/api/incidents/", json={"title": f"Cache {how}", "message": "It is written."})
        assert written.status_code == 201, shown(written)
    finally:
        if how == "pause":
            rehearsal.engine.run("unpause", cache)
    eventually(rehearsal.ready, 60, "nothing is missing again")
    assert started(rehearsal) == processes


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
