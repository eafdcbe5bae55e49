"""The shapes of the API: what comes in (``…Input``) and what goes out (``…Output``). No logic lives here."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from status.models import Component, ComponentState, Incident, IncidentState, IncidentUpdate
from status.selectors import IncidentFilter, IncidentPage, Summary


class ComponentOutput(serializers.Serializer[Component]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    position = serializers.IntegerField()
    state = serializers.ChoiceField(choices=ComponentState.choices)
    state_changed_at = serializers.DateTimeField()


class ComponentInput(serializers.Serializer[dict[str, Any]]):
    name = serializers.CharField(max_length=80)
    description = serializers.CharField(max_length=200, allow_blank=True, required=False)
    position = serializers.IntegerField(min_value=0, max_value=2_147_483_647, required=False)
    state = serializers.ChoiceField(choices=ComponentState.choices, required=False)


class AffectedComponentOutput(serializers.Serializer[Component]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class IncidentUpdateOutput(serializers.Serializer[IncidentUpdate]):
    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=IncidentState.choices)
    message = serializers.CharField()
    created_at = serializers.DateTimeField()


class IncidentUpdateInput(serializers.Serializer[dict[str, Any]]):
    state = serializers.ChoiceField(choices=IncidentState.choices)
    message = serializers.CharField(max_length=4000)


class IncidentOutput(serializers.Serializer[Incident]):
    id = serializers.IntegerField()
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=IncidentState.choices)
    started_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)
    components = AffectedComponentOutput(many=True)
    updates = IncidentUpdateOutput(many=True)


class IncidentInput(serializers.Serializer[dict[str, Any]]):
    title = serializers.CharField(max_length=160)
    message = serializers.CharField(max_length=4000)
    state = serializers.ChoiceField(choices=IncidentState.choices, default=IncidentState.INVESTIGATING.value)
    components = serializers.PrimaryKeyRelatedField(
        queryset=Component.objects.all(), many=True, required=False, default=list
    )
    component_state = serializers.ChoiceField(choices=ComponentState.choices, required=False, allow_null=True)


class IncidentQuery(serializers.Serializer[dict[str, Any]]):
    show = serializers.ChoiceField(
        choices=[option.value for option in IncidentFilter], default=IncidentFilter.ALL.value
    )
    before = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)


class IncidentPageOutput(serializers.Serializer[IncidentPage]):
    results = IncidentOutput(many=True)
    next_before = serializers.IntegerField(allow_null=True)


class SummaryOutput(serializers.Serializer[Summary]):
    overall_state = serializers.ChoiceField(choices=ComponentState.choices)
    components = ComponentOutput(many=True)
    open_incidents = IncidentOutput(many=True)
