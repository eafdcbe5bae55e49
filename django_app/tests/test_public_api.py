"""What everybody may read."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from status.models import ComponentState, IncidentState
from status.services import component_update, incident_update_post
from tests.conftest import SiteClient
from tests.factories import ComponentFactory, make_incident, make_maintenance

pytestmark = pytest.mark.django_db


def test_the_root_is_an_index_whose_links_all_answer(site: SiteClient) -> None:
    response = site.get("/api/")

    assert response.status_code == 200
    assert response.json()["release"] == "test-release"
    for path in response.json()["links"].values():
        assert site.get(path).status_code == 200, path


def test_an_empty_page_is_operational(site: SiteClient) -> None:
    assert site.get("/api/summary/").json() == {
        "overall_state": "operational",
        "groups": [],
        "components": [],
        "open_incidents": [],
        "maintenance": [],
        "stale": False,
        "as_of": None,
    }


def test_the_summary_tells_the_worst_state_and_the_open_incidents(site: SiteClient) -> None:
    first = ComponentFactory.create(name="API", position=1)
    ComponentFactory.create(name="Site", position=0, state=ComponentState.MAINTENANCE)
    incident = make_incident(title="Slow", components=[first], component_state=ComponentState.DEGRADED)
    incident_update_post(incident=incident, message="Found it.", state=IncidentState.IDENTIFIED)
    make_incident(title="Over", state=IncidentState.RESOLVED)

    summary = site.get("/api/summary/").json()

    assert summary["overall_state"] == "degraded"
    assert [(c["name"], c["state"]) for c in summary["components"]] == [("Site", "maintenance"), ("API", "degraded")]
    (open_incident,) = summary["open_incidents"]
    assert open_incident["title"] == "Slow"
    assert open_incident["state"] == "identified"
    assert open_incident["components"] == [{"id": first.pk, "name": "API"}]
    assert [u["message"] for u in open_incident["updates"]] == ["Found it.", "We are looking into it."]
    assert "author" not in open_incident["updates"][0]


@pytest.mark.parametrize(
    ("path", "bound"),
    [("/api/summary/", 7), ("/api/incidents/", 3), ("/api/components/", 1), ("/api/maintenance/", 2)],
)
@pytest.mark.parametrize("amount", [2, 15])
def test_queries_do_not_grow_with_the_content(site: SiteClient, path: str, bound: int, amount: int) -> None:
    for _ in range(amount):
        incident = make_incident(components=[ComponentFactory.create(), ComponentFactory.create()])
        incident_update_post(incident=incident, message="x", state="monitoring")
        make_maintenance(components=[ComponentFactory.create()])

    with CaptureQueriesContext(connection) as queries:
        assert site.get(path).status_code == 200

    assert len(queries) == bound, [q["sql"] for q in queries]


def test_a_second_reader_costs_no_query_and_signed_in_staff_neither(site: SiteClient, staff: SiteClient) -> None:
    make_incident(components=[ComponentFactory.create()])
    first = site.get("/api/summary/").json()

    with CaptureQueriesContext(connection) as queries:
        second = staff.get("/api/summary/").json()

    assert len(queries) == 0
    assert second == first


def test_a_write_is_seen_at_once(site: SiteClient, django_capture_on_commit_callbacks: pytest.FixtureRequest) -> None:
    component = ComponentFactory.create()
    assert site.get("/api/summary/").json()["overall_state"] == "operational"

    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        component_update(component=component, state=ComponentState.MAJOR_OUTAGE)

    assert site.get("/api/summary/").json()["overall_state"] == "major_outage"
    assert site.get("/api/components/").json()[0]["state"] == "major_outage"


def test_incidents_are_paged_without_gaps_or_repetitions(site: SiteClient) -> None:
    made = [make_incident(title=str(n)).pk for n in range(45)]
    seen: list[int] = []
    path = "/api/incidents/"
    while True:
        page = site.get(path).json()
        seen += [incident["id"] for incident in page["results"]]
        if page["next_before"] is None:
            break
        path = f"/api/incidents/?before={page['next_before']}"

    assert seen == sorted(made, reverse=True)


def test_incidents_can_be_asked_for_by_state(site: SiteClient) -> None:
    opened = make_incident()
    resolved = make_incident(state=IncidentState.RESOLVED)

    def ids(show: str) -> list[int]:
        return [incident["id"] for incident in site.get(f"/api/incidents/?show={show}").json()["results"]]

    assert ids("open") == [opened.pk]
    assert ids("resolved") == [resolved.pk]
    assert ids("all") == [resolved.pk, opened.pk]


@pytest.mark.parametrize(
    "query",
    [
        "show=closed",
        "show=",
        "before=",
        "component=",
        "started_after=",
        "severity=fatal",
        "limit=0",
        "limit=101",
        "started_after=yesterday",
        "before=0",
        "before=x",
        "before=99999999999999999999",
    ],
)
def test_a_wrong_query_is_a_problem_document(site: SiteClient, query: str) -> None:
    response = site.get(f"/api/incidents/?{query}")

    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["errors"][0]["pointer"] == f"#/{query.split('=')[0]}"


def test_incidents_can_be_narrowed(site: SiteClient) -> None:
    component = ComponentFactory.create()
    wanted = make_incident(severity="critical", components=[component])
    other = make_incident()

    def ids(query: str) -> list[int]:
        return [incident["id"] for incident in site.get(f"/api/incidents/?{query}").json()["results"]]

    assert ids("severity=critical") == [wanted.pk]
    assert ids(f"component={component.pk}") == [wanted.pk]
    assert ids("started_after=2100-01-01T00:00:00Z") == []
    assert ids("started_before=2100-01-01T00:00:00Z") == [other.pk, wanted.pk]
    assert ids("limit=1") == [other.pk]


def test_a_cursor_goes_on_where_the_page_ended(site: SiteClient) -> None:
    made = [make_incident().pk for _ in range(3)]

    first = site.get("/api/incidents/?limit=2").json()
    second = site.get(f"/api/incidents/?limit=2&cursor={first['next_cursor']}").json()

    assert [incident["id"] for incident in first["results"] + second["results"]] == sorted(made, reverse=True)
    assert second["next_cursor"] is None


def test_one_incident_and_one_component(site: SiteClient) -> None:
    component = ComponentFactory.create()
    incident = make_incident(components=[component])

    assert site.get(f"/api/incidents/{incident.pk}/").json()["title"] == "Sign-in is slow"
    assert site.get(f"/api/components/{component.pk}/").json()["name"] == component.name


def test_reads_are_revalidated_and_carry_no_cookie(site: SiteClient) -> None:
    response = site.get("/api/summary/")

    assert response.headers["Cache-Control"] == "no-cache"
    assert not response.cookies
    assert "Cookie" not in response.headers.get("Vary", "")
