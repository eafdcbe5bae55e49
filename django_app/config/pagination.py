"""Pages by cursor.

A cursor is the id of the last row of a page, wrapped so that nobody builds on what is in it. Lists run from the newest
id to the oldest; unlike an offset, a cursor neither repeats nor skips when something is added meanwhile, and the page
at the far end costs as much as the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Model, QuerySet
from rest_framework import serializers

DEFAULT_LIMIT: Final = 20
MAXIMUM_LIMIT: Final = 100
MAXIMUM_ID: Final = 2**63 - 1
CURSOR_PATTERN: Final = r"^[0-9a-f]{16}\Z"
# No secret: it only keeps people from counting with cursors.
_DISGUISE: Final = 0x5A17_C0DE_B00C_1E57


@dataclass(frozen=True, slots=True)
class Page[M: Model]:
    """Newest first; ``next_cursor`` is None on the last page."""

    results: list[M]
    next_cursor: str | None


def encode_cursor(last_id: int) -> str:
    return f"{last_id ^ _DISGUISE:016x}"


def decode_cursor(text: str) -> int:
    """The id in a cursor of the form CURSOR_PATTERN; each such text has one, so that none has to be refused."""
    return (int(text, 16) ^ _DISGUISE) & MAXIMUM_ID


class CursorField(serializers.RegexField):
    """The ``next_cursor`` of an earlier answer, as the id that it stands for."""

    def __init__(self, **options: Any) -> None:
        super().__init__(CURSOR_PATTERN, **options)
        self.error_messages["invalid"] = "This is not a cursor that an earlier page gave."

    def run_validation(self, data: Any = serializers.empty) -> Any:
        text = super().run_validation(data)
        return decode_cursor(text) if isinstance(text, str) else text


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
