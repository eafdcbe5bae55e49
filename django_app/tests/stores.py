"""Stores that are really out of reach: the address is a port of loopback that nobody listens on."""

from __future__ import annotations

import copy
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.cache import caches
from django.db import connection, connections
from django.test import override_settings


def closed_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def cache_at(address: str) -> Iterator[None]:
    """Let Django's cache use another address."""
    changed = copy.copy(settings.CACHES)
    changed["default"] = settings.CACHES["default"] | {"LOCATION": address}
    with override_settings(CACHES=changed):
        yield
    del caches.settings


@contextmanager
def dead_cache() -> Iterator[None]:
    with cache_at(f"redis://127.0.0.1:{closed_port()}/0"):
        yield


@contextmanager
def dead_database() -> Iterator[None]:
    """Let the next connection of this thread go where nobody listens."""
    before = dict(connection.settings_dict)
    connections.close_all()
    connection.settings_dict.update({"HOST": "127.0.0.1", "PORT": str(closed_port())})
    try:
        yield
    finally:
        connections.close_all()
        connection.settings_dict.update(before)
