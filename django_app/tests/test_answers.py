"""Entity tags, and what is answered while the database is away."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.utils import timezone

from config import answers
from config.answers import memory
from monitors.models import Rollup, RollupPeriod
from monitors.tasks import remember_series
from status.services import component_update
from status.tasks import remember_page
from tests.conftest import SiteClient
from tests.factories import ComponentFactory, make_incident, make_maintenance, make_monitor
from tests.stores import dead_cache, dead_database

pytestmark = pytest.mark.django_db


def public_paths() -> list[str]:
    component, incident = ComponentFactory.create(), make_incident()
    maintenance = make_maintenance()
    return [
        "/api/summary/",
        "/api/components/",
        f"/api/components/{component.pk}/",
        "/api/component-groups/",
        "/api/incidents/",
        "/api/incidents/?limit=5",
        f"/api/incidents/{incident.pk}/",
        "/api/maintenance/",
        f"/api/maintenance/{maintenance.pk}/",
    ]


def test_every_public_read_has_a_tag_and_is_not_sent_twice(site: SiteClient) -> None:
    for path in public_paths():
        first = site.get(path)
        assert first.headers["ETag"].startswith('"'), path
        assert first.headers["Cache-Control"] == "no-cache", path

        again = site.get(path, headers={"if-none-match": first.headers["ETag"]})

        assert again.status_code == 304, path
        assert again.content == b""
        assert again.headers["ETag"] == first.headers["ETag"]
        assert site.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_the_tag_follows_the_content_and_not_the_clock(
    site: SiteClient, django_capture_on_commit_callbacks: pytest.FixtureRequest
) -> None:
    component = ComponentFactory.create()
    first = site.get("/api/summary/").headers["ETag"]
    cache.clear()
    assert site.get("/api/summary/").headers["ETag"] == first

    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        component_update(component=component, state="degraded")

    assert site.get("/api/summary/", headers={"if-none-match": first}).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("memory_is_lost", [False, True])
def test_without_the_database_the_last_known_state_is_shown_and_said_to_be_old(
    site: SiteClient, memory_is_lost: bool
) -> None:
    ComponentFactory.create(name="API", state="degraded")
    before = site.get("/api/summary/").json()
    assert (before["stale"], before["as_of"]) == (False, None)
    cache.delete("summary")
    if memory_is_lost:
        memory.forget()

    with dead_database():
        response = site.get("/api/summary/")

    assert response.status_code == 200
    during = response.json()
    assert during["stale"] is True
    assert during["as_of"] is not None
    assert during["components"] == before["components"]
    assert "database-unavailable" in response.headers["Cache-Status"]
    assert int(response.headers["Age"]) >= 0

    memory.database_paused_until = 0.0
    assert site.get("/api/summary/").json() == before


@pytest.mark.django_db(transaction=True)
def test_a_host_that_nobody_has_asked_knows_what_the_public_page_shows(site: SiteClient) -> None:
    component = ComponentFactory.create(name="API")
    monitor = make_monitor(component=component)
    now = timezone.now()
    Rollup.objects.create(
        monitor=monitor, period=RollupPeriod.DAY, starts_at=now.replace(hour=0, minute=0, second=0, microsecond=0),
        up_ms=900, down_ms=100, checks=10, failures=1,
    )  # fmt: skip
    incident, over = make_incident(), make_incident(state="resolved")
    for task in (remember_page, remember_series):
        task.call()
    memory.forget()

    paths = [
        "/api/summary/",
        "/api/components/",
        "/api/component-groups/",
        "/api/uptime/",
        *(f"/api/components/{component.pk}/latency/?range={span}" for span in ("day", "week", "quarter")),
        "/api/incidents/",
        "/api/incidents/?show=resolved&limit=5",
        f"/api/incidents/{incident.pk}/",
        f"/api/incidents/{over.pk}/",
        "/api/maintenance/",
        "/api/badge.svg",
        "/api/feed.atom",
        "/api/feed.rss",
    ]
    with dead_database():
        for path in paths:
            answer = site.get(path)
            assert answer.status_code == 200, path
            assert "database-unavailable" in answer.headers["Cache-Status"], path
        assert site.get("/api/uptime/").json()["components"][0]["uptime"] == 0.9
        assert [one["id"] for one in site.get("/api/incidents/?show=resolved&limit=5").json()["results"]] == [over.pk]


@pytest.mark.django_db(transaction=True)
def test_what_was_asked_for_once_is_known_to_every_host(site: SiteClient) -> None:
    before = {path: site.get(path).content for path in public_paths() if path != "/api/summary/"}
    cache.delete_many(["components", "component-groups", "incidents:all"])
    memory.forget()

    with dead_database():
        during = {path: site.get(path).content for path in before}

    assert during == before


@pytest.mark.django_db(transaction=True)
def test_without_both_stores_a_process_shows_what_it_has_seen(site: SiteClient) -> None:
    ComponentFactory.create(name="API")
    known = site.get("/api/components/").json()

    with dead_cache(), dead_database():
        during = site.get("/api/components/")

    assert during.status_code == 200
    assert during.json() == known


@pytest.mark.django_db(transaction=True)
def test_writes_are_refused_while_the_database_is_away_and_accepted_afterwards(staff: SiteClient) -> None:
    with dead_database():
        during = staff.write("POST", "/api/components/", {"name": "API"})
    after = staff.write("POST", "/api/components/", {"name": "API"})

    assert during.status_code == 503
    assert during.headers["Content-Type"] == "application/problem+json"
    assert during.headers["Retry-After"] == "5"
    assert after.status_code == 201


@pytest.mark.django_db(transaction=True)
def test_outside_the_api_a_database_that_is_away_is_503_too(site: SiteClient) -> None:
    site.raise_request_exception = False
    site.cookies["__Host-session"] = "x" * 32
    with dead_database():
        page = site.get("/admin/", headers={"accept": "text/html"})

    assert page.status_code == 503
    assert page.headers["Retry-After"] == "5"


@pytest.mark.django_db(transaction=True)
def test_a_database_that_failed_is_left_alone_for_a_moment(site: SiteClient, monkeypatch: pytest.MonkeyPatch) -> None:
    site.get("/api/summary/")
    cache.delete("summary")
    asked: list[object] = []
    with dead_database():
        site.get("/api/summary/")
        monkeypatch.setattr("status.apis.selectors.summary", lambda: asked.append(1))
        for _ in range(3):
            assert site.get("/api/summary/").json()["stale"] is True

    assert asked == []


def test_memory_is_bounded() -> None:
    for number in range(answers.REMEMBERED_ANSWERS + 50):
        memory.keep(str(number), answers.Answer(body="", etag='""', at=0.0, media_type="text/plain"))

    assert len(memory.answers) == answers.REMEMBERED_ANSWERS
    assert "0" not in memory.answers
