"""The WSGI entry point: ``gunicorn config.wsgi``."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

# Django imports the views with the first request. Imported here, a broken one stops the start instead of an answer, and
# nobody waits for it.
_ = get_resolver().url_patterns
