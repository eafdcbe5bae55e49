"""Corrections of ElastiCache."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.emulator import backchannel

from .conftest import Clients, Network

TOKEN = "0123456789abcdef"


@pytest.fixture(scope="module")
def cache(client: Clients, network: Network) -> Any:
    cache = client("elasticache")
    cache.create_cache_subnet_group(
        CacheSubnetGroupName="cache", CacheSubnetGroupDescription="cache", SubnetIds=network.subnet_ids
    )
    cache.create_cache_parameter_group(
        CacheParameterGroupName="cache", CacheParameterGroupFamily="valkey8", Description="cache"
    )
    return cache


def create(cache: Any, network: Network, name: str, **arguments: Any) -> dict[str, Any]:
    found: dict[str, Any] = cache.create_replication_group(
        ReplicationGroupId=name,
        ReplicationGroupDescription="sessions",
        CacheSubnetGroupName="cache",
        SecurityGroupIds=[network.group_id],
        **{
            "Engine": "valkey",
            "EngineVersion": "8.0",
            "CacheNodeType": "cache.t4g.micro",
            "NumCacheClusters": 2,
            "AutomaticFailoverEnabled": True,
            "MultiAZEnabled": True,
            "TransitEncryptionEnabled": True,
            "AtRestEncryptionEnabled": True,
            "AuthToken": TOKEN,
            "CacheParameterGroupName": "cache",
            "Tags": [{"Key": "Project", "Value": "slipway"}],
            **arguments,
        },
    )["ReplicationGroup"]
    return found


def described(cache: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = cache.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]
    return found


def test_a_group_is_complete(cache: Any, network: Network) -> None:
    create(cache, network, "complete")
    found = described(cache, "complete")
    assert found["Status"] == "available"
    assert found["Engine"] == "valkey"
    assert found["AuthTokenEnabled"] is found["TransitEncryptionEnabled"] is found["AtRestEncryptionEnabled"] is True
    assert (found["AutomaticFailover"], found["MultiAZ"]) == ("enabled", "enabled")
    assert found["TransitEncryptionMode"] == "required"
    assert found["MemberClusters"] == ["complete-001", "complete-002"]
    assert "AuthToken" not in str({key: value for key, value in found.items() if not key.startswith("AuthToken")})
    [nodes] = found["NodeGroups"]
    assert nodes["PrimaryEndpoint"]["Port"] == 6379
    address = nodes["PrimaryEndpoint"]["Address"]
    assert address.startswith("master.complete.")
    assert address.endswith(".euw1.cache.amazonaws.com")
    assert nodes["ReaderEndpoint"]["Address"].startswith("replica.complete.")
    roles = {one["CurrentRole"]: one["PreferredAvailabilityZone"] for one in nodes["NodeGroupMembers"]}
    assert roles == {"primary": "eu-west-1a", "replica": "eu-west-1b"}
    assert cache.list_tags_for_resource(ResourceName=found["ARN"])["TagList"] == [
        {"Key": "Project", "Value": "slipway"}
    ]


def test_its_members_are_clusters(cache: Any, network: Network) -> None:
    create(cache, network, "members")
    [member] = cache.describe_cache_clusters(CacheClusterId="members-001", ShowCacheNodeInfo=True)["CacheClusters"]
    assert member["ReplicationGroupId"] == "members"
    assert member["CacheSubnetGroupName"] == "cache"
    assert member["CacheParameterGroup"]["CacheParameterGroupName"] == "cache"
    assert member["SecurityGroups"] == [{"SecurityGroupId": network.group_id, "Status": "active"}]
    assert member["EngineVersion"] == "8.0.0"
    assert member["CacheNodes"][0]["Endpoint"]["Port"] == 6379
    alone = cache.describe_cache_clusters(ShowCacheClustersNotInReplicationGroups=True)["CacheClusters"]
    assert "members-001" not in {one["CacheClusterId"] for one in alone}
    with pytest.raises(ClientError, match="CacheClusterNotFound"):
        cache.describe_cache_clusters(CacheClusterId="members-009")


@pytest.mark.usefixtures("data_plane")
def test_states_wait_for_their_word(cache: Any, network: Network) -> None:
    create(cache, network, "waits")
    assert described(cache, "waits")["Status"] == "creating"
    assert described(cache, "waits")["NodeGroups"] == []
    with pytest.raises(ClientError, match="InvalidReplicationGroupState"):
        cache.modify_replication_group(ReplicationGroupId="waits", ReplicationGroupDescription="x")
    backchannel.set_replication_group_status("waits", "available")
    assert described(cache, "waits")["NodeGroups"][0]["PrimaryEndpoint"]["Port"] == 6379
    cache.modify_replication_group(ReplicationGroupId="waits", ReplicationGroupDescription="new", ApplyImmediately=True)
    assert (described(cache, "waits")["Status"], described(cache, "waits")["Description"]) == ("modifying", "new")
    backchannel.set_replication_group_status("waits", "available")
    cache.delete_replication_group(ReplicationGroupId="waits")
    assert described(cache, "waits")["Status"] == "deleting"
    backchannel.forget_replication_group("waits")
    with pytest.raises(ClientError, match="ReplicationGroupNotFound"):
        described(cache, "waits")


def test_snapshots_are_turned_on_with_the_member_that_makes_them(cache: Any, network: Network) -> None:
    create(cache, network, "snapshots")

    def keep(days: int, **more: str) -> None:
        cache.modify_replication_group(ReplicationGroupId="snapshots", SnapshotRetentionLimit=days, **more)

    with pytest.raises(ClientError, match="Must specify both SnapshotRetentionLimit and SnapshottingClusterId"):
        keep(7)
    with pytest.raises(ClientError, match="CacheClusterNotFound"):
        keep(7, SnapshottingClusterId="snapshots-009")
    keep(7, SnapshottingClusterId="snapshots-001")
    keep(5)
    assert described(cache, "snapshots")["SnapshotRetentionLimit"] == 5


def test_tokens_rotate(cache: Any, network: Network) -> None:
    create(cache, network, "tokens")
    assert backchannel.replication_group_auth_token("tokens") == TOKEN
    change = {"ReplicationGroupId": "tokens", "ApplyImmediately": True}
    cache.modify_replication_group(AuthToken="a" * 16, AuthTokenUpdateStrategy="ROTATE", **change)
    assert backchannel.replication_group_auth_tokens("tokens") == ("a" * 16, TOKEN)
    cache.modify_replication_group(AuthToken="a" * 16, AuthTokenUpdateStrategy="SET", **change)
    assert backchannel.replication_group_auth_tokens("tokens") == ("a" * 16,)
    with pytest.raises(ClientError, match="Invalid AuthToken"):
        cache.modify_replication_group(AuthToken="short", AuthTokenUpdateStrategy="SET", **change)


def test_versions_wait_for_the_window_unless_applied_at_once(cache: Any, network: Network) -> None:
    create(cache, network, "versions")
    cache.modify_replication_group(ReplicationGroupId="versions", EngineVersion="8.1")
    [member] = cache.describe_cache_clusters(CacheClusterId="versions-001")["CacheClusters"]
    assert (member["EngineVersion"], member["PendingModifiedValues"]["EngineVersion"]) == ("8.0.0", "8.1")
    cache.modify_replication_group(ReplicationGroupId="versions", EngineVersion="8.1", ApplyImmediately=True)
    [member] = cache.describe_cache_clusters(CacheClusterId="versions-001")["CacheClusters"]
    assert (member["EngineVersion"], member["PendingModifiedValues"]) == ("8.1.0", {})


def test_replicas_come_and_go(cache: Any, network: Network) -> None:
    create(cache, network, "replicas")
    cache.increase_replica_count(ReplicationGroupId="replicas", NewReplicaCount=2, ApplyImmediately=True)
    assert len(described(cache, "replicas")["MemberClusters"]) == 3
    with pytest.raises(ClientError, match="Automatic failover"):
        cache.decrease_replica_count(ReplicationGroupId="replicas", NewReplicaCount=0, ApplyImmediately=True)
    cache.decrease_replica_count(ReplicationGroupId="replicas", NewReplicaCount=1, ApplyImmediately=True)
    cache.test_failover(ReplicationGroupId="replicas", NodeGroupId="0001")
    [nodes] = described(cache, "replicas")["NodeGroups"]
    assert {one["CacheClusterId"]: one["CurrentRole"] for one in nodes["NodeGroupMembers"]} == {
        "replicas-002": "primary",
        "replicas-001": "replica",
    }


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"NumCacheClusters": 1}, "Automatic failover"),
        ({"AutomaticFailoverEnabled": False}, "Multi-AZ"),
        ({"EngineVersion": "5.0"}, "Cannot find version"),
        ({"AuthToken": "short"}, "Invalid AuthToken"),
        ({"TransitEncryptionEnabled": False}, "AuthToken is only supported"),
        ({"CacheParameterGroupName": "default.valkey7"}, "family"),
        ({"CacheParameterGroupName": "nobody"}, "CacheParameterGroupNotFound"),
    ],
)
def test_what_is_refused(cache: Any, network: Network, arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ClientError, match=complaint):
        create(cache, network, "refused", **arguments)


class TestParameterGroups:
    def values(self, cache: Any, **arguments: Any) -> dict[str, dict[str, Any]]:
        found = cache.describe_cache_parameters(CacheParameterGroupName="cache", **arguments)["Parameters"]
        return {one["ParameterName"]: one for one in found}

    def test_change_and_reset(self, cache: Any) -> None:
        assert self.values(cache)["maxmemory-policy"]["ParameterValue"] == "volatile-lru"
        change = [{"ParameterName": "maxmemory-policy", "ParameterValue": "allkeys-lru"}]
        cache.modify_cache_parameter_group(CacheParameterGroupName="cache", ParameterNameValues=change)
        assert list(self.values(cache, Source="user")) == ["maxmemory-policy"]
        assert backchannel.cache_parameters("cache")["maxmemory-policy"] == "allkeys-lru"
        cache.reset_cache_parameter_group(CacheParameterGroupName="cache", ResetAllParameters=True)
        assert self.values(cache, Source="user") == {}

    def test_engine_defaults(self, cache: Any) -> None:
        found = cache.describe_engine_default_parameters(CacheParameterGroupFamily="valkey8")["EngineDefaults"]
        assert found["CacheParameterGroupFamily"] == "valkey8"
        assert {one["ParameterName"] for one in found["Parameters"]} >= {"maxmemory-policy", "timeout"}
        with pytest.raises(ClientError, match="InvalidParameterValue"):
            cache.describe_engine_default_parameters(CacheParameterGroupFamily="valkey1")

    @pytest.mark.parametrize(
        ("name", "value"), [("maxmemory-policy", "never"), ("timeout", "soon"), ("no-such-parameter", "1")]
    )
    def test_wrong_values(self, cache: Any, name: str, value: str) -> None:
        with pytest.raises(ClientError, match="InvalidParameterValue"):
            cache.modify_cache_parameter_group(
                CacheParameterGroupName="cache",
                ParameterNameValues=[{"ParameterName": name, "ParameterValue": value}],
            )

    def test_tags(self, cache: Any) -> None:
        [group] = cache.describe_cache_parameter_groups(CacheParameterGroupName="cache")["CacheParameterGroups"]
        added = cache.add_tags_to_resource(ResourceName=group["ARN"], Tags=[{"Key": "a", "Value": "b"}])
        assert added["TagList"] == [{"Key": "a", "Value": "b"}]
        assert cache.remove_tags_from_resource(ResourceName=group["ARN"], TagKeys=["a"])["TagList"] == []

    def test_groups_in_use_stay_and_unused_ones_go(self, cache: Any, network: Network) -> None:
        create(cache, network, "user-of-groups")
        with pytest.raises(ClientError, match="InvalidCacheParameterGroupState"):
            cache.delete_cache_parameter_group(CacheParameterGroupName="cache")
        with pytest.raises(ClientError, match="CacheSubnetGroupInUse"):
            cache.delete_cache_subnet_group(CacheSubnetGroupName="cache")
        cache.create_cache_subnet_group(
            CacheSubnetGroupName="free", CacheSubnetGroupDescription="free", SubnetIds=network.subnet_ids[:1]
        )
        cache.modify_cache_subnet_group(CacheSubnetGroupName="free", SubnetIds=network.subnet_ids)
        [group] = cache.describe_cache_subnet_groups(CacheSubnetGroupName="free")["CacheSubnetGroups"]
        assert [one["SubnetAvailabilityZone"]["Name"] for one in group["Subnets"]] == ["eu-west-1a", "eu-west-1b"]
        cache.delete_cache_subnet_group(CacheSubnetGroupName="free")
        with pytest.raises(ClientError, match="CacheSubnetGroupNotFound"):
            cache.describe_cache_subnet_groups(CacheSubnetGroupName="free")
        with pytest.raises(ClientError, match="InvalidSubnet"):
            cache.create_cache_subnet_group(
                CacheSubnetGroupName="lost", CacheSubnetGroupDescription="lost", SubnetIds=["subnet-1"]
            )
