"""Bodies that are read: JSON of a sensible size and depth."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import IO, Any, Final

from rest_framework import exceptions
from rest_framework.parsers import JSONParser

MAXIMUM_BYTES: Final = 256 * 1024


class TooLarge(exceptions.APIException):
    """The body has more bytes than any request of this API needs."""

    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_detail = f"The body may have {MAXIMUM_BYTES} bytes at most."
    default_code = "too_large"


class BoundedJSONParser(JSONParser):
    """JSON that cannot fill the memory, nor the stack by its depth."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        request = (parser_context or {}).get("request")
        length = request.META.get("CONTENT_LENGTH", "") if request is not None else ""
        if str(length).isdigit() and int(length) > MAXIMUM_BYTES:
            raise TooLarge
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise exceptions.ParseError("The JSON is nested too deeply.") from None


class PlainTextJSONParser(BoundedJSONParser):
    """JSON that says it were plain text."""

    media_type = "text/plain"
