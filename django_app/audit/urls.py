from __future__ import annotations

from django.urls import path

from audit.apis import AuditApi

urlpatterns = [path("", AuditApi.as_view(), name="audit")]
