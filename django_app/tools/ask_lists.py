"""Asks the application's lists in a process of its own, against a database with so many rows of everything.

usage: python -m tools.ask_lists ROWS      with TEST_DATABASE_URL and TEST_CACHE_URL

Makes a database, fills it, and prints a line of JSON with the paths. Then, for each path on a line of its standard
input, one line: {"milliseconds": …, "queries": …, "rows": …}. The end of the input is its end; the database goes.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import django
from django.conf import settings
from django.core.cache import cache
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext, setup_test_environment
from django.utils import timezone

BATCH = 2000


def main(rows: int) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    logging.disable(logging.INFO)
    setup_test_environment()
    settings.DATABASES["default"]["TEST"]["NAME"] = f"benchmark_{rows}"
    answers = sys.stdout
    # What Django says of its database is not an answer.
    sys.stdout = sys.stderr
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        paths, client = fill(rows)
        print(json.dumps(paths), file=answers, flush=True)
        for line in sys.stdin:
            print(json.dumps(ask(client, line.strip())), file=answers, flush=True)
    finally:
        connection.creation.destroy_test_db(settings.DATABASES["default"]["NAME"], verbosity=0)


def ask(client: Client, path: str) -> dict[str, Any]:
    cache.clear()
    began = time.perf_counter()
    answer = client.get(path)
    took = time.perf_counter() - began
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code} {answer.content[:300]!r}")
    with CaptureQueriesContext(connection) as queries:
        cache.clear()
        client.get(path)
    return {"milliseconds": took * 1000, "queries": len(queries), "rows": len(answer.json()["results"])}


def many[M: models.Model](kind: type[M], rows: Iterator[M]) -> list[M]:
    return kind._default_manager.bulk_create(list(rows), batch_size=BATCH)


def fill(amount: int) -> tuple[Sequence[str], Client]:
    """So many of everything, in the shape that months of use leave; the paths of the lists, and who asks."""
    from accounts.models import ApiToken, User
    from accounts.roles import Role
    from audit.models import AuditEntry
    from monitors.models import Check, Monitor
    from status.models import Component, Incident, IncidentUpdate, Maintenance
    from subscribers.models import Subscriber

    now = timezone.now()
    user = User.objects.create_user("somebody", is_staff=True, role=Role.ADMINISTRATOR)
    components = many(Component, (Component(name=f"Component {n}", position=n) for n in range(4)))
    moments = [now - timedelta(minutes=amount - n) for n in range(amount)]
    incidents = many(
        Incident,
        (
            Incident(
                title=f"Incident {n}",
                # The newest twenty are open.
                state="investigating" if n >= amount - 20 else "resolved",
                resolved_at=None if n >= amount - 20 else moments[n],
                severity=("minor", "major", "critical")[n % 3],
                started_at=moments[n],
            )
            for n in range(amount)
        ),
    )
    many(
        IncidentUpdate,
        (
            IncidentUpdate(incident=one, state=one.state, message="What is known.", author=user, created_at=now)
            for one in incidents
        ),
    )
    link = Incident.components.through
    many(
        link,
        (link(incident_id=one.pk, component_id=components[n % 4].pk) for n, one in enumerate(incidents)),
    )
    maintenance = many(
        Maintenance,
        (
            Maintenance(
                title=f"Work {n}",
                message="A new disk.",
                state="scheduled" if n >= amount - 20 else "completed",
                starts_at=moments[n],
                ends_at=moments[n] + timedelta(hours=1),
            )
            for n in range(amount)
        ),
    )
    work = Maintenance.components.through
    many(
        work,
        (work(maintenance_id=one.pk, component_id=components[n % 4].pk) for n, one in enumerate(maintenance)),
    )
    monitors = many(
        Monitor,
        (
            Monitor(name=f"Monitor {n:06}", url="http://192.0.2.1/", component=components[n % 4], next_check_at=now)
            for n in range(amount)
        ),
    )
    many(
        Check,
        (
            Check(monitor=monitors[0], scheduled_for=at, checked_at=at, up=True, latency_ms=20, covers_seconds=60)
            for at in moments
        ),
    )
    many(
        AuditEntry,
        (
            AuditEntry(
                actor_kind="user",
                actor_name="somebody",
                user=user,
                action=("incident.open", "component.update")[n % 2],
                target_type="incident",
                target_id=str(n % 50),
                target_name=f"Incident {n}",
            )
            for n in range(amount)
        ),
    )
    subscribers = many(
        Subscriber,
        (
            Subscriber(channel="email", address=f"{n}@example.com", confirmed_at=now if n % 2 else None)
            for n in range(amount)
        ),
    )
    wish = Subscriber.components.through
    many(
        wish,
        (wish(subscriber_id=one.pk, component_id=components[n % 4].pk) for n, one in enumerate(subscribers)),
    )
    many(
        ApiToken,
        (
            ApiToken(name=f"Token {n}", identifier=f"{n:016}", digest=f"{n:064}", scopes=["audit:read"])
            for n in range(amount)
        ),
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    client = Client(headers={"host": "app.example.com", "x-forwarded-proto": "https"})
    client.force_login(user)
    first = incidents[amount // 2].pk
    return [
        "/api/incidents/",
        f"/api/incidents/?before={first}",
        "/api/incidents/?show=open",
        "/api/incidents/?severity=critical",
        f"/api/incidents/?component={components[0].pk}",
        "/api/maintenance/",
        "/api/maintenance/?show=past",
        "/api/monitors/",
        f"/api/monitors/{monitors[0].pk}/checks/",
        "/api/audit/",
        "/api/audit/?action=incident.open",
        "/api/subscribers/",
        "/api/subscribers/?confirmed=true",
        "/api/tokens/",
    ], client


if __name__ == "__main__":
    main(int(sys.argv[1]))
