from __future__ import annotations

import email.utils

import pytest

from rehearsal.dataplane.cloudfront.caching import (
    Cache,
    Entry,
    Key,
    invalidates,
    key_of,
    lifetime,
    normalized_accept_encoding,
)
from rehearsal.dataplane.cloudfront.configuration import CachePolicy, ErrorResponse, Invalidation, Selection
from rehearsal.dataplane.cloudfront.messages import Headers, Response
from tests.unit.dataplane.cloudfront.cloudfront_support import request

NOW = 1_800_000_000.0
PLAIN = CachePolicy(min_ttl=0, default_ttl=3600, max_ttl=86_400)
AT_LEAST_A_MINUTE = CachePolicy(min_ttl=60, default_ttl=3600, max_ttl=86_400)
DISABLED = CachePolicy(min_ttl=0, default_ttl=0, max_ttl=0)


def control(value: str) -> Headers:
    return [("cache-control", value)]


@pytest.mark.parametrize(
    ("policy", "headers", "expected"),
    [
        (PLAIN, [], 3600),
        (PLAIN, control("max-age=60"), 60),
        (PLAIN, control("max-age=60, s-maxage=120"), 120),
        (PLAIN, control("public, max-age=31536000, immutable"), 86_400),
        (PLAIN, control("max-age=0"), 0),
        (PLAIN, control("no-cache"), 0),
        (PLAIN, control("no-store"), None),
        (PLAIN, control("private, max-age=60"), None),
        (PLAIN, [("expires", email.utils.formatdate(NOW + 90, usegmt=True))], 90),
        (PLAIN, [("expires", "0")], 0),
        (PLAIN, [*control("max-age=5"), ("expires", email.utils.formatdate(NOW + 90, usegmt=True))], 5),
        (AT_LEAST_A_MINUTE, control("max-age=1"), 60),
        (AT_LEAST_A_MINUTE, control("no-store"), 60),
        (AT_LEAST_A_MINUTE, control("no-cache"), 60),
        (CachePolicy(min_ttl=7200, default_ttl=3600), [], 7200),
        (DISABLED, [], None),
        (DISABLED, control("max-age=60"), None),
    ],
)
def test_how_long_an_object_is_fresh(policy: CachePolicy, headers: Headers, expected: int | None) -> None:
    assert lifetime(policy, Response(200, headers), [], NOW) == expected


@pytest.mark.parametrize(
    ("status", "headers", "errors", "expected"),
    [
        (404, [], [], 10),
        (502, [], [], 10),
        (404, control("max-age=60"), [], 60),
        (403, [], [], None),
        (403, control("max-age=60"), [], 60),
        (403, [], [ErrorResponse(403, 30)], 30),
        (404, [], [ErrorResponse(404, 0)], None),
        (404, control("max-age=5"), [ErrorResponse(404, 30)], 30),
        (416, [], [ErrorResponse(416, 30)], None),
        (401, control("max-age=60"), [], None),
    ],
)
def test_how_long_an_error_is_remembered(
    status: int, headers: Headers, errors: list[ErrorResponse], expected: int | None
) -> None:
    assert lifetime(PLAIN, Response(status, headers), errors, NOW) == expected


def test_disabled_caching_remembers_an_error_only_where_the_distribution_says_so() -> None:
    assert lifetime(DISABLED, Response(404, []), [], NOW) is None
    assert lifetime(DISABLED, Response(404, control("max-age=60")), [ErrorResponse(404, 5)], NOW) == 5


@pytest.mark.parametrize(
    ("gzip", "brotli", "accepted", "expected"),
    [
        (True, True, "gzip, deflate, br, zstd", "br,gzip"),
        (True, True, "gzip", "gzip"),
        (True, True, "gzip;q=1.0, br;q=0", "gzip"),
        (True, False, "gzip, br", "gzip"),
        (False, False, "gzip, br", ""),
        (True, True, None, ""),
        (True, True, "identity", ""),
    ],
)
def test_accept_encoding_is_normalised(gzip: bool, brotli: bool, accepted: str | None, expected: str) -> None:
    assert normalized_accept_encoding(CachePolicy(gzip=gzip, brotli=brotli), accepted) == expected


def test_the_key_has_what_the_policy_includes_and_nothing_else() -> None:
    policy = CachePolicy(
        headers=Selection("whitelist", ("accept-language",)),
        cookies=Selection("allExcept", ("tracker",)),
        query_strings=Selection("whitelist", ("page",)),
    )
    headers = [("accept-language", "en"), ("user-agent", "x"), ("cookie", "tracker=1; theme=dark")]
    key = key_of("E1", policy, request("/a?utm=1&page=2", headers=headers), "/a")
    assert key == Key("E1", "GET", "/a", "page=2", (("accept-language", "en"),), (("theme", "dark"),), "")


