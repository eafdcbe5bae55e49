"""What a machine's token may be good for."""

from __future__ import annotations

from django.db import models


class Scope(models.TextChoices):
    """Named after what it opens; a token has any number of them."""

    AUDIT_READ = "audit:read", "Read the audit trail"
    COMPONENTS_WRITE = "components:write", "Change components and their groups"
    INCIDENTS_WRITE = "incidents:write", "Open and update incidents"
    MAINTENANCE_WRITE = "maintenance:write", "Announce and change maintenance"
    MONITORS_READ = "monitors:read", "Read how monitors are set"
    MONITORS_WRITE = "monitors:write", "Change monitors"
    SUBSCRIBERS_READ = "subscribers:read", "Read who has subscribed"
