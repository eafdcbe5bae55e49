"""Who is asking."""

from __future__ import annotations

from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from accounts.actors import Actor
from accounts.models import User
from accounts.tokens import Machine


def actor_of(*, request: Request) -> Actor:
    """Whoever is behind a request that has passed the permissions.

    Raises:
        NotAuthenticated: nobody is signed in.
    """
    user: object = request.user
    if isinstance(user, Machine):
        return Actor(kind="machine", name=f"{user.token.name} ({user.token.identifier})")
    if isinstance(user, User):
        return Actor.of_user(user)
    raise NotAuthenticated
