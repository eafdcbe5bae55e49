"""What an API class says about itself, and the base of those that the public reads.

``operations`` is the one place where the shape of a request and of an answer is written down. The OpenAPI document
(``tools/openapi.py``) is made from it, and the React application's types from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address: ``body`` is what it takes, ``output`` what it answers with ``status``."""

    summary: str
    output: type[BaseSerializer[Any]] | None = None
    body: type[BaseSerializer[Any]] | None = None
    query: type[BaseSerializer[Any]] | None = None
    many: bool = False
    status: int = 200


class Api(APIView):
    """An API class with a written contract."""

    operations: ClassVar[Mapping[str, Operation]] = {}


class PublicApi(Api):
    """An API class whose reads are the same for everybody: they never look at the session, nor at its table."""

    def get_authenticators(self) -> list[BaseAuthentication]:
        method = self.request.method if self.request is not None else None
        if method in SAFE_METHODS:
            return []
        return super().get_authenticators()

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        # The server's own cache is dropped by a write; a browser's copy could not be.
        answer.headers.setdefault("Cache-Control", "no-cache" if request.method in SAFE_METHODS else "no-store")
        return answer
