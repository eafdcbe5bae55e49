"""Action plugin: tell the module of the same name what it cannot know, namely which run it is in."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any

from ansible import context  # type: ignore[import-untyped]
from ansible.plugins.action import ActionBase  # type: ignore[import-untyped]


def controller_pid() -> int:
    """The process of the run: tasks are worked on in children of it."""
    parent = multiprocessing.parent_process()
    return os.getpid() if parent is None or parent.pid is None else parent.pid


class ActionModule(ActionBase):  # type: ignore[misc]
    """Fills in ``controller_pid`` and ``playbook``."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module."""
        super().run(tmp, task_vars)
        playbooks = [Path(name).name for name in context.CLIARGS.get("args") or ()]
        arguments = {
            "controller_pid": controller_pid(),
            "playbook": " ".join(playbooks) or "ansible-playbook",
            **self._task.args,
        }
        answer: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
        return answer
