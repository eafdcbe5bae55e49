from __future__ import annotations

import gzip

import brotli  # type: ignore[import-untyped]
import pytest

from rehearsal.dataplane.cloudfront.compression import compressed
from rehearsal.dataplane.cloudfront.configuration import (
    Behavior,
    CachePolicy,
    Cors,
    HeaderRule,
    OriginRequestPolicy,
    ResponseHeadersPolicy,
    Selection,
)
from rehearsal.dataplane.cloudfront.headers import forwarded_query, from_origin, origin_headers, with_policy
from rehearsal.dataplane.cloudfront.messages import Headers, Request, Response
from tests.unit.dataplane.cloudfront.cloudfront_support import ORIGIN, SITE, config, items, made, parts, request

VIEWER: Headers = [
    ("user-agent", "Firefox"),
    ("accept-encoding", "gzip, br"),
    ("accept-language", "en"),
    ("authorization", "Bearer x"),
    ("cookie", "session=1; theme=dark"),
    ("connection", "keep-alive, x-hop"),
    ("x-hop", "1"),
    ("x-forwarded-for", "192.0.2.1"),
    ("x-forwarded-proto", "http"),
    ("if-none-match", '"1"'),
    ("expect", "100-continue"),
]


def behavior(cache: CachePolicy | None = None, forwarded: OriginRequestPolicy | None = None) -> Behavior:
    return Behavior(
        "*",
        "backend",
        "allow-all",
        ("GET",),
        ("GET",),
        True,
        cache or CachePolicy(),
        forwarded or OriginRequestPolicy(),
    )


def sent(matched: Behavior, asked: Request, *, conditions: bool = True) -> dict[str, str]:
    one = made()
    return dict(origin_headers(one, matched, one.origins[1], asked, conditions=conditions))


def test_without_a_policy_the_origin_learns_little() -> None:
    assert sent(behavior(), request("/a", headers=VIEWER), conditions=False) == {
        "host": ORIGIN,
        "user-agent": "Amazon CloudFront",
        "x-forwarded-for": "192.0.2.1, 127.0.0.1",
        "via": "2.0 d111111abcdef8.cloudfront.net (CloudFront)",
        "x-amz-cf-id": "request-id",
        "x-origin-secret": "s3cret",
    }


def test_all_viewer_forwards_the_host_and_everything_that_is_end_to_end() -> None:
    policy = OriginRequestPolicy(Selection("allViewer"), Selection("all"), Selection("all"))
    headers = sent(behavior(forwarded=policy), request("/a", headers=VIEWER))
    assert headers["host"] == SITE
    assert headers["user-agent"] == "Firefox"
    assert headers["authorization"] == "Bearer x"
    assert headers["cookie"] == "session=1; theme=dark"
    assert headers["accept-encoding"] == "gzip, br"
    assert headers["if-none-match"] == '"1"'
    assert headers["x-forwarded-for"] == "192.0.2.1, 127.0.0.1"
    assert not {"connection", "x-hop", "expect", "x-forwarded-proto", "cloudfront-viewer-address"} & headers.keys()


def test_all_but_the_host() -> None:
    policy = OriginRequestPolicy(Selection("allExcept", ("host",)))
    headers = sent(behavior(forwarded=policy), request("/a", headers=VIEWER))
    assert headers["host"] == ORIGIN
    assert headers["accept-language"] == "en"
    assert "cookie" not in headers


def test_what_cloudfront_knows_is_added_where_it_is_listed() -> None:
    policy = OriginRequestPolicy(
        Selection("allViewerAndWhitelistCloudFront", ("cloudfront-forwarded-proto", "cloudfront-viewer-address"))
    )
    forged = [("cloudfront-viewer-address", "203.0.113.9:1")]
    headers = sent(behavior(forwarded=policy), request("/a", headers=forged, client=("127.0.0.1", 5000)))
    assert headers["cloudfront-forwarded-proto"] == "https"
    assert headers["cloudfront-viewer-address"] == "127.0.0.1:5000"
    assert "cloudfront-viewer-http-version" not in headers


def test_cache_key_and_origin_request_policy_are_united() -> None:
    cache = CachePolicy(
        headers=Selection("whitelist", ("accept-language",)),
        cookies=Selection("whitelist", ("session",)),
        query_strings=Selection("whitelist", ("page",)),
        gzip=True,
    )
    forwarded = OriginRequestPolicy(
        Selection("whitelist", ("user-agent",)), Selection(), Selection("whitelist", ("size",))
    )
    matched = behavior(cache, forwarded)
    headers = sent(matched, request("/a", headers=VIEWER))
    assert headers["accept-language"] == "en"
    assert headers["user-agent"] == "Firefox"
    assert headers["cookie"] == "session=1"
    assert headers["accept-encoding"] == "gzip"
    assert forwarded_query(matched, request("/a?size=9&x=1&page=2")) == "size=9&page=2"


