"""What a member of staff may do."""

from __future__ import annotations

from typing import Final

from django.db import models


class Role(models.TextChoices):
    """From the least to the most: whoever has one has those before it too."""

    VIEWER = "viewer", "Viewer"
    EDITOR = "editor", "Editor"
    ADMINISTRATOR = "administrator", "Administrator"


_RANK: Final = {role: rank for rank, role in enumerate(Role.values)}


def suffices(role: str, *, needed: str) -> bool:
    """Whether ``role`` is ``needed`` or more; the empty role never is."""
    return bool(role) and _RANK[role] >= _RANK[needed]
