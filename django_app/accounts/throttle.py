"""Failed sign-ins per user name, counted in the cache.

The name is counted and not the address: behind a CDN and a balancer the address is what a client claims. With the
cache down nothing is counted and everybody may try: the page must stay editable during an outage.
"""

from __future__ import annotations

import hashlib
from typing import Final

from config.cache import tolerant_add, tolerant_delete, tolerant_get, tolerant_incr

FAILURES_ALLOWED: Final = 10
WINDOW_SECONDS: Final = 300


def _key(username: str) -> str:
    # Hashed: the name may hold anything, and is nobody's business who can list keys.
    return f"sign-in:{hashlib.sha256(username.casefold().encode()).hexdigest()}"


def is_blocked(*, username: str) -> bool:
    """Whether the name has used up its failures."""
    count = tolerant_get(_key(username))
    return isinstance(count, int) and count >= FAILURES_ALLOWED


def note_failure(*, username: str) -> None:
    """Count one failure; the window starts with the first."""
    tolerant_add(_key(username), 0, timeout=WINDOW_SECONDS)
    tolerant_incr(_key(username))


def forget_failures(*, username: str) -> None:
    """Start again after a success."""
    tolerant_delete(_key(username))
