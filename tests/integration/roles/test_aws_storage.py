"""The buckets: who asks them is written down where that is wanted."""

from __future__ import annotations

from .conftest import ACCOUNT, REGION, TAGS, Clients, Converge, Values

BUCKETS = {name: f"stack-{ACCOUNT}-{name}" for name in ("frontend", "releases", "logs", "transfer")}


def test_the_buckets_write_down_who_asks_them(converge: Converge, client: Clients) -> None:
    variables: Values = {
        "aws_storage_buckets": BUCKETS,
        "aws_storage_account_id": ACCOUNT,
        "aws_storage_region": REGION,
        "aws_storage_access_logs": True,
        "aws_storage_tags": TAGS,
    }
    made = converge("aws_storage", variables)
    assert not made.failed, made.messages
    read = client("s3").get_bucket_logging
    places = {key: read(Bucket=name).get("LoggingEnabled", {}).get("TargetPrefix") for key, name in BUCKETS.items()}
    assert places == {
        "logs": None,
        **{key: f"s3/{BUCKETS[key]}/" for key in ("frontend", "releases", "transfer")},
    }
    again = converge("aws_storage", variables)
    assert again.changed == (), again.differences
