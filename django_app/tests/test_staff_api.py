"""What staff may change, and everybody else may not."""

from __future__ import annotations

import pytest

from accounts.models import User
from status.models import Component, Incident, IncidentUpdate
from tests.conftest import SiteClient
from tests.factories import ComponentFactory, UserFactory, make_incident

pytestmark = pytest.mark.django_db

WRITES = [
    ("POST", "/api/components/", {"name": "API"}),
    ("PATCH", "/api/components/{component}/", {"state": "degraded"}),
    ("POST", "/api/incidents/", {"title": "Slow", "message": "Looking."}),
    ("POST", "/api/incidents/{incident}/updates/", {"state": "resolved", "message": "Over."}),
]


def paths() -> dict[str, int]:
    return {"component": ComponentFactory.create().pk, "incident": make_incident().pk}


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_stranger_is_asked_to_sign_in(site: SiteClient, method: str, path: str, body: dict[str, str]) -> None:
    site.read_token()
    response = site.write(method, path.format(**paths()), body)

    assert response.status_code == 401
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["WWW-Authenticate"] == 'Session, Bearer realm="status"'


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_person_who_is_not_staff_is_refused(method: str, path: str, body: dict[str, str]) -> None:
    client = SiteClient()
    client.force_login(UserFactory.create())
    client.read_token()

    response = client.write(method, path.format(**paths()), body)

    assert response.status_code == 403
    assert response.json()["detail"] == "Only staff may change the status page."


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_write_without_the_token_is_refused(staff: SiteClient, method: str, path: str, body: dict[str, str]) -> None:
    staff.token = ""

    response = staff.write(method, path.format(**paths()), body)

    assert response.status_code == 403
    assert "CSRF" in response.json()["detail"]
    assert not Component.objects.filter(state="degraded").exists()


def test_a_component_is_made_and_changed(staff: SiteClient) -> None:
    made = staff.write("POST", "/api/components/", {"name": "API", "description": "For partners"})
    assert made.status_code == 201, made.content
    component = made.json()

    changed = staff.write("PATCH", f"/api/components/{component['id']}/", {"state": "partial_outage"})

    assert changed.status_code == 200
    assert changed.json()["state"] == "partial_outage"
    assert changed.json()["state_changed_at"] > component["state_changed_at"]
    assert changed.json()["description"] == "For partners"


def test_the_moment_of_a_state_stays_when_only_the_words_change(staff: SiteClient) -> None:
    component = ComponentFactory.create()

    changed = staff.write("PATCH", f"/api/components/{component.pk}/", {"description": "New", "state": "operational"})

    moment = Component.objects.get(pk=component.pk).state_changed_at
    assert changed.json()["description"] == "New"
    assert moment == component.state_changed_at


@pytest.mark.parametrize("path", ["/api/components/", "/api/components/{other}/"])
def test_a_name_is_given_once(staff: SiteClient, path: str) -> None:
    ComponentFactory.create(name="API")
    other = ComponentFactory.create(name="Site")

    response = staff.write("PATCH" if "other" in path else "POST", path.format(other=other.pk), {"name": "API"})

    assert response.status_code == 409
    assert response.json() == {
        "title": "Conflict",
        "status": 409,
        "detail": "A component is already called API.",
    }


def test_an_incident_from_opening_to_resolution(staff: SiteClient, staff_user: User) -> None:
    component = ComponentFactory.create()
    opened = staff.write(
        "POST",
        "/api/incidents/",
        {
            "title": "Uploads fail",
            "message": "We are looking.",
            "components": [component.pk],
            "component_state": "major_outage",
        },
    )
    assert opened.status_code == 201, opened.content
    incident_id = opened.json()["id"]
    assert opened.json()["state"] == "investigating"
    assert Component.objects.get().state == "major_outage"

    posted = staff.write("POST", f"/api/incidents/{incident_id}/updates/", {"state": "resolved", "message": "Over."})

    assert posted.status_code == 201
    incident = Incident.objects.get()
    assert incident.state == "resolved"
    assert incident.resolved_at is not None
    assert set(incident.updates.values_list("author_id", flat=True)) == {staff_user.pk}

    staff.write("POST", f"/api/incidents/{incident_id}/updates/", {"state": "investigating", "message": "Again."})

    assert Incident.objects.filter(state="investigating", resolved_at=None).exists()


def test_every_wrong_member_is_pointed_at(staff: SiteClient) -> None:
    response = staff.write("POST", "/api/incidents/", {"title": "", "state": "odd", "components": [404]})

    assert response.status_code == 400
    problem = response.json()
    assert problem["title"] == "Bad Request"
    assert {error["pointer"] for error in problem["errors"]} == {
        "#/title",
        "#/message",
        "#/state",
        "#/components",
    }


@pytest.mark.parametrize("path", ["/api/components/999/", "/api/incidents/999/"])
def test_what_is_not_there_is_a_problem_document(staff: SiteClient, path: str) -> None:
    response = staff.get(path)

    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == 404


def test_null_bytes_and_broken_json_are_the_clients_mistake(staff: SiteClient) -> None:
    assert staff.write("POST", "/api/components/", {"name": "a\x00b"}).status_code == 400
    broken = staff.generic(
        "POST", "/api/components/", b"{", content_type="application/json", headers={"x-csrftoken": staff.token}
    )
    assert broken.status_code in (400, 403)


def test_each_affected_component_may_have_a_state_of_its_own(staff: SiteClient) -> None:
    one, other, third = (ComponentFactory.create() for _ in range(3))
    body = {
        "title": "Uploads fail",
        "message": "We are looking.",
        "components": [one.pk, other.pk],
        "component_state": "degraded",
        "component_states": [{"component": other.pk, "state": "major_outage"}],
    }
    made = staff.write("POST", "/api/incidents/", body)
    assert made.status_code == 201, made.content
    assert list(Component.objects.order_by("pk").values_list("state", flat=True)) == [
        "degraded",
        "major_outage",
        "operational",
    ]
    path = f"/api/incidents/{made.json()['id']}/updates/"
    update = {
        "state": "monitoring",
        "message": "Better.",
        "component_states": [{"component": one.pk, "state": "operational"}],
    }
    assert staff.write("POST", path, update).status_code == 201
    assert list(Component.objects.order_by("pk").values_list("state", flat=True))[:2] == ["operational", "major_outage"]

    update["component_states"] = [{"component": third.pk, "state": "degraded"}]
    assert staff.write("POST", path, update).status_code == 409
    update["component_states"] = [{"component": one.pk, "state": "odd"}]
    refused = staff.write("POST", path, update)
    assert refused.json()["errors"][0]["pointer"].startswith("#/component_states")
    assert IncidentUpdate.objects.count() == 2
