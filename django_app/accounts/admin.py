from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from accounts.models import User
from audit.admin import AuditedAdmin


@admin.register(User)
class StaffAdmin(AuditedAdmin, UserAdmin):  # type: ignore[type-arg]
    fieldsets: ClassVar[Any] = (*(UserAdmin.fieldsets or ()), ("Status page", {"fields": ("role",)}))
    list_display = (*UserAdmin.list_display, "role")  # type: ignore[misc]
