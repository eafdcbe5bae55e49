"""Server access logs of buckets, switched on, moved and off, against the emulated account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import REGION, Answer, Call, client, succeeded

MODULE = "s3_access_logs"
OPTIONS: Answer = {"buckets": ["one", "two"], "target_bucket": "kept", "prefix": "s3/"}


@pytest.fixture
def buckets() -> Iterator[None]:
    s3: Any = client("s3")
    for name in ("one", "two", "kept"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    kept = "arn:aws:s3:::kept"
    encrypted = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [kept, f"{kept}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    delivery = {
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"{kept}/s3/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [encrypted, delivery]}
    s3.put_bucket_policy(Bucket="kept", Policy=json.dumps(policy))
    yield
    for name in ("one", "two"):
        s3.delete_bucket(Bucket=name)
    for one in s3.list_objects_v2(Bucket="kept").get("Contents", []):
        s3.delete_object(Bucket="kept", Key=one["Key"])
    s3.delete_bucket(Bucket="kept")


def live() -> dict[str, Any]:
    read = client("s3").get_bucket_logging
    return {name: read(Bucket=name).get("LoggingEnabled", {}).get("TargetPrefix") for name in ("one", "two")}


@pytest.mark.usefixtures("buckets")
def test_the_logs(call: Call) -> None:
    none = {"one": None, "two": None}
    assert succeeded(call(MODULE, check=True, **OPTIONS))["changed"]
    assert live() == none
    assert succeeded(call(MODULE, **OPTIONS))["changed"]
    assert live() == {"one": "s3/one/", "two": "s3/two/"}
    for check in (True, False):
        assert succeeded(call(MODULE, check=check, **OPTIONS))["changes"] == []
    client("s3").list_objects_v2(Bucket="one")
    assert client("s3").list_objects_v2(Bucket="kept", Prefix="s3/one/")["KeyCount"] > 0

    client("s3").put_bucket_logging(Bucket="two", BucketLoggingStatus={})
    [change] = succeeded(call(MODULE, **OPTIONS))["changes"]
    assert change == {"field": "two", "from": None, "to": "kept/s3/two/"}
    assert live()["two"] == "s3/two/"

    assert succeeded(call(MODULE, state="absent", check=True, **OPTIONS))["changed"]
    assert live()["one"] == "s3/one/"
    assert succeeded(call(MODULE, state="absent", **OPTIONS))["changed"]
    assert live() == none
    assert not succeeded(call(MODULE, state="absent", **OPTIONS))["changed"]


@pytest.mark.usefixtures("buckets")
def test_where_the_policy_lets_nobody_write_s3_refuses() -> None:
    target = {"LoggingEnabled": {"TargetBucket": "kept", "TargetPrefix": "elsewhere/"}}
    with pytest.raises(ClientError, match="InvalidTargetBucketForLogging"):
        client("s3").put_bucket_logging(Bucket="one", BucketLoggingStatus=target)


@pytest.mark.usefixtures("buckets")
def test_a_bucket_does_not_log_itself(call: Call) -> None:
    for check in (True, False):
        refused = call(MODULE, check=check, **{**OPTIONS, "buckets": ["one", "kept"]})
        assert "kept would log itself" in refused["msg"]


def test_a_dry_run_needs_no_bucket(call: Call) -> None:
    assert succeeded(call(MODULE, check=True, **OPTIONS))["changed"]
