"""Settings. A project that keeps nothing needs no database."""

from __future__ import annotations

import os
from pathlib import Path

SECRET_KEY = os.environ["GUESTBOOK_KEY"]
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "guestbook.server"
INSTALLED_APPS = ["django.contrib.staticfiles", "guestbook"]
DATABASES: dict[str, object] = {}
STATIC_URL = "/files/"
# A release has the static files beside the project's directory.
STATIC_ROOT = Path(__file__).parents[2] / "static"
STATICFILES_DIRS = [Path(__file__).parent / "style"]
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}
GREETING = os.environ.get("GUESTBOOK_GREETING", "Nobody said anything")
