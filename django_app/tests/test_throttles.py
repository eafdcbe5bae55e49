"""Limits on requests, counted in the real cache."""

from __future__ import annotations

import threading

import pytest
from django.core.cache import cache
from django.test import RequestFactory

from config import throttles
from config.throttles import Rate, client_address
from tests.conftest import SiteClient
from tests.stores import dead_cache

pytestmark = pytest.mark.django_db


@pytest.fixture
def three_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    # A day, so that no window ends in the middle of a test.
    monkeypatch.setattr(throttles, "RATES", {**throttles.RATES, "write": Rate(3, 86_400), "read": Rate(3, 86_400)})


def test_whoever_asks_too_often_is_told_to_wait(staff: SiteClient, three_writes: None) -> None:
    answers = [staff.write("POST", "/api/components/", {"name": str(n)}) for n in range(5)]

    assert [answer.status_code for answer in answers] == [201, 201, 201, 429, 429]
    assert answers[3].headers["Content-Type"] == "application/problem+json"
    assert 0 < int(answers[3].headers["Retry-After"]) <= 86_400


def test_addresses_are_counted_apart_and_claims_do_not_help(site: SiteClient, three_writes: None) -> None:
    def ask(chain: str) -> int:
        return site.get("/api/incidents/?limit=1", headers={"x-forwarded-for": chain}).status_code

    # The client claims another address each time; CloudFront, the balancer and nginx add what they have seen.
    claims = [ask(f"198.51.100.{n}, 203.0.113.7, 10.0.0.1, 10.0.0.2") for n in range(4)]

    assert claims == [200, 200, 200, 429]
    assert ask("203.0.113.8, 10.0.0.1, 10.0.0.2") == 200


def test_shared_reads_are_not_counted(site: SiteClient, three_writes: None) -> None:
    assert {site.get("/api/summary/").status_code for _ in range(10)} == {200}


def test_without_the_cache_nobody_is_stopped(staff: SiteClient, three_writes: None) -> None:
    with dead_cache():
        answers = [staff.write("POST", "/api/components/", {"name": str(n)}).status_code for n in range(5)]

    assert answers == [201] * 5


def test_counting_is_right_with_many_at_once() -> None:
    counts: list[int] = []

    def count() -> None:
        counts.extend(throttles._count("throttle:test", seconds=60) for _ in range(20))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(counts) == list(range(1, 81))
    cache.clear()


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        ("203.0.113.7, 10.0.0.1, 10.0.0.2", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7, 10.0.0.1, 10.0.0.2", "203.0.113.7"),
        ("10.0.0.2", "10.0.0.2"),
        ("2001:db8:1:2:3:4:5:6, 10.0.0.1, 10.0.0.2", "2001:db8:1:2::"),
        ("<script>, 10.0.0.1, 10.0.0.2", "unknown"),
        ("", "127.0.0.1"),
    ],
)
def test_the_client_is_who_our_outermost_proxy_saw(chain: str, address: str) -> None:
    request = RequestFactory().get("/", headers={"x-forwarded-for": chain} if chain else {})

    assert client_address(request) == address
