"""The front as a process of its own: TLS, HTTP/2 and HTTP/1.1 before an `Edge`.

    python -m rehearsal.dataplane.cloudfront.front --configuration FILE --bind 127.0.0.1:8443

`FILE` is what `configuration.encode` wrote; SIGHUP makes the process read it again without dropping a connection.
After each reading it writes `FILE.applied`: the SHA-256 of the configuration that it obeys, and its process id.
The operator's key of the emulated account comes from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import logging
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, cast

from botocore.credentials import ReadOnlyCredentials
from hypercorn.asyncio import serve
from hypercorn.config import Config, Sockets

from rehearsal.dataplane.cloudfront.configuration import Configuration, covers, decode
from rehearsal.dataplane.cloudfront.edge import Answer, Edge
from rehearsal.dataplane.cloudfront.messages import Request

log = logging.getLogger(__name__)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

#: Seconds that an idle viewer's connection stays open: CloudFront's own is ten minutes.
VIEWER_KEEPALIVE = 600
#: Seconds that requests under way have when the front is told to stop.
GRACE = 5
FLUSH = 0.1


class Certificates:
    """Which certificate a viewer gets: by SNI an alias's own, otherwise that of `*.cloudfront.net`."""

    def __init__(self, configuration: Configuration) -> None:
        self.default = _context(http2=True)
        self.default.sni_callback = self._choose
        self._by_name: dict[str, ssl.SSLContext] = {}
        self.apply(configuration)

    def apply(self, configuration: Configuration) -> None:
        """Use the certificates of another configuration for the handshakes to come.

        Raises OSError or ssl.SSLError when a file cannot be used; nothing has changed then.
        """
        by_name = {}
        for each in configuration.distributions:
            if not each.enabled:
                continue
            own = _context(http2=each.http2)
            own.load_cert_chain(configuration.certificate.cert, configuration.certificate.key)
            by_name[each.domain_name.lower()] = own
            if each.certificate and each.aliases:
                context = _context(http2=each.http2)
                context.load_cert_chain(each.certificate.cert, each.certificate.key)
                by_name.update(dict.fromkeys(each.aliases, context))
        self.default.load_cert_chain(configuration.certificate.cert, configuration.certificate.key)
        self._by_name = by_name

    def _choose(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        host = (name or "").lower()
        context = self._by_name.get(host) or next(
            (found for alias, found in self._by_name.items() if covers(alias, host)), None
        )
        if context is not None:
            connection.context = context


def _context(*, http2: bool) -> ssl.SSLContext:
    """TLS 1.2 and 1.3, as CloudFront's policies since TLSv1.2_2018."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2", "http/1.1"] if http2 else ["http/1.1"])
    return context


class Server(Config):
    """Hypercorn's settings, with certificates that may change while it runs."""

    def __init__(
        self,
        certificates: Certificates,
        secure: Sequence[str],
        plain: Sequence[str],
        listening: Callable[[], None],
    ) -> None:
        super().__init__()
        self._listening = listening
        self._certificates = certificates
        self.bind = list(secure)
        self.insecure_bind = list(plain)
        self.include_server_header = False
        self.include_date_header = False
        self.keep_alive_timeout = VIEWER_KEEPALIVE
        self.keep_alive_max_requests = 1_000_000
        self.h2_max_concurrent_streams = 128
        self.errorlog = logging.getLogger("hypercorn")

    @property
    def ssl_enabled(self) -> bool:
        """Always: certificates come from the configuration, not from Hypercorn's own settings."""
        return True

    def create_sockets(self) -> Sockets:
        """The listening sockets. Raises OSError when an address is taken."""
        sockets = super().create_sockets()
        for each in (*sockets.secure_sockets, *sockets.insecure_sockets):
            # Viewers wait in the backlog until the loop takes them, so from here on nobody is refused.
            each.listen(self.backlog)
        self._listening()
        return sockets

    def create_ssl_context(self) -> ssl.SSLContext:
        """The context that chooses by SNI."""
        return self._certificates.default


class Application:
    """The edge as an ASGI application (https://asgi.readthedocs.io/en/latest/specs/www.html)."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._under_way = 0
        #: Set while no request is under way.
        self.idle = asyncio.Event()
        self.idle.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; anything but HTTP is refused."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            self._under_way += 1
            self.idle.clear()
            try:
                await self._serve(scope, receive, send)
            finally:
                self._under_way -= 1
                if not self._under_way:
                    self.idle.set()
        else:
            await send({"type": "websocket.close", "code": 1002})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        first = await receive()
        if first["type"] == "http.disconnect":
            return
        body = _body(first, receive) if first.get("body") or first.get("more_body") else None
        answer = await self._edge.answer(_request(scope), body)
        await _send(answer, receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _request(scope: Scope) -> Request:
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    host = next((value for name, value in headers if name == "host"), "")
    client = scope.get("client") or ("127.0.0.1", 0)
    raw_path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
    return Request(
        method=scope["method"],
        host=host,
        path=raw_path if raw_path.startswith("/") else "/" + raw_path,
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        scheme=scope["scheme"],
        http_version="2.0" if scope["http_version"] == "2" else str(scope["http_version"]),
        client=(client[0], client[1] or 0),
    )


async def _body(first: dict[str, Any], receive: Receive) -> AsyncIterator[bytes]:
    """The request's body. Raises ConnectionAbortedError when the viewer leaves before its end."""
    message = first
    while True:
        if message["type"] == "http.disconnect":
            raise ConnectionAbortedError("the viewer left")
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return
        message = await receive()


async def _send(answer: Answer, receive: Receive, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.stream is None:
        await send({"type": "http.response.body", "body": answer.body})
        return
    gone = asyncio.ensure_future(_gone(receive))
    try:
        async for chunk in answer.stream:
            if gone.done():
                # Nobody reads any more: the origin need not send the rest.
                return
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        closing = getattr(answer.stream, "aclose", None)
        if closing is not None:
            await closing()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Front:
    """A running front and its configuration file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        text = path.read_text()
        configuration = decode(text)
        credentials = ReadOnlyCredentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], "")
        self._edge = Edge(configuration, credentials)
        self._certificates = Certificates(configuration)
        self._text = text
        self._stopping = asyncio.Event()

    async def run(self, secure: Sequence[str], plain: Sequence[str], *, until_eof: bool) -> None:
        """Serve until SIGTERM, SIGINT or, with `until_eof`, until whoever holds our standard input is gone.

        The process ends then. Raises OSError when an address is taken.
        """
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        if until_eof:
            loop.add_reader(sys.stdin.fileno(), self._read_input)
        server = Server(self._certificates, secure, plain, self._confirm)
        application = Application(self._edge)
        serving = asyncio.create_task(serve(cast(Any, application), server, shutdown_trigger=self._stopping.wait))
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            # It could not begin: an address is taken, above all.
            serving.result()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                await application.idle.wait()
        # What the last answers left in buffers.
        await asyncio.sleep(FLUSH)
        logging.shutdown()
        # Hypercorn would go on to wait for every idle viewer to say goodbye to TLS, and there is nothing to save.
        os._exit(0)

    def reload(self) -> None:
        """Read the configuration again; one that cannot be used is reported and the old one stays."""
        try:
            text = self._path.read_text()
            configuration = decode(text)
            self._certificates.apply(configuration)
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.error("the new configuration cannot be used: %r", error)
            return
        self._edge.apply(configuration)
        self._text = text
        self._confirm()

    def _confirm(self) -> None:
        applied = self._path.with_name(self._path.name + ".applied")
        temporary = applied.with_name(applied.name + ".new")
        temporary.write_text(json.dumps({"sha256": digest(self._text), "pid": os.getpid()}))
        temporary.replace(applied)

    def _read_input(self) -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self._stopping.set()


def digest(text: str) -> str:
    """How `FILE.applied` names a configuration."""
    return hashlib.sha256(text.encode()).hexdigest()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the front."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal.dataplane.cloudfront.front")
    parser.add_argument("--configuration", type=Path, required=True, help="the JSON file to obey")
    parser.add_argument("--bind", action="append", required=True, help="address:port for HTTPS; may come again")
    parser.add_argument("--plain-bind", action="append", default=[], help="address:port for plain HTTP")
    parser.add_argument("--until-eof", action="store_true", help="stop when standard input is closed")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

    async def run() -> None:
        await Front(options.configuration).run(options.bind, options.plain_bind, until_eof=options.until_eof)

    asyncio.run(run())


if __name__ == "__main__":
    main()
