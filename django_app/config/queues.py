"""Where background work goes."""

from __future__ import annotations

from typing import Any

from config.environment import Environment


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
