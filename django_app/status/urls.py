from __future__ import annotations

from django.urls import path

from status import apis

urlpatterns = [
    path("summary/", apis.SummaryApi.as_view(), name="summary"),
    path("components/", apis.ComponentListApi.as_view(), name="components"),
    path("components/<int:component_id>/", apis.ComponentApi.as_view(), name="component"),
    path("incidents/", apis.IncidentListApi.as_view(), name="incidents"),
    path("incidents/<int:incident_id>/", apis.IncidentApi.as_view(), name="incident"),
    path("incidents/<int:incident_id>/updates/", apis.IncidentUpdateListApi.as_view(), name="incident-updates"),
]
