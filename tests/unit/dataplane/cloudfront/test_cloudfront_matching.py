from __future__ import annotations

import dataclasses

import pytest

from rehearsal.dataplane.cloudfront.matching import behavior_for, distribution_for, matches, normalized
from tests.unit.dataplane.cloudfront.cloudfront_support import DOMAIN, SITE, configuration, made


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("/api/*", "/api/incidents", True),
        ("/api/*", "/api/", True),
        ("/api/*", "/api", False),
        ("/api/*", "/API/incidents", False),
        ("api/*", "/api/incidents", True),
        ("*.js", "/assets/app.js", True),
        ("*.js", "/assets/app.jsx", False),
        ("/img/?.png", "/img/a.png", True),
        ("/img/?.png", "/img/ab.png", False),
        ("/a+b/*", "/a+b/c", True),
        ("*", "/", True),
    ],
)
def test_path_patterns(pattern: str, path: str, fits: bool) -> None:
    assert matches(pattern, path) is fits


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a/b", "/a/b"),
        ("/a/../api/x", "/api/x"),
        ("/./a/.", "/a/"),
        ("/a/..", "/"),
        ("/../../a", "/a"),
        ("/%61pi/%7euser", "/api/~user"),
        ("/a%2fb", "/a%2Fb"),
        ("/a//b", "/a//b"),
    ],
)
def test_paths_are_compared_in_their_normal_form(path: str, expected: str) -> None:
    assert normalized(path) == expected


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("/api/incidents", "/api/*"),
        ("/static/app.css", "/static/*"),
        ("/", "*"),
        ("/incidents/api/", "*"),
        ("/x/../api/incidents", "/api/*"),
    ],
)
def test_the_first_behaviour_that_fits(path: str, pattern: str) -> None:
    assert behavior_for(made().behaviors, path).path_pattern == pattern


@pytest.mark.parametrize("host", [SITE, f"{SITE}:8443", SITE.upper(), DOMAIN])
def test_the_host_chooses_the_distribution(host: str) -> None:
    assert distribution_for(configuration(made()), host) is not None


def test_an_unknown_host_or_a_disabled_distribution_is_nobody() -> None:
    assert distribution_for(configuration(made()), "other.localhost") is None
    assert distribution_for(configuration(dataclasses.replace(made(), enabled=False)), SITE) is None


def test_an_exact_alias_wins_over_a_wildcard() -> None:
    exact = made()
    wildcard = dataclasses.replace(exact, id="E2", domain_name="d2.cloudfront.net", aliases=("*.slipway.localhost",))
    both = configuration(wildcard, exact)
    assert distribution_for(both, SITE) is exact
    assert distribution_for(both, "other.slipway.localhost") is wildcard
    assert distribution_for(both, "a.b.slipway.localhost") is None
