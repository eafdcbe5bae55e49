from __future__ import annotations

from typing import Any, Final

from django.db.models import QuerySet
from rest_framework import serializers

MAXIMUM_ROWS: Final = 200


class RowsField(serializers.ManyRelatedField):
    """Rows by their ids in a list, and nothing else: REST framework takes an object for the list of its names.

    Each id is a query, so that there are ``MAXIMUM_ROWS`` at most.
    """

    def __init__(self, queryset: QuerySet[Any], **options: Any) -> None:
        child = serializers.PrimaryKeyRelatedField(queryset=queryset)
        if "default" not in options:
            options["required"] = False
        super().__init__(child_relation=child, **options)

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            self.fail("not_a_list", input_type=type(data).__name__)
        if len(data) > MAXIMUM_ROWS:
            raise serializers.ValidationError(f"At most {MAXIMUM_ROWS} can be named.")
        return list(super().to_internal_value(data))


class TextField(serializers.CharField):
    """A text, and nothing else: REST framework's own field makes one out of a number."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text: str = super().to_internal_value(data)
        return text
