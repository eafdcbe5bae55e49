"""The reads of everybody: what each is kept as, and how it is made."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed, Rss201rev2Feed

from config.answers import Read
from config.cache import tolerant_delete
from config.front import forget_front
from config.pagination import DEFAULT_LIMIT
from status import feeds, selectors
from status.models import Incident
from status.selectors import IncidentFilter, MaintenanceFilter
from status.serializers import (
    ComponentGroupOutput,
    ComponentOutput,
    IncidentOutput,
    IncidentPageOutput,
    MaintenanceOutput,
    MaintenancePageOutput,
    SummaryOutput,
)

FEED_SECONDS: Final = 60
#: How many incidents that are over the public page shows below the state: react_app/src/lib/queries.ts asks for them.
PAST_INCIDENTS: Final = 5


def summary() -> Read:
    return Read(
        "summary",
        lambda: SummaryOutput(selectors.summary()).data,
        mark_stale=lambda content, at: content | {"stale": True, "as_of": at.isoformat()},
    )


def groups() -> Read:
    return Read(
        "component-groups",
        lambda: ComponentGroupOutput(selectors.group_list(), many=True).data,  # type: ignore[arg-type]
    )


def components() -> Read:
    return Read(
        "components",
        lambda: ComponentOutput(selectors.component_list(), many=True).data,  # type: ignore[arg-type]
    )


def component(component_id: int) -> Read:
    return Read(
        f"component:{component_id}",
        lambda: ComponentOutput(get_object_or_404(selectors.component_list(), pk=component_id)).data,
        seconds=0,
    )


def incidents(*, show: IncidentFilter) -> Read:
    """The first page as nobody has narrowed it, which is what everybody asks for."""
    return Read(
        f"incidents:{show}",
        lambda: IncidentPageOutput(selectors.incident_page(incidents=selectors.incident_list(show=show))).data,
    )


def narrowed_incidents(*, before: int | None = None, limit: int, **wanted: Any) -> Read:
    """Any other page. There is no end of them; the cache drops what was not asked for in the longest time."""

    def compute() -> Any:
        found = selectors.incident_page(incidents=selectors.incident_list(**wanted), before=before, limit=limit)
        return IncidentPageOutput(found).data

    return Read(_narrowed("incidents", wanted | {"before": before, "limit": limit}), compute, seconds=0)


def incident(incident_id: int) -> Read:
    return Read(
        f"incident:{incident_id}",
        lambda: IncidentOutput(get_object_or_404(selectors.incident_list(), pk=incident_id)).data,
    )


def maintenance_page(**wanted: Any) -> Read:
    return Read(
        _narrowed("maintenance", wanted),
        lambda: MaintenancePageOutput(selectors.maintenance_page(**wanted)).data,
        seconds=0,
    )


def maintenance(maintenance_id: int) -> Read:
    return Read(
        f"maintenance:{maintenance_id}",
        lambda: MaintenanceOutput(get_object_or_404(selectors.maintenance_list(), pk=maintenance_id)).data,
        seconds=0,
    )


def atom() -> Read:
    return _feed(Atom1Feed, "application/atom+xml", reverse("feed-atom"))


def rss() -> Read:
    return _feed(Rss201rev2Feed, "application/rss+xml", reverse("feed-rss"))


def _feed(kind: type[Atom1Feed] | type[Rss201rev2Feed], media_type: str, path: str) -> Read:
    def compute() -> str:
        return feeds.feed(kind=kind, feed_path=path)

    return Read(f"feed:{media_type}", compute, seconds=FEED_SECONDS, media_type=media_type)


def badge(component_id: int | None = None) -> Read:
    """Of one component, or of all."""

    def compute() -> str:
        known = list(selectors.component_list())
        if component_id is None:
            return feeds.badge(label="status", state=selectors.overall_state(components=known))
        for one in known:
            if one.pk == component_id:
                return feeds.badge(label=one.name, state=one.state)
        raise Http404

    return Read(f"badge:{component_id or 'all'}", compute, media_type="image/svg+xml")


def standing() -> Iterator[Read]:
    """What is asked for in an outage: the public page, what it links to, and what other sites show of it."""
    yield summary()
    yield components()
    yield groups()
    yield badge()
    yield atom()
    yield rss()
    for show in IncidentFilter:
        yield incidents(show=show)
    yield narrowed_incidents(show=IncidentFilter.RESOLVED, limit=PAST_INCIDENTS)
    yield maintenance_page(show=MaintenanceFilter.ALL, cursor=None, limit=DEFAULT_LIMIT)
    shown = [
        *selectors.incident_list(show=IncidentFilter.OPEN),
        *selectors.incident_list(show=IncidentFilter.RESOLVED).order_by("-pk")[:PAST_INCIDENTS],
    ]
    for one in shown:
        yield Read(incident(one.pk).key, partial(_shown, one))


def _shown(found: Incident) -> Any:
    return IncidentOutput(found).data


def forget_public_reads(*, incident_id: int | None = None) -> None:
    """Drop every answer that a write may have changed.

    A reader that began before the write may store its older answer after this; it is gone after PUBLIC_READ_SECONDS.
    """
    changed = [badge(), summary(), components(), groups(), *(incidents(show=show) for show in IncidentFilter)]
    if incident_id is not None:
        changed.append(incident(incident_id))
    forget_front()
    tolerant_delete(*(read.key for read in changed))


def _narrowed(kind: str, wanted: dict[str, Any]) -> str:
    return f"{kind}?" + "&".join(f"{name}={value}" for name, value in sorted(wanted.items()) if value is not None)
