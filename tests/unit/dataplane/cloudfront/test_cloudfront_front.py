"""The front as a viewer meets it: real TLS, HTTP/2, an S3 and an HTTPS origin."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import brotli  # type: ignore[import-untyped]
import httpx
import pytest

from rehearsal.dataplane.cloudfront.configuration import BucketState, Function, Invalidation
from tests.unit.dataplane.cloudfront.cloudfront_support import (
    ARN,
    BLOCKED,
    BUCKET,
    BUCKET_POLICY,
    DOMAIN,
    FUNCTION_ARN,
    ORIGIN,
    SITE,
    SPA,
    behavior,
    config,
    items,
    parts,
)
from tests.unit.dataplane.cloudfront.conftest import INDEX, Laboratory, free_port, serve

pytestmark = pytest.mark.timeout(60)

LISTING = """{"Statement": [
    {"Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"},
     "Action": ["s3:GetObject", "s3:ListBucket"],
     "Resource": ["arn:aws:s3:::slipway-frontend/*", "arn:aws:s3:::slipway-frontend"],
     "Condition": {"StringEquals": {"AWS:SourceArn": "%s"}}}]}"""


def cache(response: httpx.Response) -> str:
    """The first word of X-Cache."""
    return response.headers["x-cache"].split()[0]


def test_a_page_of_the_application_comes_from_the_bucket(laboratory: Laboratory) -> None:
    laboratory.obey()
    response = laboratory.get("/incidents/7")
    assert (response.status_code, response.http_version) == (200, "HTTP/2")
    assert response.content == INDEX
    assert response.headers["content-type"] == "text/html"
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["x-robots-tag"] == "noindex"
    assert "server" not in response.headers
    assert response.headers["via"] == f"1.1 {DOMAIN} (CloudFront)"
    assert len(response.headers["x-amz-cf-id"]) == 56
    assert "x-amz-request-id" not in response.headers
    assert laboratory.get("/").content == INDEX


def test_an_error_of_the_api_stays_an_error(laboratory: Laboratory) -> None:
    laboratory.obey()
    response = laboratory.get("/api/incidents/7")
    assert response.status_code == 404
    assert response.json() == {"detail": "Not found."}
    assert cache(response) == "Error"


def test_the_api_gets_what_the_viewer_sent(laboratory: Laboratory) -> None:
    laboratory.obey()
    laboratory.backend.says("/api/incidents/", b"{}", 201, Content_Type="application/json", Set_Cookie="a=1")
    with laboratory.client() as client:
        response = client.post(
            "/api/incidents/?q=a%2Fb",
            json={"title": "x"},
            headers={"cookie": "session=1", "authorization": "Token t", "origin": f"https://{SITE}"},
        )
    assert response.status_code == 201
    assert response.headers["set-cookie"] == "a=1"
    method, target, headers, body = laboratory.backend.requests[-1]
    assert (method, target) == ("POST", "/api/incidents/?q=a%2Fb")
    assert json.loads(body) == {"title": "x"}
    assert headers["host"] == SITE
    assert headers["cookie"] == "session=1"
    assert headers["authorization"] == "Token t"
    assert headers["x-origin-secret"] == "s3cret"
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["via"].endswith("(CloudFront)")


def test_a_body_without_a_length_is_streamed_in_chunks(laboratory: Laboratory) -> None:
    laboratory.obey()
    laboratory.backend.says("/api/upload", b"ok")

    def body() -> Iterator[bytes]:
        for _ in range(50):
            yield b"x" * 20_000

    with laboratory.client() as client:
        assert client.post("/api/upload", content=body()).text == "ok"
    assert laboratory.backend.requests[-1][3] == b"x" * 1_000_000


def test_connections_to_the_origin_are_kept(laboratory: Laboratory) -> None:
    laboratory.obey()
    laboratory.backend.says("/api/ping", b"pong")
    before = laboratory.backend.connections
    for _ in range(5):
        assert laboratory.get("/api/ping").text == "pong"
    assert laboratory.backend.connections - before <= 1


def test_caching_is_disabled_where_the_policy_says_so(laboratory: Laboratory) -> None:
    laboratory.obey()
    laboratory.backend.says("/api/time", b"now", Cache_Control="max-age=60")
    assert [cache(laboratory.get("/api/time")) for _ in range(2)] == ["Miss", "Miss"]
    assert laboratory.backend.asked("/api/time") == 2


def test_an_object_is_kept_until_it_is_invalidated(laboratory: Laboratory) -> None:
    laboratory.obey()
    laboratory.backend.says("/static/a.css", b"one", Content_Type="text/css", Cache_Control="max-age=60")
    assert cache(laboratory.get("/static/a.css")) == "Miss"
    laboratory.backend.says("/static/a.css", b"two", Content_Type="text/css", Cache_Control="max-age=60")
    hit = laboratory.get("/static/a.css")
    assert (cache(hit), hit.text) == ("Hit", "one")
    assert 0 <= int(hit.headers["age"]) < 10
    assert laboratory.backend.asked("/static/a.css") == 1
    laboratory.obey(known=parts(invalidations=(Invalidation("I1", ("/static/*",)),)))
    assert laboratory.get("/static/a.css").text == "two"


def test_no_cache_asks_the_bucket_each_time_and_transfers_nothing(laboratory: Laboratory) -> None:
    laboratory.obey()
    assert cache(laboratory.get("/")) == "Miss"
    again = laboratory.get("/")
    assert (cache(again), again.content) == ("RefreshHit", INDEX)
    laboratory.s3.put_object(Bucket=BUCKET, Key="index.html", Body=b"new", CacheControl="no-cache")
    assert laboratory.get("/").text == "new"


def test_a_compressed_object_is_confirmed_too(laboratory: Laboratory) -> None:
    laboratory.obey()
    answers = [laboratory.get("/", headers={"accept-encoding": "br"}) for _ in range(2)]
    assert [cache(each) for each in answers] == ["Miss", "RefreshHit"]
    assert answers[1].content == INDEX
    assert answers[1].headers["etag"].startswith("W/")


def test_a_viewer_with_a_fresh_copy_gets_304(laboratory: Laboratory) -> None:
    laboratory.obey()
    etag = laboratory.get("/assets/app-1a2b.js").headers["etag"]
    response = laboratory.get("/assets/app-1a2b.js", headers={"if-none-match": etag})
    assert (response.status_code, response.content) == (304, b"")
    assert laboratory.get("/assets/app-1a2b.js", headers={"if-none-match": '"other"'}).status_code == 200


def test_a_range_of_a_kept_object(laboratory: Laboratory) -> None:
    laboratory.obey()
    whole = laboratory.get("/assets/app-1a2b.js").content
    part = laboratory.get("/assets/app-1a2b.js", headers={"range": "bytes=8-15"})
    assert (part.status_code, part.content) == (206, whole[8:16])
    assert part.headers["content-range"] == f"bytes 8-15/{len(whole)}"
    assert laboratory.get("/assets/app-1a2b.js", headers={"range": "bytes=-5"}).content == whole[-5:]
    assert laboratory.get("/assets/app-1a2b.js", headers={"range": "bytes=99999-"}).status_code == 416


def test_a_range_of_an_object_that_is_not_kept(laboratory: Laboratory) -> None:
    laboratory.obey()
    part = laboratory.get("/assets/app-1a2b.js", headers={"range": "bytes=0-6"})
    assert (part.status_code, part.content) == (206, b"console")
    assert cache(part) == "Miss"


@pytest.mark.parametrize(("accepted", "coding"), [("gzip, deflate, br", "br"), ("gzip", "gzip")])
def test_text_is_compressed(laboratory: Laboratory, accepted: str, coding: str) -> None:
    laboratory.obey()
    for _ in range(2):
        with (
            laboratory.client() as client,
            client.stream("GET", "/assets/app-1a2b.js", headers={"accept-encoding": accepted}) as response,
        ):
            raw = b"".join(response.iter_raw())
        assert response.headers["content-encoding"] == coding
        assert response.headers["vary"] == "Accept-Encoding"
        assert response.headers["etag"].startswith("W/")
        assert (brotli.decompress(raw) if coding == "br" else gzip.decompress(raw)) == b"console.log(1);" * 200


def test_head_has_the_headers_of_get_and_no_body(laboratory: Laboratory) -> None:
    laboratory.obey()
    with laboratory.client() as client:
        for _ in range(2):
            head = client.head("/assets/app-1a2b.js")
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["content-length"] == "3000"
            client.get("/assets/app-1a2b.js")


@pytest.mark.parametrize(
    ("state", "path", "status", "code"),
    [
        (BucketState(BUCKET_POLICY % ARN, BLOCKED), "/missing.js", 403, "AccessDenied"),
        (BucketState(LISTING % ARN, BLOCKED), "/missing.js", 404, "NoSuchKey"),
        (BucketState(None, BLOCKED), "/assets/app-1a2b.js", 403, "AccessDenied"),
        (BucketState(BUCKET_POLICY % (ARN + "X"), BLOCKED), "/assets/app-1a2b.js", 403, "AccessDenied"),
        (None, "/assets/app-1a2b.js", 404, "NoSuchBucket"),
    ],
)
def test_the_bucket_policy_decides(
    laboratory: Laboratory, state: BucketState | None, path: str, status: int, code: str
) -> None:
    laboratory.obey(known=parts(buckets={BUCKET: state} if state else {}))
    response = laboratory.get(path)
    assert response.status_code == status
    assert f"<Code>{code}</Code>" in response.text
    assert response.headers["content-type"] == "application/xml"


def test_without_access_control_a_private_bucket_is_closed(laboratory: Laboratory) -> None:
    laboratory.obey(known=parts(origin_access_controls={"oac": {"SigningBehavior": "never"}}))
    assert laboratory.get("/assets/app-1a2b.js").status_code == 403


def test_a_custom_page_replaces_an_error_of_the_origin(laboratory: Laboratory) -> None:
    laboratory.s3.put_object(Bucket=BUCKET, Key="busy.html", Body=b"soon", ContentType="text/html")
    responses = items(
        {"ErrorCode": 503, "ResponsePagePath": "/busy.html", "ResponseCode": "503", "ErrorCachingMinTTL": 0},
        {"ErrorCode": 500, "ErrorCachingMinTTL": 30},
    )
    laboratory.obey(config(CustomErrorResponses=responses))
    laboratory.backend.says("/api/busy", b"{}", 503)
    laboratory.backend.says("/api/broken", b"{}", 500)
    busy = laboratory.get("/api/busy")
    assert (busy.status_code, busy.text, cache(busy)) == (503, "soon", "Error")
    laboratory.get("/api/busy")
    assert laboratory.backend.asked("/api/busy") == 2
    for _ in range(2):
        broken = laboratory.get("/api/broken")
        assert (broken.status_code, broken.text, cache(broken)) == (500, "{}", "Error")
    assert laboratory.backend.asked("/api/broken") == 1


def test_a_stale_object_stands_in_for_a_failing_origin(laboratory: Laboratory) -> None:
    laboratory.obey()
    laboratory.backend.says("/static/a.css", b"one", Cache_Control="max-age=0", ETag='"1"')
    laboratory.get("/static/a.css")
    laboratory.backend.says("/static/a.css", b"", 503)
    response = laboratory.get("/static/a.css")
    assert (response.status_code, response.text) == (200, "one")


@pytest.mark.parametrize("cache_control", ["max-age=60", "no-cache"])
def test_requests_for_one_object_are_collapsed(laboratory: Laboratory, cache_control: str) -> None:
    laboratory.obey()

    def slowly(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.5)
        handler.send_response(200)
        handler.send_header("Cache-Control", cache_control)
        handler.send_header("Content-Length", "4")
        handler.end_headers()
        handler.wfile.write(b"slow")

    laboratory.backend.answers["/static/slow"] = slowly
    ready = threading.Barrier(5)

    def ask(_: int) -> str:
        with laboratory.client() as client:
            client.get("/api/x")
            ready.wait(10)
            return client.get("/static/slow").text

    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(ask, range(5)))
    assert answers == ["slow"] * 5
    assert laboratory.backend.asked("/static/slow") == 1


def test_a_method_that_the_behaviour_does_not_allow(laboratory: Laboratory) -> None:
    laboratory.obey()
    with laboratory.client() as client:
        refused = client.post("/index.html", content=b"x")
        assert (refused.status_code, cache(refused)) == (403, "Error")
        assert client.request("TRACE", "/index.html").status_code == 405
        assert client.request("GET", "/index.html", content=b"x").status_code == 403


def test_the_origin_is_dead(laboratory: Laboratory) -> None:
    changed = config()
    changed["Origins"]["Items"][1]["CustomOriginConfig"]["HTTPSPort"] = free_port()
    laboratory.obey(changed)
    response = laboratory.get("/api/x")
    assert (response.status_code, cache(response)) == (502, "Error")
    assert "The request could not be satisfied" in response.text
    assert response.headers["server"] == "CloudFront"


def test_the_origin_is_silent(laboratory: Laboratory) -> None:
    laboratory.obey()
    laboratory.backend.answers["/api/sleep"] = lambda _: time.sleep(3)
    laboratory.get("/api/x")
    assert laboratory.get("/api/sleep").status_code == 504
    assert laboratory.backend.asked("/api/sleep") == 1, "ConnectionAttempts is 1"
    changed = config()
    changed["Origins"]["Items"][1]["ConnectionAttempts"] = 2
    laboratory.obey(changed)
    assert laboratory.get("/api/sleep").status_code == 504
    assert laboratory.backend.asked("/api/sleep") == 3
    with laboratory.client() as client:
        assert client.post("/api/sleep").status_code == 504
    assert laboratory.backend.asked("/api/sleep") == 4, "only GET and HEAD are sent again"


def test_the_origin_has_no_address(laboratory: Laboratory) -> None:
    laboratory.obey(known=parts(addresses={ORIGIN: "zone slipway.localhost has no record for it"}))
    response = laboratory.get("/api/x")
    assert response.status_code == 502
    assert "resolve the origin domain name" in response.text
    log = (laboratory.state / "cloudfront" / "front.log").read_text()
    assert "zone slipway.localhost has no record for it" in log


@pytest.mark.parametrize(
    ("names", "status"),
    [(["other.localhost"], 502), ([ORIGIN], 200), ([SITE], 200), (["*.app.slipway.localhost"], 200)],
)
def test_the_origins_certificate_must_speak_for_it_or_for_the_forwarded_host(
    laboratory: Laboratory, names: list[str], status: int
) -> None:
    own = laboratory.authority.issue(names, name="tested")
    original = laboratory.backend.port
    laboratory.backend.port = free_port()
    laboratory.backend.says("/api/x", b"ok")
    server = serve(laboratory.backend, own.cert_path, own.key_path)
    try:
        laboratory.obey()
        assert laboratory.get("/api/x").status_code == status
    finally:
        server.shutdown()
        server.server_close()
        laboratory.backend.port = original


def test_an_origin_of_another_authority_is_not_trusted(laboratory: Laboratory, tmp_path: Any) -> None:
    foreign = type(laboratory.authority)(tmp_path).issue([ORIGIN], name="foreign")
    original = laboratory.backend.port
    laboratory.backend.port = free_port()
    server = serve(laboratory.backend, foreign.cert_path, foreign.key_path)
    try:
        laboratory.obey()
        assert laboratory.get("/api/x").status_code == 502
    finally:
        server.shutdown()
        server.server_close()
        laboratory.backend.port = original


def test_the_next_member_of_an_origin_group_is_asked(laboratory: Laboratory) -> None:
    group = {
        "Id": "both",
        "FailoverCriteria": {"StatusCodes": items(403, 502)},
        "Members": items({"OriginId": "frontend"}, {"OriginId": "backend"}),
    }
    default = behavior("both", "optimized", methods=("GET", "HEAD"))
    laboratory.obey(config(OriginGroups=items(group), DefaultCacheBehavior=default))
    laboratory.backend.says("/only-there", b"second")
    assert laboratory.get("/only-there").text == "second"
    assert laboratory.get("/assets/app-1a2b.js").status_code == 200


def test_a_function_that_throws_is_a_503(laboratory: Laboratory) -> None:
    broken = Function(FUNCTION_ARN, "spa", "cloudfront-js-2.0", "function handler() { throw new Error('broken'); }")
    laboratory.obey(known=parts(functions={FUNCTION_ARN: broken}))
    response = laboratory.get("/")
    assert (response.status_code, cache(response)) == (503, "FunctionExecutionError")
    assert laboratory.get("/api/x").status_code == 404


def test_viewer_response_is_left_out_for_errors_of_the_origin(laboratory: Laboratory) -> None:
    code = "function handler(e) { e.response.headers['x-seen'] = {value: '1'}; return e.response; }"
    stamp = FUNCTION_ARN + "-stamp"
    associations = items(
        {"EventType": "viewer-request", "FunctionARN": FUNCTION_ARN},
        {"EventType": "viewer-response", "FunctionARN": stamp},
    )
    functions = {
        FUNCTION_ARN: Function(FUNCTION_ARN, "spa", "cloudfront-js-2.0", SPA),
        stamp: Function(stamp, "stamp", "cloudfront-js-2.0", code),
    }
    default = behavior("frontend", "optimized", methods=("GET", "HEAD"), FunctionAssociations=associations)
    laboratory.obey(config(DefaultCacheBehavior=default), parts(functions=functions))
    page = laboratory.get("/")
    assert (page.headers["x-seen"], page.content) == ("1", INDEX)
    assert "x-seen" not in laboratory.get("/missing.js").headers


def test_host_names(laboratory: Laboratory) -> None:
    laboratory.obey()
    with laboratory.client(DOMAIN) as client:
        assert client.get("/").status_code == 200
    with laboratory.client() as client:
        unknown = client.get("/", headers={"host": "other.localhost"})
        assert (unknown.status_code, cache(unknown)) == (403, "Error")
    with laboratory.client("other.localhost") as client, pytest.raises(httpx.ConnectError, match="Hostname mismatch"):
        client.get("/")


def test_an_alias_without_a_valid_certificate_is_not_served(laboratory: Laboratory) -> None:
    laboratory.obey(known=parts(certificate={"Status": "PENDING_VALIDATION", "DomainName": SITE}))
    with laboratory.client() as client, pytest.raises(httpx.ConnectError, match="Hostname mismatch"):
        client.get("/")
    with laboratory.client(DOMAIN) as client:
        assert client.get("/", headers={"host": SITE}).status_code == 403


def test_http_1_1(laboratory: Laboratory) -> None:
    laboratory.obey()
    with laboratory.client(http2=False) as client:
        for _ in range(2):
            response = client.get("/")
            assert (response.status_code, response.http_version) == (200, "HTTP/1.1")
    laboratory.obey(config(HttpVersion="http1.1"))
    assert laboratory.get("/").http_version == "HTTP/1.1"


def test_a_big_body_is_streamed(laboratory: Laboratory) -> None:
    laboratory.obey()
    sent = threading.Event()

    def endlessly(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(64 * 1024 * 1024))
        handler.end_headers()
        try:
            handler.wfile.write(b"x" * 1024 * 1024)
            sent.wait(10)
            for _ in range(63):
                handler.wfile.write(b"x" * 1024 * 1024)
        except OSError:
            return

    laboratory.backend.answers["/api/export"] = endlessly
    with laboratory.client() as client, client.stream("GET", "/api/export") as response:
        received = 0
        for chunk in response.iter_raw():
            # The first part arrives while the origin still holds back the rest.
            sent.set()
            received += len(chunk)
    assert received == 64 * 1024 * 1024


def test_a_change_drops_no_request(laboratory: Laboratory) -> None:
    laboratory.obey()
    laboratory.backend.says("/api/ping", b"pong")
    statuses: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        with laboratory.client() as client:
            while not stop.is_set():
                statuses.append(client.get("/api/ping").status_code)

    asker = threading.Thread(target=ask)
    asker.start()
    pid = laboratory.front.pid
    for number in range(10):
        laboratory.obey(known=parts(invalidations=(Invalidation(f"I{number}", ("/*",)),)))
        asked = len(statuses)
        while len(statuses) == asked:
            time.sleep(0.01)
    stop.set()
    asker.join(10)
    assert laboratory.front.pid == pid
    assert set(statuses) == {200}


def test_a_configuration_that_cannot_be_read_changes_nothing(laboratory: Laboratory) -> None:
    laboratory.obey()
    assert laboratory.front.pid is not None
    file = laboratory.state / "cloudfront" / "front.json"
    before = file.read_text()
    log = laboratory.state / "cloudfront" / "front.log"
    file.write_text("{")
    os.kill(laboratory.front.pid, signal.SIGHUP)
    while "cannot be used" not in log.read_text():
        time.sleep(0.05)
    assert laboratory.get("/").status_code == 200
    file.write_text(before)


def test_a_dead_front_is_started_again(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rehearsal.dataplane.cloudfront.controller.RESTART_SECONDS", 0)
    laboratory.obey()
    pid = laboratory.front.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while laboratory.front.pid is not None:
        time.sleep(0.01)
    laboratory.obey()
    assert laboratory.front.pid not in (None, pid)
    assert laboratory.get("/").status_code == 200


def test_the_front_ends_with_whoever_started_it_even_while_viewers_are_connected(laboratory: Laboratory) -> None:
    laboratory.obey()
    context = ssl.create_default_context(cafile=str(laboratory.authority.cert_path))
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("127.0.0.1", laboratory.port)) as plain,
        context.wrap_socket(plain, server_hostname=SITE),
    ):
        begin = time.monotonic()
        laboratory.front.stop()
        assert time.monotonic() - begin < 3


def test_an_idle_front_does_not_work(laboratory: Laboratory) -> None:
    laboratory.obey()
    with laboratory.client() as client:
        client.get("/")

        def ticks() -> int:
            fields = Path(f"/proc/{laboratory.front.pid}/stat").read_text().rpartition(")")[2].split()
            return int(fields[11]) + int(fields[12])

        before = ticks()
        time.sleep(2)
        assert ticks() - before <= 1


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_speaks_http_2(laboratory: Laboratory) -> None:
    laboratory.obey()
    answer = subprocess.run(
        ["curl", "--http2", "--silent", "--show-error", "--output", "/dev/null", "--compressed",
         "--write-out", "%{http_version} %{http_code} %{ssl_verify_result}",
         "--cacert", str(laboratory.authority.cert_path),
         "--connect-to", f"{SITE}:443:127.0.0.1:{laboratory.port}", f"https://{SITE}/incidents/7"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.stdout == "2 200 0", answer.stderr
