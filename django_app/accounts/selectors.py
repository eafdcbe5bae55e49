"""Who is asking."""

from __future__ import annotations

from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from accounts.actors import Actor
from accounts.models import User


def actor_of(*, request: Request) -> Actor:
    """Whoever is behind a request that has passed the permissions.

    Raises:
        NotAuthenticated: nobody is signed in.
    """
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return Actor.of_user(request.user)
