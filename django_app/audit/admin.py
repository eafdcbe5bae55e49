"""The trail can be read in the admin, and not be changed there; what the admin changes is in the trail too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from accounts.actors import Actor
from audit.models import AuditEntry
from audit.services import audit_record

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    AuditEntryModelAdmin = admin.ModelAdmin[AuditEntry]
else:
    ModelAdmin = AuditEntryModelAdmin = admin.ModelAdmin


class AuditedAdmin(ModelAdmin):
    """Writes what Django's admin logs into the trail as well."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._record(request, "admin.add", obj, message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._record(request, "admin.change", obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            self._record(request, "admin.delete", obj, "")
        return super().log_deletions(request, queryset)

    @staticmethod
    def _record(request: HttpRequest, action: str, obj: Model, message: Any) -> None:
        fields = (
            [
                name
                for part in message
                if isinstance(part, dict)
                for inner in part.values()
                for name in inner.get("fields", [])
            ]
            if isinstance(message, list)
            else []
        )
        audit_record(
            actor=Actor.of_user(request.user),
            action=action,
            target=obj,
            changes={"fields": fields} if fields else {},
        )


@admin.register(AuditEntry)
class AuditEntryAdmin(AuditEntryModelAdmin):
    list_display = ("at", "actor_name", "action", "target_name")
    list_filter = ("actor_kind",)
    search_fields = ("actor_name", "action", "target_name")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False
