"""The walk of the role verify: which hop an answer points at, and the walk itself against a server with TLS."""

from __future__ import annotations

import importlib.util
import ssl
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rehearsal.certificates import CertificateAuthority

ROOT = Path(__file__).parents[2]


def _load() -> ModuleType:
    """A role's own module lies outside of every package."""
    specification = importlib.util.spec_from_file_location("site_walk", ROOT / "roles/verify/library/site_walk.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["site_walk"] = module
    specification.loader.exec_module(module)
    return module


site_walk = _load()

NAME = "app.slipway.localhost"
SITE = "https://app.example.com"
HTML = {"content-type": "text/html; charset=utf-8"}
JSON = {"content-type": "application/json"}
PAGE = '<html><head><script type="module" src="/assets/index-3f2a91bc.js"></script></head><body><div id="root"></div>'


def healthy(url: str) -> Any:
    """A site on which everything is right."""
    path = url.split("/", 3)[3]
    if url.startswith("http://"):
        return site_walk.Answer(301, {"location": f"{SITE}/"})
    if path in {"", "slipway-verify/page"}:
        return site_walk.Answer(200, HTML, PAGE)
    if path == "assets/index-3f2a91bc.js":
        return site_walk.Answer(200, {"content-type": "text/javascript"}, "export {}")
    if path in {"api/", "api/summary/"}:
        return site_walk.Answer(200, JSON, "{}")
    if path.startswith("api/"):
        return site_walk.Answer(404, JSON, '{"title": "Not found"}')
    return site_walk.Answer(404, {"content-type": "application/xml"}, "<Error><Code>NoSuchKey</Code></Error>")


def walk(answers: dict[str, Any]) -> list[Any]:
    """The findings on a site that is healthy but for ``answers``, keyed by path."""

    def fetch(url: str) -> Any:
        return answers.get(url.removeprefix(SITE), healthy(url))

    return list(
        site_walk.walk(
            fetch,
            url=SITE,
            plain_url="http://app.example.com",
            page_marker='<div id="root">',
            asset_prefix="/assets/",
            page_path="/slipway-verify/page",
            api_path="/api/",
            data_path="/api/summary/",
        )
    )


def broken(answers: dict[str, Any]) -> Any:
    return next(finding for finding in walk(answers) if not finding.ok)


def test_a_healthy_site_has_nothing_broken() -> None:
    findings = walk({})
    assert [finding for finding in findings if not finding.ok] == []
    assert len(findings) == 8


@pytest.mark.parametrize(("stage", "hop"), [("resolve", "dns"), ("connect", "cdn"), ("tls", "cdn"), ("http", "cdn")])
def test_where_nothing_answers_nothing_more_is_asked(stage: Any, hop: str) -> None:
    findings = walk({"/": site_walk.NoAnswer(stage, "gone")})
    assert [finding.hop for finding in findings] == [hop]


NGINX_502 = "<html><body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>"


@pytest.mark.parametrize(
    ("path", "status", "headers", "body", "hop"),
    [
        ("/", 403, {"server": "AmazonS3"}, "<Code>AccessDenied</Code>", "bucket"),
        ("/", 404, {"server": "AmazonS3"}, "<Code>NoSuchKey</Code>", "bucket"),
        ("/", 200, HTML, "<h1>Welcome to nginx!</h1>", "bucket"),
        ("/", 503, {"server": "CloudFront"}, "", "cdn"),
        ("/assets/index-3f2a91bc.js", 404, {"server": "AmazonS3"}, "", "bucket"),
        ("/assets/index-3f2a91bc.js", 200, HTML, PAGE, "bucket"),
        ("/assets/slipway-verify-missing.js", 403, {"server": "AmazonS3"}, "", "bucket"),
        ("/assets/slipway-verify-missing.js", 200, HTML, PAGE, "cdn"),
        ("/slipway-verify/page", 404, {"server": "AmazonS3"}, "", "bucket"),
        ("/api/", 502, {"server": "CloudFront", **HTML}, "ERROR: The request could not be satisfied", "balancer"),
        ("/api/", 504, {"server": "awselb/2.0", **HTML}, "504 Gateway Time-out", "nginx"),
        ("/api/", 503, {"server": "awselb/2.0", **HTML}, "503 Service Temporarily Unavailable", "nginx"),
        ("/api/", 502, {"server": "nginx", **HTML}, NGINX_502, "gunicorn"),
        ("/api/", 500, {"server": "nginx", **JSON}, "{}", "application"),
        ("/api/", 200, HTML, PAGE, "cdn"),
        ("/api/", 200, JSON, "not json", "cdn"),
        ("/api/slipway-verify-missing/", 200, HTML, PAGE, "cdn"),
        ("/api/slipway-verify-missing/", 404, HTML, PAGE, "cdn"),
        ("/api/summary/", 503, {"server": "nginx", **JSON}, "{}", "application"),
    ],
)
def test_an_answer_points_at_a_hop(path: str, status: int, headers: dict[str, str], body: str, hop: str) -> None:
    finding = broken({path: site_walk.Answer(status, headers, body)})
    assert finding.hop == hop, finding
    assert finding.remedy
    assert str(status) in finding.sentence


@pytest.mark.parametrize("location", ["", "http://app.example.com/", "https://other.example.com/"])
def test_plain_http_leads_to_the_site(location: str) -> None:
    finding = broken({"http://app.example.com/": site_walk.Answer(301, {"location": location})})
    assert finding.question == "plain HTTP"


@pytest.mark.parametrize(
    ("page", "asset"),
    [
        (PAGE, "/assets/index-3f2a91bc.js"),
        ("<link rel=stylesheet href=/assets/a.css>", "/assets/a.css"),
        ("<a href='/other/a.css'>", ""),
    ],
)
def test_the_page_names_its_files(page: str, asset: str) -> None:
    assert site_walk.asset_of(page, prefix="/assets/") == asset


def test_a_name_that_does_not_resolve_is_told_from_a_port_that_is_closed() -> None:
    fetch = site_walk.fetcher(connect_address="", ca_path="", timeout=2)
    failure = fetch("https://name.invalid/")
    assert failure.stage == "resolve"
    fetch = site_walk.fetcher(connect_address="127.0.0.1", ca_path="", timeout=2)
    failure = fetch("https://name.invalid:1/")
    assert failure.stage == "connect"


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = f"host={self.headers['Host']} path={self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A server on 127.0.0.1 with a certificate for one name: its port, and the CA to trust."""
    authority = CertificateAuthority(tmp_path)
    issued = authority.issue([NAME], name="site")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.cert_path, issued.key_path)
    with HTTPServer(("127.0.0.1", 0), _Site) as httpd:
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield httpd.server_port, authority.cert_path
        httpd.shutdown()
        thread.join()


def test_a_name_can_be_given_an_address_and_is_still_the_name_that_tls_and_http_see(server: tuple[int, Path]) -> None:
    port, authority = server
    fetch = site_walk.fetcher(connect_address="127.0.0.1", ca_path=str(authority), timeout=5)
    answer = fetch(f"https://{NAME}:{port}/orders?x=1")
    assert answer.status == 200
    assert answer.body == f"host={NAME}:{port} path=/orders?x=1"


def test_a_certificate_for_another_name_is_refused(server: tuple[int, Path]) -> None:
    port, authority = server
    fetch = site_walk.fetcher(connect_address="127.0.0.1", ca_path=str(authority), timeout=5)
    assert fetch(f"https://other.slipway.localhost:{port}/").stage == "tls"


def test_a_certificate_of_an_unknown_authority_is_refused(server: tuple[int, Path]) -> None:
    port, _ = server
    fetch = site_walk.fetcher(connect_address="127.0.0.1", ca_path="", timeout=5)
    assert fetch(f"https://{NAME}:{port}/").stage == "tls"
