"""The session as a resource: read it, open it, close it."""

from __future__ import annotations

from typing import ClassVar

from django.middleware.csrf import get_token
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.roles import Role
from accounts.services import session_close, session_open
from config.contract import Api, Operation


class SessionInput(serializers.Serializer[dict[str, str]]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=1024, trim_whitespace=False, write_only=True)


class SessionOutput(serializers.Serializer[dict[str, object]]):
    signed_in = serializers.BooleanField()
    username = serializers.CharField(allow_blank=True)
    role = serializers.ChoiceField(choices=Role.choices, allow_blank=True)
    csrf_token = serializers.CharField()


@method_decorator(never_cache, name="dispatch")
# REST framework exempts its views and checks the token of signed-in requests only; signing in and out need it too.
@method_decorator(csrf_protect, name="dispatch")
class SessionApi(Api):
    """GET also sets the CSRF cookie; ``csrf_token`` goes into the header X-CSRFToken of every write."""

    permission_classes = (AllowAny,)
    operations: ClassVar = {
        "GET": Operation(summary="Who is signed in", output=SessionOutput),
        "POST": Operation(summary="Sign in", body=SessionInput, output=SessionOutput, open=True),
        "DELETE": Operation(summary="Sign out", output=SessionOutput, open=True),
    }

    def get(self, request: Request) -> Response:
        return self._state(request)

    def post(self, request: Request) -> Response:
        body = SessionInput(data=request.data)
        body.is_valid(raise_exception=True)
        request.user = session_open(request=request._request, **body.validated_data)
        return self._state(request)

    def delete(self, request: Request) -> Response:
        session_close(request=request._request)
        request.user = request._request.user
        return self._state(request)

    @staticmethod
    def _state(request: Request) -> Response:
        user = request.user if isinstance(request.user, User) else None
        signed_in = user is not None and user.is_staff
        document = {
            "signed_in": signed_in,
            "username": user.get_username() if user is not None and signed_in else "",
            "role": user.effective_role if user is not None and signed_in else "",
            "csrf_token": get_token(request._request),
        }
        return Response(document)