@pytest.mark.parametrize(("method", "passes"), [("GET", False), ("POST", True), ("DELETE", True)])
def test_authorization_passes_for_methods_that_are_never_cached(method: str, passes: bool) -> None:
    headers = sent(behavior(), request("/a", method, [("authorization", "Bearer x"), ("content-type", "text/css")]))
    assert ("authorization" in headers) is passes
    assert headers["content-type"] == "text/css"


def test_s3_bookkeeping_does_not_reach_the_viewer() -> None:
    headers = [("etag", '"1"'), ("x-amz-request-id", "1"), ("x-amz-id-2", "2"), ("connection", "close")]
    assert from_origin(headers, bucket=True) == [("etag", '"1"')]
    assert ("x-amz-request-id", "1") in from_origin(headers, bucket=False)


def test_a_header_is_replaced_only_where_the_policy_says_override() -> None:
    policy = ResponseHeadersPolicy(
        set=(HeaderRule("X-Frame-Options", "DENY", False), HeaderRule("Referrer-Policy", "same-origin", True)),
        remove=("server",),
    )
    headers = [("x-frame-options", "SAMEORIGIN"), ("referrer-policy", "unsafe-url"), ("server", "nginx")]
    assert with_policy(policy, request(), headers) == [
        ("x-frame-options", "SAMEORIGIN"),
        ("referrer-policy", "same-origin"),
    ]


CORS = Cors(("https://*.slipway.localhost",), ("ALL",), ("*",), ("x-total",), True, 600, True)


@pytest.mark.parametrize(
    ("asking", "allowed"),
    [
        ("https://admin.slipway.localhost", "https://admin.slipway.localhost"),
        ("http://admin.slipway.localhost", None),
        ("https://evilslipway.localhost", None),
        (None, None),
    ],
)
def test_cors_answers_the_origins_that_are_listed(asking: str | None, allowed: str | None) -> None:
    headers = [("origin", asking)] if asking else []
    found = dict(with_policy(ResponseHeadersPolicy(cors=CORS), request(headers=headers), []))
    assert found.get("access-control-allow-origin") == allowed
    assert found.get("vary") == ("Origin" if allowed else None)
    assert found.get("access-control-expose-headers") == ("x-total" if allowed else None)


def test_a_preflight_is_told_methods_and_age() -> None:
    asked = request(
        method="OPTIONS",
        headers=[("origin", "https://a.slipway.localhost"), ("access-control-request-method", "PUT")],
    )
    found = dict(with_policy(ResponseHeadersPolicy(cors=CORS), asked, []))
    assert "PUT" in found["access-control-allow-methods"]
    assert found["access-control-max-age"] == "600"


def test_the_origins_own_cors_stays_without_override() -> None:
    policy = ResponseHeadersPolicy(cors=Cors(("*",), ("GET",), ("*",), (), False, None, False))
    asked = request(headers=[("origin", "https://a.localhost")])
    own = [("access-control-allow-origin", "https://a.localhost")]
    assert with_policy(policy, asked, own) == own
    assert with_policy(policy, asked, []) == [("access-control-allow-origin", "*")]


def text(size: int, status: int = 200, content_type: str = "text/css; charset=utf-8", **extra: str) -> Response:
    headers = [("content-type", content_type), ("content-length", str(size)), ("etag", '"1"')]
    return Response(status, headers + [(name.replace("_", "-"), value) for name, value in extra.items()], b"a" * size)


def test_brotli_is_preferred_and_the_etag_becomes_weak() -> None:
    small = compressed(text(5_000), "br,gzip")
    assert small.header("content-encoding") == "br"
    assert brotli.decompress(small.body) == b"a" * 5_000
    assert small.header("content-length") == str(len(small.body))
    assert small.header("etag") == 'W/"1"'
    assert small.header("vary") == "Accept-Encoding"
    assert gzip.decompress(compressed(text(5_000), "gzip").body) == b"a" * 5_000


@pytest.mark.parametrize(
    "response",
    [
        text(999),
        text(10_000_001),
        text(5_000, content_type="image/png"),
        text(5_000, status=500),
        text(5_000, content_encoding="gzip"),
        Response(200, [("content-type", "text/css")], b"a" * 5_000),
    ],
)
def test_what_is_not_compressed(response: Response) -> None:
    assert compressed(response, "br,gzip") is response


def test_nothing_is_compressed_for_a_viewer_that_does_not_want_it() -> None:
    response = text(5_000)
    assert compressed(response, "") is response


def test_custom_headers_of_the_origin_win() -> None:
    changed = config()
    changed["Origins"]["Items"][1]["CustomHeaders"] = items({"HeaderName": "X-A", "HeaderValue": "origin"})
    one = made(changed, parts())
    policy = OriginRequestPolicy(Selection("allViewer"))
    headers = origin_headers(
        one, behavior(forwarded=policy), one.origins[1], request(headers=[("x-a", "viewer")]), conditions=False
    )
    assert [value for name, value in headers if name == "x-a"] == ["origin"]
