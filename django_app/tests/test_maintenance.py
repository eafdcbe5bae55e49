"""Announced work begins and ends by the clock, once, whoever looks at the clock."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from audit.models import AuditEntry
from status.models import Component, Maintenance
from status.services import component_update, maintenance_advance
from tests.conftest import SiteClient, sign_in_as
from tests.factories import ComponentFactory, UserFactory, make_maintenance

pytestmark = pytest.mark.django_db


def states() -> list[str]:
    return list(Component.objects.order_by("pk").values_list("state", flat=True))


def test_it_begins_and_ends_by_the_clock() -> None:
    quiet, broken = ComponentFactory.create(), ComponentFactory.create(state="major_outage")
    maintenance = make_maintenance(components=[quiet, broken])
    start, end = maintenance.starts_at, maintenance.ends_at

    assert maintenance_advance(now=start - timedelta(seconds=1)) == 0
    assert states() == ["operational", "major_outage"]

    assert maintenance_advance(now=start) == 1
    assert states() == ["maintenance", "major_outage"]

    assert maintenance_advance(now=end) == 1
    assert maintenance_advance(now=end) == 0
    assert states() == ["operational", "major_outage"]
    assert Maintenance.objects.get().state == "completed"


def test_what_was_missed_wholly_is_over_at_once() -> None:
    maintenance = make_maintenance(components=[ComponentFactory.create()])

    assert maintenance_advance(now=maintenance.ends_at + timedelta(days=1)) == 1
    assert states() == ["operational"]


def test_of_two_that_overlap_the_last_gives_the_component_back() -> None:
    component = ComponentFactory.create()
    first = make_maintenance(components=[component])
    second = make_maintenance(components=[component], ends_at=first.ends_at + timedelta(hours=1))
    maintenance_advance(now=first.starts_at + timedelta(minutes=1))

    maintenance_advance(now=first.ends_at)
    assert states() == ["maintenance"]

    maintenance_advance(now=second.ends_at)
    assert states() == ["operational"]


def test_a_failure_during_the_work_is_not_hidden_by_its_end() -> None:
    component = ComponentFactory.create()
    maintenance = make_maintenance(components=[component])
    maintenance_advance(now=maintenance.starts_at)
    component_update(component=component, state="partial_outage")

    maintenance_advance(now=maintenance.ends_at)

    assert states() == ["partial_outage"]


def test_staff_announces_changes_and_cancels(staff: SiteClient, site: SiteClient) -> None:
    component = ComponentFactory.create()
    start = timezone.now() + timedelta(days=1)
    body = {
        "title": "Disk",
        "message": "New.",
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=2)).isoformat(),
        "components": [component.pk],
    }
    made = staff.write("POST", "/api/maintenance/", body)
    assert made.status_code == 201, made.content
    path = f"/api/maintenance/{made.json()['id']}/"
    assert site.get("/api/summary/").json()["maintenance"] == [made.json()]

    changed = staff.write("PATCH", path, {"title": "Two disks"})
    assert changed.json()["title"] == "Two disks"

    assert staff.write("DELETE", path).json()["state"] == "cancelled"
    assert staff.write("DELETE", path).status_code == 409
    assert staff.write("PATCH", path, {"title": "x"}).status_code == 409
    assert site.get("/api/maintenance/?show=past").json()["results"][0]["state"] == "cancelled"
    assert site.get("/api/maintenance/?show=ahead").json()["results"] == []


def test_cancelling_what_has_begun_gives_the_components_back(staff: SiteClient) -> None:
    maintenance = make_maintenance(components=[ComponentFactory.create()])
    maintenance_advance(now=maintenance.starts_at)
    path = f"/api/maintenance/{maintenance.pk}/"

    assert staff.write("PATCH", path, {"components": []}).status_code == 409
    assert staff.write("DELETE", path).status_code == 200
    assert states() == ["operational"]


@pytest.mark.parametrize(("start", "end"), [(2, 1), (-2, -1), (1, 1)])
def test_a_window_that_is_none_is_refused(staff: SiteClient, start: int, end: int) -> None:
    now = timezone.now()
    body = {
        "title": "Disk",
        "message": "New.",
        "starts_at": (now + timedelta(hours=start)).isoformat(),
        "ends_at": (now + timedelta(hours=end)).isoformat(),
    }

    assert staff.write("POST", "/api/maintenance/", body).status_code == 409
    assert not Maintenance.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_hosts_begin_it_once() -> None:
    now = timezone.now() + timedelta(hours=1, seconds=1)
    for _ in range(6):
        make_maintenance(components=[ComponentFactory.create()])
    changed: list[int] = []

    def host() -> None:
        try:
            changed.append(maintenance_advance(now=now))
        finally:
            connection.close()

    hosts = [threading.Thread(target=host) for _ in range(3)]
    for thread in hosts:
        thread.start()
    for thread in hosts:
        thread.join()

    assert sum(changed) == 6
    assert states() == ["maintenance"] * 6


def test_staff_begins_and_ends_it_before_its_time(staff: SiteClient) -> None:
    maintenance = make_maintenance(components=[ComponentFactory.create()])
    announced_start, announced_end = maintenance.starts_at, maintenance.ends_at
    path = f"/api/maintenance/{maintenance.pk}/"

    assert staff.write("POST", f"{path}complete/").status_code == 409
    begun = staff.write("POST", f"{path}start/")
    assert begun.json()["state"] == "in_progress"
    assert states() == ["maintenance"]
    assert staff.write("POST", f"{path}start/").status_code == 409
    over = staff.write("POST", f"{path}complete/")
    assert over.json()["state"] == "completed"
    assert states() == ["operational"]
    assert staff.write("POST", f"{path}complete/").status_code == 409
    assert staff.write("POST", f"{path}start/").status_code == 409

    maintenance.refresh_from_db()
    assert maintenance.starts_at < announced_start
    assert maintenance.starts_at <= maintenance.ends_at < announced_end
    actions = list(AuditEntry.objects.filter(target_type="status.maintenance").order_by("pk"))
    assert [entry.action for entry in actions] == [
        "maintenance.schedule",
        "maintenance.in_progress",
        "maintenance.completed",
    ]
    assert actions[-1].actor_name == "ada"
    assert maintenance_advance(now=announced_end) == 0


def test_work_cannot_end_at_the_moment_at_which_it_begins(staff: SiteClient) -> None:
    """The table wants an end after the start, which a clock of microseconds gives."""
    path = f"/api/maintenance/{make_maintenance().pk}/"
    staff.write("POST", f"{path}start/")
    staff.write("POST", f"{path}complete/")

    maintenance = Maintenance.objects.get()
    assert maintenance.starts_at < maintenance.ends_at


@pytest.mark.parametrize("step", ["start", "complete"])
def test_viewers_move_nothing(site: SiteClient, step: str) -> None:
    viewer = sign_in_as(UserFactory.create(is_staff=True, role="viewer"))
    path = f"/api/maintenance/{make_maintenance().pk}/{step}/"
    site.read_token()

    assert viewer.write("POST", path).status_code == 403
    assert site.write("POST", path).status_code == 401
    assert Maintenance.objects.get().state == "scheduled"
