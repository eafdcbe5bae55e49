"""Atom, RSS and the badge."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from status.feeds import badge
from status.models import ComponentState
from status.services import incident_update_post
from tests.conftest import SiteClient
from tests.factories import ComponentFactory, make_incident

pytestmark = pytest.mark.django_db

ATOM = "{http://www.w3.org/2005/Atom}"


def read(text: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314 - our own answer


@pytest.mark.parametrize("path", ["/api/feed.atom", "/api/feed.rss", "/api/badge.svg"])
def test_what_is_there_without_content_is_valid_and_tagged(site: SiteClient, path: str) -> None:
    answer = site.get(path, headers={"accept": "image/webp,application/xml"})

    assert answer.status_code == 200
    read(answer.content)
    assert site.get(path, headers={"if-none-match": answer.headers["ETag"]}).status_code == 304


def test_atom_tells_every_update(site: SiteClient) -> None:
    incident = make_incident(title="Slow & <b>bold</b> \x0b", message="Looking. \x01 <script>")
    incident_update_post(incident=incident, message="Over.", state="resolved")

    answer = site.get("/api/feed.atom")

    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    entries = read(answer.content).findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}title") for entry in entries] == [
        "Resolved: Slow & <b>bold</b> \ufffd",
        "Investigating: Slow & <b>bold</b> \ufffd",
    ]
    assert entries[1].findtext(f"{ATOM}summary") == "Looking. \ufffd &lt;script&gt;"
    link = entries[0].find(f"{ATOM}link")
    assert link is not None
    assert link.get("href") == f"https://app.example.com/incidents/{incident.pk}"
    assert len({entry.findtext(f"{ATOM}id") for entry in entries}) == 2


def test_rss_tells_the_same(site: SiteClient) -> None:
    make_incident(title="Slow")

    answer = site.get("/api/feed.rss")

    assert answer.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
    assert [item.findtext("title") for item in read(answer.content).iter("item")] == ["Investigating: Slow"]


@pytest.mark.parametrize("path", ["/api/feed.atom", "/api/feed.rss"])
def test_a_feed_is_bounded_in_queries_and_length(site: SiteClient, path: str) -> None:
    for _ in range(60):
        make_incident()

    with CaptureQueriesContext(connection) as queries:
        answer = site.get(path)

    assert len(queries) == 1
    assert answer.content.count(b"Sign-in is slow</title>") == 50


def test_the_badge_shows_the_worst_or_one_component(site: SiteClient) -> None:
    component = ComponentFactory.create(name='<API> & "more"', state="operational")
    ComponentFactory.create(state="major_outage")

    whole = site.get("/api/badge.svg")
    one = site.get(f"/api/badge.svg?component={component.pk}")

    assert whole.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert whole.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert read(whole.content).get("aria-label") == "status: Major outage"
    assert read(one.content).get("aria-label") == '<API> & "more": Operational'
    assert site.get("/api/badge.svg?component=999").status_code == 404
    assert site.get("/api/badge.svg?component=x").status_code == 400


@pytest.mark.parametrize("state", ComponentState.values)
def test_every_state_has_a_badge(state: str) -> None:
    read(badge(label="\x00\ud800", state=state).encode())
