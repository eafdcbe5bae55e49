"""What everybody asks for is answered by the process itself for a moment, and by nobody else's leave."""

from __future__ import annotations

import time

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config import front
from status.models import Component
from status.services import component_update
from tests.conftest import SiteClient
from tests.factories import ComponentFactory
from tests.stores import dead_cache

pytestmark = pytest.mark.django_db

PATH = "/api/summary/"


@pytest.fixture(autouse=True)
def _long_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "FRONT_SECONDS", 30.0)


def test_the_second_answer_is_the_first_one_with_every_header(site: SiteClient) -> None:
    first = site.get(PATH)
    cache.clear()
    with CaptureQueriesContext(connection) as queries, dead_cache():
        second = site.get(PATH)

    assert len(queries) == 0
    assert second.content == first.content
    assert dict(second.headers) == dict(first.headers)
    for name in ("Content-Security-Policy", "Strict-Transport-Security", "X-Content-Type-Options", "X-Frame-Options"):
        assert name in second.headers, name


def test_the_web_server_may_keep_what_everybody_gets_and_nothing_else(site: SiteClient) -> None:
    assert site.get(PATH).headers["X-Accel-Expires"] == "1"
    assert site.get(PATH).headers["X-Accel-Expires"] == "1"
    for path in (f"{PATH}?x=1", "/api/incidents/", "/api/session/"):
        assert "X-Accel-Expires" not in site.get(path).headers, path


def test_a_tag_that_fits_is_304_from_here_too(site: SiteClient) -> None:
    tag = site.get(PATH).headers["ETag"]

    assert site.get(PATH, headers={"if-none-match": tag}).status_code == 304
    assert site.get(PATH, headers={"if-none-match": '"x"'}).status_code == 200
    assert site.head(PATH).headers["ETag"] == tag


def test_a_write_is_seen_at_once(site: SiteClient, django_capture_on_commit_callbacks: pytest.FixtureRequest) -> None:
    component = ComponentFactory.create()
    site.get(PATH)

    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        component_update(component=component, state="degraded")

    assert site.get(PATH).json()["overall_state"] == "degraded"


def test_staff_is_answered_from_behind(site: SiteClient, staff: SiteClient) -> None:
    """As if another process had written: this one does not know."""
    component = ComponentFactory.create()
    site.get(PATH)
    Component.objects.filter(pk=component.pk).update(state="degraded")
    cache.clear()

    assert staff.get(PATH).json()["overall_state"] == "degraded"
    assert site.get(PATH).json()["overall_state"] == "operational"


def test_the_moment_ends(site: SiteClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "FRONT_SECONDS", 0.05)
    component = ComponentFactory.create()
    site.get(PATH)
    Component.objects.filter(pk=component.pk).update(state="degraded")
    cache.clear()
    time.sleep(0.06)

    assert site.get(PATH).json()["overall_state"] == "degraded"


def test_queries_and_other_methods_are_not_answered_here(site: SiteClient) -> None:
    site.get(PATH)
    site.get("/api/components/")
    assert set(front._kept) == {PATH, "/api/components/"}
    assert site.write("POST", "/api/components/", {"name": "x"}).status_code == 401
    assert site.get(f"{PATH}?x=1").status_code == 200
    assert set(front._kept) == {PATH, "/api/components/"}


def test_host_and_scheme_are_looked_at_first(site: SiteClient) -> None:
    site.get(PATH)

    assert Client(headers={"host": "evil.example", "x-forwarded-proto": "https"}).get(PATH).status_code == 400
    assert Client(headers={"host": "app.example.com", "x-forwarded-proto": "http"}).get(PATH).status_code == 301
