"""How often somebody may ask, counted in the cache.

One counter per window, kind and asker; INCR makes it right with any number of processes. Reads that everybody shares
come out of the cache and are not counted: counting one would cost more than answering it. With the cache down nothing
is counted: the page must stay usable during an outage.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django_redis import get_redis_connection
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from config.cache import breaker


@dataclass(frozen=True, slots=True)
class Rate:
    """``allowed`` requests in each ``seconds``."""

    allowed: int
    seconds: int


RATES: Final[Mapping[str, Rate]] = {
    # Lists beyond the first page, filters: a query each.
    "read": Rate(6000, 60),
    "write": Rate(240, 60),
    # Each asks somebody else's server.
    "check": Rate(30, 60),
    # By address, beside the limit by name of accounts.throttle.
    "sign-in": Rate(30, 300),
    # Each may send a message to somebody who has not asked for it.
    "subscribe": Rate(10, 3600),
}


class KindThrottle(BaseThrottle):
    """Counts a request under one kind of RATES, for a token, a person or else an address."""

    def __init__(self, kind: str) -> None:
        self.rate = RATES[kind]
        self.kind = kind
        self._wait: float | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:
        now = time.time()
        window = int(now // self.rate.seconds)
        count = _count(f"throttle:{self.kind}:{asker(request)}:{window}", seconds=self.rate.seconds)
        if count <= self.rate.allowed:
            return True
        self._wait = (window + 1) * self.rate.seconds - now
        return False

    def wait(self) -> float | None:
        return self._wait


def asker(request: Request) -> str:
    """Whose requests are counted together."""
    user: Any = request.user
    if user is not None and user.is_authenticated:
        return f"user:{user.pk}"
    return f"address:{client_address(request._request)}"


def client_address(request: HttpRequest) -> str:
    """The client as the outermost of our own proxies saw it; an IPv6 client by its /64, which is one household.

    Every proxy appends the address that spoke to it, so that FORWARDED_HOPS entries at the end are ours and whatever
    stands before them is what the client claims.
    """
    chain = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    hops: int = settings.FORWARDED_HOPS
    text = chain[-min(hops, len(chain))] if chain and hops else request.META.get("REMOTE_ADDR", "")
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False).network_address)
    return str(address)


def _count(key: str, *, seconds: int) -> int:
    def step() -> int:
        full_key = f"{settings.CACHES['default']['KEY_PREFIX']}:{key}"
        with get_redis_connection("default").pipeline(transaction=True) as pipeline:
            pipeline.incr(full_key)
            pipeline.expire(full_key, seconds + 1)
            return int(pipeline.execute()[0])

    return breaker.run(step) or 0
