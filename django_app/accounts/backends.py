"""Django's own password check, with a limit on guesses that holds for the API and for the admin alike."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts import throttle
from accounts.models import User


class ThrottledModelBackend(ModelBackend):
    """Refuses a user name after too many failures, before the password is looked at."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if username is None:
            return None
        if throttle.is_blocked(username=username):
            # Django stops asking further backends and answers None.
            raise PermissionDenied
        user = super().authenticate(request, username=username, password=password, **kwargs)
        if user is None:
            throttle.note_failure(username=username)
        else:
            throttle.forget_failures(username=username)
        return user
