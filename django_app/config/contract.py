"""What an API class says about itself, and the base of those that the public reads.

``operations`` is the one place where the shape of a request and of an answer is written down. The OpenAPI document
(``tools/openapi.py``) is made from it, and the React application's types from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypedDict

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts.roles import Role
from config.throttles import KindThrottle


class Access(TypedDict):
    """Who may do something, for several operations: ``Operation(…, **access)``."""

    role: Role
    scope: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address: ``body`` is what it takes, ``output`` what it answers with ``status``.

    A write that names no role and is not ``open`` is refused.
    """

    summary: str
    output: type[BaseSerializer[Any]] | None = None
    body: type[BaseSerializer[Any]] | None = None
    query: type[BaseSerializer[Any]] | None = None
    many: bool = False
    status: int = 200
    #: The least role that may do it; None for a read of everybody.
    role: Role | None = None
    #: The scope with which a machine may do it; empty for what only people do.
    scope: str = ""
    #: A write without a role, which another check than a role protects.
    open: bool = False
    #: The kind of config.throttles under which requests are counted; by default every write is.
    throttle: str | None = None
    #: A write that heeds If-Match (config.preconditions).
    conditional: bool = False
    #: Of an answer that is not JSON.
    media_type: str = ""


class Api(APIView):
    """An API class with a written contract."""

    operations: ClassVar[Mapping[str, Operation]] = {}

    def get_throttles(self) -> list[BaseThrottle]:
        method = str(self.request.method)
        operation = self.operations.get("GET" if method == "HEAD" else method)
        if operation is None:
            return []
        kind = operation.throttle
        if kind is None:
            kind = "" if method in SAFE_METHODS else "write"
        return [KindThrottle(kind)] if kind else []


class PublicApi(Api):
    """An API class whose reads are the same for everybody: they never look at the session, nor at its table."""

    def get_authenticators(self) -> list[BaseAuthentication]:
        method = self.request.method if self.request is not None else None
        if method in SAFE_METHODS and not self._is_for_staff(method):
            return []
        return super().get_authenticators()

    def _is_for_staff(self, method: str | None) -> bool:
        operation = self.operations.get("GET" if method == "HEAD" else str(method))
        return operation is not None and operation.role is not None

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        # The server's own cache is dropped by a write; a browser's copy could not be.
        answer.headers.setdefault("Cache-Control", "no-cache" if request.method in SAFE_METHODS else "no-store")
        return answer
