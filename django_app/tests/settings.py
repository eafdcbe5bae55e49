"""Settings of the tests: the project's, against stores that TEST_DATABASE_URL and TEST_CACHE_URL name.

Both are read here because Django must be configured before the first conftest.py; see tests/conftest.py for their form.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from config.environment import Environment
from config.logs import logging_config
from config.project import *  # noqa: F403
from config.queues import mailers
from config.stores import caches, databases

_missing = [name for name in ("TEST_DATABASE_URL", "TEST_CACHE_URL") if not os.environ.get(name)]
if _missing:
    raise pytest.UsageError(
        f"{' and '.join(_missing)} must name a real PostgreSQL and a real Valkey or Redis for the tests, as in "
        "TEST_DATABASE_URL=postgresql://user:password@127.0.0.1:5432/name TEST_CACHE_URL=redis://:token@127.0.0.1:6379/0"
    )

_database = urlsplit(os.environ["TEST_DATABASE_URL"])
_cache = urlsplit(os.environ["TEST_CACHE_URL"])
_environment = Environment(
    secret_key="only-for-tests-" * 5,
    allowed_hosts=("app.example.com",),
    site_url="https://app.example.com",
    static_root=None,
    log_level="INFO",
    release_id="test-release",
    forwarded_hops=3,
    tracing_service="",
    tasks_queue_url="",
    sns_topic_arns=("arn:aws:sns:eu-central-1:123456789012:alarms",),
    sns_endpoint="",
    email_url="smtp://127.0.0.1",
    email_user="",
    email_password="",
    email_from="status@example.com",
    outbound_allowed_networks=(),
    database_host=_database.hostname or "",
    database_port=_database.port or 5432,
    database_name=_database.path.removeprefix("/"),
    database_user=unquote(_database.username or ""),
    database_password=unquote(_database.password or ""),
    database_sslrootcert=Path("/"),
    database_conn_max_age=0,
    cache_url=f"{_cache.scheme}://{_cache.hostname}:{_cache.port or 6379}{_cache.path}",
    cache_auth_token=unquote(_cache.password or ""),
)

SECRET_KEY = _environment.secret_key
ALLOWED_HOSTS = list(_environment.allowed_hosts)
CSRF_TRUSTED_ORIGINS = [_environment.site_url]
RELEASE_ID = _environment.release_id
FORWARDED_HOPS = _environment.forwarded_hops
TRACING_SERVICE = _environment.tracing_service
OUTBOUND_ALLOWED_NETWORKS = _environment.outbound_allowed_networks
STATIC_ROOT = Path(tempfile.gettempdir()) / "slipway-status-test-static"

DATABASES = databases(_environment)
# TLS is what the test store offers: the production values are checked in test_settings.py.
DATABASES["default"]["OPTIONS"] |= {"sslmode": "prefer", "sslrootcert": ""} | dict(parse_qsl(_database.query))
CACHES = caches(_environment)
CACHES["default"]["KEY_PREFIX"] = f"status-test-{os.getpid()}"
# What is queued can be looked at; tests of the queue itself have an SQS.
TASKS = {"default": {"BACKEND": "django.tasks.backends.dummy.DummyBackend"}}
MAILERS = mailers(_environment)
DEFAULT_FROM_EMAIL = _environment.email_from
SNS_TOPIC_ARNS = _environment.sns_topic_arns
SNS_ENDPOINT = _environment.sns_endpoint
SITE_URL = _environment.site_url
LOGGING = logging_config(level=_environment.log_level, release_id=_environment.release_id)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
