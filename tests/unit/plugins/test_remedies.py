"""The last words of a run whose credentials have expired."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.slipway.aws.plugins.callback.remedies import (
    REMEDY,
    CallbackModule,
    expired,
)

OF_EC2 = "An error occurred (RequestExpired) when calling the DescribeVpcs operation: Request has expired."


@pytest.mark.parametrize(
    "message",
    [
        OF_EC2,
        "An error occurred (ExpiredToken) when calling the ListBuckets operation: The provided token has expired.",
        "An error occurred (ExpiredTokenException) when calling the ListKeys operation",
        "Error when retrieving token from sso: Token has expired and refresh failed",
    ],
)
def test_what_services_and_botocore_say_is_understood(message: str) -> None:
    assert expired({"failed": True, "msg": message})


@pytest.mark.parametrize("message", ["AccessDenied", "The certificate has expired", "Unexpired tokens: 3"])
def test_other_failures_are_others(message: str) -> None:
    assert not expired({"failed": True, "msg": message})


@pytest.mark.parametrize(
    ("messages", "failures", "spoken"),
    [
        ([OF_EC2], {"network": 1}, 1),
        ([OF_EC2], {}, 0),
        (["AccessDenied"], {"network": 1}, 0),
        ([OF_EC2] * 9, {"a": 1}, 1),
    ],
    ids=["expired", "rescued", "another", "once"],
)
def test_it_speaks_once_at_the_end_and_only_if_the_run_failed_of_it(
    monkeypatch: pytest.MonkeyPatch, messages: list[str], failures: dict[str, int], spoken: int
) -> None:
    callback = CallbackModule()
    said: list[str] = []
    monkeypatch.setattr(callback, "_display", SimpleNamespace(display=lambda text, **_: said.append(text)))
    for message in messages:
        callback.v2_runner_on_failed(SimpleNamespace(result={"failed": True, "msg": message}))
    callback.v2_playbook_on_stats(SimpleNamespace(failures=failures, dark={}))
    assert len(said) == spoken
    assert all(REMEDY in text for text in said)
