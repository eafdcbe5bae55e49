"""Which public reads are cached, and under which key."""

from __future__ import annotations

from typing import Final

from config.cache import tolerant_delete
from config.front import forget_front
from status.selectors import IncidentFilter

SUMMARY: Final = "summary"
BADGE: Final = "badge:all"
COMPONENTS: Final = "components"
GROUPS: Final = "component-groups"


def incidents_key(*, show: IncidentFilter) -> str:
    """The first page; further pages are rare and are not cached."""
    return f"incidents:{show}"


def incident_key(*, incident_id: int) -> str:
    return f"incident:{incident_id}"


def forget_public_reads(*, incident_id: int | None = None) -> None:
    """Drop every answer that a write may have changed.

    A reader that began before the write may store its older answer after this; it is gone after PUBLIC_READ_SECONDS.
    """
    keys = [BADGE, SUMMARY, COMPONENTS, GROUPS, *(incidents_key(show=show) for show in IncidentFilter)]
    if incident_id is not None:
        keys.append(incident_key(incident_id=incident_id))
    forget_front()
    tolerant_delete(*keys)
