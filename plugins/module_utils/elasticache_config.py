"""Replication groups of ElastiCache as fields. Pure: no calls.

https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html
https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyReplicationGroup.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    RefusalError,
)

# https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth.html
AUTH_TOKEN = re.compile(r"[A-Za-z0-9!&#$^<>-]{16,128}")
# https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html (ReplicationGroupId)
IDENTIFIER = re.compile(r"[A-Za-z](?!.*--)[A-Za-z0-9-]{0,38}[A-Za-z0-9]|[A-Za-z]")

# Field → member of CreateReplicationGroup; those that are computed are in create_request.
CREATE_NAMES = {
    "description": "ReplicationGroupDescription",
    "engine": "Engine",
    "engine_version": "EngineVersion",
    "node_type": "CacheNodeType",
    "multi_az": "MultiAZEnabled",
    "automatic_failover": "AutomaticFailoverEnabled",
    "transit_encryption": "TransitEncryptionEnabled",
    "transit_encryption_mode": "TransitEncryptionMode",
    "at_rest_encryption": "AtRestEncryptionEnabled",
    "kms_key_id": "KmsKeyId",
    "subnet_group": "CacheSubnetGroupName",
    "parameter_group": "CacheParameterGroupName",
    "security_group_ids": "SecurityGroupIds",
    "snapshot_retention_limit": "SnapshotRetentionLimit",
    "snapshot_window": "SnapshotWindow",
    "maintenance_window": "PreferredMaintenanceWindow",
    "auto_minor_version_upgrade": "AutoMinorVersionUpgrade",
    "port": "Port",
}
# Field → member of ModifyReplicationGroup, for everything that one ordinary call may change.
MODIFY_NAMES = {
    name: CREATE_NAMES[name]
    for name in (
        "description",
        "engine",
        "engine_version",
        "node_type",
        "multi_az",
        "automatic_failover",
        "parameter_group",
        "security_group_ids",
        "snapshot_retention_limit",
        "snapshot_window",
        "maintenance_window",
        "auto_minor_version_upgrade",
    )
}
ONLY_AT_CREATION = ("at_rest_encryption", "kms_key_id", "subnet_group", "port")
ENCRYPTION = ("transit_encryption", "transit_encryption_mode")


def live_fields(group: Mapping[str, Any], member: Mapping[str, Any] | None, *, pending: bool) -> Fields:
    """ReplicationGroup and CacheCluster (of one member; None while there is none) of AWS as fields.

    With ``pending``, what waits for the maintenance window counts as done: it has been asked for, and asking again
    every day would report a change every day.
    """
    member = member or {}
    cluster_pending = member.get("PendingModifiedValues") or {} if pending else {}
    group_pending = group.get("PendingModifiedValues") or {} if pending else {}
    failover = group_pending.get("AutomaticFailoverStatus") or group.get("AutomaticFailover") or "disabled"
    fields: Fields = {
        "description": group.get("Description", ""),
        "engine": (member.get("Engine") or group.get("Engine") or "redis").lower(),
        "engine_version": cluster_pending.get("EngineVersion") or member.get("EngineVersion"),
        "node_type": cluster_pending.get("CacheNodeType") or group.get("CacheNodeType"),
        "replicas": max(0, len(group.get("MemberClusters") or []) - 1),
        "multi_az": group.get("MultiAZ") == "enabled",
        "automatic_failover": failover in ("enabled", "enabling"),
        "transit_encryption": bool(group.get("TransitEncryptionEnabled")),
        "transit_encryption_mode": group.get("TransitEncryptionMode"),
        "at_rest_encryption": bool(group.get("AtRestEncryptionEnabled")),
        "kms_key_id": group.get("KmsKeyId"),
        "subnet_group": member.get("CacheSubnetGroupName"),
        "parameter_group": (member.get("CacheParameterGroup") or {}).get("CacheParameterGroupName"),
        "security_group_ids": sorted(item["SecurityGroupId"] for item in member.get("SecurityGroups") or []),
        "snapshot_retention_limit": group.get("SnapshotRetentionLimit", 0),
        "snapshot_window": group.get("SnapshotWindow"),
        "maintenance_window": member.get("PreferredMaintenanceWindow"),
        "auto_minor_version_upgrade": bool(
            group.get("AutoMinorVersionUpgrade", member.get("AutoMinorVersionUpgrade", False))
        ),
        "port": live_port(group, member),
        "auth_token_enabled": bool(group.get("AuthTokenEnabled")),
    }
    for name, pending_name in (
        ("transit_encryption", "TransitEncryptionEnabled"),
        ("transit_encryption_mode", "TransitEncryptionMode"),
    ):
        if pending_name in group_pending:
            fields[name] = group_pending[pending_name]
    # AWS leaves the mode out of groups that were encrypted before there were two.
    if fields["transit_encryption"] and not fields["transit_encryption_mode"]:
        fields["transit_encryption_mode"] = "required"
    return fields


def live_port(group: Mapping[str, Any], member: Mapping[str, Any]) -> int | None:
    """The port that clients connect to; None while AWS has not given one."""
    for node_group in group.get("NodeGroups") or []:
        endpoint = node_group.get("PrimaryEndpoint")
        if endpoint:
            return int(endpoint["Port"])
    for node in member.get("CacheNodes") or []:
        if node.get("Endpoint"):
            return int(node["Endpoint"]["Port"])
    return None


def desired_fields(options: Mapping[str, Any], live: Mapping[str, Any] | None) -> Fields:
    """The options of the module as desired fields; what is not given is not in them.

    A version that is asked for as ``8.0`` is had by ``8.0.1``, and by ``8.1.0`` where AWS raises the minor version.
    """
    fields: Fields = {name: options[name] for name in (*CREATE_NAMES, "replicas") if options.get(name) is not None}
    if fields.get("transit_encryption") is False:
        fields.pop("transit_encryption_mode", None)
    elif "transit_encryption_mode" in fields:
        fields["transit_encryption"] = True
    if options.get("auth_token") is not None:
        fields["auth_token_enabled"] = True
    for name in ("snapshot_window", "maintenance_window"):
        if name in fields:
            fields[name] = fields[name].lower()
    if live is None:
        return {"description": options["replication_group_id"], "engine": "valkey", **fields}
    same_engine = fields.get("engine", live["engine"]) == live["engine"]
    raised = bool(fields.get("auto_minor_version_upgrade", live["auto_minor_version_upgrade"]))
    if same_engine and version_satisfies(live["engine_version"], fields.get("engine_version"), raised=raised):
        fields.pop("engine_version", None)
    return fields


def version_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def version_satisfies(live: str | None, wanted: str | None, *, raised: bool = False) -> bool:
    """Whether every number that is asked for is there: 8.0.1 satisfies 8.0, 8.1 does not.

    ``raised``: AWS installs minor versions by itself, so that a later one of the same major is no difference.
    """
    if live is None or wanted is None:
        return False
    have, asked = version_numbers(live), version_numbers(wanted)
    return have[: len(asked)] == asked or (raised and have[:1] == asked[:1] and have > asked)


def create_request(identity: str, fields: Mapping[str, Any], auth_token: str | None) -> Fields:
    """Parameters of CreateReplicationGroup, cluster mode disabled, without tags."""
    request = {CREATE_NAMES[name]: value for name, value in fields.items() if name in CREATE_NAMES}
    if request.get("TransitEncryptionMode") == "required":
        # What a new group has anyway; the API documents the word as the second step after "preferred".
        del request["TransitEncryptionMode"]
    request["ReplicationGroupId"] = identity
    request["NumCacheClusters"] = fields.get("replicas", 0) + 1
    if auth_token is not None:
        request["AuthToken"] = auth_token
    return request


@dataclass(frozen=True)
class Step:
    """One call that AWS takes by itself: ModifyReplicationGroup with ``request``, or a new count of ``replicas``."""

    request: Fields
    replicas: int | None = None
    begins_snapshots: bool = False

    def request_with(self, members: Sequence[str]) -> Fields:
        """The request to a group of these members.

        Snapshots are turned on together with the member that makes them: the last one, which is most often a replica
        and so spares the primary.
        """
        if not self.begins_snapshots or not members:
            return self.request
        return {**self.request, "SnapshottingClusterId": max(members)}


def modify_steps(
    changes: Sequence[Change],
    desired: Mapping[str, Any],
    *,
    auth_token: str | None,
    auth_token_update_strategy: str,
    rotate: bool,
    apply_immediately: bool,
) -> list[Step]:
    """The calls, in order, that make the changes. AWS takes the encryption and the token only by themselves."""
    changed = {re.split(r"[.\[]", change.field, maxsplit=1)[0] for change in changes}
    when = {"ApplyImmediately": apply_immediately}
    steps: list[Step] = []
    wider = _replica_step(changes, more=True)
    if wider:
        # A failover or a second zone needs the replica first.
        steps.append(wider)
    ordinary = {MODIFY_NAMES[name]: desired[name] for name in MODIFY_NAMES if name in changed}
    if ordinary:
        if "Engine" in ordinary and "engine_version" in desired:
            ordinary["EngineVersion"] = desired["engine_version"]
        begins = any(change.field == "snapshot_retention_limit" and not change.before for change in changes)
        steps.append(Step({**ordinary, **when}, begins_snapshots=begins))
    if changed & set(ENCRYPTION):
        request = {CREATE_NAMES[name]: desired[name] for name in ENCRYPTION if name in desired}
        steps.append(Step({**request, "ApplyImmediately": True}))
    if auth_token is not None and (rotate or "auth_token_enabled" in changed):
        steps.append(
            Step(
                {
                    "AuthToken": auth_token,
                    "AuthTokenUpdateStrategy": auth_token_update_strategy,
                    "ApplyImmediately": True,
                }
            )
        )
    narrower = _replica_step(changes, more=False)
    if narrower:
        steps.append(narrower)
    return steps


def _replica_step(changes: Iterable[Change], *, more: bool) -> Step | None:
    for change in changes:
        if change.field == "replicas":
            before, after = int(str(change.before or 0)), int(str(change.after or 0))
            if (after > before) is more:
                return Step({}, replicas=after)
    return None


def refuse(
    identity: str,
    desired: Mapping[str, Any],
    live: Mapping[str, Any] | None,
    changes: Sequence[Change],
    auth_token: str | None,
) -> None:
    """Raise RefusalError for what AWS cannot do, with the way round it."""
    after = {**(live or {}), **desired}
    if not IDENTIFIER.fullmatch(identity):
        raise RefusalError(
            f"{identity} cannot be the id of a replication group: at most 40 letters, digits and single hyphens, "
            "beginning with a letter and not ending with a hyphen."
        )
    if auth_token is not None:
        if not after.get("transit_encryption"):
            raise RefusalError("auth_token needs TLS: set transit_encryption: true.")
        if not AUTH_TOKEN.fullmatch(auth_token):
            raise RefusalError(
                "auth_token has to have 16 to 128 letters, digits and characters of !&#$^<>-; this one has not."
            )
    if after.get("multi_az") and not after.get("automatic_failover"):
        raise RefusalError("multi_az needs automatic_failover: true.")
    if after.get("automatic_failover") and after.get("replicas", 0) < 1:
        raise RefusalError("automatic_failover needs a replica to fail over to: set replicas to 1 or more.")
    if live is None:
        if not desired.get("node_type"):
            raise RefusalError("A new replication group needs node_type.")
        if desired.get("kms_key_id") and desired.get("at_rest_encryption") is False:
            raise RefusalError("kms_key_id needs at_rest_encryption: true.")
        return
    for change in changes:
        if change.field in ONLY_AT_CREATION:
            raise RefusalError(
                f"{change.field} of {identity} is {change.before} and cannot become {change.after}: ElastiCache sets "
                "it when a replication group is created. Make a new group under another id (from a snapshot, if the "
                "data matters), point the application at it, then delete this one."
            )
    _refuse_engine(identity, desired, live)
    _refuse_encryption(identity, desired, live)


def _refuse_engine(identity: str, desired: Mapping[str, Any], live: Mapping[str, Any]) -> None:
    if desired.get("engine", live["engine"]) != live["engine"]:
        if desired["engine"] == "redis":
            raise RefusalError(
                f"{identity} runs {live['engine']} and ElastiCache cannot turn it into redis: make a new group."
            )
        return
    wanted = desired.get("engine_version")
    if wanted and live["engine_version"] and version_numbers(wanted) < version_numbers(live["engine_version"]):
        runs = ".".join(str(number) for number in version_numbers(live["engine_version"])[:2])
        raise RefusalError(
            f"{identity} runs version {live['engine_version']} and ElastiCache cannot go back to {wanted}: set "
            f"engine_version to {runs}. Who needs {wanted} restores a snapshot that was made before the upgrade into a "
            "new group."
        )


def _refuse_encryption(identity: str, desired: Mapping[str, Any], live: Mapping[str, Any]) -> None:
    if "transit_encryption" not in desired:
        return

    def stage(fields: Mapping[str, Any]) -> str:
        return (fields.get("transit_encryption_mode") or "required") if fields["transit_encryption"] else "off"

    before, after = stage(live), stage({**live, **desired})
    if {before, after} == {"off", "required"}:
        raise RefusalError(
            f"transit encryption of {identity} is {before} and cannot become {after} in one step: set "
            f"transit_encryption_mode: preferred, apply, move every client, then set it to {after}."
        )
