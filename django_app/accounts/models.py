"""The people who edit the page."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """Django's user under a name of our own: a column can be added later without moving every foreign key."""
