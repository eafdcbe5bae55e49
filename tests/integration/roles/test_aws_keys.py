"""Keys: rotated, named, and of use to nobody but those who need them."""

from __future__ import annotations

import json

from .conftest import ACCOUNT, REGION, TAGS, Clients, Converge, Values, tags_of

VARIABLES: Values = {
    "aws_keys_name": "stack",
    "aws_keys_account_id": ACCOUNT,
    "aws_keys_region": REGION,
    "aws_keys_log_groups": ["/stack/*"],
    "aws_keys_edge_log_groups": ["aws-waf-logs-stack*"],
    "aws_keys_tags": TAGS,
}


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
