"""Keys: rotated, named, and of use to nobody but those who need them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.emulator.server import Emulator
from tests.integration.playbooks import faults

from .conftest import ACCOUNT, REGION, TAGS, Clients, Converge, Values, tags_of

VARIABLES: Values = {
    "aws_keys_name": "stack",
    "aws_keys_account_id": ACCOUNT,
    "aws_keys_region": REGION,
    "aws_keys_log_groups": ["/stack/*"],
    "aws_keys_edge_log_groups": ["aws-waf-logs-stack*"],
    "aws_keys_tags": TAGS,
}


@pytest.fixture
def wire() -> faults.Wire:
    return faults.Wire()


@pytest.fixture
def emulator(wire: faults.Wire) -> Iterator[Emulator]:
    emulator = Emulator(0, middleware=wire.around)
    emulator.start()
    yield emulator
    emulator.stop()


def enabled(kms: Any) -> dict[str, str]:
    """Ids of the keys of the stack by their descriptions, of which there may be only one each."""
    keys = [kms.describe_key(KeyId=one["KeyId"])["KeyMetadata"] for one in kms.list_keys()["Keys"]]
    ours = [key for key in keys if key["KeyManager"] == "CUSTOMER" and key["KeyState"] == "Enabled"]
    assert len({key["Description"] for key in ours}) == len(ours)
    return {key["Description"]: key["KeyId"] for key in ours}


def test_a_key_that_its_run_could_not_name_is_taken_up(converge: Converge, client: Clients) -> None:
    tags = [{"TagKey": key, "TagValue": value} for key, value in {**TAGS, "Name": "stack-logs"}.items()]
    lost = client("kms").create_key(Description="x", Tags=tags)["KeyMetadata"]["KeyId"]
    others = client("kms").create_key(Description="y", Tags=[tags[-1]])["KeyMetadata"]["KeyId"]
    made = converge("aws_keys", VARIABLES)
    assert not made.failed, made.messages
    assert client("kms").describe_key(KeyId="alias/stack-logs")["KeyMetadata"]["KeyId"] == lost
    assert enabled(client("kms"))["y"] == others
    assert len(enabled(client("kms"))) == 3
    assert converge("aws_keys", VARIABLES).changed == ()


def test_a_key_whose_making_nobody_heard_of_goes_again(converge: Converge, client: Clients, wire: faults.Wire) -> None:
    wire.follow(faults.first("kms:CreateKey", faults.lose_the_answer))
    made = converge("aws_keys", VARIABLES, environment={"AWS_MAX_ATTEMPTS": "3"})
    assert wire.done == 1
    assert not made.failed, made.messages
    assert len(enabled(client("kms"))) == 2
    assert len(client("kms").list_keys()["Keys"]) == 3
    assert converge("aws_keys", VARIABLES).changed == ()


def test_the_keys(converge: Converge, client: Clients) -> None:
    made = converge.through_its_life("aws_keys", VARIABLES)
    assert made.result["aliases"] == {name: f"alias/stack-{name}" for name in ("logs", "data", "edge")}
    for name, arn in made.result["arns"].items():
        kms = client("kms", "us-east-1" if name == "edge" else REGION)
        key = kms.describe_key(KeyId=made.result["aliases"][name])["KeyMetadata"]
        assert key["Arn"] == arn
        assert kms.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"]
        tags = tags_of(kms.list_resource_tags(KeyId=arn)["Tags"], "TagKey", "TagValue")
        assert tags == {**TAGS, "Name": f"stack-{name}"}
        policy = json.loads(kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"])
        for statement in policy["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert "kms:*" not in actions
            if not {"kms:Encrypt", "kms:Decrypt", "kms:CreateGrant", "kms:GenerateDataKey*"}.isdisjoint(actions):
                # Nobody uses a key without a condition that names this account or a resource of it.
                assert ACCOUNT in json.dumps(statement["Condition"])


def test_in_us_east_1_one_key_serves_the_edge_too(converge: Converge, client: Clients) -> None:
    made = converge("aws_keys", {**VARIABLES, "aws_keys_region": "us-east-1"})
    assert not made.failed, made.messages
    assert made.result["arns"]["edge"] == made.result["arns"]["logs"]
    assert set(made.result["aliases"]) == {"logs", "data"}
    policy = client("kms", "us-east-1").get_key_policy(KeyId=made.result["arns"]["logs"], PolicyName="default")
    assert "log-group:aws-waf-logs-stack*" in policy["Policy"]
