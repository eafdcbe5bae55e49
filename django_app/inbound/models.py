"""What other systems have told, and which component it is about."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from status.models import Component, Incident, IncidentSeverity


class InboundMessage(models.Model):
    """The id of a message that has been acted on: a second copy of it is not."""

    message_id = models.CharField(max_length=100, unique=True)
    received_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.message_id


class AlarmRoute(models.Model):
    """Which component a CloudWatch alarm is about. An alarm without one opens an incident that names none."""

    alarm_name = models.CharField(max_length=255, unique=True)
    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="alarm_routes")
    severity = models.CharField(max_length=20, choices=IncidentSeverity, default=IncidentSeverity.MAJOR)

    def __str__(self) -> str:
        return self.alarm_name


class Alarm(models.Model):
    """The newest state of a CloudWatch alarm, and the incident that it has opened."""

    arn = models.CharField(max_length=1600, unique=True)
    name = models.CharField(max_length=255)
    state = models.CharField(max_length=20)
    changed_at = models.DateTimeField()
    incident = models.ForeignKey(Incident, on_delete=models.SET_NULL, null=True, blank=True, related_name="alarms")

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"
