"""What networks, services and people do to a run, done to it on purpose at a chosen moment.

The account is asked through a `Wire`. What it does to a request is decided by a plan; without one it does nothing.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from rehearsal.emulator.api_request import ApiRequest, Environ, buffer_body, parse
from rehearsal.emulator.authorization import error_response
from rehearsal.emulator.server import StartResponse, WsgiApplication

from .account import is_write


@dataclass(frozen=True)
class Passing:
    """A request on its way to the account."""

    request: ApiRequest
    environ: Environ
    start_response: StartResponse
    account: WsgiApplication

    def go_on(self) -> Iterable[bytes]:
        """As if nothing was."""
        return self.account(self.environ, self.start_response)

    def swallow(self) -> None:
        """The account does what it was asked, and nobody hears its answer."""
        list(self.account(self.environ, lambda *_: lambda _: None))

    def refuse(self, status: int, code: str, message: str) -> Iterable[bytes]:
        """Answer an error in the form of the service, without asking the account."""
        answer = error_response(self.request, status, code, message)
        headers = [("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body))), *answer.headers]
        self.start_response(answer.status, headers)
        return [answer.body]

    def hang_up(self) -> NoReturn:
        """Close the connection instead of an answer. What is closed with something unsent in it is reset."""
        connection: socket.socket = self.environ["werkzeug.socket"]
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
        raise ConnectionResetError


Fault = Callable[[Passing], Iterable[bytes]]
#: What is to be done to a request, if anything; many threads ask.
Plan = Callable[[ApiRequest], Fault | None]


class Wire:
    """Between the run and the account: `emulated_account(directory, wire.around)`."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        #: To how many requests a fault was done since the plan was made.
        self.done = 0
        self._lock = threading.Lock()

    def follow(self, plan: Plan) -> None:
        self.done = 0
        self.plan = plan

    def heal(self) -> None:
        self.plan = None

    def around(self, account: WsgiApplication) -> WsgiApplication:
        def pass_on(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            plan = self.plan
            if plan is None:
                return account(environ, start_response)
            buffer_body(environ)
            request = parse(environ)
            fault = plan(request)
            if fault is None:
                return account(environ, start_response)
            with self._lock:
                self.done += 1
            return fault(Passing(request, environ, start_response, account))

        return pass_on


# -- what can be done to a request ---------------------------------------------------------------------------

#: How services say that they were asked too often.
#: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
#: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
#: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
_THROTTLED_BY_SERVICE = {"ec2": (503, "RequestLimitExceeded"), "s3": (503, "SlowDown")}
_THROTTLED_BY_PROTOCOL = {
    "query": (400, "Throttling"),
    "rest-xml": (400, "Throttling"),
    "json": (400, "ThrottlingException"),
    "rest-json": (429, "TooManyRequestsException"),
}
#: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
_BROKEN = {"ec2": (500, "InternalError"), "s3": (500, "InternalError")}
_ABSENT = {"ec2": (503, "Unavailable")}
_EXPIRED_BY_SERVICE = {"ec2": (400, "RequestExpired"), "s3": (400, "ExpiredToken")}
_EXPIRED_BY_PROTOCOL = {"json": (400, "ExpiredTokenException"), "rest-json": (403, "ExpiredTokenException")}


def throttle(passing: Passing) -> Iterable[bytes]:
    request = passing.request
    by_protocol = _THROTTLED_BY_PROTOCOL.get(request.protocol, (400, "ThrottlingException"))
    return passing.refuse(*_THROTTLED_BY_SERVICE.get(request.service, by_protocol), "Rate exceeded")


def fail_inside(passing: Passing) -> Iterable[bytes]:
    status = _BROKEN.get(passing.request.service, (500, "InternalFailure"))
    return passing.refuse(*status, "An internal error has occurred")


def be_unavailable(passing: Passing) -> Iterable[bytes]:
    status = _ABSENT.get(passing.request.service, (503, "ServiceUnavailable"))
    return passing.refuse(*status, "The service is unavailable. Please try again shortly.")


def reset(passing: Passing) -> Iterable[bytes]:
    """The request is lost."""
    passing.hang_up()


def lose_the_answer(passing: Passing) -> Iterable[bytes]:
    """The request is heard, its answer is lost."""
    passing.swallow()
    passing.hang_up()


def answer_nothing(passing: Passing) -> Iterable[bytes]:
    """200, and an empty body, though the account was never asked."""
    passing.start_response("200 OK", [("Content-Length", "0")])
    return [b""]


def stall(seconds: float) -> Fault:
    def wait(passing: Passing) -> Iterable[bytes]:
        time.sleep(seconds)
        return passing.go_on()

    return wait


def expire(passing: Passing) -> Iterable[bytes]:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html"""
    request = passing.request
    by_protocol = _EXPIRED_BY_PROTOCOL.get(request.protocol, (403, "ExpiredToken"))
    status = _EXPIRED_BY_SERVICE.get(request.service, by_protocol)
    return passing.refuse(*status, "The security token included in the request is expired")


# -- when ----------------------------------------------------------------------------------------------------


def every(number: int, fault: Fault) -> Plan:
    """To each n-th request, retries included."""
    count = 0
    lock = threading.Lock()

    def plan(_request: ApiRequest) -> Fault | None:
        nonlocal count
        with lock:
            count += 1
            return fault if count % number == 0 else None

    return plan


def from_write(number: int, fault: Fault) -> Plan:
    """To each request from the n-th writing one on."""
    count = 0
    lock = threading.Lock()

    def plan(request: ApiRequest) -> Fault | None:
        nonlocal count
        with lock:
            count += is_write(request)
            return fault if count >= number else None

    return plan


def first(operation: str, fault: Fault) -> Plan:
    """To the first request of an operation ("kms:CreateKey")."""
    lock = threading.Lock()
    done = False

    def plan(request: ApiRequest) -> Fault | None:
        nonlocal done
        with lock:
            if done or f"{request.service}:{request.action}" != operation:
                return None
            done = True
            return fault

    return plan


def before(operation: str, deed: Callable[[], Any]) -> Plan:
    """Do something, once, when an operation is asked for, and let the request go on."""

    def act(passing: Passing) -> Iterable[bytes]:
        deed()
        return passing.go_on()

    return first(operation, act)


@dataclass
class Kill:
    """Kills a run with its whole process group when the account has done a write, whose answer nobody hears.

    The write is the n-th, or the first of an operation ("kms:CreateKey"). What is still asked for in the run's name is
    not done: as if its machine had lost its power. Only the keeper of its lock lives on.
    """

    at: int | str
    running: subprocess.Popen[str] | None = None
    #: The write that was the last; empty when the run ended before.
    last: str = ""
    #: Ansible's workers: they lead sessions of their own, outlive the run, and wait for somebody to take their result.
    orphans: list[int] = field(default_factory=list)
    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: ApiRequest) -> Fault | None:
        if str(request.parameters.get("Name", request.parameters.get("Path"))).startswith("/slipway-run-lock"):
            return None
        with self._lock:
            if self.last:
                return reset
            if not is_write(request):
                return None
            self._count += 1
            operation = f"{request.service}:{request.action}"
            if self.at not in (self._count, operation):
                return None
            self.last = f"{self._count}: {operation}"
            return self._kill

    def _kill(self, passing: Passing) -> Iterable[bytes]:
        passing.swallow()
        assert self.running is not None
        for children in Path(f"/proc/{self.running.pid}/task").glob("*/children"):
            self.orphans += [int(pid) for pid in children.read_text().split()]
        os.killpg(self.running.pid, signal.SIGKILL)
        passing.hang_up()

    def sweep(self) -> None:
        """End what the run left behind on this machine."""
        for pid in self.orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
