from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ParseError, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from config.contract import Api, Operation
from config.negotiation import AnyAccept
from config.parsers import BoundedJSONParser, PlainTextJSONParser
from config.problems import Unavailable
from inbound import services
from inbound.sns import CannotVerify, NotGenuine, verify


class SnsInput(serializers.Serializer[Any]):
    """As SNS sends it: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html"""

    Type = serializers.CharField()
    MessageId = serializers.CharField()
    TopicArn = serializers.CharField()
    Message = serializers.CharField()
    Timestamp = serializers.CharField()
    SignatureVersion = serializers.CharField()
    Signature = serializers.CharField()
    SigningCertURL = serializers.CharField()
    Subject = serializers.CharField(required=False, allow_null=True)
    Token = serializers.CharField(required=False)
    SubscribeURL = serializers.CharField(required=False)


class SnsOutput(serializers.Serializer[Any]):
    accepted = serializers.BooleanField(help_text="False for a message that had come before.")


class SnsApi(Api):
    """Open to everybody, and deaf to whatever SNS has not signed for one of our topics."""

    operations: ClassVar = {
        "POST": Operation(
            summary="A message of Amazon SNS; a CloudWatch alarm opens and resolves an incident",
            body=SnsInput,
            output=SnsOutput,
            open=True,
        ),
    }
    authentication_classes = ()
    content_negotiation_class = AnyAccept
    # SNS says text/plain: https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.prepare.html
    parser_classes = (PlainTextJSONParser, BoundedJSONParser)

    def post(self, request: Request) -> Response:
        if not settings.SNS_TOPIC_ARNS:
            raise NotFound("No topic of SNS is expected here.")
        message = request.data
        if not isinstance(message, dict):
            raise ParseError("This is not a message of SNS.")
        try:
            verify(message, now=timezone.now())
        except NotGenuine as reason:
            raise PermissionDenied(str(reason)) from None
        except CannotVerify:
            raise Unavailable("The certificate of the message cannot be read right now.") from None
        return Response({"accepted": services.message_handle(message=message)})
