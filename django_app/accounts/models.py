"""The people who edit the page."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q

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
