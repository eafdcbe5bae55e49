"""The API of the status page: parse, call a service or a selector, answer."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.roles import Role
from accounts.selectors import actor_of
from config.answers import public_answer
from config.contract import Access, Operation, PublicApi
from config.negotiation import AnyAccept
from config.preconditions import require_match, tagged
from status import reads, selectors, services
from status.models import Component, ComponentGroup, Incident, Maintenance
from status.serializers import (
    BadgeQuery,
    ComponentGroupInput,
    ComponentGroupOutput,
    ComponentInput,
    ComponentOutput,
    IncidentChangeInput,
    IncidentInput,
    IncidentOutput,
    IncidentPageOutput,
    IncidentQuery,
    IncidentUpdateInput,
    IncidentUpdateOutput,
    MaintenanceInput,
    MaintenanceOutput,
    MaintenancePageOutput,
    MaintenanceQuery,
    SummaryOutput,
)

COMPONENTS_WRITE: Final[Access] = {"role": Role.EDITOR, "scope": "components:write"}
INCIDENTS_WRITE: Final[Access] = {"role": Role.EDITOR, "scope": "incidents:write"}
MAINTENANCE_WRITE: Final[Access] = {"role": Role.EDITOR, "scope": "maintenance:write"}


class SummaryApi(PublicApi):
    operations: ClassVar = {"GET": Operation(summary="What the public page shows", output=SummaryOutput)}

    def get(self, request: Request) -> HttpResponse:
        return public_answer(request, reads.summary())


class ComponentGroupListApi(PublicApi):
    operations: ClassVar = {
        "GET": Operation(summary="All groups of components", output=ComponentGroupOutput, many=True),
        "POST": Operation(
            summary="Add a group", body=ComponentGroupInput, output=ComponentGroupOutput, status=201, **COMPONENTS_WRITE
        ),
    }

    def get(self, request: Request) -> HttpResponse:
        return public_answer(request, reads.groups())

    def post(self, request: Request) -> Response:
        body = ComponentGroupInput(data=request.data)
        body.is_valid(raise_exception=True)
        group = services.group_create(actor=actor_of(request=request), **body.validated_data)
        return Response(ComponentGroupOutput(group).data, status=201)


class ComponentGroupApi(PublicApi):
    operations: ClassVar = {
        "PATCH": Operation(
            summary="Change a group",
            body=ComponentGroupInput,
            output=ComponentGroupOutput,
            conditional=True,
            **COMPONENTS_WRITE,
        ),
        "DELETE": Operation(summary="Remove a group; its components stay", status=204, **COMPONENTS_WRITE),
    }

    @transaction.atomic
    def patch(self, request: Request, group_id: int) -> Response:
        group = get_object_or_404(ComponentGroup.objects.select_for_update(), pk=group_id)
        require_match(request, ComponentGroupOutput(group).data)
        body = ComponentGroupInput(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        group = services.group_update(group=group, actor=actor_of(request=request), **body.validated_data)
        return tagged(ComponentGroupOutput(group).data)

    def delete(self, request: Request, group_id: int) -> Response:
        services.group_delete(group=get_object_or_404(ComponentGroup, pk=group_id), actor=actor_of(request=request))
        return Response(status=204)


class ComponentListApi(PublicApi):
    operations: ClassVar = {
        "GET": Operation(summary="All components", output=ComponentOutput, many=True),
        "POST": Operation(
            summary="Add a component", body=ComponentInput, output=ComponentOutput, status=201, **COMPONENTS_WRITE
        ),
    }

    def get(self, request: Request) -> HttpResponse:
        return public_answer(request, reads.components())

    def post(self, request: Request) -> Response:
        body = ComponentInput(data=request.data)
        body.is_valid(raise_exception=True)
        component = services.component_create(actor=actor_of(request=request), **body.validated_data)
        return Response(ComponentOutput(component).data, status=201)


class ComponentApi(PublicApi):
    operations: ClassVar = {
        "GET": Operation(summary="One component", output=ComponentOutput),
        "PATCH": Operation(
            summary="Change a component",
            body=ComponentInput,
            output=ComponentOutput,
            conditional=True,
            **COMPONENTS_WRITE,
        ),
        "DELETE": Operation(
            summary="Remove a component", status=204, role=Role.ADMINISTRATOR, scope="components:write"
        ),
    }

    def get(self, request: Request, component_id: int) -> HttpResponse:
        return public_answer(request, reads.component(component_id))

    @transaction.atomic
    def patch(self, request: Request, component_id: int) -> Response:
        component = get_object_or_404(Component.objects.select_for_update(), pk=component_id)
        require_match(request, ComponentOutput(component).data)
        body = ComponentInput(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        component = services.component_update(
            component=component, actor=actor_of(request=request), **body.validated_data
        )
        return tagged(ComponentOutput(component).data)

    def delete(self, request: Request, component_id: int) -> Response:
        component = get_object_or_404(Component, pk=component_id)
        services.component_delete(component=component, actor=actor_of(request=request))
        return Response(status=204)


class IncidentListApi(PublicApi):
    operations: ClassVar = {
        "GET": Operation(
            summary="Incidents, newest first", query=IncidentQuery, output=IncidentPageOutput, throttle="read"
        ),
        "POST": Operation(
            summary="Open an incident", body=IncidentInput, output=IncidentOutput, status=201, **INCIDENTS_WRITE
        ),
    }

    def get(self, request: Request) -> HttpResponse:
        query = IncidentQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        wanted = query.validated_data
        show = wanted["show"] = selectors.IncidentFilter(wanted["show"])
        if set(request.query_params) <= {"show"}:
            return public_answer(request, reads.incidents(show=show))
        before, cursor = wanted.pop("before", None), wanted.pop("cursor")
        return public_answer(request, reads.narrowed_incidents(before=cursor or before, **wanted))

    def post(self, request: Request) -> Response:
        body = IncidentInput(data=request.data)
        body.is_valid(raise_exception=True)
        incident = services.incident_open(actor=actor_of(request=request), **body.validated_data)
        return Response(_incident(incident.pk), status=201)


class IncidentApi(PublicApi):
    operations: ClassVar = {
        "GET": Operation(summary="One incident", output=IncidentOutput),
        "PATCH": Operation(
            summary="Correct title, severity or components of an incident",
            body=IncidentChangeInput,
            output=IncidentOutput,
            conditional=True,
            **INCIDENTS_WRITE,
        ),
    }

    def get(self, request: Request, incident_id: int) -> HttpResponse:
        return public_answer(request, reads.incident(incident_id))

    @transaction.atomic
    def patch(self, request: Request, incident_id: int) -> Response:
        incident = get_object_or_404(Incident.objects.select_for_update(), pk=incident_id)
        require_match(request, _incident(incident_id))
        body = IncidentChangeInput(data=request.data)
        body.is_valid(raise_exception=True)
        services.incident_update(incident=incident, actor=actor_of(request=request), **body.validated_data)
        return tagged(_incident(incident_id))


class IncidentUpdateListApi(PublicApi):
    operations: ClassVar = {
        "POST": Operation(
            summary="Post an update",
            body=IncidentUpdateInput,
            output=IncidentUpdateOutput,
            status=201,
            conditional=True,
            **INCIDENTS_WRITE,
        ),
    }

    @transaction.atomic
    def post(self, request: Request, incident_id: int) -> Response:
        """``If-Match`` names the incident: nobody resolves what somebody else has said news about meanwhile."""
        incident = get_object_or_404(Incident.objects.select_for_update(), pk=incident_id)
        require_match(request, _incident(incident_id))
        body = IncidentUpdateInput(data=request.data)
        body.is_valid(raise_exception=True)
        update = services.incident_update_post(
            incident=incident, actor=actor_of(request=request), **body.validated_data
        )
        return Response(IncidentUpdateOutput(update).data, status=201)


class MaintenanceListApi(PublicApi):
    operations: ClassVar = {
        "GET": Operation(
            summary="Scheduled maintenance, newest first",
            query=MaintenanceQuery,
            output=MaintenancePageOutput,
            throttle="read",
        ),
        "POST": Operation(
            summary="Announce maintenance",
            body=MaintenanceInput,
            output=MaintenanceOutput,
            status=201,
            **MAINTENANCE_WRITE,
        ),
    }

    def get(self, request: Request) -> HttpResponse:
        query = MaintenanceQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        wanted = query.validated_data | {"show": selectors.MaintenanceFilter(query.validated_data["show"])}
        return public_answer(request, reads.maintenance_page(**wanted))

    def post(self, request: Request) -> Response:
        body = MaintenanceInput(data=request.data)
        body.is_valid(raise_exception=True)
        maintenance = services.maintenance_schedule(actor=actor_of(request=request), **body.validated_data)
        return Response(_maintenance(maintenance.pk), status=201)


class MaintenanceApi(PublicApi):
    operations: ClassVar = {
        "GET": Operation(summary="One maintenance", output=MaintenanceOutput),
        "PATCH": Operation(
            summary="Change maintenance that is not over",
            body=MaintenanceInput,
            output=MaintenanceOutput,
            conditional=True,
            **MAINTENANCE_WRITE,
        ),
        "DELETE": Operation(
            summary="Cancel maintenance; it stays readable", output=MaintenanceOutput, **MAINTENANCE_WRITE
        ),
    }

    def get(self, request: Request, maintenance_id: int) -> HttpResponse:
        return public_answer(request, reads.maintenance(maintenance_id))

    @transaction.atomic
    def patch(self, request: Request, maintenance_id: int) -> Response:
        maintenance = get_object_or_404(Maintenance.objects.select_for_update(), pk=maintenance_id)
        require_match(request, _maintenance(maintenance_id))
        body = MaintenanceInput(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        services.maintenance_update(maintenance=maintenance, actor=actor_of(request=request), **body.validated_data)
        return tagged(_maintenance(maintenance_id))

    def delete(self, request: Request, maintenance_id: int) -> Response:
        maintenance = get_object_or_404(Maintenance, pk=maintenance_id)
        services.maintenance_cancel(maintenance=maintenance, actor=actor_of(request=request))
        return Response(_maintenance(maintenance_id))


class MaintenanceStartApi(PublicApi):
    operations: ClassVar = {
        "POST": Operation(summary="Begin maintenance now", output=MaintenanceOutput, **MAINTENANCE_WRITE),
    }

    def post(self, request: Request, maintenance_id: int) -> Response:
        maintenance = get_object_or_404(Maintenance, pk=maintenance_id)
        services.maintenance_begin(maintenance=maintenance, actor=actor_of(request=request))
        return tagged(_maintenance(maintenance_id))


class MaintenanceCompleteApi(PublicApi):
    operations: ClassVar = {
        "POST": Operation(summary="End maintenance now", output=MaintenanceOutput, **MAINTENANCE_WRITE),
    }

    def post(self, request: Request, maintenance_id: int) -> Response:
        maintenance = get_object_or_404(Maintenance, pk=maintenance_id)
        services.maintenance_complete(maintenance=maintenance, actor=actor_of(request=request))
        return tagged(_maintenance(maintenance_id))


class AtomFeedApi(PublicApi):
    content_negotiation_class = AnyAccept
    operations: ClassVar = {"GET": Operation(summary="Incidents as Atom", media_type="application/atom+xml")}

    def get(self, request: Request) -> HttpResponse:
        return public_answer(request, reads.atom())


class RssFeedApi(PublicApi):
    content_negotiation_class = AnyAccept
    operations: ClassVar = {"GET": Operation(summary="Incidents as RSS 2.0", media_type="application/rss+xml")}

    def get(self, request: Request) -> HttpResponse:
        return public_answer(request, reads.rss())


class BadgeApi(PublicApi):
    content_negotiation_class = AnyAccept
    operations: ClassVar = {
        "GET": Operation(
            summary="The state as a picture, of one component or of all", query=BadgeQuery, media_type="image/svg+xml"
        )
    }

    def get(self, request: Request) -> HttpResponse:
        query = BadgeQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        answer = public_answer(request, reads.badge(query.validated_data.get("component")))
        # Made to be shown on other sites; the picture itself may load nothing.
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return answer


def _incident(incident_id: int) -> Any:
    return IncidentOutput(get_object_or_404(selectors.incident_list(), pk=incident_id)).data


def _maintenance(maintenance_id: int) -> Any:
    return MaintenanceOutput(get_object_or_404(selectors.maintenance_list(), pk=maintenance_id)).data
