"""Ansible callback: when a run failed of what lies outside of it, its last words say of what, and what to do."""

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
    a right that the credentials lack, of a clock that is wrong, of a quota that is used up, of a zone without room, and
    of an account that AWS has not let in yet.
  - Reads the results of failed tasks; asks nothing and changes nothing.
author: Slipway
requirements:
  - enabled in configuration (C(callbacks_enabled=slipway.aws.remedies))
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
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
#: How botocore words an error of a service, with its code and the operation that was called.
_WORDS = r"\(({})\) when calling the (\w+) operation"
#: The action stands in the words of most services; S3's say no more than the operation that boto3 called.
_DENIED = re.compile(
    _WORDS.format(r"AccessDenied(?:Exception)?|UnauthorizedOperation|AuthorizationError(?:Exception)?|NotAuthorized")
)
_ACTION = re.compile(r"not authorized to perform:? ([a-z0-9-]+:[A-Za-z0-9*]+)")
#: Too many of something, as each service calls it; too many requests are another thing, which passes.
_QUOTA = re.compile(
    _WORDS.format(
        r"(?!Request|Bandwidth|Thrott|Provisioned)\w*"
        r"(?:Limits?Exceeded|Quota(?:ForCustomer)?Exceeded|QuotaForClusterExceeded)(?:Fault|Exception)?"
        r"|TooMany(?!Requests)\w+"
    )
)
_CAPACITY = re.compile(
    _WORDS.format(r"Insufficient(?!Privileges)\w*Capacity(?:Fault|OnOutpost)?|InsufficientFreeAddressesInSubnet")
)
#: CloudFront says it with AccessDenied. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
_UNVERIFIED = re.compile(
    r"\b(?:PendingVerification|OptInRequired|SubscriptionRequiredException)\b|[Aa]ccount must be verified"
)


def _whether(pattern: re.Pattern[str]) -> Callable[[str], Iterable[str]]:
    return lambda said: ["it"] if pattern.search(said) else []


def _calls(pattern: re.Pattern[str]) -> Callable[[str], Iterable[str]]:
    return lambda said: [f"{operation} ({code})" for code, operation in pattern.findall(said)]


def _denied(said: str) -> Iterable[str]:
    """The actions that were not allowed; their operations where nobody names the action."""
    if not _DENIED.search(said) or _UNVERIFIED.search(said):
        return []
    return _ACTION.findall(said) or [operation for _, operation in _DENIED.findall(said)]


@dataclass(frozen=True)
class Remedy:
    """How a refusal is recognised in the answer of a task, and what a person does about it.

    ``find`` answers what stands for ``{named}`` in the text; nothing when the answer speaks of something else.
    """

    find: Callable[[str], Iterable[str]]
    text: str

    def of(self, answers: Iterable[object]) -> str:
        """The text for the answers of all failed tasks; empty when it is for none."""
        named = sorted({one for answer in answers for one in self.find(str(answer))})
        return self.text.format(named=", ".join(named)) if named else ""


_AGAIN = "run the same command once more. What was made stays, and the run goes on from there."
REMEDIES = (
    Remedy(
        _whether(_EXPIRED),
        "[credentials-expired] AWS does not take these credentials any more: their session has expired. Log in again, "
        f"for instance with `aws sso login`, or set the variables of a new session, and {_AGAIN}",
    ),
    Remedy(
        _whether(_CLOCK),
        "[clock] AWS does not take requests from this machine, whose clock is more than minutes away from the time. "
        f"Set it (`timedatectl set-ntp true`) and {_AGAIN}",
    ),
    Remedy(
        _denied,
        "[not-allowed] These credentials may not do {named}. Whoever owns the account grants it: `make "
        "deployer-policy` writes the policy of all that a run asks for, and roles/aws_deployers makes a role with it; "
        f"a boundary or an organization's policy may forbid it too. Then {_AGAIN}",
    ),
    Remedy(
        _calls(_QUOTA),
        "[quota] The account has as many as AWS allows it: {named}. Remove what nobody needs any more, or ask for a "
        "higher quota (Service Quotas in the console, `aws service-quotas list-service-quotas` names them), which "
        f"takes from minutes to a day. Then {_AGAIN}",
    ),
    Remedy(
        _calls(_CAPACITY),
        "[capacity] AWS has no room for this at the moment: {named}. Wait some minutes, or choose another class or "
        f"type, or other zones, in the inventory's variables, and {_AGAIN}",
    ),
    Remedy(
        _whether(_UNVERIFIED),
        "[account-not-ready] AWS has not yet let this account use one of its services, which it does for new accounts "
        "by itself within a day. If it does not, or if it says that the account must be verified, open a case under "
        f"Account and billing in its Support Center. Then {_AGAIN}",
    ),
)


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Listens to failures, and speaks at the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "slipway.aws.remedies"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._answers: list[str] = []

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:  # noqa: ARG002 (the protocol's)
        """Remember what it was."""
        # Of a task with no_log the result is hidden, but not the error of its module, which Ansible shows to everybody.
        self._answers.append(f"{result.result} {result.exception}")

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """A round of a loop: only it has the error when the results are hidden."""
        self.v2_runner_on_failed(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """A failure that was rescued, or did not matter, needs no remedy."""
        if not (stats.failures or stats.dark):
            return
        for remedy in filter(None, (one.of(self._answers) for one in REMEDIES)):
            self._display.display(f"\n{remedy}", color="red", stderr=True)
