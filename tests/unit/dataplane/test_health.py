"""Health checks: the states of a target, single checks against real servers, and checks from a container."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from rehearsal.dataplane import firewall, health
from rehearsal.dataplane.health import FAILED, PASSED, TIMED_OUT, Check, Health, HealthChecks, Key, after, matches

if TYPE_CHECKING:
    from tests.unit.dataplane.conftest import Laboratory

CHECK = Check(healthy_threshold=3, unhealthy_threshold=2)
BAD = health.mismatch(503)


@pytest.mark.parametrize(
    ("start", "outcomes", "state", "reason"),
    [
        pytest.param(health.REGISTERING, [PASSED], "healthy", None, id="a new target needs one success"),
        pytest.param(health.REGISTERING, [BAD], "initial", "Elb.InitialHealthChecking", id="one failure is not enough"),
        pytest.param(health.REGISTERING, [BAD, BAD], "unhealthy", "Target.ResponseCodeMismatch", id="two are"),
        pytest.param(Health("healthy"), [BAD], "healthy", None, id="one failure is forgiven"),
        pytest.param(Health("healthy"), [BAD, PASSED, BAD], "healthy", None, id="failures count in a row"),
        pytest.param(Health("healthy"), [BAD, TIMED_OUT], "unhealthy", "Target.Timeout", id="the last reason is told"),
        pytest.param(Health("healthy"), [FAILED, FAILED], "unhealthy", "Target.FailedHealthChecks", id="no answer"),
        pytest.param(Health("unhealthy"), [PASSED, PASSED], "unhealthy", None, id="two successes are not enough"),
        pytest.param(Health("unhealthy"), [PASSED] * 3, "healthy", None, id="three are"),
        pytest.param(Health("unhealthy"), [PASSED, PASSED, BAD, PASSED], "unhealthy", None, id="successes in a row"),
    ],
)
def test_states(start: Health, outcomes: list[health.Outcome], state: str, reason: str | None) -> None:
    found = start
    for outcome in outcomes:
        found = after(found, CHECK, outcome)
    assert found.state == state
    if reason is not None:
        assert found.reason == reason


def test_descriptions_are_those_of_aws() -> None:
    found = after(after(Health("healthy"), CHECK, BAD), CHECK, BAD)
    assert found.description == "Health checks failed with these codes: [503]"
    assert after(found, CHECK, TIMED_OUT).description == "Request timed out"


@pytest.mark.parametrize(
    ("matcher", "status", "expected"),
    [("200", 200, True), ("200", 204, False), ("200,202", 202, True), ("200-299", 250, True), ("200-299", 300, False)],
)
def test_matchers(matcher: str, status: int, expected: bool) -> None:
    assert matches(matcher, status) is expected


@pytest.mark.parametrize(
    ("state", "expected", "reason"),
    [
        ("stopped", "unused", "Target.InvalidState"),
        ("stopping", "unused", "Target.InvalidState"),
        ("shutting-down", "draining", "Target.DeregistrationInProgress"),
        ("terminated", "draining", "Target.DeregistrationInProgress"),
    ],
)
def test_instances_that_do_not_run(state: str, expected: str, reason: str) -> None:
    assert (health.stopped(state).state, health.stopped(state).reason) == (expected, reason)


# -- single checks -------------------------------------------------------------------------------------------


class Target(http.server.BaseHTTPRequestHandler):
    """/healthz is well unless told otherwise, /slow takes a second."""

    agents: list[str] = []  # noqa: RUF012 (read by the test)

    def do_GET(self) -> None:
        if self.path == "/slow":
            time.sleep(1)
        self.agents.append(self.headers["User-Agent"])
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Target) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield int(server.server_address[1])
        server.shutdown()


def test_a_check_is_a_request(port: int) -> None:
    assert health.probe(Check(path="/healthz"), "127.0.0.1", port) == PASSED
    assert Target.agents[-1] == "ELB-HealthChecker/2.0"
    assert health.probe(Check(path="/"), "127.0.0.1", port) == BAD
    assert health.probe(Check(path="/", matcher="200,503"), "127.0.0.1", port) == PASSED
    assert health.probe(Check(path="/slow", timeout=0.3), "127.0.0.1", port) == TIMED_OUT
    assert health.probe(Check(path="/healthz", protocol="HTTPS"), "127.0.0.1", port) == FAILED
    assert health.probe(Check(path="/healthz"), "127.0.0.1", 1) == FAILED


# -- from within a container ---------------------------------------------------------------------------------

SERVER = (
    "import http.server, os\n"
    "class Handler(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self):\n"
    "        self.send_response(503 if os.path.exists('/ill') else 200); self.end_headers()\n"
    "http.server.ThreadingHTTPServer(('0.0.0.0', 8001), Handler).serve_forever()\n"
)


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_checks_come_from_the_containers_namespace(laboratory: Laboratory) -> None:
    prefix = laboratory.gateway.rsplit(".", 1)[0]
    name, target_pid = laboratory.start(f"{prefix}.30", ["python3", "-c", SERVER])
    _, balancer_pid = laboratory.start(f"{prefix}.31", ["sleep", "600"])
    changes: list[float] = []
    key = Key("arn", "i-1", 8001)
    check = Check(interval=0.3, timeout=0.5, healthy_threshold=2, unhealthy_threshold=2)
    checks = HealthChecks(balancer_pid, lambda: changes.append(time.monotonic()))

    def state() -> tuple[str, str | None]:
        found = checks.health()[key]
        return found.state, found.reason

    try:
        checks.watch({key: (check, f"{prefix}.30")})
        assert eventually(lambda: state()[0] == "healthy")
        laboratory.engine.run("exec", name, "touch", "/ill")
        assert eventually(lambda: state() == ("unhealthy", "Target.ResponseCodeMismatch"))
        laboratory.engine.run("exec", name, "rm", "/ill")
        assert eventually(lambda: state() == ("healthy", None))
        # The target now lets in nobody but the balancer: this machine is shut out, the checks are not.
        only = firewall.Permission("tcp", 8001, 8001, (f"{prefix}.31",))
        view = firewall.View(gateway=laboratory.gateway, vpc_cidr=laboratory.cidr, ingress=(only,))
        firewall.apply(target_pid, firewall.ruleset(view))
        assert health.probe(check, f"{prefix}.30", 8001) == TIMED_OUT
        time.sleep(1.5)
        assert state() == ("healthy", None)
        firewall.apply(target_pid, firewall.ruleset(firewall.View(laboratory.gateway, laboratory.cidr)))
        assert eventually(lambda: state() == ("unhealthy", "Target.Timeout"))
        laboratory.remove(name)
        assert eventually(lambda: state()[1] in ("Target.FailedHealthChecks", "Target.Timeout"))
        # initial -> healthy -> unhealthy -> healthy -> unhealthy, and perhaps another reason at the end
        assert len(changes) in (4, 5)
        checks.watch({})
        assert checks.health() == {}
    finally:
        checks.stop()


def test_idle_checks_cost_nothing(laboratory: Laboratory) -> None:
    prefix = laboratory.gateway.rsplit(".", 1)[0]
    laboratory.start(f"{prefix}.40", ["python3", "-c", SERVER])
    _, pid = laboratory.start(f"{prefix}.41", ["sleep", "600"])
    checks = HealthChecks(pid, lambda: None)
    try:
        checks.watch({Key("arn", f"i-{n}", 8001): (Check(interval=0.5), f"{prefix}.40") for n in range(4)})
        time.sleep(1)
        before = time.process_time()
        time.sleep(3)
        # 4 targets, twice a second: some 24 checks.
        assert time.process_time() - before < 0.3
    finally:
        checks.stop()
