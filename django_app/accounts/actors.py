"""On whose behalf something is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from accounts.models import User


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a machine with a token, or the application itself. ``kind`` is one of audit.models.ActorKind."""

    kind: str
    name: str
    user: User | None = None

    @classmethod
    def of_user(cls, user: Any) -> Actor:
        return cls(kind="person", name=user.get_username(), user=user)

    @classmethod
    def of_system(cls, name: str) -> Actor:
        return cls(kind="system", name=name)


SYSTEM: Final = Actor.of_system("the application")
