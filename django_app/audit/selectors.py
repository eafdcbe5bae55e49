"""Reading the trail."""

from __future__ import annotations

from django.db.models import QuerySet

from audit.models import AuditEntry


def audit_list(
    *, action: str = "", actor: str = "", target_type: str = "", target_id: str = ""
) -> QuerySet[AuditEntry]:
    """Entries, newest first; an empty text does not filter."""
    wanted = {"action": action, "actor_name": actor, "target_type": target_type, "target_id": target_id}
    return AuditEntry.objects.filter(**{name: value for name, value in wanted.items() if value})
