"""The API of the status page: parse, call a service or a selector, answer."""

from __future__ import annotations

from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import signed_in_user
from config.cache import cached
from config.contract import Operation, PublicApi
from status import reads, selectors, services
from status.models import Component, Incident
from status.serializers import (
    ComponentInput,
    ComponentOutput,
    IncidentInput,
    IncidentOutput,
    IncidentPageOutput,
    IncidentQuery,
    IncidentUpdateInput,
    IncidentUpdateOutput,
    SummaryOutput,
)


class SummaryApi(PublicApi):
    operations: ClassVar = {"GET": Operation(summary="What the public page shows", output=SummaryOutput)}

    def get(self, request: Request) -> Response:
        return Response(cached(key=reads.SUMMARY, compute=lambda: SummaryOutput(selectors.summary()).data))


class ComponentListApi(PublicApi):
    operations: ClassVar = {
        "GET": Operation(summary="All components", output=ComponentOutput, many=True),
        "POST": Operation(summary="Add a component", body=ComponentInput, output=ComponentOutput, status=201),
    }

    def get(self, request: Request) -> Response:
        def compute() -> Any:
            return ComponentOutput(selectors.component_list(), many=True).data  # type: ignore[arg-type]

        return Response(cached(key=reads.COMPONENTS, compute=compute))

    def post(self, request: Request) -> Response:
        body = ComponentInput(data=request.data)
        body.is_valid(raise_exception=True)
        component = services.component_create(**body.validated_data)
        return Response(ComponentOutput(component).data, status=201)


class ComponentApi(PublicApi):
    operations: ClassVar = {
        "GET": Operation(summary="One component", output=ComponentOutput),
        "PATCH": Operation(summary="Change a component", body=ComponentInput, output=ComponentOutput),
    }

    def get(self, request: Request, component_id: int) -> Response:
        return Response(ComponentOutput(get_object_or_404(selectors.component_list(), pk=component_id)).data)

    def patch(self, request: Request, component_id: int) -> Response:
        component = get_object_or_404(Component, pk=component_id)
        body = ComponentInput(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        component = services.component_update(component=component, **body.validated_data)
        return Response(ComponentOutput(component).data)


class IncidentListApi(PublicApi):
    operations: ClassVar = {
        "GET": Operation(summary="Incidents, newest first", query=IncidentQuery, output=IncidentPageOutput),
        "POST": Operation(summary="Open an incident", body=IncidentInput, output=IncidentOutput, status=201),
    }

    def get(self, request: Request) -> Response:
        query = IncidentQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        show = selectors.IncidentFilter(query.validated_data["show"])
        before = query.validated_data.get("before")

        def compute() -> Any:
            return IncidentPageOutput(selectors.incident_page(show=show, before=before)).data

        if before is not None:
            return Response(compute())
        return Response(cached(key=reads.incidents_key(show=show), compute=compute))

    def post(self, request: Request) -> Response:
        body = IncidentInput(data=request.data)
        body.is_valid(raise_exception=True)
        incident = services.incident_open(author=signed_in_user(request=request), **body.validated_data)
        return Response(_incident(incident.pk), status=201)


class IncidentApi(PublicApi):
    operations: ClassVar = {"GET": Operation(summary="One incident", output=IncidentOutput)}

    def get(self, request: Request, incident_id: int) -> Response:
        key = reads.incident_key(incident_id=incident_id)
        return Response(cached(key=key, compute=lambda: _incident(incident_id)))


class IncidentUpdateListApi(PublicApi):
    operations: ClassVar = {
        "POST": Operation(summary="Post an update", body=IncidentUpdateInput, output=IncidentUpdateOutput, status=201),
    }

    def post(self, request: Request, incident_id: int) -> Response:
        incident = get_object_or_404(Incident, pk=incident_id)
        body = IncidentUpdateInput(data=request.data)
        body.is_valid(raise_exception=True)
        update = services.incident_update_post(
            incident=incident, author=signed_in_user(request=request), **body.validated_data
        )
        return Response(IncidentUpdateOutput(update).data, status=201)


def _incident(incident_id: int) -> Any:
    return IncidentOutput(get_object_or_404(selectors.incident_list(), pk=incident_id)).data
