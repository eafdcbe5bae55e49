from __future__ import annotations

from django.urls import path

from monitors import apis

urlpatterns = [
    path("monitors/", apis.MonitorListApi.as_view(), name="monitors"),
    path("monitors/<int:monitor_id>/", apis.MonitorApi.as_view(), name="monitor"),
    path("monitors/<int:monitor_id>/checks/", apis.CheckListApi.as_view(), name="monitor-checks"),
    path("monitors/<int:monitor_id>/check/", apis.CheckNowApi.as_view(), name="monitor-check"),
    path("uptime/", apis.UptimeApi.as_view(), name="uptime"),
    path("components/<int:component_id>/latency/", apis.LatencyApi.as_view(), name="latency"),
]
