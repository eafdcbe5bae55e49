"""Writes. Each is one transaction, is in the audit trail, and drops what the public reads have cached afterwards."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, TypedDict

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.actors import SYSTEM, Actor
from audit.services import audit_record, difference, snapshot
from config.problems import Conflict
from status.models import (
    Component,
    ComponentGroup,
    ComponentState,
    Incident,
    IncidentSeverity,
    IncidentState,
    IncidentUpdate,
    Maintenance,
    MaintenanceState,
)
from status.reads import forget_public_reads
from subscribers.services import notification_create


class ComponentStateOf(TypedDict):
    """The state that one component is to have."""

    component: Component
    state: str


_COMPONENT_COLUMNS: Final = ("name", "description", "position", "state", "group")
_GROUP_COLUMNS: Final = ("name", "position")
_INCIDENT_COLUMNS: Final = ("title", "severity", "state")
_MAINTENANCE_COLUMNS: Final = ("title", "message", "starts_at", "ends_at", "state")

#: Stands for "leave as it is" where None is a value.
KEEP: Final[Any] = object()


@transaction.atomic
def group_create(*, name: str, position: int = 0, actor: Actor = SYSTEM) -> ComponentGroup:
    """Add a group of components.

    Raises:
        Conflict: another group has the name.
    """
    _refuse_taken_group_name(name=name)
    group = ComponentGroup.objects.create(name=name, position=position)
    audit_record(
        actor=actor,
        action="component_group.create",
        target=group,
        changes=difference({}, snapshot(group, _GROUP_COLUMNS)),
    )
    transaction.on_commit(forget_public_reads)
    return group


@transaction.atomic
def group_update(
    *, group: ComponentGroup, name: str | None = None, position: int | None = None, actor: Actor = SYSTEM
) -> ComponentGroup:
    """Change what is given.

    Raises:
        Conflict: another group has the name.
    """
    group = ComponentGroup.objects.select_for_update().get(pk=group.pk)
    before = snapshot(group, _GROUP_COLUMNS)
    if name is not None and name != group.name:
        _refuse_taken_group_name(name=name)
        group.name = name
    if position is not None:
        group.position = position
    group.save()
    _record_change(actor, "component_group.update", group, before, _GROUP_COLUMNS)
    transaction.on_commit(forget_public_reads)
    return group


@transaction.atomic
def group_delete(*, group: ComponentGroup, actor: Actor = SYSTEM) -> None:
    """Remove a group; its components stay, without one."""
    audit_record(actor=actor, action="component_group.delete", target=group)
    group.delete()
    transaction.on_commit(forget_public_reads)


@transaction.atomic
def component_create(
    *,
    name: str,
    description: str = "",
    position: int = 0,
    state: str = ComponentState.OPERATIONAL,
    group: ComponentGroup | None = None,
    actor: Actor = SYSTEM,
) -> Component:
    """Add a component.

    Raises:
        Conflict: another component has the name.
    """
    _refuse_taken_name(name=name)
    component = Component.objects.create(
        name=name, description=description, position=position, state=state, group=group
    )
    audit_record(
        actor=actor,
        action="component.create",
        target=component,
        changes=difference({}, snapshot(component, _COMPONENT_COLUMNS)),
    )
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
    group: ComponentGroup | None = KEEP,
    actor: Actor = SYSTEM,
) -> Component:
    """Change what is given; the moment of a change of state is kept.

    Raises:
        Conflict: another component has the name.
    """
    component = Component.objects.select_for_update().get(pk=component.pk)
    before = snapshot(component, _COMPONENT_COLUMNS)
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
    if group is not KEEP:
        component.group = group
    component.save()
    _record_change(actor, "component.update", component, before, _COMPONENT_COLUMNS)
    transaction.on_commit(forget_public_reads)
    return component


@transaction.atomic
def component_delete(*, component: Component, actor: Actor = SYSTEM) -> None:
    """Remove a component; incidents that named it stay, without it."""
    audit_record(actor=actor, action="component.delete", target=component)
    component.delete()
    transaction.on_commit(forget_public_reads)


@transaction.atomic
def incident_open(
    *,
    title: str,
    message: str,
    state: str = IncidentState.INVESTIGATING,
    actor: Actor = SYSTEM,
    severity: str = IncidentSeverity.MINOR,
    components: Collection[Component] = (),
    component_state: str | None = None,
    component_states: Collection[ComponentStateOf] = (),
) -> Incident:
    """Open an incident with its first update.

    ``component_state`` is given to the affected components, but for those that ``component_states`` names.

    Raises:
        Conflict: ``component_states`` names a component that is not affected.
    """
    incident = Incident.objects.create(title=title, severity=severity, **_state_columns(state=state))
    incident.components.set(components)
    IncidentUpdate.objects.create(incident=incident, state=state, message=message, author=actor.user)
    audit_record(
        actor=actor,
        action="incident.open",
        target=incident,
        changes=difference({}, snapshot(incident, _INCIDENT_COLUMNS)),
    )
    _set_affected_states(components, component_state, component_states, actor)
    _tell_of_incident(incident, "incident.opened", state, message, components)
    transaction.on_commit(lambda: forget_public_reads(incident_id=incident.pk))
    return incident


@transaction.atomic
def incident_update(
    *,
    incident: Incident,
    title: str | None = None,
    severity: str | None = None,
    components: Collection[Component] | None = None,
    actor: Actor = SYSTEM,
) -> Incident:
    """Correct what an incident is called, how bad it is or what it affects. What was said about it stays."""
    incident = Incident.objects.select_for_update().get(pk=incident.pk)
    before = _with_components(snapshot(incident, _INCIDENT_COLUMNS), incident)
    if title is not None:
        incident.title = title
    if severity is not None:
        incident.severity = severity
    incident.save()
    if components is not None:
        incident.components.set(components)
    after = _with_components(snapshot(incident, _INCIDENT_COLUMNS), incident)
    if changes := difference(before, after):
        audit_record(actor=actor, action="incident.update", target=incident, changes=changes)
    transaction.on_commit(lambda: forget_public_reads(incident_id=incident.pk))
    return incident


@transaction.atomic
def incident_update_post(
    *,
    incident: Incident,
    message: str,
    state: str,
    actor: Actor = SYSTEM,
    component_state: str | None = None,
    component_states: Collection[ComponentStateOf] = (),
) -> IncidentUpdate:
    """Say what is known now. The incident follows: ``resolved`` closes it, any other state opens it again.

    Raises:
        Conflict: ``component_states`` names a component that is not affected.
    """
    locked = Incident.objects.select_for_update().get(pk=incident.pk)
    before = snapshot(locked, _INCIDENT_COLUMNS)
    if state != locked.state:
        for column, value in _state_columns(state=state).items():
            setattr(locked, column, value)
        locked.save()
    update = IncidentUpdate.objects.create(incident=locked, state=state, message=message, author=actor.user)
    audit_record(
        actor=actor,
        action="incident.post_update",
        target=locked,
        changes=difference(before, snapshot(locked, _INCIDENT_COLUMNS)),
    )
    components = list(locked.components.all())
    _set_affected_states(components, component_state, component_states, actor)
    kind = "incident.resolved" if state == IncidentState.RESOLVED else "incident.updated"
    _tell_of_incident(locked, kind, state, message, components)
    transaction.on_commit(lambda: forget_public_reads(incident_id=locked.pk))
    return update


@transaction.atomic
def maintenance_schedule(
    *,
    title: str,
    message: str,
    starts_at: datetime,
    ends_at: datetime,
    components: Collection[Component] = (),
    actor: Actor = SYSTEM,
) -> Maintenance:
    """Announce work.

    Raises:
        Conflict: it would end before it starts, or has ended already.
    """
    _refuse_wrong_window(starts_at, ends_at)
    maintenance = Maintenance.objects.create(title=title, message=message, starts_at=starts_at, ends_at=ends_at)
    maintenance.components.set(components)
    audit_record(
        actor=actor,
        action="maintenance.schedule",
        target=maintenance,
        changes=difference({}, snapshot(maintenance, _MAINTENANCE_COLUMNS)),
    )
    _tell_of_maintenance(maintenance, "maintenance.scheduled", components)
    transaction.on_commit(forget_public_reads)
    return maintenance


@transaction.atomic
def maintenance_update(
    *,
    maintenance: Maintenance,
    title: str | None = None,
    message: str | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    components: Collection[Component] | None = None,
    actor: Actor = SYSTEM,
) -> Maintenance:
    """Change work that is not over; what has begun keeps its start and its components.

    Raises:
        Conflict: it is over or cancelled, has begun, or the new window is none.
    """
    maintenance = Maintenance.objects.select_for_update().get(pk=maintenance.pk)
    _refuse_finished(maintenance)
    begun = maintenance.state == MaintenanceState.IN_PROGRESS
    if begun and (starts_at is not None or components is not None):
        raise Conflict("This maintenance has begun: its start and its components cannot be changed any more.")
    before = _with_components(snapshot(maintenance, _MAINTENANCE_COLUMNS), maintenance)
    for column, value in (("title", title), ("message", message), ("starts_at", starts_at), ("ends_at", ends_at)):
        if value is not None:
            setattr(maintenance, column, value)
    if starts_at is not None or ends_at is not None:
        _refuse_wrong_window(maintenance.starts_at, maintenance.ends_at)
    maintenance.save()
    if components is not None:
        maintenance.components.set(components)
    after = _with_components(snapshot(maintenance, _MAINTENANCE_COLUMNS), maintenance)
    if changes := difference(before, after):
        audit_record(actor=actor, action="maintenance.update", target=maintenance, changes=changes)
    transaction.on_commit(forget_public_reads)
    return maintenance


@transaction.atomic
def maintenance_cancel(*, maintenance: Maintenance, actor: Actor = SYSTEM) -> Maintenance:
    """Call work off; when it has begun, its components are back in operation.

    Raises:
        Conflict: it is over or cancelled already.
    """
    maintenance = Maintenance.objects.select_for_update().get(pk=maintenance.pk)
    _refuse_finished(maintenance)
    _maintenance_move(maintenance, MaintenanceState.CANCELLED, actor)
    return maintenance


@transaction.atomic
def maintenance_begin(*, maintenance: Maintenance, actor: Actor = SYSTEM) -> Maintenance:
    """Begin work before its time.

    Raises:
        Conflict: it has begun, is over or cancelled already.
    """
    maintenance = Maintenance.objects.select_for_update().get(pk=maintenance.pk)
    _refuse_finished(maintenance)
    if maintenance.state == MaintenanceState.IN_PROGRESS:
        raise Conflict("This maintenance has begun already.")
    # The clock may be past the announced start, which then was the start.
    _maintenance_move(
        maintenance, MaintenanceState.IN_PROGRESS, actor, starts_at=min(maintenance.starts_at, timezone.now())
    )
    return maintenance


@transaction.atomic
def maintenance_complete(*, maintenance: Maintenance, actor: Actor = SYSTEM) -> Maintenance:
    """End work that is in progress before its time; its components are back in operation.

    Raises:
        Conflict: it has not begun, or is over or cancelled already.
    """
    maintenance = Maintenance.objects.select_for_update().get(pk=maintenance.pk)
    _refuse_finished(maintenance)
    if maintenance.state == MaintenanceState.SCHEDULED:
        raise Conflict("This maintenance has not begun: cancel it instead.")
    _maintenance_move(maintenance, MaintenanceState.COMPLETED, actor, ends_at=min(maintenance.ends_at, timezone.now()))
    return maintenance


def maintenance_advance(*, now: datetime) -> int:
    """Begin and end what the clock says; answers how many changed.

    May run any number of times and on several hosts at once: each row is taken by one of them, and what has moved is
    not found again.
    """
    changed = 0
    while True:
        with transaction.atomic():
            due = (
                Maintenance.objects.select_for_update(skip_locked=True)
                .filter(
                    Q(state=MaintenanceState.SCHEDULED, starts_at__lte=now)
                    | Q(state=MaintenanceState.IN_PROGRESS, ends_at__lte=now)
                )
                .order_by("pk")
                .first()
            )
            if due is None:
                return changed
            over = due.ends_at <= now
            _maintenance_move(due, MaintenanceState.COMPLETED if over else MaintenanceState.IN_PROGRESS, SYSTEM)
            changed += 1


def _maintenance_move(maintenance: Maintenance, state: str, actor: Actor, **window: datetime) -> None:
    before = snapshot(maintenance, _MAINTENANCE_COLUMNS)
    began = maintenance.state == MaintenanceState.IN_PROGRESS
    maintenance.state = state
    for column, moment in window.items():
        setattr(maintenance, column, moment)
    maintenance.save(update_fields=["state", *window])
    components = list(maintenance.components.all())
    if state == MaintenanceState.IN_PROGRESS:
        # What is broken is not made to look better by announced work.
        quiet = [component for component in components if component.state == ComponentState.OPERATIONAL]
        _set_component_states(quiet, ComponentState.MAINTENANCE, actor)
    elif began:
        others = Maintenance.objects.filter(state=MaintenanceState.IN_PROGRESS, components__in=components)
        busy = set(others.exclude(pk=maintenance.pk).values_list("components__pk", flat=True))
        done = [c for c in components if c.state == ComponentState.MAINTENANCE and c.pk not in busy]
        _set_component_states(done, ComponentState.OPERATIONAL, actor)
    _record_change(actor, f"maintenance.{state}", maintenance, before, _MAINTENANCE_COLUMNS)
    _tell_of_maintenance(maintenance, f"maintenance.{state}", components)
    transaction.on_commit(forget_public_reads)


def _tell_of_incident(
    incident: Incident, kind: str, state: str, message: str, components: Collection[Component]
) -> None:
    notification_create(
        kind=kind,
        subject=f"{IncidentState(state).label}: {incident.title}",
        text=message,
        path=f"/incidents/{incident.pk}",
        components=components,
    )


def _tell_of_maintenance(maintenance: Maintenance, kind: str, components: Collection[Component]) -> None:
    window = f"{maintenance.starts_at:%Y-%m-%d %H:%M} to {maintenance.ends_at:%Y-%m-%d %H:%M} UTC"
    notification_create(
        kind=kind,
        subject=f"Maintenance {maintenance.get_state_display().lower()}: {maintenance.title}",
        text=f"{window}\n\n{maintenance.message}",
        path="/",
        components=components,
    )


def _record_change(actor: Actor, action: str, target: Any, before: dict[str, Any], columns: Collection[str]) -> None:
    """An entry, unless nothing has changed."""
    if changes := difference(before, snapshot(target, columns)):
        audit_record(actor=actor, action=action, target=target, changes=changes)


def _with_components(values: dict[str, Any], target: Incident | Maintenance) -> dict[str, Any]:
    return values | {"components": sorted(target.components.values_list("pk", flat=True))}


def _set_component_states(components: Collection[Component], state: str | None, actor: Actor) -> None:
    if state is not None:
        # In the order of their ids: two incidents at the same moment must not wait for each other.
        for component in sorted(components, key=lambda component: component.pk):
            component_update(component=component, state=state, actor=actor)


def _set_affected_states(
    components: Collection[Component], state: str | None, single: Collection[ComponentStateOf], actor: Actor
) -> None:
    wanted = {component.pk: (component, state) for component in components}
    for one in single:
        component = one["component"]
        if component.pk not in wanted:
            raise Conflict(f"{component.name} is not affected by this incident, so that its state is not set with it.")
        wanted[component.pk] = (component, one["state"])
    # In the order of their ids, as everywhere.
    for _, (component, its_state) in sorted(wanted.items()):
        _set_component_states([component], its_state, actor)


def _state_columns(*, state: str) -> dict[str, object]:
    resolved = state == IncidentState.RESOLVED
    return {"state": state, "resolved_at": timezone.now() if resolved else None}


def _refuse_taken_name(*, name: str) -> None:
    if Component.objects.filter(name=name).exists():
        raise Conflict(f"A component is already called {name}.")


def _refuse_taken_group_name(*, name: str) -> None:
    if ComponentGroup.objects.filter(name=name).exists():
        raise Conflict(f"A group is already called {name}.")


def _refuse_finished(maintenance: Maintenance) -> None:
    if maintenance.state in (MaintenanceState.COMPLETED, MaintenanceState.CANCELLED):
        raise Conflict(f"This maintenance is {maintenance.get_state_display().lower()} and cannot be changed any more.")


def _refuse_wrong_window(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise Conflict("A maintenance has to end after it starts.")
    if ends_at <= timezone.now():
        raise Conflict("A maintenance has to end in the future.")
