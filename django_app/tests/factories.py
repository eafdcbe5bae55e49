"""Things to test with. Incidents are made by the service, so that no test knows a state that cannot exist."""

from __future__ import annotations

from typing import Any

from factory.declarations import Sequence
from factory.django import DjangoModelFactory, Password

from accounts.models import User
from status.models import Component, Incident, IncidentState
from status.services import incident_open

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
    values.setdefault("author", UserFactory.create(is_staff=True))
    return incident_open(**values)
