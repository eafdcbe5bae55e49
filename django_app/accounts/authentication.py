from __future__ import annotations

from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request


class StaffSessionAuthentication(SessionAuthentication):
    """Django's session. A request without one is answered 401 instead of 403, so that a client knows to sign in."""

    def authenticate_header(self, request: Request) -> str:
        return "Session"
