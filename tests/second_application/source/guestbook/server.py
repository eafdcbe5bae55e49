"""The pages, and the WSGI application."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.templatetags.static import static
from django.urls import path


def alive(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("alive\n", content_type="text/plain")


def greeting(_request: HttpRequest) -> JsonResponse:
    return JsonResponse(
        {
            "greeting": settings.GREETING,
            "settings": os.environ["DJANGO_SETTINGS_MODULE"],
            "release": os.environ.get("RELEASE_ID"),
            "key_length": len(settings.SECRET_KEY),
            "variables": sorted(name for name in os.environ if name.startswith(("GUESTBOOK_", "DJANGO_", "DATABASE_"))),
            "style": static("plain.css"),
            "code": str(Path(__file__).resolve()),
        }
    )


urlpatterns = [path("alive", alive), path("greeting", greeting)]
entrance = get_wsgi_application()
