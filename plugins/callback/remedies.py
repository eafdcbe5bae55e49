"""Ansible callback: when a run failed of its credentials, rights or clock, its last words say so, and what to do."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
name: remedies
type: notification
version_added: 0.1.0
short_description: Say what to do when AWS refused a run for what lies outside of it
description:
  - A session of AWS may end while a run waits for a database. Whichever module asks next fails with the error of its
    service, among the failures of the other layers, and none of them says that nothing is broken. The same is true of
    a right that the credentials lack, and of a clock that is wrong.
  - Reads the results of failed tasks; asks nothing and changes nothing.
author: Slipway
requirements:
  - enabled in configuration (C(callbacks_enabled=slipway.aws.remedies))
"""

import re
from collections.abc import Iterator
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
#: A signature carries the time. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
_CLOCK = re.compile(r"\bRequestTimeTooSkewed\b|Signature (expired|not yet current): ")
#: The action stands in the words of most services; S3's say no more than the operation that boto3 called.
_CODES = r"AccessDenied(?:Exception)?|UnauthorizedOperation|AuthorizationError(?:Exception)?|NotAuthorized"
_DENIED = re.compile(rf"\b(?:{_CODES})\b")
_ACTION = re.compile(r"not authorized to perform:? ([a-z0-9-]+:[A-Za-z0-9*]+)")
_OPERATION = re.compile(rf"\((?:{_CODES})\) when calling the (\w+) operation")

EXPIRED = (
    "[credentials-expired] AWS does not take these credentials any more: their session has expired. Log in again, for "
    "instance with `aws sso login`, or set the variables of a new session, and run the same command once more. What "
    "was made stays, and the run goes on from there."
)
CLOCK = (
    "[clock] AWS does not take requests from this machine, whose clock is more than minutes away from the time. Set it "
    "(`timedatectl set-ntp true`) and run the same command once more. What was made stays, and the run goes on from "
    "there."
)
DENIED = (
    "[not-allowed] These credentials may not do {actions}. Whoever owns the account grants it: `make deployer-policy` "
    "writes the policy of all that a run asks for, and roles/aws_deployers makes a role with it; a boundary or an "
    "organization's policy may forbid it too. Then run the same command once more. What was made stays, and the run "
    "goes on from there."
)


def expired(answer: object) -> bool:
    """Whether a failed task says that its credentials have expired."""
    return _EXPIRED.search(str(answer)) is not None


def skewed(answer: object) -> bool:
    """Whether a failed task says that the clock is wrong."""
    return _CLOCK.search(str(answer)) is not None


def denied(answer: object) -> Iterator[str]:
    """The actions that a failed task says it may not do; their operations where nobody names the action."""
    said = str(answer)
    if _DENIED.search(said):
        yield from _ACTION.findall(said) or _OPERATION.findall(said)


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Listens to failures, and speaks at the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "slipway.aws.remedies"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._expired = False
        self._skewed = False
        self._denied: set[str] = set()

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:  # noqa: ARG002 (the protocol's)
        """Remember what it was."""
        self._expired = self._expired or expired(result.result)
        self._skewed = self._skewed or skewed(result.result)
        self._denied.update(denied(result.result))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """A failure that was rescued, or did not matter, needs no remedy."""
        if not (stats.failures or stats.dark):
            return
        for remedy in self._remedies():
            self._display.display(f"\n{remedy}", color="red", stderr=True)

    def _remedies(self) -> Iterator[str]:
        if self._expired:
            yield EXPIRED
        if self._skewed:
            yield CLOCK
        if self._denied:
            yield DENIED.format(actions=", ".join(sorted(self._denied)))
