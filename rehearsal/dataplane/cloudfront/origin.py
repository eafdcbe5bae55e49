"""The client side of the front: HTTP/1.1 to origins, over connections that are kept for the next request.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import h11

from rehearsal.dataplane.cloudfront.configuration import covers
from rehearsal.dataplane.cloudfront.errors import EdgeError
from rehearsal.dataplane.cloudfront.messages import Headers, joined

log = logging.getLogger(__name__)

CHUNK = 64 * 1024
#: CloudFront's limit for the headers of an origin's response lies in this order.
LARGEST_HEAD = 64 * 1024

_TLS_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}

UNREACHABLE = (
    "CloudFront attempted to establish a connection with the origin, but either the attempt failed or the origin "
    "closed the connection. We can't connect to the server for this app or website at this time."
)
LATE = (
    "CloudFront was not able to get a response from the origin in time. We can't connect to the server for this "
    "app or website at this time."
)
UNRESOLVED = "CloudFront wasn't able to resolve the origin domain name."
UNTRUSTED = "CloudFront wasn't able to establish a trusted TLS connection with the origin."


@dataclass(frozen=True)
class Endpoint:
    """Where and how to connect. Times are seconds; `names` are those that the certificate may speak for."""

    addresses: tuple[str, ...]
    port: int
    tls: bool
    server_name: str = ""
    names: tuple[str, ...] = ()
    tls_versions: tuple[str, ...] = ("TLSv1.2",)
    authority: str = ""
    attempts: int = 3
    connect_timeout: float = 10
    read_timeout: float = 30
    keepalive: float = 5


@dataclass
class OriginResponse:
    """An origin's answer; `body` must be read to its end, or `close` be called."""

    status: int
    reason: str
    headers: Headers
    body: AsyncIterator[bytes]
    connection: _Connection
    exchange: int

    def close(self) -> None:
        """Drop the rest of the answer, and with it the connection, unless the answer was read to its end."""
        if self.connection.exchange == self.exchange:
            self.connection.close()


@dataclass(eq=False)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    state: h11.Connection = field(
        default_factory=lambda: h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST_HEAD)
    )
    expiry: asyncio.TimerHandle | None = None
    #: Counts the answers that were read to their end.
    exchange: int = 0

    def close(self) -> None:
        if self.expiry:
            self.expiry.cancel()
        self.writer.close()

    async def send(self, event: h11.Request | h11.Data | h11.EndOfMessage) -> None:
        data = self.state.send(event)
        if data:
            self.writer.write(data)
            await self.writer.drain()

    async def next_event(self, timeout: float) -> h11.Event:
        """The next part of the answer. Raises TimeoutError, ConnectionError or h11.RemoteProtocolError."""
        while True:
            event = self.state.next_event()
            if event is not h11.NEED_DATA:
                if isinstance(event, h11.ConnectionClosed):
                    raise ConnectionResetError("the origin closed the connection")
                assert isinstance(event, h11.Event)  # noqa: S101
                return event
            async with asyncio.timeout(timeout):
                self.state.receive_data(await self.reader.read(CHUNK))


