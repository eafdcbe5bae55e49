from __future__ import annotations

from typing import Any

from rest_framework import serializers

from config.fields import RowsField, TextField
from config.pagination import PageQuery
from monitors.serializers import OutboundUrlField
from status.models import Component
from status.serializers import AffectedComponentOutput
from subscribers.models import Channel, Subscriber


class SubscriptionInput(serializers.Serializer[dict[str, Any]]):
    channel = serializers.ChoiceField(choices=Channel.choices)
    address = TextField(max_length=2000, help_text="An e-mail address, or the URL of a webhook.")
    components = RowsField(Component.objects.all(), help_text="None is all of them.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        field: serializers.CharField = (
            serializers.EmailField(max_length=254) if attrs["channel"] == Channel.EMAIL else OutboundUrlField()
        )
        try:
            attrs["address"] = field.run_validation(attrs["address"])
        except serializers.ValidationError as error:
            raise serializers.ValidationError({"address": error.detail}) from None
        return attrs


class SubscriptionOutput(serializers.Serializer[Any]):
    detail = serializers.CharField()


class LinkQuery(serializers.Serializer[dict[str, Any]]):
    token = TextField(max_length=200)


class SubscriberOutput(serializers.Serializer[Subscriber]):
    id = serializers.IntegerField()
    channel = serializers.ChoiceField(choices=Channel.choices)
    address = serializers.CharField()
    components = AffectedComponentOutput(many=True)
    created_at = serializers.DateTimeField()
    confirmed_at = serializers.DateTimeField(allow_null=True)


class SubscriberPageOutput(serializers.Serializer[Any]):
    results = SubscriberOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class SubscriberQuery(PageQuery):
    channel = serializers.ChoiceField(choices=Channel.choices, required=False)
    confirmed = serializers.BooleanField(required=False, allow_null=True, default=None)
