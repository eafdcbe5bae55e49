"""The admin: order and names of components, wording of a title. States change through the staff page's services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from audit.admin import AuditedAdmin
from status.models import Component, ComponentGroup, Incident, IncidentUpdate
from status.reads import forget_public_reads

if TYPE_CHECKING:
    # Generic in the stubs only.
    ComponentModelAdmin = admin.ModelAdmin[Component]
    IncidentModelAdmin = admin.ModelAdmin[Incident]
    IncidentUpdateTabularInline = admin.TabularInline[IncidentUpdate, Incident]
    ComponentForm = forms.ModelForm[Component]
    IncidentForm = forms.ModelForm[Incident]
else:
    ComponentModelAdmin = IncidentModelAdmin = admin.ModelAdmin
    IncidentUpdateTabularInline = admin.TabularInline


@admin.register(Component)
class ComponentAdmin(AuditedAdmin, ComponentModelAdmin):
    list_display = ("name", "state", "position", "state_changed_at")
    readonly_fields = ("state", "state_changed_at")

    def save_model(self, request: HttpRequest, obj: Component, form: ComponentForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        forget_public_reads()

    def delete_model(self, request: HttpRequest, obj: Component) -> None:
        super().delete_model(request, obj)
        forget_public_reads()


@admin.register(ComponentGroup)
class ComponentGroupAdmin(AuditedAdmin):
    list_display = ("name", "position")

    def save_model(self, request: HttpRequest, obj: ComponentGroup, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        forget_public_reads()

    def delete_model(self, request: HttpRequest, obj: ComponentGroup) -> None:
        super().delete_model(request, obj)
        forget_public_reads()


class IncidentUpdateInline(IncidentUpdateTabularInline):
    model = IncidentUpdate
    readonly_fields = ("state", "message", "created_at", "author")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Incident | None = None) -> bool:
        return False


@admin.register(Incident)
class IncidentAdmin(AuditedAdmin, IncidentModelAdmin):
    list_display = ("title", "state", "started_at", "resolved_at")
    list_filter = ("state",)
    readonly_fields = ("state", "started_at", "resolved_at")
    filter_horizontal = ("components",)
    inlines = (IncidentUpdateInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_related(self, request: HttpRequest, form: IncidentForm, *args: object) -> None:
        super().save_related(request, form, *args)
        forget_public_reads(incident_id=form.instance.pk)

    def delete_model(self, request: HttpRequest, obj: Incident) -> None:
        incident_id = obj.pk
        super().delete_model(request, obj)
        forget_public_reads(incident_id=incident_id)
