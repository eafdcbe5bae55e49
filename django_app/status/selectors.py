"""Reads. Everything that an answer needs is fetched here: a query from a serializer is an error, not a surprise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.db.models import FETCH_RAISE, QuerySet

from config.pagination import DEFAULT_LIMIT, Page, page
from status.models import Component, ComponentGroup, ComponentState, Incident, Maintenance, MaintenanceState

#: How many maintenance windows the public page shows.
AHEAD_LIMIT: Final = 20
_SEVERITY: Final = {state: rank for rank, state in enumerate(ComponentState.values)}


class IncidentFilter(StrEnum):
    ALL = "all"
    OPEN = "open"
    RESOLVED = "resolved"


class MaintenanceFilter(StrEnum):
    ALL = "all"
    AHEAD = "ahead"
    PAST = "past"


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """Newest first; ``next_before`` is the id in ``next_cursor``, for clients that know no cursors."""

    results: list[Incident]
    next_before: int | None
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What the public page shows."""

    overall_state: str
    groups: list[ComponentGroup]
    components: list[Component]
    open_incidents: list[Incident]
    maintenance: list[Maintenance]
    stale: bool = False
    as_of: datetime | None = None


def component_list() -> QuerySet[Component]:
    return Component.objects.all()


def group_list() -> QuerySet[ComponentGroup]:
    return ComponentGroup.objects.all()


def incident_list(
    *,
    show: IncidentFilter = IncidentFilter.ALL,
    severity: str | None = None,
    component: int | None = None,
    started_after: datetime | None = None,
    started_before: datetime | None = None,
) -> QuerySet[Incident]:
    """Incidents with updates and components, in three queries however many there are."""
    incidents = Incident.objects.prefetch_related("updates", "components").fetch_mode(FETCH_RAISE)
    if severity is not None:
        incidents = incidents.filter(severity=severity)
    if component is not None:
        incidents = incidents.filter(components=component)
    if started_after is not None:
        incidents = incidents.filter(started_at__gte=started_after)
    if started_before is not None:
        incidents = incidents.filter(started_at__lt=started_before)
    match show:
        case IncidentFilter.OPEN:
            return incidents.filter(resolved_at__isnull=True)
        case IncidentFilter.RESOLVED:
            return incidents.filter(resolved_at__isnull=False)
        case IncidentFilter.ALL:
            return incidents


def incident_page(
    *, incidents: QuerySet[Incident] | None = None, before: int | None = None, limit: int = DEFAULT_LIMIT
) -> IncidentPage:
    """One page of ``incidents``, of all of them by default."""
    found = page(incident_list() if incidents is None else incidents, cursor=before, limit=limit)
    last = found.results[-1].pk if found.next_cursor is not None else None
    return IncidentPage(results=found.results, next_before=last, next_cursor=found.next_cursor)


def maintenance_list(*, show: MaintenanceFilter = MaintenanceFilter.ALL) -> QuerySet[Maintenance]:
    """Maintenance with its components, in two queries however much there is."""
    maintenance = Maintenance.objects.prefetch_related("components").fetch_mode(FETCH_RAISE)
    ahead = (MaintenanceState.SCHEDULED, MaintenanceState.IN_PROGRESS)
    match show:
        case MaintenanceFilter.AHEAD:
            return maintenance.filter(state__in=ahead)
        case MaintenanceFilter.PAST:
            return maintenance.exclude(state__in=ahead)
        case MaintenanceFilter.ALL:
            return maintenance


def maintenance_page(
    *, show: MaintenanceFilter, cursor: int | None = None, limit: int = DEFAULT_LIMIT
) -> Page[Maintenance]:
    return page(maintenance_list(show=show), cursor=cursor, limit=limit)


def overall_state(*, components: Iterable[Component]) -> str:
    """The worst state of any component; operational when there is none."""
    states = (component.state for component in components)
    return max(states, key=_SEVERITY.__getitem__, default=ComponentState.OPERATIONAL.value)


def summary() -> Summary:
    components = list(component_list())
    return Summary(
        overall_state=overall_state(components=components),
        groups=list(group_list()),
        components=components,
        open_incidents=list(incident_list(show=IncidentFilter.OPEN)),
        maintenance=list(maintenance_list(show=MaintenanceFilter.AHEAD).order_by("starts_at", "id")[:AHEAD_LIMIT]),
    )
