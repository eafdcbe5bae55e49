"""What networks, services and people do to a run, done to it on purpose at a chosen moment.

The account is asked through a `Wire`. What it does to a request is decided by a plan; without one it does nothing.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
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

    def swallow(self) -> tuple[str, list[tuple[str, str]], bytes]:
        """The account does what it was asked, and nobody hears its answer: status, headers and body."""
        heard: list[tuple[str, list[tuple[str, str]]]] = []

        def hear(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], None]:
            heard.append((status, headers))
            return lambda _: None

        body = b"".join(self.account(self.environ, hear))
        return (*heard[-1], body)

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


def cut_short(passing: Passing) -> Iterable[bytes]:
    """The account does what it was asked, and half of its answer arrives."""
    status, headers, body = passing.swallow()
    if len(body) < 2:
        passing.hang_up()
    passing.start_response(status, headers)
    yield body[: len(body) // 2]
    passing.hang_up()


def trickle(seconds: float) -> Fault:
    """The answer arrives in ten parts, over so many seconds."""

    def drip(passing: Passing) -> Iterable[bytes]:
        status, headers, body = passing.swallow()
        passing.start_response(status, headers)
        size = len(body) // 10 + 1
        for start in range(0, len(body), size):
            time.sleep(seconds / 10)
            yield body[start : start + size]

    return drip


def refuse_in_silence(passing: Passing) -> Iterable[bytes]:
    """429 as a proxy in between says it: without a body."""
    passing.start_response("429 Too Many Requests", [("Content-Length", "0")])
    return [b""]


def be_too_late(passing: Passing) -> Iterable[bytes]:
    """The clock of who asks is wrong. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html"""
    if passing.request.service == "s3":
        far = "The difference between the request time and the current time is too large."
        return passing.refuse(403, "RequestTimeTooSkewed", far)
    code = "InvalidSignatureException" if "json" in passing.request.protocol else "SignatureDoesNotMatch"
    late = "Signature expired: 20261126T100000Z is now earlier than 20261126T105500Z (20261126T110000Z - 5 min.)"
    return passing.refuse(403, code, late)


def deny(passing: Passing) -> Iterable[bytes]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"""
    request = passing.request
    prefix = request.operation.service_model.signing_name if request.operation else request.service
    words = f"User: arn:aws:iam::123456789012:user/deployer is not authorized to perform: {prefix}:{request.action}"
    codes = {"ec2": "UnauthorizedOperation", "sns": "AuthorizationError"}
    code = codes.get(request.service, "AccessDeniedException" if "json" in request.protocol else "AccessDenied")
    return passing.refuse(403, code, f"{words} because no identity-based policy allows the action")


def have_no_more(code: str) -> Fault:
    """A quota that is used up, or no room."""

    def refuse(passing: Passing) -> Iterable[bytes]:
        return passing.refuse(400, code, "There are no more of these for you.")

    return refuse


def expire(passing: Passing) -> Iterable[bytes]:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html"""
    request = passing.request
    by_protocol = _EXPIRED_BY_PROTOCOL.get(request.protocol, (403, "ExpiredToken"))
    status = _EXPIRED_BY_SERVICE.get(request.service, by_protocol)
    return passing.refuse(*status, "The security token included in the request is expired")


# -- when ----------------------------------------------------------------------------------------------------


class Every:
    """To each n-th request, retries included; each time the next fault of several. Counts which was done how often."""

    def __init__(self, number: int, named: Mapping[str, Fault]) -> None:
        self.done: Counter[str] = Counter()
        self._number = number
        self._named = dict(named)
        self._turn = itertools.cycle(self._named)
        self._count = 0
        self._lock = threading.Lock()

    def __call__(self, _request: ApiRequest) -> Fault | None:
        with self._lock:
            self._count += 1
            if self._count % self._number:
                return None
            name = next(self._turn)
            self.done[name] += 1
            return self._named[name]


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


def for_a_while(number: int, seconds: float, fault: Fault) -> Plan:
    """To each request in the seconds that follow the n-th writing one."""
    count = 0
    began = 0.0
    lock = threading.Lock()

    def plan(request: ApiRequest) -> Fault | None:
        nonlocal count, began
        with lock:
            count += is_write(request)
            if count < number:
                return None
            began = began or time.monotonic()
            return fault if time.monotonic() < began + seconds else None

    return plan


def each(operation: str, fault: Fault) -> Plan:
    """To every request of an operation ("elbv2:CreateListener")."""

    def plan(request: ApiRequest) -> Fault | None:
        return fault if f"{request.service}:{request.action}" == operation else None

    return plan


#: Ids that EC2 chooses, and what it says of one that it does not know.
#: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
_UNKNOWN = {
    "vpc": "InvalidVpcID.NotFound",
    "subnet": "InvalidSubnetID.NotFound",
    "igw": "InvalidInternetGatewayID.NotFound",
    "rtb": "InvalidRouteTableID.NotFound",
    "sg": "InvalidGroup.NotFound",
    "nat": "NatGatewayNotFound",
    "eipalloc": "InvalidAllocationID.NotFound",
    "vpce": "InvalidVpcEndpointId.NotFound",
}
_ID = re.compile(rb"\b((?:%s)-[0-9a-f]{8,17})\b" % b"|".join(name.encode() for name in _UNKNOWN))


class Hesitation:
    """What EC2 has just made is not everywhere yet: for some seconds whoever names it hears that it is unknown.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/query-api-troubleshooting.html#eventual-consistency
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._made: dict[str, float] = {}
        self._lock = threading.Lock()

    def __call__(self, request: ApiRequest) -> Fault | None:
        if request.service != "ec2":
            return None
        if request.action.startswith(("Create", "Allocate")) and request.action not in ("CreateTags", "CreateRoute"):
            return self._remember
        # A filter that nothing passes is no error.
        named = str({name: value for name, value in request.parameters.items() if name != "Filters"})
        with self._lock:
            young = [
                one for one, when in self._made.items() if time.monotonic() < when + self._seconds and one in named
            ]
        return partial(self._deny, young[0]) if young else None

    def _remember(self, passing: Passing) -> Iterable[bytes]:
        status, headers, body = passing.swallow()
        named = str(passing.request.parameters)
        with self._lock:
            for found in _ID.findall(body):
                if found.decode() not in named:
                    self._made.setdefault(found.decode(), time.monotonic())
        passing.start_response(status, headers)
        return [body]

    @staticmethod
    def _deny(identifier: str, passing: Passing) -> Iterable[bytes]:
        return passing.refuse(400, _UNKNOWN[identifier.split("-")[0]], f"The ID '{identifier}' does not exist")


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


@dataclass
class Interruption:
    """Sends a run's process group a signal when the account is asked for the n-th write, as a terminal does.

    Nothing else is done to it: what is on its way arrives, and its answer too.
    """

    at: int
    signal: signal.Signals
    running: subprocess.Popen[str] | None = None
    last: str = ""
    when: float = 0
    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: ApiRequest) -> Fault | None:
        with self._lock:
            self._count += is_write(request)
            if self.last or self._count < self.at:
                return None
            self.last = f"{self._count}: {request.service}:{request.action}"
            return self._send

    def _send(self, passing: Passing) -> Iterable[bytes]:
        assert self.running is not None
        self.when = time.monotonic()
        os.killpg(self.running.pid, self.signal)
        return passing.go_on()
