"""Signing in and out."""

from __future__ import annotations

from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest
from rest_framework.exceptions import PermissionDenied, Throttled

from accounts import throttle
from accounts.models import User


def session_open(*, request: HttpRequest, username: str, password: str) -> User:
    """Sign a member of staff in; the session key is new afterwards.

    Raises:
        Throttled: the name has failed too often.
        PermissionDenied: no such pair of name and password, or the person is not staff. One sentence for both, so
            that names cannot be found out.
    """
    if throttle.is_blocked(username=username):
        raise Throttled(
            wait=throttle.WINDOW_SECONDS,
            detail="Too many failed attempts for this user name. Wait five minutes and try again.",
        )
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User) or not user.is_staff:
        raise PermissionDenied("This user name and password do not open the staff page.")
    login(request, user)
    return user


def session_close(*, request: HttpRequest) -> None:
    """Sign out; the stored session is deleted."""
    logout(request)
