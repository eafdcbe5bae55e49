"""Whatever is sent, the answer is a problem document of the client's mistake, and nothing has changed."""

from __future__ import annotations

import json

import pytest

from config.parsers import MAXIMUM_BYTES
from status.models import Component, Incident, Maintenance
from tests.conftest import ORIGIN, SiteClient
from tests.factories import ComponentFactory

pytestmark = pytest.mark.django_db


def send(staff: SiteClient, path: str, body: bytes, content_type: str = "application/json") -> int:
    response = staff.generic(
        "POST", path, body, content_type=content_type, headers={"x-csrftoken": staff.token, "origin": ORIGIN}
    )
    if response.status_code >= 400:
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json()["status"] == response.status_code
    return response.status_code


BODIES: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("not JSON", b"{"),
    ("another type", b"[]"),
    ("a number", b"7"),
    ("null", b"null"),
    ("deep", b"[" * 100_000),
    ("huge", json.dumps({"name": "x" * MAXIMUM_BYTES}).encode()),
    ("huge number", b'{"name": "x", "position": ' + b"9" * 5000 + b"}"),
    ("large number", b'{"name": "x", "position": 99999999999999999999}'),
    ("infinite", b'{"name": "x", "position": Infinity}'),
    ("negative", b'{"name": "x", "position": -1}'),
    ("too long", json.dumps({"name": "x" * 81}).encode()),
    ("null byte", json.dumps({"name": "a\x00b"}).encode()),
    ("half a surrogate pair", b'{"name": "\\ud800"}'),
    ("not UTF-8", b'{"name": "\xff"}'),
    ("a number as a name", b'{"name": 7}'),
    ("true as a name", b'{"name": true}'),
    ("a list as a name", b'{"name": ["x"]}'),
    ("an unknown group", b'{"name": "x", "group": 99999999999999999999999}'),
    ("a group of another type", b'{"name": "x", "group": {"id": 1}}'),
    ("blank", b'{"name": " \\t\\n "}'),
]


@pytest.mark.parametrize("body", [body for _, body in BODIES], ids=[name for name, _ in BODIES])
def test_a_senseless_body_changes_nothing(staff: SiteClient, body: bytes) -> None:
    assert send(staff, "/api/components/", body) in (400, 413)
    assert not Component.objects.exists()


def test_another_content_type_is_refused(staff: SiteClient) -> None:
    assert send(staff, "/api/components/", b"name=x", "application/x-www-form-urlencoded") == 415


@pytest.mark.parametrize(
    "moment", ["", "tomorrow", "99999-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", 7]
)
def test_a_senseless_moment_is_refused(staff: SiteClient, moment: object) -> None:
    body = {"title": "x", "message": "x", "starts_at": moment, "ends_at": moment}

    assert send(staff, "/api/maintenance/", json.dumps(body).encode()) in (400, 409)
    assert not Maintenance.objects.exists()


@pytest.mark.parametrize("components", [[True], [None], ["1 OR 1=1"], [[1]], 7, "1", [10**30], [-1], [1.5]])
def test_a_senseless_list_of_components_is_refused(staff: SiteClient, components: object) -> None:
    body = {"title": "x", "message": "x", "components": components}

    assert send(staff, "/api/incidents/", json.dumps(body).encode()) == 400
    assert not Incident.objects.exists()


@pytest.mark.parametrize(
    "path",
    [
        "/api/components/99999999999999999999999999/",
        "/api/incidents/99999999999999999999999999/",
        "/api/components/-1/",
        "/api/components/%00/",
        "/api/components/..%2f..%2fetc%2fpasswd/",
        "/api/%ff/",
    ],
)
def test_a_tricky_path_leads_nowhere(staff: SiteClient, path: str) -> None:
    response = staff.get(path)

    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "query",
    [
        "show=%00", "started_after=9999-12-31T23:59:59-14:00", "component=9223372036854775808",
        "component=1e3", "limit=" + "9" * 5000, "severity=minor%0d%0aSet-Cookie:%20a=b", "cursor=%F0%9F%92%A9",
    ],
)  # fmt: skip
def test_a_tricky_query_is_refused(site: SiteClient, query: str) -> None:
    response = site.get(f"/api/incidents/?{query}")

    assert response.status_code == 400
    assert "Set-Cookie" not in response.headers


def test_unicode_is_kept_as_it_is(staff: SiteClient, site: SiteClient) -> None:
    name = "Zahlungen \u202e 💳 \u0627\u0644\u062f\u0641\u0639"
    assert staff.write("POST", "/api/components/", {"name": name}).status_code == 201
    assert site.get("/api/components/").json()[0]["name"] == name


def test_markup_is_data(staff: SiteClient, site: SiteClient) -> None:
    ComponentFactory.create(name="<script>alert(1)</script>")
    response = site.get("/api/components/")

    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
