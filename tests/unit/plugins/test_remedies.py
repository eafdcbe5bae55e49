"""The last words of a run to which AWS refused something."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.slipway.aws.plugins.callback.remedies import REMEDIES, CallbackModule

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


FEW = "An error occurred (AddressLimitExceeded) when calling the AllocateAddress operation: The maximum number …"
FULL = (
    "An error occurred (InsufficientDBInstanceCapacity) when calling the CreateDBInstance operation: class unavailable"
)
NEW = (
    "An error occurred (AccessDenied) when calling the CreateDistributionWithTags operation: Your account must be "
    "verified before you can add new CloudFront resources."
)


def remedies(*messages: str) -> dict[str, str]:
    """What is said of them, by the id."""
    said = filter(None, (one.of({"failed": True, "msg": message} for message in messages) for one in REMEDIES))
    return {text.partition("]")[0].removeprefix("["): text for text in said}


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        (OF_EC2, "credentials-expired"),
        (
            "An error occurred (ExpiredToken) when calling the ListBuckets operation: The provided token has expired.",
            "credentials-expired",
        ),
        ("An error occurred (ExpiredTokenException) when calling the ListKeys operation", "credentials-expired"),
        ("Error when retrieving token from sso: Token has expired and refresh failed", "credentials-expired"),
        ("The certificate has expired", ""),
        ("Unexpired tokens: 3", ""),
        (EARLY, "clock"),
        (
            "An error occurred (InvalidSignatureException) …: Signature expired: 20261126T100000Z is now earlier than",
            "clock",
        ),
        ("An error occurred (RequestTimeTooSkewed) when calling the ListBuckets operation: The difference …", "clock"),
        ("The signature we calculated does not match the signature you provided.", ""),
        (OF_S3, "not-allowed"),
        ("AccessDenied", ""),
        ("An error occurred (NoSuchBucket) when calling the PutBucketPolicy operation", ""),
        ("somebody is not authorized to perform: rds:CreateDBInstance", ""),
        (NEW, "account-not-ready"),
        ("An error occurred (OptInRequired) when calling the RunInstances operation: …", "account-not-ready"),
    ],
)
def test_what_services_and_botocore_say_is_understood(message: str, remedy: str) -> None:
    assert list(remedies(message)) == ([remedy] if remedy else [])


#: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html and the models of botocore.
@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("VpcLimitExceeded", "quota"),
        ("NatGatewayLimitExceeded", "quota"),
        ("VcpuLimitExceeded", "quota"),
        ("RulesPerSecurityGroupLimitExceeded", "quota"),
        ("InstanceQuotaExceeded", "quota"),
        ("InstanceQuotaExceededFault", "quota"),
        ("StorageQuotaExceeded", "quota"),
        ("NodeQuotaForCustomerExceeded", "quota"),
        ("NodeQuotaForClusterExceeded", "quota"),
        ("LimitExceeded", "quota"),
        ("LimitExceededException", "quota"),
        ("WAFLimitsExceededException", "quota"),
        ("TooManyLoadBalancers", "quota"),
        ("TooManyDistributions", "quota"),
        ("TooManyHostedZones", "quota"),
        ("TooManyBuckets", "quota"),
        ("RequestLimitExceeded", ""),
        ("BandwidthLimitExceeded", ""),
        ("ProvisionedThroughputExceededException", ""),
        ("TooManyRequestsException", ""),
        ("InsufficientInstanceCapacity", "capacity"),
        ("InsufficientDBInstanceCapacity", "capacity"),
        ("InsufficientCacheClusterCapacity", "capacity"),
        ("InsufficientFreeAddressesInSubnet", "capacity"),
        ("InsufficientPrivilegesException", ""),
    ],
)
def test_too_many_of_something_is_told_from_too_many_requests(code: str, remedy: str) -> None:
    found = remedies(f"An error occurred ({code}) when calling the CreateThing operation: no")
    assert list(found) == ([remedy] if remedy else [])
    if remedy:
        assert f"CreateThing ({code})" in found[remedy]


@pytest.mark.parametrize(
    ("messages", "named"),
    [
        ([OF_S3], "may not do PutBucketPolicy. "),
        ([OF_RDS, OF_S3, OF_RDS], "may not do PutBucketPolicy, rds:CreateDBInstance. "),
        ([UNAUTHORIZED], "may not do ec2:RunInstances. "),
    ],
)
def test_what_is_not_allowed_has_a_name(messages: list[str], named: str) -> None:
    assert named in remedies(*messages)["not-allowed"]


@pytest.mark.parametrize("of_a_loop", [False, True], ids=["task", "round of a loop"])
@pytest.mark.parametrize(
    ("messages", "failures", "spoken"),
    [
        ([OF_EC2], {"network": 1}, ["[credentials-expired]"]),
        ([OF_EC2], {}, []),
        (["NoSuchBucket"], {"network": 1}, []),
        ([OF_EC2] * 9, {"a": 1}, ["[credentials-expired]"]),
        ([FULL, FEW, FEW], {"a": 1}, ["[quota]", "[capacity]"]),
    ],
    ids=["expired", "rescued", "another", "once", "several"],
)
def test_it_speaks_once_at_the_end_and_only_if_the_run_failed_of_it(
    monkeypatch: pytest.MonkeyPatch,
    messages: list[str],
    failures: dict[str, int],
    spoken: list[str],
    of_a_loop: bool,
) -> None:
    callback = CallbackModule()
    said: list[str] = []
    monkeypatch.setattr(callback, "_display", SimpleNamespace(display=lambda text, **_: said.append(text.split()[0])))
    hears = callback.v2_runner_item_on_failed if of_a_loop else callback.v2_runner_on_failed
    for message in messages:
        hears(SimpleNamespace(result={"censored": "no_log"}, exception=message))
    callback.v2_playbook_on_stats(SimpleNamespace(failures=failures, dark={}))
    assert said == spoken
