"""Monitors: looks at a real server, incidents that open and close, series that do not grow without bound."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.tasks import task_backends
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEntry
from config import throttles
from monitors import services
from monitors.models import Check, Monitor, Rollup
from monitors.services import Outcome, check_record, monitor_look, monitors_claim, retention_apply, rollups_refresh
from monitors.tasks import check_monitor
from monitors.uptime import Look, measure
from status.models import Component, Incident
from status.services import incident_update_post
from tests.conftest import SiteClient, sign_in_as
from tests.factories import ComponentFactory, UserFactory, make_monitor
from tests.outside import Outside, reachable_outside
from tests.stores import closed_port

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def world() -> Iterator[Outside]:
    with reachable_outside() as world:
        yield world


def outcome(up: bool, at: datetime, latency: int = 100) -> Outcome:
    return Outcome(at, up, 200 if up else 500, latency, "" if up else "The status was 500.")


def feed(monitor: Monitor, seen: str, start: datetime = NOON) -> None:
    """Record one look a minute: u for up, d for down."""
    for number, letter in enumerate(seen):
        at = start + timedelta(minutes=number)
        check_record(monitor_id=monitor.pk, scheduled_for=at, outcome=outcome(letter == "u", at))


@pytest.mark.parametrize(
    ("settings", "status", "body", "up", "words"),
    [
        ({}, 200, b"", True, ""),
        ({}, 204, b"", True, ""),
        ({}, 500, b"", False, "The status was 500, and 200-299 is expected."),
        ({"expected_status": "200,401-403"}, 402, b"", True, ""),
        ({"expected_body": "well"}, 200, b"all is well", True, ""),
        ({"expected_body": "Well"}, 200, b"all is well", False, "does not hold the expected text"),
        ({"method": "HEAD"}, 200, b"x", True, ""),
        ({"expected_status": "301"}, 301, b"", True, ""),
    ],
)
def test_a_look_compares_with_what_is_expected(
    world: Outside, settings: dict[str, Any], status: int, body: bytes, up: bool, words: str
) -> None:
    world.status, world.body = status, b"" if status == 204 else body
    monitor = make_monitor(url=world.url, **settings)

    seen = monitor_look(monitor=monitor)

    assert (seen.up, seen.status_code) == (up, status)
    assert words in seen.detail
    assert seen.latency_ms is not None


def test_a_server_that_is_gone_is_down_with_the_reason(world: Outside) -> None:
    seen = monitor_look(monitor=make_monitor(url=f"http://127.0.0.1:{closed_port()}/"))

    assert (seen.up, seen.status_code, seen.latency_ms) == (False, None, None)
    assert "refused" in seen.detail


def test_a_redirect_inside_is_a_failure_and_is_not_followed(world: Outside) -> None:
    world.status, world.headers = 302, {"Location": "http://169.254.169.254/latest/meta-data/"}

    seen = monitor_look(monitor=make_monitor(url=world.url))

    assert not seen.up
    assert "not on the public internet" in seen.detail


def test_failures_in_a_row_open_an_incident_and_successes_close_it() -> None:
    component = ComponentFactory.create(name="API")
    monitor = make_monitor(component=component, failure_threshold=3, success_threshold=2, severity="critical")

    feed(monitor, "uddudd")
    assert not Incident.objects.exists()

    feed(monitor, "d", NOON + timedelta(minutes=6))
    incident = Incident.objects.get()
    assert (incident.title, incident.severity, incident.state) == ("API is not reachable", "critical", "investigating")
    assert list(incident.components.all()) == [component]
    assert Component.objects.get().state == "major_outage"

    feed(monitor, "dudu", NOON + timedelta(minutes=7))
    assert Incident.objects.get().resolved_at is None

    feed(monitor, "u", NOON + timedelta(minutes=11))
    incident.refresh_from_db()
    assert incident.state == "resolved"
    assert Component.objects.get().state == "operational"
    assert Incident.objects.count() == 1
    monitor.refresh_from_db()
    assert (monitor.state, monitor.incident) == ("up", None)


def test_the_same_look_recorded_twice_counts_once() -> None:
    monitor = make_monitor(failure_threshold=2)
    feed(monitor, "d")
    feed(monitor, "d")

    monitor.refresh_from_db()
    assert monitor.failures_in_a_row == 1
    assert Check.objects.count() == 1
    assert not Incident.objects.exists()


def test_a_late_look_is_kept_and_does_not_count() -> None:
    monitor = make_monitor(failure_threshold=2)
    feed(monitor, "u", NOON + timedelta(minutes=5))
    feed(monitor, "ddd")

    assert Check.objects.count() == 4
    assert not Incident.objects.exists()


def test_what_a_person_has_closed_is_counted_anew() -> None:
    monitor = make_monitor(failure_threshold=2)
    feed(monitor, "dd")
    incident_update_post(incident=Incident.objects.get(), state="resolved", message="I know.")

    feed(monitor, "d", NOON + timedelta(minutes=2))
    assert Incident.objects.count() == 1
    feed(monitor, "d", NOON + timedelta(minutes=3))
    assert Incident.objects.count() == 2


def test_announced_work_opens_no_incident() -> None:
    component = ComponentFactory.create(state="maintenance")
    feed(make_monitor(component=component, failure_threshold=1), "ddd")

    assert not Incident.objects.exists()
    assert Component.objects.get().state == "maintenance"


def test_a_component_with_another_open_incident_stays_as_it_is() -> None:
    component = ComponentFactory.create()
    first = make_monitor(component=component, failure_threshold=1, success_threshold=1)
    second = make_monitor(component=component, failure_threshold=1, success_threshold=1)
    feed(first, "d")
    feed(second, "d")

    feed(first, "u", NOON + timedelta(minutes=1))
    assert Component.objects.get().state == "partial_outage"
    feed(second, "u", NOON + timedelta(minutes=1))
    assert Component.objects.get().state == "operational"


@pytest.mark.django_db(transaction=True)
def test_many_hosts_claim_each_check_once() -> None:
    now = timezone.now()
    for _ in range(20):
        make_monitor(next_check_at=now)
    claimed: list[tuple[int, datetime]] = []

    def host() -> None:
        try:
            for _ in range(10):
                with transaction.atomic():
                    claimed.extend(monitors_claim(now=now, limit=3))
        finally:
            connection.close()

    hosts = [threading.Thread(target=host) for _ in range(3)]
    for thread in hosts:
        thread.start()
    for thread in hosts:
        thread.join()

    assert len(claimed) == len(set(claimed)) == 20


def test_what_was_missed_is_not_made_up_for() -> None:
    now = timezone.now()
    monitor = make_monitor(next_check_at=now - timedelta(hours=5, seconds=10), interval_seconds=60)
    make_monitor(enabled=False)
    make_monitor(next_check_at=now + timedelta(seconds=1))

    with transaction.atomic():
        claimed = monitors_claim(now=now)

    assert claimed == [(monitor.pk, monitor.next_check_at)]
    monitor.refresh_from_db()
    assert timedelta() < monitor.next_check_at - now <= timedelta(seconds=60)


def test_roll_ups_say_what_the_checks_say() -> None:
    monitor = make_monitor(interval_seconds=60)
    feed(monitor, "u" * 50 + "d" * 20 + "u" * 110)
    now = NOON + timedelta(minutes=180)

    written = rollups_refresh(now=now)
    assert rollups_refresh(now=now) > 0  # again, and it is the same
    looks = [Look(c.checked_at, c.up, timedelta(seconds=c.covers_seconds)) for c in Check.objects.all()]

    hours = list(Rollup.objects.filter(period="hour").order_by("starts_at"))
    assert [hour.starts_at.hour for hour in hours] == [12, 13, 14, 15]
    assert [hour.down_ms for hour in hours] == [600_000, 600_000, 0, 0]
    for hour in hours[:3]:
        uptime = measure(looks, start=hour.starts_at, end=hour.starts_at + timedelta(hours=1))
        assert (hour.up_ms, hour.down_ms) == (
            uptime.up // timedelta(milliseconds=1),
            uptime.down // timedelta(milliseconds=1),
        )
    day = Rollup.objects.get(period="day")
    assert day.up_ms == sum(hour.up_ms for hour in hours)
    assert day.down_ms == sum(hour.down_ms for hour in hours)
    assert (day.checks, day.failures, day.latency_p95_ms) == (180, 20, 100)
    assert written == 5


def test_roll_ups_go_on_where_they_stopped() -> None:
    monitor = make_monitor()
    feed(monitor, "u" * 60)
    rollups_refresh(now=NOON + timedelta(minutes=60))
    feed(monitor, "d" * 30, NOON + timedelta(minutes=60))
    rollups_refresh(now=NOON + timedelta(minutes=90))

    assert list(
        Rollup.objects.filter(period="hour").order_by("starts_at").values_list("up_ms", "down_ms", "checks")
    ) == [(3_600_000, 0, 60), (0, 1_800_000, 30)]


def test_a_roll_up_is_not_made_worse_by_checks_that_are_gone() -> None:
    monitor = make_monitor()
    start = NOON - timedelta(days=9)
    feed(monitor, "u" * 60, start)
    rollups_refresh(now=start + timedelta(hours=1))
    before = list(
        Rollup.objects.filter(starts_at__lt=start + timedelta(hours=1)).order_by("pk").values("up_ms", "checks")
    )
    retention_apply(now=NOON)
    assert not Check.objects.exists()
    feed(monitor, "u", NOON)

    rollups_refresh(now=NOON)

    after = list(
        Rollup.objects.filter(starts_at__lt=start + timedelta(hours=1)).order_by("pk").values("up_ms", "checks")
    )
    assert after == before


def test_series_do_not_grow_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "DELETE_BATCH", 3)
    monitor = make_monitor()
    feed(monitor, "u" * 10, NOON - timedelta(days=9))
    feed(monitor, "u" * 4, NOON)
    for period, age in (("hour", 101), ("hour", 99), ("day", 401), ("day", 399)):
        Rollup.objects.create(
            monitor=monitor,
            period=period,
            starts_at=NOON - timedelta(days=age),
            up_ms=1,
            down_ms=0,
            checks=1,
            failures=0,
        )

    assert retention_apply(now=NOON + timedelta(minutes=5)) == 12
    assert Check.objects.count() == 4
    assert sorted(Rollup.objects.values_list("period", flat=True)) == ["day", "hour"]


def test_the_public_reads_uptime_and_latency(site: SiteClient) -> None:
    component = ComponentFactory.create()
    now = timezone.now()
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for monitor in (make_monitor(component=component), make_monitor(component=component)):
        for age in (0, 1, 89, 90):
            Rollup.objects.create(
                monitor=monitor, period="day", starts_at=day - timedelta(days=age),
                up_ms=900, down_ms=100, checks=10, failures=1, latency_p50_ms=5, latency_p95_ms=9,
            )  # fmt: skip

    with CaptureQueriesContext(connection) as queries:
        report = site.get("/api/uptime/").json()
    assert len(queries) == 1
    (one,) = report["components"]
    assert (one["component"], one["uptime"], len(one["days"])) == (component.pk, 0.9, 90)
    assert (one["days"][0], one["days"][1], one["days"][89]) == (0.9, None, 0.9)

    with CaptureQueriesContext(connection) as queries:
        points = site.get(f"/api/components/{component.pk}/latency/?range=quarter").json()
    assert len(queries) == 2
    assert [point["p95_ms"] for point in points] == [9, 9, 9]
    assert site.get(f"/api/components/{component.pk}/latency/?range=year").status_code == 400
    assert site.get("/api/components/999/latency/").status_code == 404


def test_a_failure_is_never_rounded_away(site: SiteClient) -> None:
    Rollup.objects.create(
        monitor=make_monitor(component=ComponentFactory.create()), period="day",
        starts_at=timezone.now().replace(hour=0, minute=0, second=0, microsecond=0),
        up_ms=86_399_999, down_ms=1, checks=1, failures=0,
    )  # fmt: skip

    assert site.get("/api/uptime/").json()["components"][0]["uptime"] < 1


def test_staff_makes_changes_and_removes_monitors(staff: SiteClient, site: SiteClient, world: Outside) -> None:
    made = staff.write("POST", "/api/monitors/", {"name": "Front", "url": world.url})
    assert made.status_code == 201, made.content
    path = f"/api/monitors/{made.json()['id']}/"
    assert made.json()["state"] == "unknown"
    assert staff.write("POST", "/api/monitors/", {"name": "Front", "url": world.url}).status_code == 409
    assert staff.write("PATCH", path, {"timeout_seconds": 30, "interval_seconds": 30}).status_code == 409
    assert staff.write("PATCH", path, {"interval_seconds": 30}).json()["interval_seconds"] == 30
    feed(Monitor.objects.get(), "ud")
    assert [check["up"] for check in staff.get(f"{path}checks/").json()["results"]] == [False, True]
    assert site.get("/api/monitors/").status_code == 401
    assert site.get(path).status_code == 401
    assert staff.write("DELETE", path).status_code == 204
    assert not Check.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://169.254.169.254/latest/meta-data/"},
        {"url": "http://127.0.0.1:8080/"},
        {"url": "http://localhost/"},
        {"url": "http://[::1]/"},
        {"url": "file:///etc/passwd"},
        {"url": "http://name.invalid/"},
        {"url": "http://8.8.8.8/\r\nX: y"},
        {"url": "x" * 3000},
        {"interval_seconds": 1},
        {"timeout_seconds": 0},
        {"expected_status": "20"},
        {"expected_status": "600"},
        {"failure_threshold": 0},
        {"method": "POST"},
    ],
)
def test_a_senseless_monitor_is_refused(staff: SiteClient, change: dict[str, Any]) -> None:
    response = staff.write("POST", "/api/monitors/", {"name": "x", "url": "http://8.8.8.8/"} | change)

    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == f"#/{next(iter(change))}"
    assert not Monitor.objects.exists()


def test_staff_has_a_monitor_look_now(staff: SiteClient, world: Outside) -> None:
    monitor = make_monitor(url=world.url)
    queue: Any = task_backends["default"]
    queue.clear()

    answer = staff.write("POST", f"/api/monitors/{monitor.pk}/check/")

    assert answer.status_code == 202, answer.content
    (queued,) = queue.results
    assert datetime.fromisoformat(queued.args[1]) == datetime.fromisoformat(answer.json()["scheduled_for"])
    monitor.refresh_from_db()
    due = monitor.next_check_at
    # What was queued does what it says, once, and the regular checks go on.
    for _ in range(2):
        check_monitor.func(*queued.args)
    (check,) = staff.get(f"/api/monitors/{monitor.pk}/checks/").json()["results"]
    assert (check["up"], check["status_code"]) == (True, 200)
    monitor.refresh_from_db()
    assert monitor.next_check_at == due
    entry = AuditEntry.objects.get(action="monitor.check")
    assert (entry.actor_name, entry.target_id) == ("ada", str(monitor.pk))


def test_nobody_else_makes_a_monitor_look(site: SiteClient, staff: SiteClient) -> None:
    paused = make_monitor(enabled=False)
    path = f"/api/monitors/{paused.pk}/check/"
    viewer = sign_in_as(UserFactory.create(is_staff=True, role="viewer"))
    site.read_token()

    assert site.write("POST", path).status_code == 401
    assert viewer.write("POST", path).status_code == 403
    assert staff.write("POST", path).status_code == 409
    assert staff.write("POST", "/api/monitors/999/check/").status_code == 404
    assert not AuditEntry.objects.filter(action="monitor.check").exists()


def test_looks_that_people_ask_for_are_limited(staff: SiteClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttles, "RATES", {**throttles.RATES, "check": throttles.Rate(2, 3600)})
    path = f"/api/monitors/{make_monitor().pk}/check/"

    answers = [staff.write("POST", path).status_code for _ in range(3)]

    assert answers == [202, 202, 429]
    assert AuditEntry.objects.filter(action="monitor.check").count() == 2


def test_a_queue_that_is_away_is_said(staff: SiteClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def enqueue(*_arguments: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(task_backends["default"], "enqueue", lambda *_a, **_k: enqueue())

    answer = staff.write("POST", f"/api/monitors/{make_monitor().pk}/check/")

    assert answer.status_code == 503
    assert "queue" in answer.json()["detail"]
    assert not AuditEntry.objects.filter(action="monitor.check").exists()
