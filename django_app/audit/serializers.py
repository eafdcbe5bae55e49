from __future__ import annotations

from typing import Any

from rest_framework import serializers

from audit.models import ActorKind, AuditEntry
from config.fields import TextField
from config.pagination import PageQuery


class AuditEntryOutput(serializers.Serializer[AuditEntry]):
    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    actor_kind = serializers.ChoiceField(choices=ActorKind.choices)
    actor_name = serializers.CharField()
    action = serializers.CharField()
    target_type = serializers.CharField()
    target_id = serializers.CharField()
    target_name = serializers.CharField()
    changes = serializers.DictField(child=serializers.JSONField())


class AuditPageOutput(serializers.Serializer[Any]):
    results = AuditEntryOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class AuditQuery(PageQuery):
    action = TextField(max_length=60, required=False)
    actor = TextField(max_length=150, required=False)
    target_type = TextField(max_length=40, required=False)
    target_id = TextField(max_length=40, required=False)
