from __future__ import annotations

from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiToken
from accounts.tokens import Machine, token_find

# RFC 9110 §11.6.1: an answer may offer more than one way in.
CHALLENGE = 'Session, Bearer realm="status"'


class TokenAuthentication(BaseAuthentication):
    """A machine's token in ``Authorization: Bearer …`` (RFC 6750 §2.1). It needs no CSRF token: no browser sends it."""

    def authenticate(self, request: Request) -> tuple[Machine, ApiToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        text = words[1].decode("ascii", "replace") if len(words) == 2 else ""
        token = token_find(text=text)
        if token is None:
            raise AuthenticationFailed("This token is not in force.")
        return Machine(token), token

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class StaffSessionAuthentication(SessionAuthentication):
    """Django's session. A request without one is answered 401 instead of 403, so that a client knows to sign in."""

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE
