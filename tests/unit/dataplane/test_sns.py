"""Messages of SNS arrive: over TLS with the rehearsal's authority, signed by it, and tried again while it helps."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509

from rehearsal.certificates import CertificateAuthority
from rehearsal.dataplane.sns import RETRIES, Deliveries
from rehearsal.emulator.corrections import sns
from rehearsal.emulator.corrections.sns import Post

HOST = "app.slipway.localhost"


@dataclass
class Endpoint:
    """A site on this machine; `statuses` are its answers, the last one for good."""

    port: int
    statuses: list[int] = field(default_factory=lambda: [204])
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def wait(self, count: int) -> None:
        """Until so much was received."""
        end = time.monotonic() + 10
        while len(self.received) < count:
            assert time.monotonic() < end, self.received
            time.sleep(0.02)


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path)


@pytest.fixture
def endpoint(authority: CertificateAuthority) -> Iterator[Endpoint]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.received.append((dict(self.headers), body))
            self.send_response(found.statuses.pop(0) if len(found.statuses) > 1 else found.statuses[0])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issued = authority.issue([HOST], name="site")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.cert_path, issued.key_path)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    found = Endpoint(server.server_address[1])
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def deliveries(authority: CertificateAuthority) -> Iterator[Deliveries]:
    deliveries = Deliveries(authority, retry_seconds=0.05)
    deliveries.start()
    yield deliveries
    deliveries.stop()


def carriage() -> sns.Carriage:
    assert sns._carriage is not None
    return sns._carriage


def post(endpoint: Endpoint, host: str = HOST) -> None:
    headers = {"x-amz-sns-message-type": "Notification", "Content-Type": "text/plain"}
    carriage().carry(Post(f"https://{host}:{endpoint.port}/in?a=1", headers, b"hello"))


@pytest.mark.usefixtures("deliveries")
def test_a_message_arrives(endpoint: Endpoint) -> None:
    post(endpoint)
    endpoint.wait(1)
    ((headers, body),) = endpoint.received
    assert body == b"hello"
    assert headers["Host"] == f"{HOST}:{endpoint.port}"
    assert headers["x-amz-sns-message-type"] == "Notification"


@pytest.mark.usefixtures("deliveries")
def test_it_is_tried_again_while_that_may_help(endpoint: Endpoint) -> None:
    endpoint.statuses = [503, 429, 500, 204]
    post(endpoint)
    endpoint.wait(RETRIES + 1)


@pytest.mark.parametrize(("status", "times"), [(500, RETRIES + 1), (403, 1), (302, 1)])
@pytest.mark.usefixtures("deliveries")
def test_it_is_given_up(endpoint: Endpoint, status: int, times: int) -> None:
    endpoint.statuses = [status]
    post(endpoint)
    endpoint.wait(times)
    time.sleep(0.3)
    assert len(endpoint.received) == times


@pytest.mark.usefixtures("deliveries")
def test_nothing_is_told_to_somebody_else(endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    post(endpoint, host="other.localhost")
    end = time.monotonic() + 10
    while "gives up" not in caplog.text:
        assert time.monotonic() < end, caplog.text
        time.sleep(0.02)
    assert endpoint.received == []


@pytest.mark.usefixtures("deliveries")
def test_the_certificate_is_the_authoritys_and_speaks_for_no_name(authority: CertificateAuthority) -> None:
    pem = sns.certificate(carriage().path)
    assert pem is not None
    certificate = x509.load_pem_x509_certificate(pem)
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.cert_path.read_bytes()))
    assert certificate.public_key() == carriage().key.public_key()
    for extension in (x509.SubjectAlternativeName, x509.ExtendedKeyUsage):
        with pytest.raises(x509.ExtensionNotFound):
            certificate.extensions.get_extension_for_class(extension)
    again = CertificateAuthority(authority.cert_path.parent.parent).issue_signer(name="sns")
    assert x509.load_pem_x509_certificate(again.cert_path.read_bytes()) == certificate


def test_after_the_end_nothing_is_signed(deliveries: Deliveries) -> None:
    path = carriage().path
    deliveries.stop()
    assert sns.certificate(path) is None
