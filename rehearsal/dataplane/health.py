"""A load balancer's health checks, made from within its own network namespace, so that security groups apply.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html

Not there: checks of groups whose protocol version is HTTP2 or GRPC (their targets stay `unavailable`).
"""

from __future__ import annotations

import http.client
import logging
import os
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from rehearsal.dataplane.haproxy import TargetState

log = logging.getLogger(__name__)

#: How many targets of one load balancer are asked at the same time.
PARALLEL = 8
USER_AGENT = "ELB-HealthChecker/2.0"


# -- the state machine ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """A target group's health check. `port` is None for the port that gets the traffic; times are in seconds."""

    protocol: str = "HTTP"
    port: int | None = None
    path: str = "/"
    matcher: str = "200"
    interval: float = 30
    timeout: float = 5
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2


@dataclass(frozen=True)
class Health:
    """What DescribeTargetHealth says of a target, and the checks in a row that led there."""

    state: TargetState
    reason: str | None = None
    description: str | None = None
    passes: int = 0
    failures: int = 0

    def same_as(self, other: Health) -> bool:
        """Whether the account would see no difference."""
        mine, others = (self.state, self.reason, self.description), (other.state, other.reason, other.description)
        return mine == others


@dataclass(frozen=True)
class Outcome:
    """The result of one check; a reason means failure."""

    reason: str | None = None
    description: str | None = None


PASSED = Outcome()
#: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
TIMED_OUT = Outcome("Target.Timeout", "Request timed out")
FAILED = Outcome("Target.FailedHealthChecks", "Health checks failed")

