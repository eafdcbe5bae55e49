"""The last words of a run to which AWS refused something."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.slipway.aws.plugins.callback.remedies import (
    CLOCK,
    DENIED,
    EXPIRED,
    CallbackModule,
    denied,
    expired,
    skewed,
)

OF_EC2 = "An error occurred (RequestExpired) when calling the DescribeVpcs operation: Request has expired."
OF_S3 = "An error occurred (AccessDenied) when calling the PutBucketPolicy operation: Access Denied"
OF_RDS = (
    "An error occurred (AccessDenied) when calling the CreateDBInstance operation: User: arn:aws:iam::123456789012:user"
    "/somebody is not authorized to perform: rds:CreateDBInstance on resource: arn:aws:rds:eu-west-1:123456789012:db:a"
)
UNAUTHORIZED = (
    "An error occurred (UnauthorizedOperation) when calling the RunInstances operation: "
    "You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/somebody is not authorized "
    "to perform: ec2:RunInstances on resource: *. Encoded authorization failure message: abc"
)
EARLY = (
    "An error occurred (SignatureDoesNotMatch) when calling the GetCallerIdentity operation: Signature not yet "
    "current: 20261126T120000Z is still later than 20261126T110000Z (20261126T105500Z + 5 min.)"
)


@pytest.mark.parametrize(
    "message",
    [
        OF_EC2,
        "An error occurred (ExpiredToken) when calling the ListBuckets operation: The provided token has expired.",
        "An error occurred (ExpiredTokenException) when calling the ListKeys operation",
        "Error when retrieving token from sso: Token has expired and refresh failed",
    ],
)
def test_what_services_and_botocore_say_of_a_session_is_understood(message: str) -> None:
    assert expired({"failed": True, "msg": message})


@pytest.mark.parametrize("message", ["AccessDenied", "The certificate has expired", "Unexpired tokens: 3"])
def test_other_failures_are_others(message: str) -> None:
    assert not expired({"failed": True, "msg": message})


@pytest.mark.parametrize(
    ("message", "wrong"),
    [
        (EARLY, True),
        (
            "An error occurred (InvalidSignatureException) …: Signature expired: 20261126T100000Z is now earlier than",
            True,
        ),
        ("An error occurred (RequestTimeTooSkewed) when calling the ListBuckets operation: The difference …", True),
        ("The signature we calculated does not match the signature you provided.", False),
    ],
)
def test_a_wrong_clock_is_told_from_a_wrong_key(message: str, wrong: bool) -> None:
    assert skewed({"failed": True, "msg": message}) is wrong


@pytest.mark.parametrize(
    ("message", "actions"),
    [
        (OF_S3, ["PutBucketPolicy"]),
        (OF_RDS, ["rds:CreateDBInstance"]),
        (UNAUTHORIZED, ["ec2:RunInstances"]),
        ("An error occurred (NoSuchBucket) when calling the PutBucketPolicy operation", []),
        ("somebody is not authorized to perform: rds:CreateDBInstance", []),
    ],
)
def test_what_is_not_allowed_has_a_name(message: str, actions: list[str]) -> None:
    assert list(denied({"failed": True, "msg": message})) == actions


@pytest.mark.parametrize(
    ("messages", "failures", "spoken"),
    [
        ([OF_EC2], {"network": 1}, [EXPIRED]),
        ([OF_EC2], {}, []),
        (["NoSuchBucket"], {"network": 1}, []),
        ([OF_EC2] * 9, {"a": 1}, [EXPIRED]),
        ([EARLY, EARLY], {"a": 1}, [CLOCK]),
        ([OF_RDS, OF_S3, OF_RDS], {"a": 1}, [DENIED.format(actions="PutBucketPolicy, rds:CreateDBInstance")]),
    ],
    ids=["expired", "rescued", "another", "once", "clock", "denied"],
)
def test_it_speaks_once_at_the_end_and_only_if_the_run_failed_of_it(
    monkeypatch: pytest.MonkeyPatch, messages: list[str], failures: dict[str, int], spoken: list[str]
) -> None:
    callback = CallbackModule()
    said: list[str] = []
    monkeypatch.setattr(callback, "_display", SimpleNamespace(display=lambda text, **_: said.append(text.strip())))
    for message in messages:
        callback.v2_runner_on_failed(SimpleNamespace(result={"failed": True, "msg": message}))
    callback.v2_playbook_on_stats(SimpleNamespace(failures=failures, dark={}))
    assert said == spoken
