"""Viewer, editor, administrator: what each may do, in the API."""

from __future__ import annotations

import pytest

from accounts.models import User
from accounts.roles import Role, suffices
from tests.conftest import SiteClient, sign_in_as
from tests.factories import ComponentFactory, UserFactory, make_incident

pytestmark = pytest.mark.django_db

OPERATIONS = [
    ("GET", "/api/audit/", None, Role.ADMINISTRATOR),
    ("POST", "/api/component-groups/", {"name": "Core"}, Role.EDITOR),
    ("POST", "/api/components/", {"name": "API"}, Role.EDITOR),
    ("PATCH", "/api/components/{component}/", {"state": "degraded"}, Role.EDITOR),
    ("DELETE", "/api/components/{component}/", None, Role.ADMINISTRATOR),
    ("POST", "/api/incidents/", {"title": "Slow", "message": "Looking."}, Role.EDITOR),
    ("PATCH", "/api/incidents/{incident}/", {"severity": "major"}, Role.EDITOR),
    ("POST", "/api/incidents/{incident}/updates/", {"state": "resolved", "message": "Over."}, Role.EDITOR),
    (
        "POST",
        "/api/maintenance/",
        {"title": "Disk", "message": "New.", "starts_at": "2100-01-01T00:00:00Z", "ends_at": "2100-01-01T01:00:00Z"},
        Role.EDITOR,
    ),
]


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize(("method", "path", "body", "needed"), OPERATIONS)
def test_each_role_may_do_what_it_may(method: str, path: str, body: object, needed: str, role: str) -> None:
    client = sign_in_as(UserFactory.create(is_staff=True, role=role))
    path = path.format(component=ComponentFactory.create().pk, incident=make_incident().pk)

    response = client.get(path) if method == "GET" else client.write(method, path, body)

    if suffices(role, needed=needed):
        assert response.status_code in (200, 201, 204), response.content
    else:
        assert response.status_code == 403
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json()["detail"] == (
            f"This needs the role {Role(needed).label.lower()}, and yours is {Role(role).label.lower()}."
        )


def test_a_role_counts_for_active_staff_only() -> None:
    assert UserFactory.create(role=Role.ADMINISTRATOR).effective_role == ""
    assert UserFactory.create(role=Role.ADMINISTRATOR, is_staff=True, is_active=False).effective_role == ""
    assert UserFactory.create(role=Role.VIEWER, is_staff=True, is_superuser=True).effective_role == "administrator"


def test_people_from_before_the_roles_keep_what_they_could_do() -> None:
    assert UserFactory.create(is_staff=True).effective_role == "editor"


def test_the_session_tells_the_role(staff: SiteClient, site: SiteClient) -> None:
    assert staff.get("/api/session/").json()["role"] == "editor"
    assert site.get("/api/session/").json()["role"] == ""


def test_a_stranger_cannot_read_the_trail(site: SiteClient) -> None:
    assert site.get("/api/audit/").status_code == 401
    assert sign_in_as(UserFactory.create()).get("/api/audit/").json()["detail"] == "Only staff may read this."


def test_the_database_refuses_an_unknown_role() -> None:
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(username="x", role="king")
