"""The network interfaces that hosts bring onto this machine: without addresses of their own, so that nobody notices.

Chromium drops all its connections whenever its machine gets or loses an address, and shows ERR_NETWORK_CHANGED instead
of the application (https://issues.chromium.org/issues/41465264). The kernel gives each host's interface a link-local
IPv6 address, which nothing uses here. It takes one to two seconds to make sure of that address before anybody hears of
it (https://www.rfc-editor.org/rfc/rfc4862#section-5.4), and is stopped meanwhile.
"""

from __future__ import annotations

import logging
import socket
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from rehearsal.engine import sudo

log = logging.getLogger(__name__)

#: `RTMGRP_LINK` of linux/rtnetlink.h: interfaces that come, change and go.
LINK_EVENTS = 1
#: How long `stop` may have to wait.
LOOK_SECONDS = 1.0


class HostInterfaces:
    """Takes IPv6 from the bridges that `bridges` names and from all that joins them, as soon as it joins."""

    def __init__(self, bridges: Callable[[], Iterable[str]], machine: Path = Path("/")) -> None:
        self._bridges = bridges
        self._devices = machine / "sys/class/net"
        self._switches = machine / "proc/sys/net/ipv6/conf"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="interfaces", daemon=True)

    def start(self) -> None:
        """Watch from now on, what is there already included."""
        self._thread.start()

    def stop(self) -> None:
        """End within `LOOK_SECONDS`."""
        self._stopping.set()
        self._thread.join(timeout=2 * LOOK_SECONDS)

    def quiet(self) -> None:
        """Look once."""
        for name in self._interfaces():
            switch = self._switches / name / "disable_ipv6"
            try:
                if switch.read_text().strip() != "0":
                    continue
            except OSError:
                # It is gone already, or this machine has no IPv6 at all.
                continue
            done = subprocess.run([*sudo(), "tee", switch], input=b"1", capture_output=True, check=False)
            if done.returncode and switch.exists():
                log.warning("%s keeps IPv6, and browsers may lose connections: %s", name, done.stderr.decode().strip())

    def _interfaces(self) -> Iterator[str]:
        for bridge in self._bridges():
            yield bridge
            yield from sorted(path.name for path in (self._devices / bridge / "brif").glob("*"))

    def _watch(self) -> None:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as events:
            events.bind((0, LINK_EVENTS))
            events.settimeout(LOOK_SECONDS)
            while not self._stopping.is_set():
                self.quiet()
                try:
                    events.recv(65536)
                except OSError:
                    # Nothing happened, or more than the socket holds: either way the next look sees all there is.
                    continue
