"""Whoever encrypts names a key that exists."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import Clients, Network

MISSING = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"


@pytest.fixture
def key(client: Clients) -> str:
    kms = client("kms")
    arn: str = kms.create_key()["KeyMetadata"]["Arn"]
    return arn


def secret(client: Clients, name: str, key: str) -> dict[str, Any]:
    found: dict[str, Any] = client("secretsmanager").create_secret(Name=name, SecretString="x", KmsKeyId=key)
    return found


def database(client: Clients, network: Network, name: str, key: str) -> dict[str, Any]:
    rds = client("rds")
    rds.create_db_subnet_group(DBSubnetGroupName=name, DBSubnetGroupDescription=name, SubnetIds=network.subnet_ids)
    found: dict[str, Any] = rds.create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        MasterUsername="app",
        MasterUserPassword="first-password",
        DBSubnetGroupName=name,
        AllocatedStorage=20,
        StorageEncrypted=True,
        KmsKeyId=key,
    )["DBInstance"]
    return found


def cache(client: Clients, network: Network, name: str, key: str) -> dict[str, Any]:
    elasticache = client("elasticache")
    elasticache.create_cache_subnet_group(
        CacheSubnetGroupName=name, CacheSubnetGroupDescription=name, SubnetIds=network.subnet_ids
    )
    found: dict[str, Any] = elasticache.create_replication_group(
        ReplicationGroupId=name,
        ReplicationGroupDescription=name,
        Engine="valkey",
        CacheNodeType="cache.t4g.micro",
        NumCacheClusters=1,
        CacheSubnetGroupName=name,
        AtRestEncryptionEnabled=True,
        KmsKeyId=key,
    )["ReplicationGroup"]
    return found


@pytest.mark.parametrize("bad", [MISSING, "alias/nobody"])
def test_a_missing_key_is_refused(client: Clients, network: Network, bad: str) -> None:
    name = f"bad-{len(bad)}"
    with pytest.raises(ClientError, match="EncryptionFailure"):
        secret(client, name, bad)
    with pytest.raises(ClientError, match="KMSKeyNotAccessibleFault"):
        database(client, network, name, bad)
    with pytest.raises(ClientError, match="InvalidKMSKeyFault"):
        cache(client, network, name, bad)


def test_a_key_that_is_there_is_kept(client: Clients, network: Network, key: str) -> None:
    assert database(client, network, "good", key)["KmsKeyId"] == key
    assert cache(client, network, "good", key)["KmsKeyId"] == key
    client("kms").create_alias(AliasName="alias/data", TargetKeyId=key)
    for number, name in enumerate((key, "alias/data", "alias/aws/secretsmanager")):
        assert secret(client, f"good-{number}", name)["ARN"]


def test_a_key_that_is_going_is_refused(client: Clients, key: str) -> None:
    client("kms").schedule_key_deletion(KeyId=key)
    with pytest.raises(ClientError, match="EncryptionFailure"):
        secret(client, "going", key)


def test_a_key_for_the_account_through_a_service_opens_a_secret(client: Clients, key: str) -> None:
    through = {"kms:CallerAccount": "123456789012", "kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*"}
    manage = {**statement, "Action": ["kms:Describe*", "kms:PutKeyPolicy"]}
    for condition, opens in ((through, True), ({**through, "kms:CallerAccount": "210987654321"}, False)):
        policy = {
            "Version": "2012-10-17",
            "Statement": [manage, {**statement, "Condition": {"StringEquals": condition}}],
        }
        client("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))
        secret(client, f"through-{opens}", key)
        if opens:
            assert client("secretsmanager").get_secret_value(SecretId=f"through-{opens}")["SecretString"] == "x"
        else:
            with pytest.raises(ClientError, match="kms:Decrypt"):
                client("secretsmanager").get_secret_value(SecretId=f"through-{opens}")
