"""A web server on loopback that plays the rest of the world."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django.test import override_settings

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@dataclass
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Outside:
    """``respond`` answers every request; what came is in ``received``."""

    port: int
    received: list[Received] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"all is well"
    behave: Callable[[BaseHTTPRequestHandler], None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


@contextmanager
def outside() -> Iterator[Outside]:
    """The server, for as long as it is needed."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            received = Received(
                self.command,
                self.path,
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(length),
            )
            world.received.append(received)
            if world.behave is not None:
                world.behave(self)
                return
            self.send_response(world.status)
            for name, value in world.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(world.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(world.body)

        do_GET = do_HEAD = do_POST = _answer  # noqa: N815 - the names of http.server

        def log_message(self, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    world = Outside(port=server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield world
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def reachable_outside() -> Iterator[Outside]:
    """The server, with loopback on the list of exceptions."""
    with outside() as world, override_settings(OUTBOUND_ALLOWED_NETWORKS=LOOPBACK):
        yield world
