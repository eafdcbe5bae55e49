"""Components of a service, incidents, and what was said about them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone


class ComponentState(models.TextChoices):
    """Listed from harmless to worst: the order is the severity."""

    OPERATIONAL = "operational", "Operational"
    MAINTENANCE = "maintenance", "Under maintenance"
    DEGRADED = "degraded", "Degraded"
    PARTIAL_OUTAGE = "partial_outage", "Partial outage"
    MAJOR_OUTAGE = "major_outage", "Major outage"


class IncidentState(models.TextChoices):
    INVESTIGATING = "investigating", "Investigating"
    IDENTIFIED = "identified", "Identified"
    MONITORING = "monitoring", "Monitoring"
    RESOLVED = "resolved", "Resolved"


class IncidentSeverity(models.TextChoices):
    """Listed from harmless to worst."""

    MINOR = "minor", "Minor"
    MAJOR = "major", "Major"
    CRITICAL = "critical", "Critical"


class MaintenanceState(models.TextChoices):
    SCHEDULED = "scheduled", "Scheduled"
    IN_PROGRESS = "in_progress", "In progress"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"


class ComponentGroup(models.Model):
    """A heading under which components stand together."""

    name = models.CharField(max_length=80, unique=True)
    position = models.PositiveIntegerField(default=0, help_text="Smaller numbers come first.")

    class Meta:
        ordering = ("position", "name")

    def __str__(self) -> str:
        return self.name


class Component(models.Model):
    """A part of the service that people know by name."""

    name = models.CharField(max_length=80, unique=True)
    description = models.CharField(max_length=200, blank=True)
    group = models.ForeignKey(
        ComponentGroup, on_delete=models.SET_NULL, null=True, blank=True, related_name="components"
    )
    position = models.PositiveIntegerField(default=0, help_text="Smaller numbers come first.")
    state = models.CharField(
        max_length=20,
        choices=ComponentState,
        default=ComponentState.OPERATIONAL,
        db_default=ComponentState.OPERATIONAL,
    )
    state_changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("position", "name")
        constraints = (
            models.CheckConstraint(condition=Q(state__in=ComponentState.values), name="component_state_known"),
        )

    def __str__(self) -> str:
        return self.name


class Incident(models.Model):
    """Something that went wrong. Its state is that of its newest update."""

    title = models.CharField(max_length=160)
    state = models.CharField(max_length=20, choices=IncidentState)
    severity = models.CharField(
        max_length=20,
        choices=IncidentSeverity,
        default=IncidentSeverity.MINOR,
        db_default=IncidentSeverity.MINOR,
    )
    components = models.ManyToManyField(Component, related_name="incidents", blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(condition=Q(state__in=IncidentState.values), name="incident_state_known"),
            models.CheckConstraint(condition=Q(severity__in=IncidentSeverity.values), name="incident_severity_known"),
            models.CheckConstraint(
                condition=Q(state=IncidentState.RESOLVED, resolved_at__isnull=False)
                | (~Q(state=IncidentState.RESOLVED) & Q(resolved_at__isnull=True)),
                name="incident_resolved_at_matches_state",
            ),
        )
        indexes = (
            # The public page asks for the open ones every few seconds; there are few of them among many.
            models.Index(fields=["-id"], condition=Q(resolved_at__isnull=True), name="incident_open"),
        )

    def __str__(self) -> str:
        return self.title


class IncidentUpdate(models.Model):
    """What was known at a moment. Updates are never edited: people have read them."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="updates")
    state = models.CharField(max_length=20, choices=IncidentState)
    message = models.TextField(max_length=4000)
    created_at = models.DateTimeField(default=timezone.now)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="incident_updates"
    )

    class Meta:
        ordering = ("-id",)
        constraints = (models.CheckConstraint(condition=Q(state__in=IncidentState.values), name="update_state_known"),)

    def __str__(self) -> str:
        return f"{self.get_state_display()}: {self.message[:60]}"


class Maintenance(models.Model):
    """Work that is announced. It begins and ends by the clock (``status.services.maintenance_advance``)."""

    title = models.CharField(max_length=160)
    message = models.TextField(max_length=4000)
    state = models.CharField(max_length=20, choices=MaintenanceState, default=MaintenanceState.SCHEDULED)
    components = models.ManyToManyField(Component, related_name="maintenance", blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "maintenance"
        constraints = (
            models.CheckConstraint(condition=Q(state__in=MaintenanceState.values), name="maintenance_state_known"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="maintenance_ends_after_it_starts"),
        )
        indexes = (
            # The clock and the public page ask for these all the time; the past grows and is seldom asked for.
            models.Index(
                fields=["starts_at"],
                condition=Q(state__in=(MaintenanceState.SCHEDULED, MaintenanceState.IN_PROGRESS)),
                name="maintenance_ahead",
            ),
        )

    def __str__(self) -> str:
        return self.title
