"""Whatever staff changes leaves an entry, and the entry tells what it was."""

from __future__ import annotations

import pytest
from django.db import transaction

from accounts.models import User
from accounts.roles import Role
from audit.models import AuditEntry
from status.services import component_update
from tests.conftest import SiteClient, sign_in_as
from tests.factories import ComponentFactory, UserFactory, make_incident

pytestmark = pytest.mark.django_db


def test_every_write_of_the_api_leaves_an_entry(staff: SiteClient, staff_user: User) -> None:
    component = staff.write("POST", "/api/components/", {"name": "API"}).json()["id"]
    staff.write("PATCH", f"/api/components/{component}/", {"state": "degraded"})
    group = staff.write("POST", "/api/component-groups/", {"name": "Core"}).json()["id"]
    staff.write("PATCH", f"/api/components/{component}/", {"group": group})
    staff.write("DELETE", f"/api/component-groups/{group}/")
    incident = staff.write("POST", "/api/incidents/", {"title": "Slow", "message": "Looking."}).json()["id"]
    staff.write("PATCH", f"/api/incidents/{incident}/", {"severity": "critical", "components": [component]})
    staff.write("POST", f"/api/incidents/{incident}/updates/", {"state": "resolved", "message": "Over."})

    entries = list(AuditEntry.objects.order_by("id"))

    assert [(entry.action, entry.target_id) for entry in entries] == [
        ("component.create", str(component)),
        ("component.update", str(component)),
        ("component_group.create", str(group)),
        ("component.update", str(component)),
        ("component_group.delete", str(group)),
        ("incident.open", str(incident)),
        ("incident.update", str(incident)),
        ("incident.post_update", str(incident)),
    ]
    assert {(entry.actor_kind, entry.actor_name, entry.user_id) for entry in entries} == {
        ("person", "ada", staff_user.pk)
    }
    assert entries[1].changes == {"state": ["operational", "degraded"]}
    assert entries[6].changes == {"severity": ["minor", "critical"], "components": [[], [component]]}
    assert entries[7].changes == {"state": ["investigating", "resolved"]}


def test_nothing_changed_is_nothing_to_tell(staff: SiteClient) -> None:
    component = ComponentFactory.create(name="API")

    assert staff.write("PATCH", f"/api/components/{component.pk}/", {"name": "API"}).status_code == 200

    assert not AuditEntry.objects.exists()


def test_an_entry_goes_with_the_change_that_it_tells_of() -> None:
    component = ComponentFactory.create()
    with transaction.atomic():
        component_update(component=component, name="Other")
        transaction.set_rollback(True)

    assert not AuditEntry.objects.exists()


def test_an_entry_outlives_the_person() -> None:
    author = UserFactory.create(username="grace", is_staff=True)
    sign_in_as(author).write("POST", "/api/components/", {"name": "API"})

    author.delete()

    entry = AuditEntry.objects.get()
    assert (entry.actor_name, entry.user) == ("grace", None)


def test_the_trail_is_read_in_pages_and_by_action() -> None:
    client = sign_in_as(UserFactory.create(username="root", is_staff=True, role=Role.ADMINISTRATOR))
    for _ in range(5):
        make_incident()
    client.write("POST", "/api/components/", {"name": "API"})
    seen: list[int] = []
    path = "/api/audit/?limit=2&action=incident.open"
    cursor = ""
    while True:
        answer = client.get(f"{path}{cursor}").json()
        assert len(answer["results"]) <= 2
        seen += [entry["id"] for entry in answer["results"]]
        if answer["next_cursor"] is None:
            break
        cursor = f"&cursor={answer['next_cursor']}"

    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 5
    assert client.get("/api/audit/?actor=root").json()["results"][0]["action"] == "component.create"


@pytest.mark.parametrize("cursor", ["x", "MTow", "MToxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1", "%00", "é", "a" * 65])
def test_a_cursor_that_nobody_gave_is_refused(cursor: str) -> None:
    client = sign_in_as(UserFactory.create(is_staff=True, role=Role.ADMINISTRATOR))

    response = client.get("/api/audit/", {"cursor": cursor})

    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == "#/cursor"


@pytest.mark.django_db(transaction=True)
def test_what_the_admin_changes_is_in_the_trail(staff_user: User) -> None:
    staff_user.is_superuser = True
    staff_user.save()
    client = SiteClient()
    client.force_login(staff_user)
    component = ComponentFactory.create(name="Old")
    path = f"/admin/status/component/{component.pk}/change/"
    token = client.get(path).context["csrf_token"]

    client.post(
        path,
        {"name": "New", "description": "", "position": "0", "csrfmiddlewaretoken": token},
        headers={"referer": "https://app.example.com/admin/"},
    )

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target_name, entry.actor_name) == ("admin.change", "New", "ada")
    assert "Name" in entry.changes["fields"]
    entry_path = f"/admin/audit/auditentry/{entry.pk}/change/"
    assert client.get(entry_path).status_code == 200
    assert (
        client.post(
            entry_path, {"csrfmiddlewaretoken": token}, headers={"referer": "https://app.example.com/"}
        ).status_code
        == 403
    )
