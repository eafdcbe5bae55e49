"""Settings of a running process: the project's settings and the checked environment."""

from __future__ import annotations

import os

from config.environment import read_environment
from config.logs import logging_config
from config.project import *  # noqa: F403
from config.project import DEFAULT_STATIC_ROOT, MIDDLEWARE
from config.queues import mailers, tasks
from config.stores import caches, databases

ENVIRONMENT = read_environment(os.environ)

SECRET_KEY = ENVIRONMENT.secret_key
ALLOWED_HOSTS = list(ENVIRONMENT.allowed_hosts)
CSRF_TRUSTED_ORIGINS = [ENVIRONMENT.site_url]
STATIC_ROOT = ENVIRONMENT.static_root or DEFAULT_STATIC_ROOT
RELEASE_ID = ENVIRONMENT.release_id
FORWARDED_HOPS = ENVIRONMENT.forwarded_hops
TRACING_SERVICE = ENVIRONMENT.tracing_service
OUTBOUND_ALLOWED_NETWORKS = ENVIRONMENT.outbound_allowed_networks
DATABASES = databases(ENVIRONMENT)
CACHES = caches(ENVIRONMENT)
TASKS = tasks(ENVIRONMENT)
MAILERS = mailers(ENVIRONMENT)
DEFAULT_FROM_EMAIL = ENVIRONMENT.email_from
SNS_TOPIC_ARNS = ENVIRONMENT.sns_topic_arns
SNS_ENDPOINT = ENVIRONMENT.sns_endpoint
SITE_URL = ENVIRONMENT.site_url
LOGGING = logging_config(level=ENVIRONMENT.log_level, release_id=ENVIRONMENT.release_id)

if TRACING_SERVICE:
    # Outside of the log's, and inside of health checks and kept answers, which would be most of all traces.
    MIDDLEWARE = [*MIDDLEWARE[:2], "config.tracing.TraceMiddleware", *MIDDLEWARE[2:]]
