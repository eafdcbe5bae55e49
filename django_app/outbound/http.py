"""HTTP to addresses that somebody has typed in: judged, pinned, and bounded in time and size.

No proxy of the environment is used, no cookie kept, no compressed body unpacked.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import urljoin

from outbound.guard import Address, Refused, Target, Unreachable, lookup, parse_target, resolve

USER_AGENT: Final = "Slipway-Status/1"
MAXIMUM_BODY: Final = 64 * 1024
MAXIMUM_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Fetched:
    """The last answer: ``body`` is cut at MAXIMUM_BODY bytes, ``seconds`` is the time of all steps together."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


class _PinnedConnection(HTTPConnection):
    """Connects to given addresses while speaking to ``host``: nothing is resolved again."""

    def __init__(self, target: Target, addresses: list[Address], deadline: float) -> None:
        super().__init__(target.host, target.port)
        self._target = target
        self._addresses = addresses
        self._deadline = deadline
        self.expired = False
        self._alarm: threading.Timer | None = None
        # http.client leaves the port out of Host when it is this one.
        self.default_port = 443 if target.scheme == "https" else 80

    def connect(self) -> None:
        failure: OSError | None = None
        for address in self._addresses:
            try:
                plain = _open(address, self._target.port, timeout=self._left())
            except OSError as error:
                failure = error
                continue
            self.sock = plain
            self._bound(plain)
            if self._target.scheme == "https":
                # The handshake comes after the alarm: it too can be drawn out byte by byte.
                wrapped = _tls().wrap_socket(plain, server_hostname=self._target.host, do_handshake_on_connect=False)
                self.sock = wrapped
                self._bound(wrapped)
                wrapped.do_handshake()
            return
        raise failure or OSError("no address")

    def release(self) -> None:
        """Close, and nobody waits any more. http.client calls ``close`` itself while the body is still to be read."""
        if self._alarm is not None:
            self._alarm.cancel()
        self.close()

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            self.expired = True
            raise TimeoutError
        return left

    def _bound(self, connection: socket.socket) -> None:
        """End everything on the connection at the deadline: a byte now and then renews any timeout of a socket."""
        if self._alarm is not None:
            self._alarm.cancel()

        def end() -> None:
            self.expired = True
            try:
                # SSLSocket.shutdown would take its state from under the reader.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            except OSError:
                return

        self._alarm = threading.Timer(self._left(), end)
        self._alarm.daemon = True
        self._alarm.start()


def _open(address: Address, port: int, *, timeout: float) -> socket.socket:
    """A connection to an address: no name is looked up on the way."""
    connection = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        connection.connect((str(address), port))
    except BaseException:
        connection.close()
        raise
    return connection


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def fetch(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    timeout: float,
    redirects: int = 0,
    stop_at: frozenset[int] = frozenset(),
    via: str = "",
) -> Fetched:
    """Ask for a URL, within ``timeout`` seconds altogether; follow up to ``redirects`` redirects, each judged again.

    A redirect whose status is in ``stop_at`` is an answer. ``via`` is an address of the operator's own, ``http(s)://``
    host and port, where the URL's host is reached instead; it is not judged.

    Raises:
        Refused: the URL, or one that it redirects to, must not be asked.
        Unreachable: no answer, with the reason in words.
    """
    began = time.monotonic()
    deadline = began + timeout
    while True:
        target = parse_target(url)
        addresses, way = _way(target, via, deadline)
        status, answered, content = _ask(way, addresses, deadline, timeout, method, headers or {}, body)
        if status not in _REDIRECTS or status in stop_at or redirects <= 0 or not answered.get("location"):
            return Fetched(url, status, answered, content, time.monotonic() - began)
        url = urljoin(url, answered["location"])
        redirects -= 1


def _way(target: Target, via: str, deadline: float) -> tuple[list[Address], Target]:
    """Where to connect, and as what: the host stays the one of the URL, for TLS and for HTTP."""
    left = deadline - time.monotonic()
    if not via:
        return resolve(target, timeout=left), target
    other = parse_target(via)
    return lookup(other, timeout=left), replace(target, scheme=other.scheme, port=other.port)


def _ask(
    target: Target,
    addresses: list[Address],
    deadline: float,
    timeout: float,
    method: str,
    headers: Mapping[str, str],
    body: bytes | None,
) -> tuple[int, dict[str, str], bytes]:
    connection = _PinnedConnection(target, addresses, deadline)
    try:
        connection.request(
            method,
            target.path,
            body=body,
            headers={"User-Agent": USER_AGENT, "Accept": "*/*", "Connection": "close", **headers},
        )
        response = connection.getresponse()
        content = response.read(MAXIMUM_BODY)
        if connection.expired:
            raise TimeoutError
        return response.status, {name.lower(): value for name, value in response.getheaders()}, content
    except (OSError, HTTPException, ValueError) as error:
        raise Unreachable(_words(error, connection.expired, timeout)) from error
    finally:
        connection.release()


def _words(error: Exception, expired: bool, timeout: float) -> str:
    if expired or isinstance(error, TimeoutError):
        return f"No answer within {timeout:g} s."
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate is not accepted: {error.verify_message}."
    if isinstance(error, ssl.SSLError):
        return "The TLS connection failed."
    if isinstance(error, ConnectionRefusedError):
        return "The connection was refused."
    if isinstance(error, OSError):
        return f"The connection failed: {error.strerror or type(error).__name__}."
    return "The answer was not HTTP."


__all__ = ["MAXIMUM_BODY", "MAXIMUM_REDIRECTS", "Fetched", "Refused", "Unreachable", "fetch"]
