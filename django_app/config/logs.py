"""One JSON object per line on standard output, for requests and for everything else.

The balancer's ``X-Amzn-Trace-Id`` (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html)
is on every line that a request causes, so that a line can be joined with the balancer's own log.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

_trace: ContextVar[str] = ContextVar("trace", default="")
_requests = logging.getLogger("requests")

# What a LogRecord has by itself; everything beyond came in through ``extra=``.
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON; values that JSON does not know become text."""

    def __init__(self, release_id: str = "") -> None:
        super().__init__()
        self._release_id = release_id

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if self._release_id:
            line["release"] = self._release_id
        if trace := _trace.get():
            line["trace"] = trace
        for name, value in vars(record).items():
            if name not in _STANDARD and name != "request":
                line.setdefault(name, value)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def logging_config(*, level: str, release_id: str) -> dict[str, Any]:
    """A ``logging.config.dictConfig`` document: everything to standard output as JSON from ``level`` on."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "config.logs.JsonFormatter", "release_id": release_id}},
        "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}},
        "root": {"level": level, "handlers": ["stdout"]},
        "loggers": {
            # Django and Gunicorn bring handlers of their own, which would write the same line twice.
            "django": {"level": level, "handlers": [], "propagate": True},
            "django.server": {"level": level, "handlers": [], "propagate": True},
            "gunicorn.error": {"level": level, "handlers": [], "propagate": True},
            # RequestLogMiddleware has said it already: Gunicorn's line per request and Django's line per 4xx.
            "gunicorn.access": {"level": "WARNING", "handlers": [], "propagate": True},
            # Where it found an endpoint and credentials, for every client.
            "botocore": {"level": "WARNING", "handlers": [], "propagate": True},
            "django.request": {"level": "ERROR", "handlers": [], "propagate": True},
        },
    }


class RequestLogMiddleware:
    """Logs each request with status and duration. Query strings stay out: they may carry what a log must not keep."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = _trace.set(request.headers.get("X-Amzn-Trace-Id", "")[:200])
        started = time.perf_counter()
        try:
            response = self._get_response(request)
            _requests.info(
                "%s %s %d",
                request.method,
                request.path,
                response.status_code,
                extra={
                    "method": request.method,
                    "path": request.path,
                    "status": response.status_code,
                    "milliseconds": round((time.perf_counter() - started) * 1000, 1),
                },
            )
            return response
        finally:
            _trace.reset(token)
