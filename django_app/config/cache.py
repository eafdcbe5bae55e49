"""The cache as a convenience: with it a read is cheap, without it a read is a query.

A cache that refuses connections costs nothing; one that swallows packets costs CACHE_STEP_TIMEOUT per step. After a
failure the cache is therefore left alone for a while, by each process for itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from django.core.cache import cache
from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 5.0
PUBLIC_READ_SECONDS: Final = 5

_FAILURES: Final = (ConnectionInterrupted, RedisError, OSError)


class _Breaker:
    """Remembers that the cache failed, so that the next requests do not wait for the same timeout."""

    def __init__(self) -> None:
        self.closed_until = 0.0

    def run(self, step: Callable[[], Any]) -> Any:
        """The step's answer, or None when the cache is, or has just been, out of reach."""
        if time.monotonic() < self.closed_until:
            return None
        try:
            return step()
        except _FAILURES as error:
            self.closed_until = time.monotonic() + PAUSE_SECONDS
            logger.warning("The cache is left alone for %.0f s: %s", PAUSE_SECONDS, error)
            return None


breaker = _Breaker()


def tolerant_get(key: str) -> Any:
    return breaker.run(lambda: cache.get(key))


def tolerant_set(key: str, value: Any, *, timeout: int) -> None:
    breaker.run(lambda: cache.set(key, value, timeout=timeout))


def tolerant_add(key: str, value: Any, *, timeout: int) -> None:
    breaker.run(lambda: cache.add(key, value, timeout=timeout))


def tolerant_delete(*keys: str) -> None:
    breaker.run(lambda: cache.delete_many(keys))


def tolerant_incr(key: str) -> None:
    def step() -> None:
        try:
            cache.incr(key)
        except ValueError:
            # The key ran out between two commands: there is nothing left to count.
            return

    breaker.run(step)
