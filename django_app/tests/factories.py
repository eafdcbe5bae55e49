"""Things to test with. Incidents are made by the service, so that no test knows a state that cannot exist."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.utils import timezone
from factory.declarations import Sequence
from factory.django import DjangoModelFactory, Password

from accounts.actors import Actor
from accounts.models import User
from monitors.models import Monitor
from monitors.services import monitor_create
from status.models import Component, Incident, IncidentState, Maintenance
from status.services import incident_open, maintenance_schedule
from subscribers.models import Subscriber

PASSWORD = "correct horse battery staple"


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = Sequence(lambda n: f"person-{n}")
    password = Password(PASSWORD)


class ComponentFactory(DjangoModelFactory[Component]):
    class Meta:
        model = Component

    name = Sequence(lambda n: f"Component {n}")
    position = Sequence(lambda n: n)


def make_incident(**changes: Any) -> Incident:
    """An open incident of a new author."""
    values: dict[str, Any] = {
        "title": "Sign-in is slow",
        "message": "We are looking into it.",
        "state": IncidentState.INVESTIGATING.value,
    }
    values |= changes
    values.setdefault("actor", Actor.of_user(UserFactory.create(is_staff=True)))
    return incident_open(**values)


def make_maintenance(**changes: Any) -> Maintenance:
    """Work of an hour that begins in one."""
    start = timezone.now() + timedelta(hours=1)
    values: dict[str, Any] = {
        "title": "A new disk",
        "message": "It is quick.",
        "starts_at": start,
        "ends_at": start + timedelta(hours=1),
    }
    return maintenance_schedule(**(values | changes))


def make_monitor(**changes: Any) -> Monitor:
    """A monitor of an address that nobody is asked for."""
    values: dict[str, Any] = {
        "name": f"Monitor {Monitor.objects.count()}",
        "url": "http://192.0.2.1/",
        "interval_seconds": 60,
    }
    return monitor_create(**(values | changes))


def make_subscriber(*, components: Iterable[Component] = (), **changes: Any) -> Subscriber:
    """Somebody who has confirmed a while ago."""
    values: dict[str, Any] = {
        "channel": "email",
        "address": "ada@example.com",
        "confirmed_at": timezone.now() - timedelta(days=1),
    }
    subscriber = Subscriber.objects.create(**(values | changes))
    subscriber.components.set(components)
    return subscriber
