"""The people who edit the page."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.roles import Role


class User(AbstractUser):
    """Django's user under a name of our own: a column can be added later without moving every foreign key.

    ``role`` counts for members of staff only. It begins as editor: that is what every member of staff could do before
    there were roles, and what a release without them still gives to the people that it makes.
    """

    role = models.CharField(max_length=20, choices=Role, default=Role.EDITOR, db_default=Role.EDITOR)

    class Meta(AbstractUser.Meta):
        constraints = (models.CheckConstraint(condition=Q(role__in=Role.values), name="user_role_known"),)

    @property
    def effective_role(self) -> str:
        """The role in force: none for people who are not staff, administrator for superusers."""
        if not (self.is_active and self.is_staff):
            return ""
        return Role.ADMINISTRATOR.value if self.is_superuser else str(self.role)


class ApiToken(models.Model):
    """A machine's key. The secret is random and long, so that a plain digest of it cannot be turned back.

    ``identifier`` is the part of the token that finds the row and may appear in logs.
    """

    name = models.CharField(max_length=80)
    identifier = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the secret, in hexadecimal.")
    scopes = models.JSONField(default=list)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="api_tokens")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.name
