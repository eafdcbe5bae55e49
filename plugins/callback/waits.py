"""Ansible callback: what a run waits for, since when, and how long that usually takes."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
name: waits
type: notification
version_added: 0.1.0
short_description: Say what a run waits for, since when, and how long it usually takes
description:
  - Speaks up for tasks with C(until), when they look for the second time and then about twice a minute, and says at
    their end how long it took.
  - How long a resource usually takes stands in C(plugins/plugin_utils/plan_modules.yml), where the plan has it from;
    C(amazon.aws.rds_instance_info) awaits what C(amazon.aws.rds_instance) makes. Where nothing stands there, nothing is
    said of it.
author: Slipway
requirements:
  - enabled in configuration (C(callbacks_enabled=slipway.aws.waits))
"""

import functools
import time
from typing import Any

from ansible.plugins.callback import CallbackBase  # type: ignore[import-untyped]
from ansible_collections.slipway.aws.plugins.plugin_utils.plan import load_modules

#: Seconds between two lines about the same wait.
PAUSE = 25.0

_modules = functools.cache(load_modules)


def usual_minutes(action: str, task: str) -> int | None:
    """What AWS usually takes for that which the task awaits. Stages that remove something begin with `absent`."""
    verb = "delete" if task.startswith("absent") else "create"
    for name in (action, action.removesuffix("_info")):
        if minutes := _modules().get(name, {}).get("minutes", {}).get(verb):
            return int(minutes)
    return None


def spoken(seconds: float) -> str:
    """`40 s`, `6 min 10 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Listens for second looks."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "slipway.aws.waits"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        #: By host and task: since when it is waited for, and when that was said last.
        self._since: dict[tuple[str, str], float] = {}
        self._said: dict[tuple[str, str], float] = {}

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """Remember when the first look was taken."""
        if task.until:
            self._since[host.get_name(), task._uuid] = time.monotonic()

    def v2_runner_retry(self, result: Any) -> None:
        """Say what is waited for, unless it was said a moment ago."""
        host, task = result.host.get_name(), result.task
        key, now = (host, task._uuid), time.monotonic()
        if key in self._said and now - self._said[key] < PAUSE:
            return
        self._said[key] = now
        name = str(task.name)
        minutes = usual_minutes(str(task.resolved_action or task.action), name)
        usual = f"; AWS usually takes about {minutes} min" if minutes else ""
        since = spoken(now - self._since.get(key, now))
        self._say(f"… {host}: {name}, for {since} by now{usual}")

    def v2_runner_on_ok(self, result: Any) -> None:
        """Say how long it took, if it was waited for."""
        key = (result.host.get_name(), result.task._uuid)
        since = self._since.pop(key, None)
        if self._said.pop(key, None) is not None and since is not None:
            took = spoken(time.monotonic() - since)
            self._say(f"… {key[0]}: {result.task.name}: took {took}")

    def _say(self, line: str) -> None:
        """Beside the run's own output, which may be a document for a machine."""
        self._display.display(line, stderr=True)
