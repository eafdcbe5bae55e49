"""Every list costs the same number of queries, however long it is, and its pages fit together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actors import SYSTEM
from accounts.roles import Role
from accounts.tokens import token_create
from monitors.models import Check, Monitor
from tests.conftest import sign_in_as
from tests.factories import (
    ComponentFactory,
    UserFactory,
    make_incident,
    make_maintenance,
    make_monitor,
    make_subscriber,
)

pytestmark = pytest.mark.django_db

#: Of which two are the session and the person.
BOUND = 5


def check(number: int) -> None:
    monitor = Monitor.objects.first() or make_monitor()
    at = timezone.now() + timedelta(minutes=number)
    Check.objects.create(monitor=monitor, scheduled_for=at, checked_at=at, up=True, covers_seconds=60)


LISTS: dict[str, Callable[[int], object]] = {
    "/api/audit/": lambda n: ComponentFactory.create() and make_incident(title=str(n)),
    "/api/incidents/": lambda _: make_incident(components=[ComponentFactory.create(), ComponentFactory.create()]),
    "/api/incidents/?severity=minor&show=open": lambda _: make_incident(components=[ComponentFactory.create()]),
    "/api/maintenance/": lambda _: make_maintenance(components=[ComponentFactory.create()]),
    "/api/monitors/": lambda _: make_monitor(component=ComponentFactory.create()),
    "/api/monitors/{monitor}/checks/": check,
    "/api/subscribers/": lambda n: make_subscriber(
        address=f"{n}@example.com", components=[ComponentFactory.create(), ComponentFactory.create()]
    ),
    "/api/tokens/": lambda n: token_create(name=str(n), scopes=["audit:read"], actor=SYSTEM),
}


@pytest.mark.parametrize("path", sorted(LISTS))
def test_a_long_list_costs_what_a_short_one_does(path: str) -> None:
    client = sign_in_as(UserFactory.create(is_staff=True, role=Role.ADMINISTRATOR))
    costs = []
    for amount in (2, 30):
        for number in range(amount):
            LISTS[path](amount * 100 + number)
        cache.clear()
        monitor = Monitor.objects.order_by("pk").first()
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(path.format(monitor=monitor.pk if monitor else 0))
        assert answer.status_code == 200
        costs.append(len(queries))

    assert costs[0] == costs[1] <= BOUND, costs


@pytest.mark.parametrize("path", sorted(LISTS))
def test_pages_neither_repeat_nor_skip(path: str) -> None:
    client = sign_in_as(UserFactory.create(is_staff=True, role=Role.ADMINISTRATOR))
    for number in range(7):
        LISTS[path](number)
    monitor = Monitor.objects.order_by("pk").first()
    address = path.format(monitor=monitor.pk if monitor else 0)
    address += f"{'&' if '?' in address else '?'}limit=3"
    seen: list[int] = []
    cursor = ""
    while True:
        answer = client.get(f"{address}{cursor}").json()
        seen += [row["id"] for row in answer["results"]]
        if answer["next_cursor"] is None:
            break
        cursor = f"&cursor={answer['next_cursor']}"

    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) >= 7
