"""Writes that must not overwrite what somebody else has written meanwhile (RFC 9110 §13.1.1).

A client that sends ``If-Match`` with the entity tag of what it has read is told 412 when that is no longer so, with
what is stored now. One that sends none writes as before. Tags are compared without ``W/``: nginx marks a tag as weak
when it compresses an answer, and the content is still the one that the tag was made from.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from config.answers import etag_of

_TAG = re.compile(r'(?:W/)?("[^"]*")')


class PreconditionFailed(APIException):
    """What was read is no longer what is stored; ``members`` go into the problem document."""

    status_code = HTTPStatus.PRECONDITION_FAILED
    default_detail = "Somebody else has changed this meanwhile."
    default_code = "precondition_failed"

    def __init__(self, *, current: Any) -> None:
        super().__init__()
        self.members = {"current": current}
        self.etag = etag_of(current)


def require_match(request: Request, current: Any) -> None:
    """Compare ``If-Match`` with ``current``, which is what a read would answer. Belongs into the write's transaction.

    Raises:
        PreconditionFailed: the client has read something else.
    """
    wanted = request.headers.get("If-Match")
    if wanted is None or wanted.strip() == "*":
        return
    if etag_of(current) not in _TAG.findall(wanted):
        raise PreconditionFailed(current=current)


def tagged(content: Any, *, status: int = HTTPStatus.OK) -> Response:
    """An answer to a write that holds the thing itself, with the tag that the next write may name."""
    return Response(content, status=status, headers={"ETag": etag_of(content)})
