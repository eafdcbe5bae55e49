"""If-Match: who has read something else than what is stored is told so, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from status.models import Component, ComponentGroup, Incident, IncidentUpdate, Maintenance
from tests.conftest import ORIGIN, SiteClient
from tests.factories import ComponentFactory, make_incident, make_maintenance

# What is cached is dropped after a commit, so that there has to be one.
pytestmark = pytest.mark.django_db(transaction=True)


def write_if(client: SiteClient, tag: str, method: str, path: str, data: Any) -> Any:
    client.defaults["HTTP_IF_MATCH"] = tag
    try:
        return client.write(method, path, data)
    finally:
        del client.defaults["HTTP_IF_MATCH"]


def test_of_two_editors_the_second_is_told_what_the_first_has_written(staff: SiteClient) -> None:
    incident = make_incident()
    path = f"/api/incidents/{incident.pk}/"
    tag = staff.get(path).headers["ETag"]

    first = write_if(staff, tag, "PATCH", path, {"title": "Sign-in is down"})
    second = write_if(staff, tag, "PATCH", path, {"title": "Sign-in is slower"})

    assert first.status_code == 200, first.content
    assert second.status_code == 412
    assert second.headers["Content-Type"] == "application/problem+json"
    assert second.json()["current"] == first.json() == staff.get(path).json()
    assert second.headers["ETag"] == first.headers["ETag"] == staff.get(path).headers["ETag"]
    assert Incident.objects.get().title == "Sign-in is down"

    again = write_if(staff, second.headers["ETag"], "PATCH", path, {"title": "Sign-in is slower"})
    assert again.json()["title"] == "Sign-in is slower"


def test_nobody_resolves_what_has_news(staff: SiteClient) -> None:
    incident = make_incident()
    path = f"/api/incidents/{incident.pk}/"
    tag = staff.get(path).headers["ETag"]
    staff.write("POST", f"{path}updates/", {"state": "identified", "message": "It is the disk."})

    late = write_if(staff, tag, "POST", f"{path}updates/", {"state": "resolved", "message": "Over."})

    assert late.status_code == 412
    assert late.json()["current"]["state"] == "identified"
    assert IncidentUpdate.objects.count() == 2


def test_components_groups_and_maintenance_heed_it_too(staff: SiteClient) -> None:
    component = ComponentFactory.create()
    group = ComponentGroup.objects.create(name="Core")
    maintenance = make_maintenance()
    cases: tuple[tuple[str, dict[str, str], Callable[[], str]], ...] = (
        (f"/api/components/{component.pk}/", {"state": "degraded"}, lambda: Component.objects.get().state),
        (f"/api/component-groups/{group.pk}/", {"name": "Edge"}, lambda: ComponentGroup.objects.get().name),
        (f"/api/maintenance/{maintenance.pk}/", {"title": "Two disks"}, lambda: Maintenance.objects.get().title),
    )
    for path, change, changed in cases:
        before = changed()
        refused = write_if(staff, '"something-else"', "PATCH", path, change)
        assert refused.status_code == 412, path
        assert changed() == before
        accepted = write_if(staff, refused.headers["ETag"], "PATCH", path, change)
        assert accepted.status_code == 200, accepted.content
        assert changed() == next(iter(change.values()))


@pytest.mark.parametrize("form", ["*", "{tag}", "W/{tag}", '"a", {tag}', ' "b" ,W/{tag}'])
def test_a_tag_counts_in_every_form_that_it_arrives_in(staff: SiteClient, form: str) -> None:
    component = ComponentFactory.create()
    path = f"/api/components/{component.pk}/"
    tag = staff.get(path).headers["ETag"]

    assert write_if(staff, form.format(tag=tag), "PATCH", path, {"description": "x"}).status_code == 200


@pytest.mark.parametrize("form", ["", "x", '"', "W/", '""'])
def test_nonsense_matches_nothing(staff: SiteClient, form: str) -> None:
    component = ComponentFactory.create()

    refused = write_if(staff, form, "PATCH", f"/api/components/{component.pk}/", {"description": "x"})

    assert refused.status_code == 412
    assert Component.objects.get().description == ""


def test_a_stranger_learns_nothing_from_it(site: SiteClient) -> None:
    component = ComponentFactory.create()
    site.read_token()

    answer = site.generic(
        "PATCH",
        f"/api/components/{component.pk}/",
        "{}",
        content_type="application/json",
        headers={"x-csrftoken": site.token, "origin": ORIGIN, "referer": f"{ORIGIN}/", "if-match": '"x"'},
    )

    assert answer.status_code == 401
    assert "current" not in answer.json()


def test_a_maintenance_that_moved_on_by_the_clock_is_a_conflict_too(staff: SiteClient) -> None:
    maintenance = make_maintenance(ends_at=timezone.now() + timedelta(hours=3))
    path = f"/api/maintenance/{maintenance.pk}/"
    tag = staff.get(path).headers["ETag"]
    assert staff.write("POST", f"{path}start/").json()["state"] == "in_progress"

    assert write_if(staff, tag, "PATCH", path, {"title": "x"}).status_code == 412
