"""How long something was up, from checks that look at it now and then.

A check speaks for the time from its moment until the next one, and for no longer than it ``covers``: where nobody
looked, nothing is known, and time that is not known counts neither as up nor as down. All of it is whole microseconds,
so that parts of a time add up to the whole exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest


@dataclass(frozen=True, slots=True)
class Look:
    """One check: the moment, what it saw, and for how long it may speak."""

    at: datetime
    up: bool
    covers: timedelta


@dataclass(frozen=True, slots=True)
class Uptime:
    """Times of a span, which add up to its length."""

    up: timedelta = timedelta()
    down: timedelta = timedelta()
    unknown: timedelta = timedelta()

    def __add__(self, other: Uptime) -> Uptime:
        return Uptime(self.up + other.up, self.down + other.down, self.unknown + other.unknown)

    @property
    def ratio(self) -> float | None:
        """The part of the known time in which it was up, from 0 to 1; None when nothing is known."""
        known = self.up + self.down
        return self.up / known if known else None


def measure(looks: Iterable[Look], *, start: datetime, end: datetime) -> Uptime:
    """The uptime from ``start`` to ``end``. Of looks at the same moment the one that saw it down counts.

    ``looks`` may be in any order, and has to hold those before ``start`` that still speak for it.
    """
    ordered = sorted(looks, key=lambda look: (look.at, not look.up, look.covers))
    up = down = timedelta()
    for look, following in zip_longest(ordered, ordered[1:]):
        until = look.at + look.covers
        if following is not None:
            until = min(until, following.at)
        seen = max(timedelta(), min(until, end) - max(look.at, start))
        # A look at the same moment as the next one speaks for no time at all.
        if look.up:
            up += seen
        else:
            down += seen
    return Uptime(up, down, max(timedelta(), end - start) - up - down)


def percentile(sorted_values: Sequence[int], part: float) -> int | None:
    """The nearest-rank percentile of values in ascending order, ``part`` from 0 to 1; None when there are none."""
    if not sorted_values:
        return None
    rank = max(1, -(-len(sorted_values) * round(part * 1000) // 1000))
    return sorted_values[min(rank, len(sorted_values)) - 1]
