"""Machines: what a token opens, and how it is closed again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver
from django.utils import timezone

from accounts.models import ApiToken, User
from accounts.roles import Role
from accounts.scopes import Scope
from accounts.tokens import token_create, token_find, token_revoke
from audit.models import AuditEntry
from tests.conftest import ORIGIN, SiteClient, sign_in_as
from tests.factories import UserFactory
from tests.test_contract import api_views

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(db: None) -> SiteClient:
    return sign_in_as(UserFactory.create(username="root", is_staff=True, role=Role.ADMINISTRATOR))


def machine(*scopes: str, **options: object) -> tuple[SiteClient, ApiToken]:
    from accounts.actors import SYSTEM

    made = token_create(name="deploy", scopes=scopes, actor=SYSTEM, **options)  # type: ignore[arg-type]
    client = SiteClient()
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {made.text}"
    return client, made.token


def test_a_token_is_shown_once_and_only_its_digest_is_kept(administrator: SiteClient) -> None:
    made = administrator.write("POST", "/api/tokens/", {"name": "deploy", "scopes": ["incidents:write"]})

    assert made.status_code == 201, made.content
    text = made.json()["text"]
    secret = text.split("_", 2)[2]
    assert secret not in str(ApiToken.objects.values().get())
    listed = administrator.get("/api/tokens/").json()["results"]
    assert [token["name"] for token in listed] == ["deploy"]
    assert secret not in str(listed)
    assert secret not in str(list(AuditEntry.objects.values()))


def test_a_token_does_what_its_scope_says_without_a_csrf_token() -> None:
    client, _ = machine("incidents:write")

    opened = client.write("POST", "/api/incidents/", {"title": "Slow", "message": "Looking."})

    assert opened.status_code == 201, opened.content
    entry = AuditEntry.objects.get(action="incident.open")
    assert entry.actor_kind == "machine"
    assert entry.actor_name.startswith("deploy (")


@pytest.mark.parametrize(
    ("method", "path", "sentence"),
    [
        ("POST", "/api/components/", "This token has not the scope components:write."),
        ("GET", "/api/audit/", "This token has not the scope audit:read."),
        ("GET", "/api/tokens/", "Only people may do this."),
        ("POST", "/api/tokens/", "Only people may do this."),
    ],
)
def test_a_token_does_nothing_else(method: str, path: str, sentence: str) -> None:
    client, _ = machine("incidents:write")

    response = client.write(method, path, {"name": "x", "scopes": ["audit:read"]})

    assert response.status_code == 403
    assert response.json()["detail"] == sentence


def test_a_read_of_staff_may_be_a_machines_too() -> None:
    client, _ = machine("audit:read")

    assert client.get("/api/audit/").status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer x",
        "Bearer slipway_a_b",
        "Bearer slipway__",
        "Bearer a b",
        "Bearer \xff",
        "Bearer " + "x" * 9000,
    ],
)
def test_what_is_no_token_is_refused(site: SiteClient, header: str) -> None:
    response = site.post("/api/components/", {}, headers={"authorization": header}, content_type="application/json")

    assert response.status_code == 401
    assert response.json()["detail"] == "This token is not in force."


def test_a_wrong_secret_a_revoked_and_an_expired_token_are_refused() -> None:
    from accounts.actors import SYSTEM

    made = token_create(name="x", scopes=["audit:read"], actor=SYSTEM)
    assert token_find(text=made.text) == made.token
    assert token_find(text=made.text[:-1]) is None
    token_revoke(token=made.token, actor=SYSTEM)
    assert token_find(text=made.text) is None
    soon = token_create(name="y", scopes=["audit:read"], actor=SYSTEM, expires_at=timezone.now() + timedelta(minutes=1))
    assert token_find(text=soon.text) == soon.token
    ApiToken.objects.filter(pk=soon.token.pk).update(expires_at=timezone.now())
    assert token_find(text=soon.text) is None


def test_an_administrator_revokes(administrator: SiteClient) -> None:
    client, token = machine("audit:read")
    assert client.get("/api/audit/").status_code == 200

    assert administrator.write("DELETE", f"/api/tokens/{token.pk}/").json()["revoked_at"] is not None

    assert client.get("/api/audit/").status_code == 401
    assert AuditEntry.objects.filter(action="token.revoke").count() == 1


def test_using_a_token_writes_once_a_minute() -> None:
    client, token = machine("audit:read")
    client.get("/api/audit/")
    first = ApiToken.objects.get(pk=token.pk).last_used_at
    assert first is not None

    with CaptureQueriesContext(connection) as queries:
        client.get("/api/audit/")

    assert ApiToken.objects.get(pk=token.pk).last_used_at == first
    assert len(queries) <= 3, [query["sql"] for query in queries]


def test_a_session_and_a_token_together_are_the_token(staff_user: User) -> None:
    client, _ = machine("audit:read")
    client.force_login(staff_user)

    response = client.generic(
        "POST", "/api/components/", b"{}", content_type="application/json", headers={"origin": ORIGIN}
    )

    assert response.status_code == 403
    assert "scope" in response.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["all"]},
        {"name": "x", "scopes": ["audit:read"], "expires_at": "2000-01-01T00:00:00Z"},
    ],
)
def test_a_senseless_token_is_not_made(administrator: SiteClient, body: object) -> None:
    assert administrator.write("POST", "/api/tokens/", body).status_code in (400, 409)
    assert not ApiToken.objects.exists()


def test_operations_name_scopes_that_there_are() -> None:
    named = {
        operation.scope
        for _, view in api_views(get_resolver().url_patterns)
        for operation in view.operations.values()
        if operation.scope
    }
    assert named <= set(Scope.values)
