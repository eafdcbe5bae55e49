"""The page must be there when the cache is not."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from config import cache as config_cache
from config.cache import breaker
from tests.conftest import SiteClient
from tests.factories import ComponentFactory
from tests.stores import cache_at, dead_cache

pytestmark = pytest.mark.django_db

READS = ["/api/summary/", "/api/components/", "/api/incidents/"]


@pytest.mark.parametrize("path", READS)
def test_a_cache_that_refuses_does_not_take_the_page_down(site: SiteClient, path: str) -> None:
    ComponentFactory.create()
    with dead_cache():
        assert site.get(path).status_code == 200


def test_staff_can_write_while_the_cache_is_down(staff: SiteClient) -> None:
    with dead_cache():
        assert staff.write("POST", "/api/components/", {"name": "API"}).status_code == 201


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts and never says a word, as a cache behind a broken network does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_cache_that_is_silent_costs_its_timeout_once_and_then_nothing(site: SiteClient, silent_port: int) -> None:
    with cache_at(f"redis://127.0.0.1:{silent_port}/0"):
        started = time.monotonic()
        assert site.get("/api/summary/").status_code == 200
        first = time.monotonic() - started
        assert breaker.closed_until > time.monotonic()

        started = time.monotonic()
        for _ in range(5):
            assert site.get("/api/summary/").status_code == 200
        others = time.monotonic() - started

    assert 0.2 < first < 2.0
    assert others < 0.2 * 5


def test_the_cache_is_used_again_after_the_pause(site: SiteClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_cache, "PAUSE_SECONDS", 0.05)
    with dead_cache():
        site.get("/api/summary/")
    time.sleep(0.06)
    site.get("/api/summary/")

    from django.core.cache import cache

    assert cache.get("summary") is not None
