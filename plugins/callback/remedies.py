"""Ansible callback: when a run failed since its credentials ended, its last words say so, and what to do."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
name: remedies
type: notification
version_added: 0.1.0
short_description: Say what to do when the credentials expired in the middle of a run
description:
  - A session of AWS may end while a run waits for a database. Whichever module asks next fails with the error of its
    service, among the failures of the other layers, and none of them says that nothing is broken.
  - Reads the results of failed tasks; asks nothing and changes nothing.
author: Slipway
requirements:
  - enabled in configuration (C(callbacks_enabled=slipway.aws.remedies))
"""

import re
from typing import Any

from ansible.plugins.callback import CallbackBase  # type: ignore[import-untyped]

#: What services and botocore say. https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html,
#: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html, botocore/exceptions.py (SSO, refresh)
_EXPIRED = re.compile(
    r"\b(ExpiredToken(Exception)?|RequestExpired|TokenRefreshRequired)\b"
    r"|security token included in the request is expired"
    r"|SSO session associated with this profile has expired"
    r"|Token has expired and refresh failed"
    r"|Credentials were refreshed, but the refreshed credentials are still expired"
)
REMEDY = (
    "[credentials-expired] AWS does not take these credentials any more: their session has expired. Log in again, for "
    "instance with `aws sso login`, or set the variables of a new session, and run the same command once more. What "
    "was made stays, and the run goes on from there."
)


def expired(answer: object) -> bool:
    """Whether a failed task says that its credentials have expired."""
    return _EXPIRED.search(str(answer)) is not None


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Listens to failures, and speaks at the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "slipway.aws.remedies"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._expired = False

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:  # noqa: ARG002 (the protocol's)
        """Remember what it was."""
        self._expired = self._expired or expired(result.result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """A failure that was rescued, or did not matter, needs no remedy."""
        if self._expired and (stats.failures or stats.dark):
            self._display.display(f"\n{REMEDY}", color="red", stderr=True)
