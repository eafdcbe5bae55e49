"""Pages by cursor.

A cursor is the id of the last row of a page, wrapped so that nobody builds on what is in it. Lists run from the newest
id to the oldest; unlike an offset, a cursor neither repeats nor skips when something is added meanwhile, and the page
at the far end costs as much as the first.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Model, QuerySet
from rest_framework import serializers

DEFAULT_LIMIT: Final = 20
MAXIMUM_LIMIT: Final = 100
MAXIMUM_ID: Final = 2**63 - 1
MAXIMUM_LENGTH: Final = 64
_VERSION: Final = "1:"


@dataclass(frozen=True, slots=True)
class Page[M: Model]:
    """Newest first; ``next_cursor`` is None on the last page."""

    results: list[M]
    next_cursor: str | None


def encode_cursor(last_id: int) -> str:
    return base64.urlsafe_b64encode(f"{_VERSION}{last_id}".encode()).decode().rstrip("=")


def decode_cursor(text: str) -> int:
    """The id in a cursor.

    Raises:
        ValueError: nobody here has made this cursor.
    """
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise ValueError("not a cursor") from error
    digits = plain.removeprefix(_VERSION)
    if not plain.startswith(_VERSION) or not digits.isdigit() or not 1 <= int(digits) <= MAXIMUM_ID:
        raise ValueError("not a cursor")
    return int(digits)


class CursorField(serializers.CharField):
    """The ``next_cursor`` of an earlier answer, as the id that it stands for."""

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        try:
            if len(text) > MAXIMUM_LENGTH:
                raise ValueError("not a cursor")
            return decode_cursor(text)
        except ValueError:
            raise serializers.ValidationError("This is not a cursor that an earlier page gave.") from None


class PageQuery(serializers.Serializer[dict[str, Any]]):
    """What every list takes: where to go on, and how much to answer."""

    cursor = CursorField(required=False, default=None)
    limit = serializers.IntegerField(min_value=1, max_value=MAXIMUM_LIMIT, required=False, default=DEFAULT_LIMIT)


def page[M: Model](rows: QuerySet[M], *, cursor: int | None, limit: int = DEFAULT_LIMIT) -> Page[M]:
    """One page of ``rows``, which is in one query however long the list is."""
    rows = rows.order_by("-pk")
    if cursor is not None:
        rows = rows.filter(pk__lt=cursor)
    found = list(rows[: limit + 1])
    more = len(found) > limit
    return Page(results=found[:limit], next_cursor=encode_cursor(found[limit - 1].pk) if more else None)
