"""Who changed what, and when."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone


class ActorKind(models.TextChoices):
    PERSON = "person", "Person"
    MACHINE = "machine", "Machine with a token"
    SYSTEM = "system", "The application itself"


class AuditEntry(models.Model):
    """One action. Entries are written in the transaction of the change that they tell of, and are never changed.

    ``actor_name`` and ``target_name`` are copies: an entry is still readable when both are gone. ``changes`` holds
    ``{"column": [before, after]}``, without secrets.
    """

    at = models.DateTimeField(default=timezone.now)
    actor_kind = models.CharField(max_length=10, choices=ActorKind)
    actor_name = models.CharField(max_length=150)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="audit_entries"
    )
    action = models.CharField(max_length=60, help_text="For example incident.open.")
    target_type = models.CharField(max_length=40)
    target_id = models.CharField(max_length=40)
    target_name = models.CharField(max_length=200)
    changes = models.JSONField(default=dict)

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "audit entries"
        indexes = (
            models.Index(fields=["action", "-id"], name="audit_action"),
            models.Index(fields=["target_type", "target_id", "-id"], name="audit_target"),
        )

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.action} {self.target_name}"
