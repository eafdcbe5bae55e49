"""The session as a resource: read it, open it, close it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiToken, User
from accounts.roles import Role
from accounts.scopes import Scope
from accounts.selectors import actor_of
from accounts.services import session_close, session_open
from accounts.tokens import NewToken, token_create, token_list, token_revoke
from config.contract import Api, Operation
from config.fields import TextField
from config.pagination import PageQuery, page


class SessionInput(serializers.Serializer[dict[str, str]]):
    username = TextField(max_length=150)
    password = TextField(max_length=1024, trim_whitespace=False, write_only=True)


class SessionOutput(serializers.Serializer[dict[str, object]]):
    signed_in = serializers.BooleanField()
    username = serializers.CharField(allow_blank=True)
    role = serializers.ChoiceField(choices=Role.choices, allow_blank=True)
    csrf_token = serializers.CharField()


class TokenOutput(serializers.Serializer[ApiToken]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    identifier = serializers.CharField()
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices))
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)


class NewTokenOutput(serializers.Serializer[NewToken]):
    token = TokenOutput()
    text = serializers.CharField(help_text="What the machine sends after `Bearer`. It is shown this once.")


class TokenInput(serializers.Serializer[dict[str, Any]]):
    name = TextField(max_length=80)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices),
        allow_empty=False,
        min_length=1,
        max_length=len(Scope.values),
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class TokenPageOutput(serializers.Serializer[Any]):
    results = TokenOutput(many=True)
    next_cursor = serializers.CharField(allow_null=True)


@method_decorator(never_cache, name="dispatch")
class SessionApi(Api):
    """GET also sets the CSRF cookie; ``csrf_token`` goes into the header X-CSRFToken of every write."""

    permission_classes = (AllowAny,)
    operations: ClassVar = {
        "GET": Operation(summary="Who is signed in", output=SessionOutput),
        "POST": Operation(summary="Sign in", body=SessionInput, output=SessionOutput, open=True, throttle="sign-in"),
        "DELETE": Operation(summary="Sign out", output=SessionOutput, open=True),
    }

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # REST framework exempts its views and checks the token of signed-in requests only; signing in and out need it
        # too. A method that is not there is said to be missing, token or none.
        answer = super().dispatch
        return (csrf_protect(answer) if str(request.method) in self.operations else answer)(request, *args, **kwargs)

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


@method_decorator(never_cache, name="dispatch")
class TokenListApi(Api):
    """Tokens of machines. Only people make them: a token that makes tokens could never be taken away."""

    operations: ClassVar = {
        "GET": Operation(
            summary="Tokens, newest first", query=PageQuery, output=TokenPageOutput, role=Role.ADMINISTRATOR
        ),
        "POST": Operation(
            summary="Make a token", body=TokenInput, output=NewTokenOutput, status=201, role=Role.ADMINISTRATOR
        ),
    }

    def get(self, request: Request) -> Response:
        query = PageQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        return Response(TokenPageOutput(page(token_list(), **query.validated_data)).data)

    def post(self, request: Request) -> Response:
        body = TokenInput(data=request.data)
        body.is_valid(raise_exception=True)
        made = token_create(actor=actor_of(request=request), **body.validated_data)
        return Response(NewTokenOutput(made).data, status=201)


class TokenApi(Api):
    operations: ClassVar = {
        "DELETE": Operation(summary="Revoke a token; it stays listed", output=TokenOutput, role=Role.ADMINISTRATOR),
    }

    def delete(self, request: Request, token_id: int) -> Response:
        token = token_revoke(token=get_object_or_404(ApiToken, pk=token_id), actor=actor_of(request=request))
        return Response(TokenOutput(token).data)
