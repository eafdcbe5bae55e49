"""What everything that touches the emulated account shares: one lock, and the news that something changed.

moto's backends are plain dictionaries of one process and know no locks of their own, so a request, a word through
the back channel and a snapshot each hold `LOCK` while they touch them.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

log = logging.getLogger(__name__)

#: Held by whoever reads or writes a moto backend. Re-entrant, because the back channel may call itself.
LOCK = threading.RLock()

Listener = Callable[[str, str], None]


@dataclass
class DataPlane:
    """Whether somebody gives the resources a body.

    While nobody does, a resource reaches its final state at once, as it does in moto. With a data plane it stays in
    the state that AWS shows first (`pending`, `creating`, `InProgress`, …) until the back channel says otherwise.
    """

    attached: bool = False


data_plane = DataPlane()

_listeners: list[Listener] = []


def add_listener(listener: Listener) -> None:
    """Call `listener(service, action)` after every change; it must return quickly and never wait for `LOCK`."""
    _listeners.append(listener)


def remove_listener(listener: Listener) -> None:
    """Stop calling `listener`; unknown ones are ignored."""
    if listener in _listeners:
        _listeners.remove(listener)


def announce(service: str, action: str) -> None:
    """Tell all listeners that `action` of `service` may have changed the account."""
    for listener in list(_listeners):
        try:
            listener(service, action)
        except Exception:
            # A deaf listener must not turn a request that succeeded into an error.
            log.exception("a listener failed on %s:%s", service, action)


@contextmanager
def changing(action: str, service: str = "backchannel") -> Iterator[None]:
    """Hold the lock, and announce the change afterwards unless the block raised."""
    with LOCK:
        yield
    announce(service, action)