def test_head_shares_the_object_of_get_and_options_does_not() -> None:
    get, head, options = (key_of("E1", PLAIN, request("/a", method), "/a") for method in ("GET", "HEAD", "OPTIONS"))
    assert get == head
    assert get != options


def entry(body: bytes = b"x", *headers: tuple[str, str], viewer_path: str = "/a", lifetime: float = 60) -> Entry:
    return Entry(Response(200, list(headers), body), viewer_path, NOW, lifetime)


def key(path: str = "/a", query: str = "", distribution: str = "E1") -> Key:
    return Key(distribution, "GET", path, query, (), (), "")


@pytest.mark.parametrize(
    ("pattern", "path", "query", "viewer_path", "gone"),
    [
        ("/*", "/a/b", "", "/a/b", True),
        ("/a/*", "/a/b", "", "/a/b", True),
        ("/a/*", "/b/a/", "", "/b/a/", False),
        ("/index.html", "/index.html", "", "/incidents/7", True),
        ("/incidents/*", "/index.html", "", "/incidents/7", True),
        ("/", "/index.html", "", "/", True),
        ("index.html", "/index.html", "", "/", True),
        ("/A", "/a", "", "/a", False),
        ("/a", "/a", "x=1", "/a", False),
        ("/a?x=1", "/a", "x=1", "/a", True),
        ("/a*", "/a", "x=1", "/a", True),
        # Only at the end is the asterisk a wildcard.
        ("/*/b", "/a/b", "", "/a/b", False),
    ],
)
def test_invalidation_paths(pattern: str, path: str, query: str, viewer_path: str, gone: bool) -> None:
    assert invalidates(pattern, key(path, query), entry(viewer_path=viewer_path)) is gone


def test_an_invalidation_is_carried_out_once_and_for_its_own_distribution() -> None:
    cache = Cache(100_000)
    cache.put(key(), entry())
    cache.put(key(distribution="E2"), entry())
    everything = [Invalidation("I1", ("/*",))]
    assert cache.invalidate("E1", everything) == 1
    cache.put(key(), entry())
    assert cache.invalidate("E1", everything) == 0
    assert len(cache) == 2


def test_the_least_recently_used_objects_leave_a_full_cache() -> None:
    cache = Cache(20_000)
    for name in "abcd":
        cache.put(key("/" + name), entry(b"x" * 3_500))
    assert cache.get(key("/a")) is not None
    cache.put(key("/e"), entry(b"x" * 3_500))
    assert cache.get(key("/b")) is None
    assert cache.get(key("/a")) is not None
    cache.put(key("/big"), entry(b"x" * 6_000))
    assert cache.get(key("/big")) is None


@pytest.mark.parametrize(
    ("headers", "after", "stale"),
    [
        ([], 10_000, True),
        (control("max-age=60, stale-if-error=30"), 89, True),
        (control("max-age=60, stale-if-error=30"), 91, False),
        (control("max-age=60, must-revalidate"), 61, False),
        (control("no-cache"), 61, False),
    ],
)
def test_when_a_stale_object_stands_in_for_a_failing_origin(headers: Headers, after: float, stale: bool) -> None:
    assert entry(b"x", *headers).serves_stale(NOW + after) is stale


def test_a_confirmed_object_is_fresh_again_with_the_new_headers() -> None:
    old = entry(b"x", ("cache-control", "max-age=1"), ("etag", '"1"'))
    new = old.refreshed([("cache-control", "max-age=9"), ("content-length", "0")], NOW + 100, 9)
    assert new.fresh(NOW + 108)
    assert not new.fresh(NOW + 109)
    assert new.response.header("cache-control") == "max-age=9"
    assert new.response.header("etag") == '"1"'
    assert new.response.header("content-length") is None


@pytest.mark.parametrize(
    ("etag", "headers", "expected"),
    [
        ('"1"', [("last-modified", "x")], [("if-none-match", '"1"')]),
        (None, [("last-modified", "x")], [("if-modified-since", "x")]),
        (None, [], []),
    ],
)
def test_the_question_whether_an_object_changed(etag: str | None, headers: Headers, expected: Headers) -> None:
    assert Entry(Response(200, headers), "/a", NOW, 0, etag).validators == expected
