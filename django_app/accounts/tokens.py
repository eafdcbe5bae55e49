"""Tokens for machines: made, shown once, found again, revoked.

``slipway_<identifier>_<secret>``: the first word lets scanners for leaked secrets find one, the identifier finds the
row, and of the secret only a digest is stored.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import ApiToken
from audit.services import audit_record
from config.problems import Conflict

PREFIX: Final = "slipway"
#: The moment of the last use is kept to the minute, not for every request.
USE_RESOLUTION: Final = timedelta(minutes=1)
MAXIMUM_TEXT: Final = 200


@dataclass(frozen=True, slots=True)
class NewToken:
    """``text`` is what the machine sends; it cannot be read again."""

    token: ApiToken
    text: str


@dataclass(frozen=True, slots=True)
class Machine:
    """Stands where REST framework expects a user."""

    token: ApiToken
    is_authenticated: bool = True
    is_active: bool = True
    is_staff: bool = False

    @property
    def pk(self) -> str:
        return f"token-{self.token.pk}"


def token_list() -> QuerySet[ApiToken]:
    return ApiToken.objects.select_related("created_by")


@transaction.atomic
def token_create(*, name: str, scopes: Collection[str], actor: Actor, expires_at: datetime | None = None) -> NewToken:
    """Make a token.

    Raises:
        Conflict: it would have expired already.
    """
    if expires_at is not None and expires_at <= timezone.now():
        raise Conflict("A token has to expire in the future.")
    identifier, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        name=name,
        identifier=identifier,
        digest=_digest(secret),
        scopes=sorted(set(scopes)),
        created_by=actor.user,
        expires_at=expires_at,
    )
    audit_record(actor=actor, action="token.create", target=token, changes={"scopes": [[], token.scopes]})
    return NewToken(token=token, text=f"{PREFIX}_{identifier}_{secret}")


@transaction.atomic
def token_revoke(*, token: ApiToken, actor: Actor) -> ApiToken:
    """Make a token useless at once; revoking it again changes nothing."""
    token = ApiToken.objects.select_for_update().get(pk=token.pk)
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        audit_record(actor=actor, action="token.revoke", target=token)
    return token


def token_find(*, text: str) -> ApiToken | None:
    """The token in force that ``text`` is, or None; the reason for None is nobody's business."""
    parts = text.split("_", 2)
    if len(text) > MAXIMUM_TEXT or len(parts) != 3 or parts[0] != PREFIX:
        return None
    token = ApiToken.objects.filter(identifier=parts[1]).first()
    if token is None or not hmac.compare_digest(token.digest, _digest(parts[2])):
        return None
    now = timezone.now()
    if token.revoked_at is not None or (token.expires_at is not None and token.expires_at <= now):
        return None
    unseen = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_RESOLUTION)
    ApiToken.objects.filter(unseen, pk=token.pk).update(last_used_at=now)
    return token


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
