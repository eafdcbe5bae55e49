"""Whatever is sent, the answer is a problem document of the client's mistake, and nothing has changed."""

from __future__ import annotations

import json
import socket
from typing import Any
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiToken
from audit.models import AuditEntry
from config.parsers import MAXIMUM_BYTES
from monitors.models import Monitor
from status.models import Component, ComponentGroup, Incident, Maintenance
from subscribers.models import Subscriber
from tests.conftest import ORIGIN, SiteClient, sign_in_as
from tests.factories import ComponentFactory, UserFactory, make_incident

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


@pytest.mark.parametrize("path", ["/api/incidents/", "/api/maintenance/", "/api/subscriptions/"])
@pytest.mark.parametrize("components", [{}, {"1": True}, {"0": 1}, "", list(range(1, 1000))])
def test_a_list_of_ids_is_a_short_list(staff: SiteClient, path: str, components: object) -> None:
    body = {
        "title": "x", "message": "x", "starts_at": "2030-01-01T00:00:00Z", "ends_at": "2030-01-01T01:00:00Z",
        "channel": "webhook", "address": "https://93.184.216.34/", "components": components,
    }  # fmt: skip
    with CaptureQueriesContext(connection) as queries:
        assert send(staff, path, json.dumps(body).encode()) == 400
    # Each id is looked for by itself, and a thousand of them are not looked for at all.
    assert len(queries) < 20
    assert not any(model.objects.exists() for model in (Incident, Maintenance, Subscriber))


NUL, SURROGATE = "a\x00b", "\ud800"
LINES = "x\r\nBcc: eve@example.com"


@pytest.mark.parametrize(
    ("path", "member", "value"),
    [
        ("incidents", "title", NUL), ("incidents", "title", SURROGATE), ("incidents", "title", "x" * 161),
        ("incidents", "message", "x" * 4001), ("incidents", "message", ["x"]), ("incidents", "state", "x\x00"),
        ("incidents", "component_states", {}), ("incidents", "component_states", [[]]),
        ("incidents", "component_states", [{"component": 1, "state": "degraded"}] * 201),
        ("maintenance", "title", SURROGATE), ("maintenance", "message", NUL), ("maintenance", "starts_at", NUL),
        ("monitors", "name", NUL), ("monitors", "name", SURROGATE), ("monitors", "name", "x" * 81),
        ("monitors", "expected_body", NUL), ("monitors", "expected_status", "200\r\n300"),
        ("monitors", "expected_status", "2" * 101), ("monitors", "enabled", "x"), ("monitors", "interval_seconds", {}),
        ("monitors", "url", "http://2852039166/"), ("monitors", "url", "http://0251.0376.0251.0376/"),
        ("monitors", "url", "http://0xa9fea9fe/"), ("monitors", "url", "http://[::ffff:169.254.169.254]/"),
        ("monitors", "url", "http://[fd00:ec2::254]/"), ("monitors", "url", "https://93.184.216.34/\r\nX: y"),
        ("monitors", "url", "http://93.184.216.34\u2028/"), ("monitors", "url", SURROGATE),
        ("monitors", "url", "http://169\u3002254\u3002169\u3002254/"),
        ("subscriptions", "address", "http://2852039166/"), ("subscriptions", "address", "http://[::ffff:a9fe:a9fe]/"),
        ("subscriptions", "address", "http://0300.0250.0.1/"), ("subscriptions", "address", NUL),
        ("subscriptions", "address", "http://[fd00:ec2::254]/"), ("subscriptions", "address", SURROGATE),
        ("subscriptions", "channel", LINES), ("subscriptions", "channel", ["email"]),
        ("tokens", "name", NUL), ("tokens", "name", SURROGATE), ("tokens", "scopes", "incidents:write"),
        ("tokens", "scopes", ["incidents:write\r\n"]), ("tokens", "scopes", []), ("tokens", "scopes", [["x"]]),
        ("component-groups", "name", SURROGATE), ("component-groups", "position", 2**31),
    ],
)  # fmt: skip
def test_a_wrong_member_is_named_and_nothing_is_kept(path: str, member: str, value: object) -> None:
    staff = sign_in_as(UserFactory.create(is_staff=True, role="administrator"))
    fine: dict[str, dict[str, object]] = {
        "incidents": {"title": "x", "message": "x"},
        "maintenance": {
            "title": "x", "message": "x", "starts_at": "2030-01-01T00:00:00Z", "ends_at": "2030-01-01T01:00:00Z"
        },
        "monitors": {"name": "x", "url": "https://93.184.216.34/"},
        "subscriptions": {"channel": "webhook", "address": "https://93.184.216.34/"},
        "tokens": {"name": "x", "scopes": ["incidents:write"]},
        "component-groups": {"name": "x"},
    }  # fmt: skip
    body = fine[path] | {member: value}
    refused = staff.write("POST", f"/api/{path}/", body)

    assert refused.status_code == 400, refused.content
    assert refused.headers["Content-Type"] == "application/problem+json"
    problem = refused.json()
    # Half a surrogate pair is no text, and is refused before members are looked at.
    assert value == SURROGATE or problem["errors"][0]["pointer"].startswith(f"#/{member}")
    kept = (Incident, Maintenance, Monitor, Subscriber, ApiToken, ComponentGroup, AuditEntry)
    assert not any(model._default_manager.exists() for model in kept)
    # The same without the wrong member is taken: it was that one.
    assert staff.write("POST", f"/api/{path}/", fine[path]).status_code in (201, 202)


