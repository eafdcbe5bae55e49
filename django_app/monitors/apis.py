from __future__ import annotations

from typing import ClassVar, Final

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.roles import Role
from accounts.selectors import actor_of
from config.answers import public_answer
from config.contract import Access, Api, Operation, PublicApi
from config.pagination import PageQuery, page
from monitors import reads, selectors, services
from monitors.models import Monitor
from monitors.serializers import (
    CheckPageOutput,
    CheckQueuedOutput,
    LatencyPointOutput,
    LatencyQuery,
    MonitorInput,
    MonitorOutput,
    MonitorPageOutput,
    UptimeReportOutput,
)

READ: Final[Access] = {"role": Role.VIEWER, "scope": "monitors:read"}
WRITE: Final[Access] = {"role": Role.EDITOR, "scope": "monitors:write"}


class MonitorListApi(Api):
    operations: ClassVar = {
        "GET": Operation(summary="Monitors, newest first", query=PageQuery, output=MonitorPageOutput, **READ),
        "POST": Operation(summary="Add a monitor", body=MonitorInput, output=MonitorOutput, status=201, **WRITE),
    }

    def get(self, request: Request) -> Response:
        query = PageQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        return Response(MonitorPageOutput(page(selectors.monitor_list(), **query.validated_data)).data)

    def post(self, request: Request) -> Response:
        body = MonitorInput(data=request.data)
        body.is_valid(raise_exception=True)
        monitor = services.monitor_create(actor=actor_of(request=request), **body.validated_data)
        return Response(MonitorOutput(monitor).data, status=201)


class MonitorApi(Api):
    operations: ClassVar = {
        "GET": Operation(summary="One monitor", output=MonitorOutput, **READ),
        "PATCH": Operation(summary="Change a monitor", body=MonitorInput, output=MonitorOutput, **WRITE),
        "DELETE": Operation(summary="Remove a monitor and its series", status=204, **WRITE),
    }

    def get(self, request: Request, monitor_id: int) -> Response:
        return Response(MonitorOutput(get_object_or_404(Monitor, pk=monitor_id)).data)

    def patch(self, request: Request, monitor_id: int) -> Response:
        monitor = get_object_or_404(Monitor, pk=monitor_id)
        body = MonitorInput(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        monitor = services.monitor_update(monitor=monitor, actor=actor_of(request=request), **body.validated_data)
        return Response(MonitorOutput(monitor).data)

    def delete(self, request: Request, monitor_id: int) -> Response:
        services.monitor_delete(monitor=get_object_or_404(Monitor, pk=monitor_id), actor=actor_of(request=request))
        return Response(status=204)


class CheckNowApi(Api):
    operations: ClassVar = {
        "POST": Operation(
            summary="Look now, beside the regular checks",
            output=CheckQueuedOutput,
            status=202,
            throttle="check",
            **WRITE,
        ),
    }

    def post(self, request: Request, monitor_id: int) -> Response:
        monitor = get_object_or_404(Monitor, pk=monitor_id)
        moment = services.monitor_check_now(monitor=monitor, actor=actor_of(request=request))
        return Response(CheckQueuedOutput({"scheduled_for": moment}).data, status=202)


class CheckListApi(Api):
    operations: ClassVar = {
        "GET": Operation(summary="What a monitor saw, newest first", query=PageQuery, output=CheckPageOutput, **READ),
    }

    def get(self, request: Request, monitor_id: int) -> Response:
        query = PageQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        monitor = get_object_or_404(Monitor, pk=monitor_id)
        checks = selectors.check_list(monitor_id=monitor.pk)
        return Response(CheckPageOutput(page(checks, **query.validated_data)).data)


class UptimeApi(PublicApi):
    operations: ClassVar = {
        "GET": Operation(summary="The last 90 days of each component that is watched", output=UptimeReportOutput)
    }

    def get(self, request: Request) -> HttpResponse:
        return public_answer(request, reads.uptime())


class LatencyApi(PublicApi):
    operations: ClassVar = {
        "GET": Operation(
            summary="How fast a component answered", query=LatencyQuery, output=LatencyPointOutput, many=True
        ),
    }

    def get(self, request: Request, component_id: int) -> HttpResponse:
        query = LatencyQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        span = selectors.LatencyRange(query.validated_data["range"])
        return public_answer(request, reads.latency(component_id, span=span))
