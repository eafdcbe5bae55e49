"""What the application may be made to ask, and what not."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbound.guard import Refused, Unreachable, check_url, is_allowed, parse_target
from outbound.http import MAXIMUM_BODY, fetch
from tests.outside import Outside, outside, reachable_outside
from tests.stores import closed_port


@pytest.fixture
def world() -> Iterator[Outside]:
    with reachable_outside() as world:
        yield world


def answer_with(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Let every name resolve to these addresses; the names that were asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, **options: Any) -> list[Any]:
        asked.append(host)
        return [(0, 0, 0, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://0/",
        "http://0.0.0.0/",
        "http://localhost/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:7f00:1::]/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://169.254.170.2/v2/credentials",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://198.18.0.1/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://240.0.0.1/",
        "http://[ff02::1]/",
    ],
)
def test_addresses_inside_are_refused(url: str) -> None:
    with pytest.raises(Refused, match="not on the public internet"):
        check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "http://",
        "http://user@example.com/",
        "http://user:password@example.com/",
        "http://example.com:22/",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http://example.com:x/",
        "http://exa mple.com/",
        "http://example.com/\r\nHost: other",
        "http://example.com\\@127.0.0.1/",
        "http://example.com/\t",
        "http://ex\u0430mple.com/",
        "http://[::1/",
        "http://example.com/" + "x" * 2000,
    ],
)
def test_what_is_no_plain_url_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        parse_target(url)


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_the_same_in_every_disguise(address: ipaddress.IPv4Address) -> None:
    mapped = ipaddress.IPv6Address(f"::ffff:{address}")
    nat64 = ipaddress.IPv6Address((0x64FF9B << 96) | int(address))

    assert is_allowed(mapped) == is_allowed(address)
    assert is_allowed(nat64) == is_allowed(address)


@given(st.text(max_size=60))
def test_whatever_is_typed_is_refused_or_taken_apart(text: str) -> None:
    try:
        target = parse_target(f"http://{text}")
    except Refused:
        return
    assert target.host
    assert target.path.startswith("/")
    assert not set(target.path) & set(" \r\n\t")


def test_public_addresses_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, "93.184.216.34", "2606:2800:220:1::1")
    check_url("https://example.com/health?x=1")


def test_one_bad_answer_of_many_spoils_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, "93.184.216.34", "10.0.0.5")
    with pytest.raises(Refused):
        check_url("http://rebind.example/")


def test_a_name_is_resolved_once_and_the_judged_address_is_asked(
    world: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer_with(monkeypatch, "127.0.0.1")

    fetched = fetch(f"http://monitored.example:{world.port}/x", timeout=5)

    assert fetched.status == 200
    assert asked == ["monitored.example"]
    assert world.received[0].headers["host"] == f"monitored.example:{world.port}"


def test_a_name_that_changes_its_mind_cannot_lead_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second answer of a rebinding name server is never asked for."""
    answers = iter([["203.0.113.1"], ["127.0.0.1"]])
    connected: list[str] = []
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _, port, **__: [(0, 0, 0, "", (text, port)) for text in next(answers)]
    )
    monkeypatch.setattr("outbound.guard.is_allowed", lambda address: str(address) == "203.0.113.1")

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(Unreachable, match="refused"):
        fetch("http://rebind.example/", timeout=5)

    assert connected == ["203.0.113.1"]


def test_nothing_is_sent_to_a_refused_address() -> None:
    with outside() as world:
        with pytest.raises(Refused):
            fetch(world.url, timeout=5)
        assert world.received == []


def test_a_redirect_is_followed_and_judged(world: Outside) -> None:
    world.behave = lambda handler: redirect(handler, "/end") if handler.path == "/" else plain(handler)

    fetched = fetch(world.url, timeout=5, redirects=2)

    assert (fetched.status, fetched.url) == (200, f"{world.url}end")


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/latest/", "http://[::1]/", "file:///etc/passwd", "//10.0.0.1/", "http://a@b/"]
)
def test_a_redirect_inside_is_refused(world: Outside, location: str) -> None:
    world.status, world.headers = 302, {"Location": location}

    with pytest.raises(Refused):
        fetch(world.url, timeout=5, redirects=5)


def test_redirects_end(world: Outside) -> None:
    world.status, world.headers = 302, {"Location": "/"}

    assert fetch(world.url, timeout=5, redirects=3).status == 302
    assert len(world.received) == 4


def test_a_redirect_that_is_wanted_is_an_answer(world: Outside) -> None:
    world.status, world.headers = 301, {"Location": "/other"}

    assert fetch(world.url, timeout=5, redirects=3, stop_at=frozenset({301})).status == 301
    assert len(world.received) == 1


def test_the_operators_way_leads_there_and_the_host_stays() -> None:
    with outside() as world:
        fetched = fetch("https://sns.example/a?b=c", timeout=5, via=world.url.rstrip("/"))
    (received,) = world.received
    assert (fetched.status, fetched.url) == (200, "https://sns.example/a?b=c")
    assert received.path == "/a?b=c"
    assert received.headers["host"].split(":")[0] == "sns.example"


@pytest.mark.parametrize("part", ["headers", "body"])
def test_drops_of_bytes_do_not_renew_the_time(world: Outside, part: str) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        try:
            if part == "body":
                handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            for _ in range(100):
                handler.wfile.write(b"X")
                handler.wfile.flush()
                time.sleep(0.05)
        except OSError:
            return

    world.behave = drip
    began = time.monotonic()

    with pytest.raises(Unreachable, match=r"No answer within 0\.5 s"):
        fetch(world.url, timeout=0.5)

    assert time.monotonic() - began < 1.5


def test_a_tls_handshake_that_never_comes_ends_in_time(world: Outside) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(Unreachable, match="No answer within"):
            fetch(f"https://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.5)
    assert time.monotonic() - began < 1.5


def test_a_slow_resolver_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def sleep(*_: object, **__: object) -> list[object]:
        time.sleep(1.5)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", sleep)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="not resolved in time"):
        fetch("http://slow.example/", timeout=0.3)
    assert time.monotonic() - began < 1


def test_a_large_body_is_cut(world: Outside) -> None:
    world.body = b"x" * (3 * MAXIMUM_BODY)

    assert len(fetch(world.url, timeout=5).body) == MAXIMUM_BODY


def test_failures_are_told_in_words(world: Outside) -> None:
    with pytest.raises(Unreachable, match="refused"):
        fetch(f"http://127.0.0.1:{closed_port()}/", timeout=5)
    with pytest.raises(Unreachable, match="TLS"):
        fetch(f"https://127.0.0.1:{world.port}/", timeout=5)

    def speak_ssh(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"SSH-2.0-OpenSSH\r\n\r\n")

    world.behave = speak_ssh
    with pytest.raises(Unreachable, match="not HTTP"):
        fetch(world.url, timeout=5)


def test_the_proxy_of_the_environment_is_not_asked(world: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")

    assert fetch(world.url, timeout=5).status == 200


def redirect(handler: BaseHTTPRequestHandler, location: str) -> None:
    handler.send_response(302)
    handler.send_header("Location", location)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def plain(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "0")
    handler.end_headers()
