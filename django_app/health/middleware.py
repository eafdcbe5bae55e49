"""/healthz and /readyz, answered before anything else has a look at the request.

The balancer and the host's own probes ask by IP address or through a socket. Placed first, they need no wildcard in
ALLOWED_HOSTS, are not redirected to https and pass when sessions or the database are in trouble.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

from health.dependencies import check_all

_PROBE_METHODS = frozenset({"GET", "HEAD"})


class HealthMiddleware:
    """Answers the two probe addresses and hands everything else on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method in _PROBE_METHODS:
            if request.path_info == "/healthz":
                return self._alive()
            if request.path_info == "/readyz":
                return self._ready()
        return self._get_response(request)

    @staticmethod
    def _alive() -> JsonResponse:
        """The process answers. A broken dependency must not make the balancer kill every host at once."""
        return _uncached(JsonResponse({"status": "alive", "release": settings.RELEASE_ID}))

    @staticmethod
    def _ready() -> JsonResponse:
        results = check_all()
        connection.close_if_unusable_or_obsolete()
        ready = all(result.ok for result in results.values())
        document = {
            "status": "ready" if ready else "not ready",
            "release": settings.RELEASE_ID,
            "failing": [name for name, result in results.items() if not result.ok],
            "checks": {name: {"ok": r.ok, "detail": r.detail} for name, r in results.items()},
        }
        return _uncached(JsonResponse(document, status=200 if ready else 503))


def _uncached(response: JsonResponse) -> JsonResponse:
    response.headers["Cache-Control"] = "no-store"
    return response
