"""Writing the trail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models

from accounts.actors import Actor
from audit.models import AuditEntry


def audit_record(*, actor: Actor, action: str, target: models.Model, changes: Mapping[str, Any] | None = None) -> None:
    """Add an entry; belongs into the transaction of the change."""
    AuditEntry.objects.create(
        actor_kind=actor.kind,
        actor_name=actor.name[:150],
        user=actor.user,
        action=action,
        target_type=target._meta.label_lower,
        target_id=str(target.pk),
        target_name=str(target)[:200],
        changes=dict(changes or {}),
    )


def snapshot(target: models.Model, columns: Iterable[str]) -> dict[str, Any]:
    """The values of some columns as JSON has them; a foreign key as its id."""
    return {column: _plain(getattr(target, target._meta.get_field(column).attname)) for column in columns}  # type: ignore[union-attr]


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """``{"column": [before, after]}`` of the columns that differ."""
    return {name: [before.get(name), value] for name, value in after.items() if before.get(name) != value}


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str | list) else str(value)
