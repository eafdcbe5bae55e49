"""Which addresses the application may be made to speak to by what somebody has typed in.

A URL of a monitor or of a webhook is somebody's wish. It must not reach what only this host can reach: loopback,
link-local (169.254.169.254 answers with credentials), private networks. Names are judged by every address that they
resolve to, and the connection goes to the address that was judged (``outbound.http``), so that a second DNS answer
changes nothing. OUTBOUND_ALLOWED_NETWORKS, which is empty by default, lists exceptions.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAXIMUM_URL: Final = 2000
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
#: Below 1024 only the web's own: port 25 of a public host is not for us to knock at.
_FIRST_FREE_PORT: Final = 1024
# https://www.rfc-editor.org/rfc/rfc6052#section-2.1, https://www.rfc-editor.org/rfc/rfc3056#section-2
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


class Refused(Exception):  # noqa: N818 - it is an answer, not a defect
    """The address must not be asked; the message is a sentence for whoever gave it."""


class Unreachable(Exception):  # noqa: N818 - as above
    """The address may be asked and gave no answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart. ``path`` has the query; ``host`` is ASCII and without brackets."""

    scheme: str
    host: str
    port: int
    path: str


def parse_target(url: str) -> Target:
    """Take a URL apart, strictly.

    Raises:
        Refused: it is not a plain http or https URL.
    """
    if len(url) > MAXIMUM_URL:
        raise Refused(f"The address is longer than {MAXIMUM_URL} characters.")
    # urlsplit drops tabs and line ends silently, and browsers read a backslash as a slash.
    if not url.isascii() or any(
        ord(character) <= 0x20 or ord(character) == 0x7F or character == "\\" for character in url
    ):
        raise Refused("The address holds characters that a URL cannot hold; write a name outside ASCII in punycode.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("This is not an address.") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise Refused("The address has to start with http:// or https:// and a host.")
    if "@" in parts.netloc:
        raise Refused("The address may not hold a user name or a password.")
    port = _DEFAULT_PORTS[parts.scheme] if port is None else port
    if port not in _DEFAULT_PORTS.values() and port < _FIRST_FREE_PORT:
        raise Refused(f"Port {port} is not for web servers: 80, 443 and those from {_FIRST_FREE_PORT} on may be asked.")
    path = parts.path or "/"
    return Target(parts.scheme, parts.hostname, port, f"{path}?{parts.query}" if parts.query else path)


def is_allowed(address: Address) -> bool:
    """Whether the address is one of the public internet, or listed as an exception."""
    exceptions: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = settings.OUTBOUND_ALLOWED_NETWORKS
    if any(address in network for network in exceptions):
        return True
    embedded = _embedded(address)
    if embedded is not None:
        return is_allowed(embedded)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to, if it is of such a kind."""
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def resolve(target: Target, *, timeout: float) -> list[Address]:
    """The addresses of a host, every one of which may be asked.

    Raises:
        Refused: one of them may not; a name with a good and a bad address is not a good name.
        Unreachable: there is none, or the resolver took longer than ``timeout`` seconds.
    """
    addresses = lookup(target, timeout=timeout)
    for address in addresses:
        if not is_allowed(address):
            raise Refused(f"{target.host} leads to an address that is not on the public internet.")
    return addresses


def lookup(target: Target, *, timeout: float) -> list[Address]:
    """The addresses of a host, whatever they are.

    Raises:
        Unreachable: there is none, or the resolver took longer than ``timeout`` seconds.
    """
    addresses = [ipaddress.ip_address(text) for text in _lookup(target, timeout=timeout)]
    if not addresses:
        raise Unreachable(f"{target.host} has no address.")
    return addresses


def _lookup(target: Target, *, timeout: float) -> list[str]:
    """getaddrinfo with a bound on the wait, which it has none of itself; a slow one is left to end alone."""
    answer: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
            # A scope (fe80::1%eth0) is not for a public address; without it the address is judged as it stands.
            answer.put(list(dict.fromkeys(str(entry[4][0]).split("%")[0] for entry in found)))
        except (OSError, UnicodeError) as error:
            answer.put(error if isinstance(error, OSError) else OSError("not a host name"))

    threading.Thread(target=ask, daemon=True, name="resolver").start()
    try:
        found = answer.get(timeout=max(0.0, timeout))
    except queue.Empty:
        raise Unreachable(f"The name {target.host} was not resolved in time.") from None
    if isinstance(found, OSError):
        raise Unreachable(f"The name {target.host} cannot be resolved.") from found
    return found


def check_url(url: str, *, timeout: float = 3.0) -> None:
    """Refuse a URL when it is given, and not only when it is used.

    Raises:
        Refused, Unreachable: as ``parse_target`` and ``resolve``.
    """
    resolve(parse_target(url), timeout=timeout)
