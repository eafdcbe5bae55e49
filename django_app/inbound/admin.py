from __future__ import annotations

from django.contrib import admin

from audit.admin import AuditedAdmin
from inbound.models import AlarmRoute


@admin.register(AlarmRoute)
class AlarmRouteAdmin(AuditedAdmin):
    list_display = ("alarm_name", "component", "severity")
