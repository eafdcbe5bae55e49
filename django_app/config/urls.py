"""Every address that Django answers. /healthz and /readyz are answered earlier, by the first middleware."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from config.root import RootApi

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", RootApi.as_view(), name="root"),
    path("api/audit/", include("audit.urls")),
    path("api/", include("accounts.urls")),
    path("api/", include("status.urls")),
    path("api/", include("inbound.urls")),
    path("api/", include("monitors.urls")),
    path("api/", include("subscribers.urls")),
]

handler400 = "config.problems.bad_request"
handler403 = "config.problems.permission_denied"
handler404 = "config.problems.not_found"
handler500 = "config.problems.server_error"
