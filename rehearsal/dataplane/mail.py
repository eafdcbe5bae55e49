"""A mail server for the hosts: it takes everything, sends nothing on, and keeps it for people and tests to read.

Each message is one file below `.rehearsal/mail`, named by the time it came; its first lines say from whom and to whom
the envelope was. It stands for Amazon SES's SMTP endpoint, which hosts reach over the internet: the firewall lets a
host through whose security groups let it submit mail (port 587). Not there: TLS, passwords, a bounce, a limit.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

log = logging.getLogger(__name__)

#: From <linux/in.h>: bind to an address that no interface has yet. Python's socket module does not name it.
_IP_FREEBIND = 15
#: The oldest go: a rehearsal may run for days.
KEPT = 500
NAME = "mail.slipway.localhost"


class _Keeper:
    """What aiosmtpd calls for each message."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        content = envelope.content or b""
        if isinstance(content, str):
            content = content.encode()
        lines = [f"X-Envelope-From: {envelope.mail_from}", *(f"X-Envelope-To: {to}" for to in envelope.rcpt_tos)]
        self._keep("".join(f"{line}\r\n" for line in lines).encode() + content)
        return "250 Kept"

    def _keep(self, message: bytes) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        place = self._directory / f"{time.time_ns()}.eml"
        aside = place.with_suffix(".new")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(message)
        aside.rename(place)
        for old in sorted(self._directory.glob("*.eml"))[:-KEPT]:
            old.unlink(missing_ok=True)


class MailServers:
    """One listening socket for each VPC, on its gateway's address."""

    def __init__(self, directory: Path, port: int) -> None:
        self._keeper = _Keeper(directory)
        self._port = port
        self._servers: dict[str, asyncio.Server] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail", daemon=True)

    def listen(self, address: str) -> int:
        """Take mail on this address from now on; nothing happens when it is done already. Returns the port.

        Raises OSError when the port is taken there.
        """
        if not self._thread.is_alive():
            self._thread.start()
        if address not in self._servers:
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                # The bridge has its address only while a container is on it.
                listener.setsockopt(socket.SOL_IP, _IP_FREEBIND, 1)
                listener.bind((address, self._port))
            except OSError:
                listener.close()
                raise
            made = asyncio.run_coroutine_threadsafe(self._serve(listener), self._loop)
            self._servers[address] = made.result(timeout=10)
            log.info("mail is taken at %s:%s", address, self._port)
        port: int = self._servers[address].sockets[0].getsockname()[1]
        return port

    async def _serve(self, listener: socket.socket) -> asyncio.Server:
        return await self._loop.create_server(
            lambda: SMTP(self._keeper, hostname=NAME, enable_SMTPUTF8=True, loop=self._loop), sock=listener
        )

    def stop(self) -> None:
        """Close all sockets."""
        if not self._thread.is_alive():
            return
        for server in self._servers.values():
            self._loop.call_soon_threadsafe(server.close)
        self._servers.clear()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