class OriginClient:
    """Sends requests to origins. One for the whole front, used in one event loop."""

    def __init__(self) -> None:
        self._idle: dict[Endpoint, list[_Connection]] = {}
        self._contexts: dict[tuple[str, tuple[str, ...]], ssl.SSLContext] = {}

    async def send(
        self,
        endpoint: Endpoint,
        method: str,
        target: str,
        headers: Headers,
        body: AsyncIterator[bytes] | None = None,
    ) -> OriginResponse:
        """Send a request and return the beginning of its answer.

        A connection that cannot be made is tried `attempts` times; so is a GET or HEAD without an answer. Anything
        else is sent once. Raises EdgeError 502 or 504 with the page for the viewer.
        """
        repeatable = method in ("GET", "HEAD")
        failure = EdgeError(502, UNREACHABLE)
        attempt = 0
        while attempt < endpoint.attempts:
            connection = self._take(endpoint)
            kept = connection is not None
            attempt += 1
            if connection is None:
                try:
                    connection = await self._connect(endpoint, endpoint.addresses[attempt % len(endpoint.addresses)])
                except TimeoutError:
                    failure = EdgeError(504, LATE)
                    continue
                except ssl.SSLError as error:
                    log.warning("origin %s: %s", endpoint.server_name, error)
                    raise EdgeError(502, UNTRUSTED) from error
                except OSError as error:
                    log.info("origin %s port %d: %s", endpoint.addresses, endpoint.port, error)
                    failure = EdgeError(502, UNREACHABLE)
                    continue
            try:
                return await self._exchange(connection, endpoint, method, target, headers, body)
            except TimeoutError:
                connection.close()
                failure = EdgeError(504, LATE)
            except (OSError, h11.RemoteProtocolError, asyncio.IncompleteReadError) as error:
                connection.close()
                log.info("origin %s port %d: %s", endpoint.addresses, endpoint.port, error)
                failure = EdgeError(502, UNREACHABLE)
                if kept and repeatable:
                    # The origin gave up an idle connection while the request was on its way to it. A POST may have
                    # been carried out all the same, so it is not sent again.
                    attempt -= 1
                    continue
            except BaseException:
                connection.close()
                raise
            if not repeatable:
                break
        raise failure

    def close(self) -> None:
        """Close what is idle."""
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    async def _exchange(
        self,
        connection: _Connection,
        endpoint: Endpoint,
        method: str,
        target: str,
        headers: Headers,
        body: AsyncIterator[bytes] | None,
    ) -> OriginResponse:
        if body is not None and joined(headers, "content-length") is None:
            headers = [*headers, ("transfer-encoding", "chunked")]
        await connection.send(h11.Request(method=method, target=target, headers=_encoded(headers)))
        try:
            if body is not None:
                async for chunk in body:
                    await connection.send(h11.Data(data=chunk))
            await connection.send(h11.EndOfMessage())
        except ConnectionError:
            # An origin may refuse a body before its end; what it said is still there to be read.
            log.info("origin %s stopped reading the request", endpoint.addresses)
        while True:
            event = await connection.next_event(endpoint.read_timeout)
            if isinstance(event, h11.Response):
                break
        response = OriginResponse(
            event.status_code,
            event.reason.decode("latin-1"),
            [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in event.headers],
            self._body(connection, endpoint),
            connection,
            connection.exchange,
        )
        if method == "HEAD" or event.status_code in (204, 304):
            async for _ in response.body:
                pass
        return response

    async def _body(self, connection: _Connection, endpoint: Endpoint) -> AsyncIterator[bytes]:
        complete = False
        try:
            while True:
                event = await connection.next_event(endpoint.read_timeout)
                if isinstance(event, h11.Data):
                    yield bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    complete = True
                    break
        finally:
            if complete and connection.state.our_state is connection.state.their_state is h11.DONE:
                connection.state.start_next_cycle()
                connection.exchange += 1
                self._keep(endpoint, connection)
            else:
                connection.close()

    def _take(self, endpoint: Endpoint) -> _Connection | None:
        connections = self._idle.get(endpoint, [])
        while connections:
            connection = connections.pop()
            if connection.expiry:
                connection.expiry.cancel()
            if not connection.reader.at_eof() and not connection.writer.is_closing():
                return connection
            connection.close()
        return None

    def _keep(self, endpoint: Endpoint, connection: _Connection) -> None:
        connections = self._idle.setdefault(endpoint, [])

        def expire() -> None:
            if connection in connections:
                connections.remove(connection)
            connection.close()

        connection.expiry = asyncio.get_running_loop().call_later(endpoint.keepalive, expire)
        connections.append(connection)

    async def _connect(self, endpoint: Endpoint, address: str) -> _Connection:
        """Raises TimeoutError, OSError or ssl.SSLError, the last also for a certificate of another name."""
        context = self._context(endpoint) if endpoint.tls else None
        async with asyncio.timeout(endpoint.connect_timeout):
            reader, writer = await asyncio.open_connection(
                address,
                endpoint.port,
                ssl=context,
                server_hostname=endpoint.server_name if context else None,
                limit=2 * CHUNK,
            )
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None and not _speaks_for(writer, endpoint.names):
            writer.close()
            raise ssl.SSLCertVerificationError(
                f"the certificate of {address} speaks for none of {', '.join(endpoint.names)}"
            )
        return _Connection(reader, writer)

    def _context(self, endpoint: Endpoint) -> ssl.SSLContext:
        key = (endpoint.authority, endpoint.tls_versions)
        if key not in self._contexts:
            context = ssl.create_default_context(cafile=endpoint.authority)
            # The certificate may speak for the origin's name or for the forwarded host, whichever SNI asked for;
            # `_speaks_for` compares both.
            context.check_hostname = False
            versions = [_TLS_VERSIONS[each] for each in endpoint.tls_versions if each in _TLS_VERSIONS]
            context.minimum_version = min(versions, default=ssl.TLSVersion.TLSv1_2)
            context.maximum_version = max(versions, default=ssl.TLSVersion.TLSv1_2)
            context.set_alpn_protocols(["http/1.1"])
            self._contexts[key] = context
        return self._contexts[key]

    def forget_authorities(self) -> None:
        """Read the authorities' files again for the connections to come."""
        self._contexts.clear()


def _speaks_for(writer: asyncio.StreamWriter, names: Sequence[str]) -> bool:
    certificate = writer.get_extra_info("peercert") or {}
    listed = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"]
    return any(covers(pattern, name) for pattern in listed for name in names)


def _encoded(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
