"""Writes. Each is one transaction, and drops what the public reads have cached once it is committed."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from config.problems import Conflict
from status.models import Component, ComponentState, Incident, IncidentState, IncidentUpdate
from status.reads import forget_public_reads


@transaction.atomic
def component_create(
    *,
    name: str,
    description: str = "",
    position: int = 0,
    state: str = ComponentState.OPERATIONAL,
) -> Component:
    """Add a component.

    Raises:
        Conflict: another component has the name.
    """
    _refuse_taken_name(name=name)
    component = Component.objects.create(name=name, description=description, position=position, state=state)
    transaction.on_commit(forget_public_reads)
    return component


@transaction.atomic
def component_update(
    *,
    component: Component,
    name: str | None = None,
    description: str | None = None,
    position: int | None = None,
    state: str | None = None,
) -> Component:
    """Change what is given; the moment of a change of state is kept.

    Raises:
        Conflict: another component has the name.
    """
    component = Component.objects.select_for_update().get(pk=component.pk)
    if name is not None and name != component.name:
        _refuse_taken_name(name=name)
        component.name = name
    if description is not None:
        component.description = description
    if position is not None:
        component.position = position
    if state is not None and state != component.state:
        component.state = state
        component.state_changed_at = timezone.now()
    component.save()
    transaction.on_commit(forget_public_reads)
    return component


@transaction.atomic
def incident_open(
    *,
    title: str,
    message: str,
    state: str,
    author: User,
    components: Collection[Component] = (),
    component_state: str | None = None,
) -> Incident:
    """Open an incident with its first update; ``component_state`` is given to the affected components."""
    incident = Incident.objects.create(title=title, **_state_columns(state=state))
    incident.components.set(components)
    IncidentUpdate.objects.create(incident=incident, state=state, message=message, author=author)
    if component_state is not None:
        for component in components:
            component_update(component=component, state=component_state)
    transaction.on_commit(lambda: forget_public_reads(incident_id=incident.pk))
    return incident


@transaction.atomic
def incident_update_post(*, incident: Incident, message: str, state: str, author: User) -> IncidentUpdate:
    """Say what is known now. The incident follows: ``resolved`` closes it, any other state opens it again."""
    locked = Incident.objects.select_for_update().get(pk=incident.pk)
    if state != locked.state:
        for column, value in _state_columns(state=state).items():
            setattr(locked, column, value)
        locked.save()
    update = IncidentUpdate.objects.create(incident=locked, state=state, message=message, author=author)
    transaction.on_commit(lambda: forget_public_reads(incident_id=locked.pk))
    return update


def _state_columns(*, state: str) -> dict[str, object]:
    resolved = state == IncidentState.RESOLVED
    return {"state": state, "resolved_at": timezone.now() if resolved else None}


def _refuse_taken_name(*, name: str) -> None:
    if Component.objects.filter(name=name).exists():
        raise Conflict(f"A component is already called {name}.")
