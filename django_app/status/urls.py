from __future__ import annotations

from django.urls import path

from status import apis

urlpatterns = [
    path("badge.svg", apis.BadgeApi.as_view(), name="badge"),
    path("feed.atom", apis.AtomFeedApi.as_view(), name="feed-atom"),
    path("feed.rss", apis.RssFeedApi.as_view(), name="feed-rss"),
    path("summary/", apis.SummaryApi.as_view(), name="summary"),
    path("component-groups/", apis.ComponentGroupListApi.as_view(), name="component-groups"),
    path("component-groups/<int:group_id>/", apis.ComponentGroupApi.as_view(), name="component-group"),
    path("components/", apis.ComponentListApi.as_view(), name="components"),
    path("components/<int:component_id>/", apis.ComponentApi.as_view(), name="component"),
    path("incidents/", apis.IncidentListApi.as_view(), name="incidents"),
    path("incidents/<int:incident_id>/", apis.IncidentApi.as_view(), name="incident"),
    path("incidents/<int:incident_id>/updates/", apis.IncidentUpdateListApi.as_view(), name="incident-updates"),
    path("maintenance/", apis.MaintenanceListApi.as_view(), name="maintenance"),
    path("maintenance/<int:maintenance_id>/", apis.MaintenanceApi.as_view(), name="maintenance-one"),
    path("maintenance/<int:maintenance_id>/start/", apis.MaintenanceStartApi.as_view(), name="maintenance-start"),
    path(
        "maintenance/<int:maintenance_id>/complete/", apis.MaintenanceCompleteApi.as_view(), name="maintenance-complete"
    ),
]
