"""The few answers that everybody asks for, kept by each process for a moment.

A page that the many read is asked for hundreds of times a second. For a quarter of a second an answer is given again as
it is, before sessions, URLs and views have been looked at. Whoever is signed in, or sends a token, is not answered from
here: a member of staff sees a write at once, whichever process answers.

The web server in front may keep such an answer for a second: X-Accel-Expires says so, to it alone.
https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_cache_valid
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response

FRONT_SECONDS = 0.25
PROXY_SECONDS: Final = 1
FRONT_PATHS: Final = frozenset({"/api/summary/", "/api/uptime/", "/api/components/", "/api/badge.svg"})
_METHODS: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Kept:
    until: float
    body: bytes
    headers: dict[str, str]


_kept: dict[str, Kept] = {}


def forget_front() -> None:
    """Ask anew from now on, in this process."""
    _kept.clear()


class FrontMiddleware:
    """Stands before all that make, change, log or trace an answer; what is no https is left to them.

    A line of the log costs more than a kept answer, and the web server's own log has one of every request.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not _is_for_everybody(request):
            return self._get_response(request)
        # Raises DisallowedHost, which is what the middlewares behind this one would do.
        request.get_host()
        kept = _kept.get(request.path_info)
        if kept is not None and time.monotonic() < kept.until:
            response = HttpResponse(kept.body, headers=kept.headers)
            return get_conditional_response(request, etag=kept.headers["ETag"], response=response) or response
        answer = self._get_response(request)
        # One that is said to be old is not kept: the next may be a new one.
        if FRONT_SECONDS and isinstance(answer, HttpResponse) and answer.status_code == 200 and request.method == "GET":
            headers = dict(answer.headers)
            if "ETag" in headers and "Cache-Status" not in headers and not answer.cookies:
                answer.headers["X-Accel-Expires"] = headers["X-Accel-Expires"] = str(PROXY_SECONDS)
                _kept[request.path_info] = Kept(time.monotonic() + FRONT_SECONDS, answer.content, headers)
        return answer


def _is_for_everybody(request: HttpRequest) -> bool:
    return (
        request.path_info in FRONT_PATHS
        and request.is_secure()
        and request.method in _METHODS
        and not request.META.get("QUERY_STRING")
        and settings.SESSION_COOKIE_NAME not in request.COOKIES
        and "HTTP_AUTHORIZATION" not in request.META
    )
