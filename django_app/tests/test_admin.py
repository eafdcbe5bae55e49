"""The admin edits words and order; what it changes is seen by the public at once."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from accounts.models import User
from tests.conftest import SiteClient
from tests.factories import ComponentFactory, make_incident

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def superuser(staff_user: User) -> SiteClient:
    staff_user.is_superuser = True
    staff_user.save()
    client = SiteClient(raise_request_exception=True)
    client.force_login(staff_user)
    return client


def test_every_page_of_the_admin_opens(superuser: SiteClient) -> None:
    component, incident = ComponentFactory.create(), make_incident()
    for path in (
        "/admin/",
        "/admin/status/component/",
        "/admin/status/component/add/",
        f"/admin/status/component/{component.pk}/change/",
        "/admin/status/incident/",
        f"/admin/status/incident/{incident.pk}/change/",
        "/admin/accounts/user/",
    ):
        assert superuser.get(path).status_code == 200, path


def test_a_renamed_component_is_not_served_from_the_cache(superuser: SiteClient) -> None:
    component = ComponentFactory.create(name="Old")
    assert superuser.get("/api/components/").json()[0]["name"] == "Old"
    assert cache.get("components") is not None
    path = f"/admin/status/component/{component.pk}/change/"
    token = superuser.get(path).context["csrf_token"]

    response = superuser.post(
        path,
        {"name": "New", "description": "", "position": "0", "csrfmiddlewaretoken": token},
        headers={"referer": "https://app.example.com/admin/"},
    )

    assert response.status_code == 302, response.content.decode()[:2000]
    assert superuser.get("/api/components/").json()[0]["name"] == "New"


def test_an_incident_cannot_be_opened_past_the_service(superuser: SiteClient) -> None:
    assert superuser.get("/admin/status/incident/add/").status_code == 403
