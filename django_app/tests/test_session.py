from __future__ import annotations

import pytest

from accounts.models import User
from accounts.throttle import FAILURES_ALLOWED
from tests.conftest import SiteClient
from tests.factories import PASSWORD, UserFactory
from tests.stores import dead_cache

pytestmark = pytest.mark.django_db


def sign_in(site: SiteClient, username: str = "ada", password: str = PASSWORD) -> tuple[int, dict[str, object]]:
    site.read_token()
    response = site.write("POST", "/api/session/", {"username": username, "password": password})
    return response.status_code, response.json()


def test_reading_the_session_sets_a_hardened_csrf_cookie(site: SiteClient) -> None:
    response = site.get("/api/session/")

    assert response.json()["signed_in"] is False
    cookie = response.cookies["__Host-csrf"]
    assert cookie["secure"]
    assert cookie["httponly"]
    assert cookie["path"] == "/"
    assert not cookie["domain"]
    assert "no-store" in response.headers["Cache-Control"]


def test_signing_in_and_out(site: SiteClient, staff_user: User) -> None:
    status, state = sign_in(site)
    assert (status, state["signed_in"], state["username"]) == (200, True, "ada")
    assert site.get("/api/session/").json()["signed_in"] is True
    assert site.cookies["__Host-session"]["secure"]

    # Signing in rotates the token; the answer carried the new one.
    site.token = str(state["csrf_token"])
    assert site.write("POST", "/api/components/", {"name": "API"}).status_code == 201

    assert site.write("DELETE", "/api/session/").json()["signed_in"] is False
    assert site.write("POST", "/api/components/", {"name": "Site"}).status_code == 401


@pytest.mark.parametrize(
    ("username", "password"), [("ada", "wrong"), ("nobody", PASSWORD), ("plain", PASSWORD), ("gone", PASSWORD)]
)
def test_every_refusal_says_the_same(site: SiteClient, staff_user: User, username: str, password: str) -> None:
    UserFactory.create(username="plain")
    UserFactory.create(username="gone", is_staff=True, is_active=False)

    status, problem = sign_in(site, username, password)

    assert status == 403
    assert problem["detail"] == "This user name and password do not open the staff page."
    assert site.get("/api/session/").json()["signed_in"] is False


def test_signing_in_needs_the_token(site: SiteClient, staff_user: User) -> None:
    response = site.write("POST", "/api/session/", {"username": "ada", "password": PASSWORD})

    assert response.status_code == 403
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "__Host-session" not in site.cookies


def test_guessing_is_stopped_even_when_the_last_guess_is_right(site: SiteClient, staff_user: User) -> None:
    UserFactory.create(username="grace", is_staff=True)
    for _ in range(FAILURES_ALLOWED):
        assert sign_in(site, "ADA", "wrong")[0] == 403

    site.read_token()
    response = site.write("POST", "/api/session/", {"username": "ada", "password": PASSWORD})

    assert response.status_code == 429
    assert response.headers["Retry-After"] == "300"
    assert "Wait five minutes" in response.json()["detail"]
    assert sign_in(site, "grace")[0] == 200


def test_the_admin_has_the_same_limit(site: SiteClient, staff_user: User) -> None:
    for _ in range(FAILURES_ALLOWED):
        sign_in(site, "ada", "wrong")
    form = site.get("/admin/login/")
    token = form.context["csrf_token"]

    response = site.post(
        "/admin/login/",
        {"username": "ada", "password": PASSWORD, "csrfmiddlewaretoken": token},
        headers={"referer": "https://app.example.com/admin/login/"},
    )

    assert response.status_code == 200
    assert "__Host-session" not in site.cookies


def test_staff_can_sign_in_while_the_cache_is_down(site: SiteClient, staff_user: User) -> None:
    with dead_cache():
        assert sign_in(site)[0] == 200
