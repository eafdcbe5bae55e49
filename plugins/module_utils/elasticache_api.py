"""Calls of the ElastiCache API. https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/Welcome.html"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.slipway.aws.plugins.module_utils.aws import Api
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields

# A group that is at work takes no second order; ours waits in line.
AT_WORK = ("InvalidReplicationGroupState", "InvalidCacheClusterState")
PARAMETERS_PER_CALL = 20


class ElastiCacheApi(Api):
    """One method per call; every one raises AnsibleAWSError, none decides anything."""

    def replication_group(self, identity: str) -> Fields | None:
        """ReplicationGroup of AWS, or None."""
        answer = self.call_if_exists(
            f"describe the replication group {identity}",
            "describe_replication_groups",
            missing=("ReplicationGroupNotFoundFault",),
            ReplicationGroupId=identity,
        )
        groups = answer["ReplicationGroups"] if answer else []
        return groups[0] if groups else None

    def cache_cluster(self, identity: str) -> Fields | None:
        """CacheCluster of AWS (one member of a group), or None."""
        answer = self.call_if_exists(
            f"describe the cache cluster {identity}",
            "describe_cache_clusters",
            missing=("CacheClusterNotFound",),
            CacheClusterId=identity,
        )
        clusters = answer["CacheClusters"] if answer else []
        return clusters[0] if clusters else None

    def create_replication_group(self, request: Fields, tags: Mapping[str, str]) -> Fields:
        answer = self.call(
            f"create the replication group {request['ReplicationGroupId']}",
            "create_replication_group",
            **{**request, **tags_of_creation(tags)},
        )
        group: Fields = answer["ReplicationGroup"]
        return group

    def modify_replication_group(self, identity: str, request: Fields) -> Fields:
        answer = self.call(
            f"modify the replication group {identity}",
            "modify_replication_group",
            retry_on=AT_WORK,
            ReplicationGroupId=identity,
            **request,
        )
        group: Fields = answer["ReplicationGroup"]
        return group

    def change_replica_count(self, identity: str, before: int, after: int) -> None:
        """AWS knows no deferred change of the count: https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_IncreaseReplicaCount.html"""
        operation = "increase_replica_count" if after > before else "decrease_replica_count"
        self.call(
            f"change the replicas of the replication group {identity} to {after}",
            operation,
            retry_on=AT_WORK,
            ReplicationGroupId=identity,
            NewReplicaCount=after,
            ApplyImmediately=True,
        )

    def delete_replication_group(self, identity: str, final_snapshot: str | None) -> Fields | None:
        answer = self.call_if_exists(
            f"delete the replication group {identity}",
            "delete_replication_group",
            missing=("ReplicationGroupNotFoundFault",),
            retry_on=AT_WORK,
            ReplicationGroupId=identity,
            RetainPrimaryCluster=False,
            **({"FinalSnapshotIdentifier": final_snapshot} if final_snapshot else {}),
        )
        return answer and answer.get("ReplicationGroup")

    def parameter_group(self, name: str) -> Fields | None:
        """``{family, description, arn}`` of a CacheParameterGroup, or None."""
        answer = self.call_if_exists(
            f"describe the cache parameter group {name}",
            "describe_cache_parameter_groups",
            missing=("CacheParameterGroupNotFound",),
            CacheParameterGroupName=name,
        )
        for group in answer["CacheParameterGroups"] if answer else []:
            family, description = group["CacheParameterGroupFamily"], group.get("Description", "")
            return {"family": family, "description": description, "arn": group.get("ARN")}
        return None

    def parameters(self, name: str) -> list[Fields]:
        """Parameter of AWS, for every parameter of the group."""
        return self.pages(
            f"list the parameters of {name}",
            "describe_cache_parameters",
            "Parameters",
            CacheParameterGroupName=name,
        )

    def parameters_of_family(self, family: str) -> list[Fields]:
        """Parameter of AWS, for every parameter that a new group of the family will have."""
        return self.pages(
            f"list the parameters of the family {family}",
            "describe_engine_default_parameters",
            "EngineDefaults.Parameters",
            CacheParameterGroupFamily=family,
        )

    def create_parameter_group(self, name: str, family: str, description: str, tags: Mapping[str, str]) -> Fields:
        answer = self.call(
            f"create the cache parameter group {name}",
            "create_cache_parameter_group",
            CacheParameterGroupName=name,
            CacheParameterGroupFamily=family,
            Description=description,
            **tags_of_creation(tags),
        )
        group: Fields = answer["CacheParameterGroup"]
        return group

    def set_parameters(self, name: str, values: Mapping[str, str], _known: Mapping[str, Fields]) -> None:
        pairs = [{"ParameterName": key, "ParameterValue": value} for key, value in values.items()]
        for begin in range(0, len(pairs), PARAMETERS_PER_CALL):
            self.call(
                f"set parameters of {name}",
                "modify_cache_parameter_group",
                CacheParameterGroupName=name,
                ParameterNameValues=pairs[begin : begin + PARAMETERS_PER_CALL],
            )

    def reset_parameters(self, name: str, parameters: Sequence[str], _known: Mapping[str, Fields]) -> None:
        for begin in range(0, len(parameters), PARAMETERS_PER_CALL):
            self.call(
                f"reset parameters of {name}",
                "reset_cache_parameter_group",
                CacheParameterGroupName=name,
                ParameterNameValues=[{"ParameterName": key} for key in parameters[begin : begin + PARAMETERS_PER_CALL]],
            )

    def delete_parameter_group(self, name: str) -> None:
        # A group that was just deleted keeps its parameter group in use for a while.
        self.call_if_exists(
            f"delete the cache parameter group {name}",
            "delete_cache_parameter_group",
            missing=("CacheParameterGroupNotFound",),
            retry_on=("InvalidCacheParameterGroupState",),
            CacheParameterGroupName=name,
        )

    def tags(self, arn: str) -> dict[str, str]:
        answer = self.call(f"list the tags of {arn}", "list_tags_for_resource", retry_on=AT_WORK, ResourceName=arn)
        return {tag["Key"]: tag.get("Value", "") for tag in answer.get("TagList") or []}

    def change_tags(self, arn: str, to_set: Mapping[str, str], to_remove: Sequence[str]) -> None:
        if to_remove:
            self.call(
                f"untag {arn}",
                "remove_tags_from_resource",
                retry_on=AT_WORK,
                ResourceName=arn,
                TagKeys=list(to_remove),
            )
        if to_set:
            self.call(
                f"tag {arn}",
                "add_tags_to_resource",
                retry_on=AT_WORK,
                ResourceName=arn,
                Tags=tag_list(to_set),
            )


def tags_of_creation(tags: Mapping[str, str]) -> Fields:
    """The parameter ``Tags``, or nothing: AWS refuses an empty list."""
    return {"Tags": tag_list(tags)} if tags else {}


def tag_list(tags: Mapping[str, str]) -> list[Fields]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]
