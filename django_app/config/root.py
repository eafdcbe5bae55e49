"""The index of the API."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.contract import Operation, PublicApi


class LinksOutput(serializers.Serializer[dict[str, str]]):
    components = serializers.CharField()
    incidents = serializers.CharField()
    session = serializers.CharField()
    summary = serializers.CharField()


class RootOutput(serializers.Serializer[dict[str, object]]):
    name = serializers.CharField()
    release = serializers.CharField(allow_blank=True)
    links = LinksOutput()


class RootApi(PublicApi):
    """Names the addresses of the API and the release that answers."""

    operations: ClassVar = {"GET": Operation(summary="Index of the API", output=RootOutput)}

    def get(self, request: Request) -> Response:
        names = ("components", "incidents", "session", "summary")
        document = {
            "name": "status",
            "release": settings.RELEASE_ID,
            "links": {name: reverse(name) for name in names},
        }
        return Response(document)