@pytest.mark.parametrize("path", ["monitors", "subscriptions"])
@pytest.mark.parametrize("answers", [["169.254.169.254"], ["fd00:ec2::254"], ["93.184.216.34", "::ffff:10.0.0.1"]])
def test_a_name_that_leads_inside_is_refused(
    staff: SiteClient, monkeypatch: pytest.MonkeyPatch, path: str, answers: list[str]
) -> None:
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *arguments: Any, **options: Any) -> list[Any]:
        if host != "rebind.example":
            return real(host, port, *arguments, **options)
        return [(0, 0, 0, "", (address, port)) for address in answers]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    url = "https://rebind.example/"
    body = {"name": "x", "url": url, "channel": "webhook", "address": url}

    assert send(staff, f"/api/{path}/", json.dumps(body).encode()) == 400
    assert not Monitor.objects.exists()
    assert not Subscriber.objects.exists()


@pytest.mark.parametrize("name", ["e\u0301" * 40, "\u200f\u202eexe.txt", "Z" + "\u0335" * 79, "\ufdfd" * 80])
def test_texts_that_look_odd_do_no_harm(staff: SiteClient, site: SiteClient, name: str) -> None:
    made = staff.write("POST", "/api/components/", {"name": name})

    assert made.status_code == 201, made.content
    badge = site.get(f"/api/badge.svg?component={made.json()['id']}")
    assert badge.status_code == 200
    ElementTree.fromstring(badge.content)  # noqa: S314 - our own answer
    for feed in ("atom", "rss"):
        make_incident(title=name)
        ElementTree.fromstring(site.get(f"/api/feed.{feed}").content)  # noqa: S314 - our own answer


@pytest.mark.parametrize("name", ["a\x01b", "a\x1bb", "a\ufffeb"])
def test_what_xml_cannot_hold_breaks_no_feed_and_no_badge(staff: SiteClient, site: SiteClient, name: str) -> None:
    made = staff.write("POST", "/api/components/", {"name": name})
    opened = staff.write("POST", "/api/incidents/", {"title": name, "message": name})
    assert {made.status_code, opened.status_code} <= {201, 400}

    paths = ["/api/feed.atom", "/api/feed.rss"]
    if made.status_code == 201:
        paths.append(f"/api/badge.svg?component={made.json()['id']}")
    for path in paths:
        answer = site.get(path)
        assert answer.status_code == 200, path
        ElementTree.fromstring(answer.content)  # noqa: S314 - our own answer
