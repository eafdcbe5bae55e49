"""The one shape of an error: a problem document (RFC 9457), for the API and for whatever goes wrong around it.

``type`` is left out, which the RFC (§3.1.1) defines as ``about:blank``: the status says what kind of problem it is.
A refused body adds ``errors``, each with a JSON pointer (RFC 6901) to the member and a sentence.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypedDict

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

CONTENT_TYPE = "application/problem+json"


class FieldProblem(TypedDict):
    pointer: str
    detail: str


logger = logging.getLogger(__name__)


class Unavailable(exceptions.APIException):
    """The database does not answer, which is nobody's mistake and will pass."""

    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    default_detail = "The database cannot be reached right now."
    default_code = "unavailable"
    wait = 5  # seconds, for Retry-After


class Conflict(exceptions.APIException):
    """The request is well formed but does not fit what is stored."""

    status_code = HTTPStatus.CONFLICT
    default_detail = "The request does not fit the current state."
    default_code = "conflict"


def document(*, status: int, detail: str, errors: Sequence[FieldProblem] = ()) -> dict[str, Any]:
    """The members of a problem document."""
    members: dict[str, Any] = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if errors:
        members["errors"] = list(errors)
    return members


def field_problems(detail: Any, pointer: str = "#") -> Iterator[FieldProblem]:
    """Flatten REST framework's nested error detail into pointers and sentences."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from field_problems(inner, pointer if name == "non_field_errors" else f"{pointer}/{name}")
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list)
            yield from field_problems(inner, f"{pointer}/{index}" if nested else pointer)
    else:
        yield {"pointer": pointer, "detail": str(detail)}


def api_exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn an exception of an API class into an answer; an unexpected one goes on to ``server_error``."""
    # Imported late: REST framework's views import what authenticates, which raises problems of this module.
    from rest_framework.views import set_rollback

    del context
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    elif isinstance(exc, OperationalError | InterfaceError):
        logger.error("The database failed.", exc_info=exc)
        exc = Unavailable()
    if not isinstance(exc, exceptions.APIException):
        return None
    set_rollback()
    headers: dict[str, str] = {}
    if auth_header := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if (wait := getattr(exc, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait))
    if isinstance(exc, exceptions.ValidationError):
        data = document(
            status=exc.status_code,
            detail="The request holds values that cannot be accepted.",
            errors=list(field_problems(exc.detail)),
        )
    else:
        data = document(status=exc.status_code, detail=str(exc.detail)) | getattr(exc, "members", {})
    if etag := getattr(exc, "etag", None):
        headers["ETag"] = etag
    return Response(data, status=exc.status_code, headers=headers, content_type=CONTENT_TYPE)


def _wants_problem(request: HttpRequest) -> bool:
    return request.path.startswith("/api/") or not request.accepts("text/html")


def _problem(*, status: int, detail: str) -> HttpResponse:
    body = json.dumps(document(status=status, detail=detail))
    return HttpResponse(body, status=status, content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    # A wrong Host header ends here, so that the request is only asked for what does not need the host.
    if _wants_problem(request):
        return _problem(status=400, detail="The server could not understand the request.")
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _wants_problem(request):
        return _problem(status=403, detail="You may not do this.")
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _wants_problem(request):
        return _problem(status=404, detail="There is nothing at this address.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        return _unavailable(request)
    if _wants_problem(request):
        return _problem(status=500, detail="The server met an error that it did not expect. It has been logged.")
    return defaults.server_error(request)


def _unavailable(request: HttpRequest) -> HttpResponse:
    detail = str(Unavailable.default_detail)
    if _wants_problem(request):
        response = _problem(status=503, detail=detail)
    else:
        response = HttpResponse(f"<h1>Service Unavailable</h1><p>{detail}</p>", status=503)
    response.headers["Retry-After"] = str(Unavailable.wait)
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF middleware calls this; ``reason`` is for the log, which the middleware writes."""
    from django.views.csrf import csrf_failure as django_csrf_failure

    if _wants_problem(request):
        return _problem(
            status=403,
            detail="The request carries no valid CSRF token. Read /api/session/ for a fresh one and try again.",
        )
    return django_csrf_failure(request, reason)
