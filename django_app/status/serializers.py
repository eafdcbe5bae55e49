"""The shapes of the API: what comes in (``…Input``) and what goes out (``…Output``). No logic lives here."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from config.fields import RowsField, TextField
from config.pagination import MAXIMUM_ID, PageQuery
from status.models import (
    Component,
    ComponentGroup,
    ComponentState,
    Incident,
    IncidentSeverity,
    IncidentState,
    IncidentUpdate,
    Maintenance,
    MaintenanceState,
)
from status.selectors import IncidentFilter, IncidentPage, MaintenanceFilter, Summary

MAXIMUM_POSITION = 2_147_483_647
MAXIMUM_STATES = 200


class ComponentGroupOutput(serializers.Serializer[ComponentGroup]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    position = serializers.IntegerField()


class ComponentGroupInput(serializers.Serializer[dict[str, Any]]):
    name = TextField(max_length=80)
    position = serializers.IntegerField(min_value=0, max_value=MAXIMUM_POSITION, required=False)


class ComponentOutput(serializers.Serializer[Component]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    group = serializers.IntegerField(source="group_id", allow_null=True, help_text="Id of a component group.")
    position = serializers.IntegerField()
    state = serializers.ChoiceField(choices=ComponentState.choices)
    state_changed_at = serializers.DateTimeField()


class ComponentInput(serializers.Serializer[dict[str, Any]]):
    name = TextField(max_length=80)
    description = TextField(max_length=200, allow_blank=True, required=False)
    group = serializers.PrimaryKeyRelatedField(
        queryset=ComponentGroup.objects.all(), required=False, allow_null=True, help_text="Id of a component group."
    )
    position = serializers.IntegerField(min_value=0, max_value=MAXIMUM_POSITION, required=False)
    state = serializers.ChoiceField(choices=ComponentState.choices, required=False)


class AffectedComponentOutput(serializers.Serializer[Component]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class IncidentUpdateOutput(serializers.Serializer[IncidentUpdate]):
    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=IncidentState.choices)
    message = serializers.CharField()
    created_at = serializers.DateTimeField()


class ComponentStateInput(serializers.Serializer[dict[str, Any]]):
    component = serializers.PrimaryKeyRelatedField(queryset=Component.objects.all(), help_text="Id of a component.")
    state = serializers.ChoiceField(choices=ComponentState.choices)


class ComponentStatesField(serializers.ListField):
    """States of single affected components, which go before ``component_state``."""

    child = ComponentStateInput()

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, max_length=MAXIMUM_STATES, **options)


class IncidentUpdateInput(serializers.Serializer[dict[str, Any]]):
    state = serializers.ChoiceField(choices=IncidentState.choices)
    message = TextField(max_length=4000)
    component_state = serializers.ChoiceField(choices=ComponentState.choices, required=False, allow_null=True)
    component_states = ComponentStatesField(help_text="Of single affected components, before component_state.")


class IncidentOutput(serializers.Serializer[Incident]):
    id = serializers.IntegerField()
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=IncidentState.choices)
    severity = serializers.ChoiceField(choices=IncidentSeverity.choices)
    started_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)
    components = AffectedComponentOutput(many=True)
    updates = IncidentUpdateOutput(many=True)


class IncidentInput(serializers.Serializer[dict[str, Any]]):
    title = TextField(max_length=160)
    message = TextField(max_length=4000)
    state = serializers.ChoiceField(choices=IncidentState.choices, default=IncidentState.INVESTIGATING.value)
    severity = serializers.ChoiceField(choices=IncidentSeverity.choices, default=IncidentSeverity.MINOR.value)
    components = RowsField(Component.objects.all(), default=list)
    component_state = serializers.ChoiceField(choices=ComponentState.choices, required=False, allow_null=True)
    component_states = ComponentStatesField(help_text="Of single affected components, before component_state.")


class IncidentChangeInput(serializers.Serializer[dict[str, Any]]):
    title = TextField(max_length=160, required=False)
    severity = serializers.ChoiceField(choices=IncidentSeverity.choices, required=False)
    components = RowsField(Component.objects.all())


class IncidentQuery(PageQuery):
    show = serializers.ChoiceField(
        choices=[option.value for option in IncidentFilter], default=IncidentFilter.ALL.value
    )
    before = serializers.IntegerField(min_value=1, max_value=MAXIMUM_ID, required=False)
    severity = serializers.ChoiceField(choices=IncidentSeverity.choices, required=False)
    component = serializers.IntegerField(min_value=1, max_value=MAXIMUM_ID, required=False)
    started_after = serializers.DateTimeField(required=False)
    started_before = serializers.DateTimeField(required=False)


class IncidentPageOutput(serializers.Serializer[IncidentPage]):
    results = IncidentOutput(many=True)
    next_before = serializers.IntegerField(allow_null=True)
    next_cursor = serializers.CharField(allow_null=True)


class MaintenanceOutput(serializers.Serializer[Maintenance]):
    id = serializers.IntegerField()
    title = serializers.CharField()
    message = serializers.CharField()
    state = serializers.ChoiceField(choices=MaintenanceState.choices)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    components = AffectedComponentOutput(many=True)


class MaintenanceInput(serializers.Serializer[dict[str, Any]]):
    title = TextField(max_length=160)
    message = TextField(max_length=4000)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    components = RowsField(Component.objects.all())


class MaintenanceQuery(PageQuery):
    show = serializers.ChoiceField(
        choices=[option.value for option in MaintenanceFilter], default=MaintenanceFilter.ALL.value
    )


class MaintenancePageOutput(serializers.Serializer[Any]):
    results = MaintenanceOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class SummaryOutput(serializers.Serializer[Summary]):
    overall_state = serializers.ChoiceField(choices=ComponentState.choices)
    groups = ComponentGroupOutput(many=True)
    components = ComponentOutput(many=True)
    open_incidents = IncidentOutput(many=True)
    maintenance = MaintenanceOutput(many=True)
    stale = serializers.BooleanField(help_text="The database does not answer: this is the last that is known.")
    as_of = serializers.DateTimeField(allow_null=True, help_text="When it was so, if that is not now.")


class BadgeQuery(serializers.Serializer[dict[str, Any]]):
    component = serializers.IntegerField(min_value=1, max_value=MAXIMUM_ID, required=False)
