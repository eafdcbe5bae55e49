from __future__ import annotations

import pytest
from django.core.cache import caches
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from tests.conftest import SiteClient
from tests.stores import dead_cache, dead_database


def test_healthz_answers_a_balancer_that_asks_by_address() -> None:
    # No database fixture: a query would fail the test.
    response = Client(headers={"host": "10.20.0.17"}).get("/healthz")

    assert response.status_code == 200
    assert response.json() == {"status": "alive", "release": "test-release"}
    assert response.headers["Cache-Control"] == "no-store"


def test_other_addresses_still_look_at_the_host() -> None:
    client = Client(headers={"host": "10.20.0.17", "x-forwarded-proto": "https"})
    assert client.get("/api/").status_code == 400


@pytest.mark.django_db
def test_readyz_is_ready_when_everything_is(site: SiteClient) -> None:
    response = site.get("/readyz")

    assert response.status_code == 200, response.json()
    assert response.json()["failing"] == []


@pytest.mark.django_db
def test_readyz_names_the_cache(site: SiteClient) -> None:
    with dead_cache():
        response = site.get("/readyz")

    assert response.status_code == 503
    assert response.json()["failing"] == ["cache"]
    assert response.json()["checks"]["cache"]["detail"] == "The cache does not answer."


@pytest.mark.django_db
def test_readyz_names_pending_migrations(site: SiteClient) -> None:
    MigrationRecorder.Migration.objects.filter(app="status", name="0001_initial").delete()

    response = site.get("/readyz")

    assert response.status_code == 503
    assert response.json()["failing"] == ["migrations"]
    assert "status.0001_initial" in response.json()["checks"]["migrations"]["detail"]


@pytest.mark.django_db(transaction=True)
def test_readyz_names_the_database_and_tells_nobody_its_address(site: SiteClient) -> None:
    with dead_database():
        response = site.get("/readyz")
        alive = site.get("/healthz")

    assert response.status_code == 503
    assert response.json()["failing"] == ["database", "migrations"]
    assert "127.0.0.1" not in response.content.decode()
    assert alive.status_code == 200
    assert caches["default"].get("anything") is None
