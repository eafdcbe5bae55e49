"""Where background work and mail go."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from config.environment import EMAIL_PORTS, Environment


def tasks(environment: Environment) -> dict[str, dict[str, Any]]:
    """Django's TASKS. Without a queue a task runs at once, in the process that asks for it."""
    if not environment.tasks_queue_url:
        return {"default": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}}
    return {
        "default": {
            "BACKEND": "background.backends.SqsBackend",
            "OPTIONS": {"queue_url": environment.tasks_queue_url},
        }
    }


def mailers(environment: Environment) -> dict[str, dict[str, Any]]:
    """Django's MAILERS. Without a mail server nothing is sent; ``subscribers`` then takes no e-mail addresses."""
    if not environment.email_url:
        return {}
    parts = urlsplit(environment.email_url)
    return {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {
                "host": parts.hostname,
                "port": parts.port or EMAIL_PORTS[parts.scheme],
                "username": environment.email_user,
                "password": environment.email_password,
                "use_ssl": parts.scheme == "smtps",
                "use_tls": parts.scheme == "smtp+starttls",
                "timeout": 10,
            },
        }
    }
