"""A front in its own process before an emulated S3 and a small HTTPS server that stands for the load balancer."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from moto.core.base_backend import BackendDict

from rehearsal.certificates import CertificateAuthority
from rehearsal.dataplane.cloudfront.configuration import Certificate, Configuration, Invalidation, Parts, encode
from rehearsal.dataplane.cloudfront.controller import FrontProcess
from rehearsal.emulator.operator import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from rehearsal.emulator.server import Emulator
from tests.unit.dataplane.cloudfront.cloudfront_support import BUCKET, ORIGIN, SITE, config, configuration, made, parts

INDEX = b"<!doctype html><title>Incidents</title>" + b"<p>padding</p>" * 200


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Backend:
    """The HTTPS server: what it was asked, and what it answers by path."""

    port: int
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    connections: int = 0

    def asked(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(1 for _, target, _, _ in self.requests if target.partition("?")[0] == path)

    def says(self, path: str, body: bytes, status: int = 200, **headers: str) -> None:
        """Answer a path; `_` in a header's name stands for `-`."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.end_headers()
            if handler.command != "HEAD":
                handler.wfile.write(body)

        self.answers[path] = answer


def serve(backend: Backend, cert: Path, key: Path) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            backend.connections += 1
            super().setup()

        def answer(self) -> None:
            path = self.path.partition("?")[0]
            body = b""
            if self.headers.get("Transfer-Encoding") == "chunked":
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            elif length := self.headers.get("Content-Length"):
                body = self.rfile.read(int(length))
            headers = {name.lower(): value for name, value in self.headers.items()}
            backend.requests.append((self.command, self.path, headers, body))
            if path in backend.answers:
                backend.answers[path](self)
                return
            missing = b'{"detail":"Not found."}'
            self.send_response(404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(missing)))
            self.end_headers()
            self.wfile.write(missing)

        def log_message(self, format: str, *args: Any) -> None:
            """Stay quiet."""

    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        setattr(Handler, f"do_{method}", Handler.answer)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that does not like the certificate is no news."""

    server = Server(("127.0.0.1", backend.port), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


@dataclass
class Laboratory:
    """The front, what it obeys, and a client for it."""

    port: int
    front: FrontProcess
    backend: Backend
    s3: Any
    authority: CertificateAuthority
    state: Path
    base: Configuration
    certificate: Certificate
    #: Counts the tests: each begins with an invalidation of everything.
    test: int = 0

    def obey(
        self,
        distribution_config: dict[str, Any] | None = None,
        known: Parts | None = None,
    ) -> None:
        """Let the front serve a distribution with the test's ports."""
        changed = distribution_config or config()
        for origin in changed["Origins"]["Items"]:
            if "CustomOriginConfig" in origin and origin["CustomOriginConfig"]["HTTPSPort"] == 443:
                origin["CustomOriginConfig"]["HTTPSPort"] = self.backend.port
        refers_to = known or parts()
        everything = Invalidation(f"test {self.test}", ("/*",))
        refers_to = replace(refers_to, invalidations=(everything, *refers_to.invalidations))
        one = made(changed, refers_to, self.certificate)
        text = encode(replace(self.base, distributions=(one,)))
        end = time.monotonic() + 20
        while not self.front.obey(text):
            assert time.monotonic() < end, (self.state / "cloudfront" / "front.log").read_text()
            time.sleep(0.05)

    def client(self, host: str = SITE, *, http2: bool = True) -> httpx.Client:
        """A client that connects to the front by address and names `host` in SNI and Host."""
        context = ssl.create_default_context(cafile=str(self.authority.cert_path))
        client = httpx.Client(
            base_url=f"https://127.0.0.1:{self.port}",
            headers={"host": host, "accept-encoding": "identity"},
            verify=context,
            http2=http2,
            timeout=20,
        )

        def name(request: httpx.Request) -> None:
            request.extensions["sni_hostname"] = host

        client.event_hooks = {"request": [name]}
        return client

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET over HTTP/2 with a connection of its own."""
        with self.client() as client:
            return client.get(path, **options)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    state = tmp_path_factory.mktemp("state")
    authority = CertificateAuthority(state)
    # moto keeps its account in its modules, whoever filled it before.
    BackendDict.reset()
    emulator = Emulator(0)
    emulator.start()
    s3 = boto3.client(
        "s3",
        region_name="eu-west-1",
        endpoint_url=emulator.endpoint,
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
    )
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    backend = Backend(free_port())
    own = authority.issue([ORIGIN], name="origin")
    server = serve(backend, own.cert_path, own.key_path)
    default = authority.issue(["*.cloudfront.net"], name="cloudfront")
    site = authority.issue([SITE], name="site")
    front_port = free_port()
    laboratory = Laboratory(
        port=front_port,
        front=FrontProcess(state / "cloudfront", [f"127.0.0.1:{front_port}"], lambda: None),
        backend=backend,
        s3=s3,
        authority=authority,
        state=state,
        base=configuration(
            certificate=Certificate(str(default.cert_path), str(default.key_path)),
            authority=str(authority.cert_path),
            s3_endpoint=emulator.endpoint,
            https_port=front_port,
        ),
        certificate=Certificate(str(site.cert_path), str(site.key_path)),
    )
    yield laboratory
    laboratory.front.stop()
    server.shutdown()
    server.server_close()
    emulator.stop()


@pytest.fixture
def laboratory(shared: Laboratory) -> Laboratory:
    """The laboratory with an empty cache, the usual objects and a backend that was never asked."""
    shared.test += 1
    log = shared.state / "cloudfront" / "front.log"
    if log.exists():
        os.truncate(log, 0)
    shared.backend.requests.clear()
    shared.backend.answers.clear()
    shared.s3.put_object(Bucket=BUCKET, Key="index.html", Body=INDEX, ContentType="text/html", CacheControl="no-cache")
    shared.s3.put_object(
        Bucket=BUCKET,
        Key="assets/app-1a2b.js",
        Body=b"console.log(1);" * 200,
        ContentType="text/javascript",
        CacheControl="public, max-age=31536000, immutable",
    )
    return shared
