"""Subscribing, confirming and leaving for everybody; the list for administrators.

A link in a message shows a page with a button, and the button does it: programs that look at every link of a message
confirm nothing and unsubscribe nobody. A mail program's own button sends the POST at once (RFC 8058).
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.roles import Role
from accounts.selectors import actor_of
from config.contract import Api, Operation
from config.negotiation import AnyAccept
from config.pagination import page
from subscribers import links, selectors, services
from subscribers.models import Subscriber
from subscribers.serializers import (
    LinkQuery,
    SubscriberPageOutput,
    SubscriberQuery,
    SubscriptionInput,
    SubscriptionOutput,
)

ASKED = "A message is on its way to this address. It is subscribed once that message has been answered."
CONFIRMED = "You will be told when something happens."
LEFT = "You will hear no more."
INVALID = "This link is not valid, or no longer."


class SubscriptionListApi(Api):
    operations: ClassVar = {
        "POST": Operation(
            summary="Ask to be told of incidents and maintenance",
            body=SubscriptionInput,
            output=SubscriptionOutput,
            status=202,
            open=True,
            throttle="subscribe",
        ),
    }
    authentication_classes = ()

    def post(self, request: Request) -> Response:
        body = SubscriptionInput(data=request.data)
        body.is_valid(raise_exception=True)
        services.subscription_request(**body.validated_data)
        # The same for an address that is known already: who has subscribed is nobody's business.
        return Response({"detail": ASKED}, status=202)


class _LinkApi(Api):
    """An address in a message. The token in it is all that is asked for, whatever the body is."""

    authentication_classes = ()
    content_negotiation_class = AnyAccept
    question: ClassVar[str]
    button: ClassVar[str]

    def get(self, request: Request) -> HttpResponse:
        self.token(request)
        return self.page(request, {"heading": self.question, "button": self.button})

    def token(self, request: Request) -> str:
        query = LinkQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        text: str = query.validated_data["token"]
        return text

    def done(self, request: Request, sentence: str) -> HttpResponse:
        if self.is_browser(request):
            return self.page(request, {"heading": sentence, "button": ""})
        return Response({"detail": sentence})

    def invalid(self, request: Request) -> HttpResponse:
        if self.is_browser(request):
            return self.page(request, {"heading": INVALID, "button": ""}, 404)
        raise NotFound(INVALID)

    @staticmethod
    def is_browser(request: Request) -> bool:
        return "text/html" in request.headers.get("Accept", "")

    @staticmethod
    def page(request: Request, context: dict[str, Any], status: int = 200) -> HttpResponse:
        answer = render(request._request, "subscribers/link.html", context, status=status)
        # The token in the address is for nobody else's eyes.
        answer.headers["Referrer-Policy"] = "no-referrer"
        answer.headers["Cache-Control"] = "no-store"
        return answer


class ConfirmApi(_LinkApi):
    operations: ClassVar = {
        "GET": Operation(summary="A page that asks whether to subscribe", query=LinkQuery, media_type="text/html"),
        "POST": Operation(summary="Confirm a subscription", query=LinkQuery, output=SubscriptionOutput, open=True),
    }
    question = "Do you want to be told when something happens?"
    button = "Subscribe"

    def post(self, request: Request) -> HttpResponse:
        subscriber_id = links.read_confirm_token(self.token(request))
        if subscriber_id is None or not services.subscription_confirm(subscriber_id=subscriber_id):
            return self.invalid(request)
        return self.done(request, CONFIRMED)


class UnsubscribeApi(_LinkApi):
    operations: ClassVar = {
        "GET": Operation(summary="A page that asks whether to unsubscribe", query=LinkQuery, media_type="text/html"),
        "POST": Operation(
            summary="Unsubscribe with one click (RFC 8058)", query=LinkQuery, output=SubscriptionOutput, open=True
        ),
    }
    question = "Do you want to hear no more?"
    button = "Unsubscribe"

    def post(self, request: Request) -> HttpResponse:
        subscriber_id = links.read_unsubscribe_token(self.token(request))
        if subscriber_id is None:
            return self.invalid(request)
        services.subscription_end(subscriber_id=subscriber_id)
        return self.done(request, LEFT)


class SubscriberListApi(Api):
    operations: ClassVar = {
        "GET": Operation(
            summary="Subscribers, newest first",
            query=SubscriberQuery,
            output=SubscriberPageOutput,
            role=Role.ADMINISTRATOR,
            scope="subscribers:read",
        ),
    }

    def get(self, request: Request) -> Response:
        query = SubscriberQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        wanted = query.validated_data
        cursor, limit = wanted.pop("cursor"), wanted.pop("limit")
        found = page(selectors.subscriber_list(**wanted), cursor=cursor, limit=limit)
        return Response(SubscriberPageOutput(found).data)


class SubscriberApi(Api):
    operations: ClassVar = {
        "DELETE": Operation(summary="Forget a subscriber", status=204, role=Role.ADMINISTRATOR),
    }

    def delete(self, request: Request, subscriber_id: int) -> Response:
        subscriber = get_object_or_404(Subscriber, pk=subscriber_id)
        services.subscriber_remove(subscriber=subscriber, actor=actor_of(request=request))
        return Response(status=204)
