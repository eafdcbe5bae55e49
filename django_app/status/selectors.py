"""Reads. Everything that an answer needs is fetched here: a query from a serializer is an error, not a surprise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.db.models import FETCH_RAISE, QuerySet

from status.models import Component, ComponentState, Incident

PAGE_SIZE: Final = 20
_SEVERITY: Final = {state: rank for rank, state in enumerate(ComponentState.values)}


class IncidentFilter(StrEnum):
    ALL = "all"
    OPEN = "open"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """Newest first; ``next_before`` is the ``before`` of the following page, None on the last one."""

    results: list[Incident]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What the public page shows."""

    overall_state: str
    components: list[Component]
    open_incidents: list[Incident]


def component_list() -> QuerySet[Component]:
    return Component.objects.all()


def incident_list(*, show: IncidentFilter = IncidentFilter.ALL) -> QuerySet[Incident]:
    """Incidents with updates and components, in three queries however many there are."""
    incidents = Incident.objects.prefetch_related("updates", "components").fetch_mode(FETCH_RAISE)
    match show:
        case IncidentFilter.OPEN:
            return incidents.filter(resolved_at__isnull=True)
        case IncidentFilter.RESOLVED:
            return incidents.filter(resolved_at__isnull=False)
        case IncidentFilter.ALL:
            return incidents


def incident_page(
    *, show: IncidentFilter = IncidentFilter.ALL, before: int | None = None, size: int = PAGE_SIZE
) -> IncidentPage:
    """One page by keyset: unlike an offset it neither repeats nor skips when an incident is opened meanwhile."""
    incidents = incident_list(show=show)
    if before is not None:
        incidents = incidents.filter(id__lt=before)
    found = list(incidents[: size + 1])
    more = len(found) > size
    return IncidentPage(results=found[:size], next_before=found[size - 1].pk if more else None)


def overall_state(*, components: Iterable[Component]) -> str:
    """The worst state of any component; operational when there is none."""
    states = (component.state for component in components)
    return max(states, key=_SEVERITY.__getitem__, default=ComponentState.OPERATIONAL.value)


def summary() -> Summary:
    components = list(component_list())
    return Summary(
        overall_state=overall_state(components=components),
        components=components,
        open_incidents=list(incident_list(show=IncidentFilter.OPEN)),
    )