REGISTERING = Health("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
CHECKING = Health("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
DRAINING = Health("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
NOT_IN_USE = Health(
    "unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"
)
NO_ADDRESS = Health("unused", "Target.IpUnusable", "The target's address cannot be used")
NOT_CHECKED = Health("unavailable", "Target.HealthCheckDisabled", "Health checks are disabled for this target group")


def stopped(instance_state: str) -> Health:
    """The health of a target whose instance does not run (any more)."""
    if instance_state in ("shutting-down", "terminated"):
        return DRAINING
    return Health("unused", "Target.InvalidState", f"Target is in the {instance_state} state")


def mismatch(status: int) -> Outcome:
    """The outcome of an answer whose status the matcher does not have."""
    return Outcome("Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]")


def after(health: Health, check: Check, outcome: Outcome) -> Health:
    """The health after one more check.

    A new target needs a single success; one that was unhealthy needs `healthy_threshold` of them in a row, and
    `unhealthy_threshold` failures in a row take a target out.
    """
    if outcome.reason is None:
        passes = health.passes + 1
        needed = check.healthy_threshold if health.state == "unhealthy" else 1
        if health.state == "healthy" or passes >= needed:
            return Health("healthy", passes=passes)
        return replace(health, passes=passes, failures=0)
    failures = health.failures + 1
    if health.state == "unhealthy" or failures >= check.unhealthy_threshold:
        return Health("unhealthy", outcome.reason, outcome.description, failures=failures)
    waiting = CHECKING if health.state == "initial" else health
    return replace(waiting, passes=0, failures=failures)


def matches(matcher: str, status: int) -> bool:
    """Whether a status is among those of a matcher: `200`, `200,202`, `200-299`."""
    for part in matcher.split(","):
        low, _, high = part.strip().partition("-")
        if int(low) <= status <= int(high or low):
            return True
    return False


# -- one check -----------------------------------------------------------------------------------------------


def _unverified() -> ssl.SSLContext:
    # "The load balancer does not validate these certificates": any one will do.
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def probe(check: Check, address: str, port: int) -> Outcome:
    """Ask a target once, from the network namespace of the calling thread."""
    connection = (
        http.client.HTTPSConnection(address, port, timeout=check.timeout, context=_unverified())
        if check.protocol == "HTTPS"
        else http.client.HTTPConnection(address, port, timeout=check.timeout)
    )
    began = time.monotonic()
    try:
        connection.putrequest("GET", check.path, skip_accept_encoding=True)
        connection.putheader("User-Agent", USER_AGENT)
        connection.putheader("Accept-Encoding", "gzip, compressed")
        connection.putheader("Connection", "close")
        connection.endheaders()
        status = connection.getresponse().status
    except TimeoutError:
        return TIMED_OUT
    except (OSError, http.client.HTTPException):
        return FAILED
    finally:
        connection.close()
    if time.monotonic() - began > check.timeout:
        return TIMED_OUT
    return PASSED if matches(check.matcher, status) else mismatch(status)


# -- all of them ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Key:
    """A target of a target group."""

    target_group_arn: str
    target_id: str
    port: int


@dataclass
class _Subject:
    check: Check
    address: str
    health: Health
    due: float
    running: bool = False


class HealthChecks:
    """Checks targets from the network namespace of the process `pid`, each at its interval.

    `on_change` is called, from a thread of this object, when the health of a target changed. `known` is where
    targets begin that were checked before, from a namespace that is gone. The scheduling thread sleeps until the
    next check is due. Raises OSError when the process is gone.
    """

    def __init__(self, pid: int, on_change: Callable[[], None], known: Mapping[Key, Health] | None = None) -> None:
        self._on_change = on_change
        self._known = dict(known or {})
        self._subjects: dict[Key, _Subject] = {}
        self._condition = threading.Condition()
        self._stopped = False
        self._namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._pool = ThreadPoolExecutor(PARALLEL, f"health-{pid}", self._enter)
        self._scheduler = threading.Thread(target=self._schedule, name=f"health-{pid}", daemon=True)
        self._scheduler.start()

    def _enter(self) -> None:
        # Affects the calling thread alone, which belongs to this pool for its whole life.
        os.setns(self._namespace, os.CLONE_NEWNET)

    def watch(self, targets: Mapping[Key, tuple[Check, str]]) -> None:
        """Check exactly these targets from now on: key -> (check, address). Known ones keep their health."""
        now = time.monotonic()
        with self._condition:
            for key in self._subjects.keys() - targets.keys():
                del self._subjects[key]
            for key, (check, address) in targets.items():
                subject = self._subjects.get(key)
                if subject is None:
                    self._subjects[key] = _Subject(check, address, self._known.pop(key, REGISTERING), now)
                else:
                    due = min(subject.due, now + check.interval)
                    subject.check, subject.address, subject.due = check, address, due
            self._condition.notify()

    def health(self) -> dict[Key, Health]:
        """The health of every watched target."""
        with self._condition:
            return {key: subject.health for key, subject in self._subjects.items()}

    def stop(self) -> None:
        """End all threads; checks that are under way end by their own timeout."""
        with self._condition:
            self._stopped = True
            self._condition.notify()
        self._scheduler.join()
        self._pool.shutdown(wait=False, cancel_futures=True)
        os.close(self._namespace)

    def _schedule(self) -> None:
        with self._condition:
            while not self._stopped:
                now = time.monotonic()
                for key, subject in self._subjects.items():
                    if subject.due <= now and not subject.running:
                        subject.running = True
                        subject.due = now + subject.check.interval
                        self._pool.submit(self._run, key, subject)
                waiting = [subject.due for subject in self._subjects.values() if not subject.running]
                self._condition.wait(max(0.0, min(waiting) - time.monotonic()) if waiting else None)

    def _run(self, key: Key, subject: _Subject) -> None:
        try:
            outcome = probe(subject.check, subject.address, subject.check.port or key.port)
        except Exception:
            log.exception("the health check of %s failed", key.target_id)
            outcome = FAILED
        with self._condition:
            before = subject.health
            subject.health = after(before, subject.check, outcome)
            subject.running = False
            changed = self._subjects.get(key) is subject and not before.same_as(subject.health)
            self._condition.notify()
        if changed:
            log.info("%s:%s is %s %s", key.target_id, key.port, subject.health.state, subject.health.description or "")
            self._on_change()
