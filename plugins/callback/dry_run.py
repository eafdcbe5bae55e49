"""Ansible callback: a playbook that says so in its first play is a dry run, whatever the command line says."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
name: dry_run
type: notification
version_added: 0.1.0
short_description: Run playbooks that only look in check mode
description:
  - A playbook whose first play has the variable C(slipway_dry_run) is run again with C(--check --diff) in place of
    itself, before its first task, unless it is in check mode already. The value of the variable is the stdout callback
    of that run.
  - Check mode is an option of the command line, which no play can set for the roles that it imports. C(check_mode) of a
    play reaches tasks, and not C(ansible_check_mode), which roles ask.
  - A first task of such a playbook should still refuse to go on outside of check mode, in case this callback is not
    enabled.
author: Slipway
requirements:
  - enabled in configuration (C(callbacks_enabled=slipway.aws.dry_run))
"""

import os
import subprocess
import sys
from typing import Any

import ansible.constants as C  # type: ignore[import-untyped]  # noqa: N812 (its name everywhere in Ansible)
from ansible import context
from ansible.plugins.callback import CallbackBase  # type: ignore[import-untyped]

VARIABLE = "slipway_dry_run"


def again(arguments: list[str], environment: dict[str, str], callback: str) -> tuple[list[str], dict[str, str]]:
    """Command and environment of the same run as a dry one."""
    added = [word for word in ("--check", "--diff") if word not in arguments]
    # The arguments that a module was given are part of what it would do; secret ones are blanked by the module.
    wanted = {"ANSIBLE_STDOUT_CALLBACK": callback, "ANSIBLE_INJECT_INVOCATION": "true"}
    return [sys.executable, *arguments, *added], {**environment, **wanted}


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Starts the run again before its first task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "slipway.aws.dry_run"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Leave the process with the status of the dry run."""
        plays = playbook.get_plays()
        callback = plays[0].vars.get(VARIABLE) if plays else None
        if not callback or (context.CLIARGS["check"] and callback == C.DEFAULT_STDOUT_CALLBACK):
            return
        if len(context.CLIARGS["args"]) > 1:
            # Another playbook of the same command line may have changed something by now, and would do so again.
            self._display.error("A playbook that only looks is run alone: give ansible-playbook no other one.")
            raise SystemExit(1)
        command, environment = again(sys.argv, dict(os.environ), str(callback))
        sys.stdout.flush()
        try:
            # By number: ansible-core has made its standard streams close in programs that it starts.
            ended = subprocess.run(command, env=environment, stdin=0, stdout=1, stderr=2, check=False)
        except KeyboardInterrupt:
            raise SystemExit(99) from None
        raise SystemExit(ended.returncode if ended.returncode >= 0 else 128 - ended.returncode)
