#!/usr/bin/python
"""Ansible module: an ElastiCache replication group of Valkey or Redis OSS."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: elasticache_replication_group
version_added: 0.1.0
short_description: Create, change and delete ElastiCache replication groups
description:
  - A replication group is a primary node with replicas of Valkey or Redis OSS, here with cluster mode disabled.
  - An option that is not set is left as it is.
  - What ElastiCache can set only at creation, or not in one step, is refused with the way round it, also in check
    mode.
  - Nodes need minutes. With O(wait=false) the task ends as soon as the order is accepted; the same task with
    O(wait=true) later awaits it and changes nothing. While a group is being created nothing is compared.
  - A change that AWS takes only in several calls is awaited between them, whatever O(wait) says.
author: Slipway
options:
  replication_group_id:
    description: Its id. A change of id is a new group.
    type: str
    required: true
    aliases: [name]
  description:
    description: What it is for. The id for a new one.
    type: str
  engine:
    description: The engine. V(valkey) for a new one. V(redis) can become V(valkey), but not the other way.
    type: str
    choices: [valkey, redis]
  engine_version:
    description:
      - The version, such as V(8.0), which V(8.0.1) satisfies. It cannot go back.
      - With O(auto_minor_version_upgrade=true) it is the least one of its major version, and V(8.1.0) satisfies V(8.0).
    type: str
  node_type:
    description: The type of every node, such as C(cache.t4g.micro). Required for a new group.
    type: str
  replicas:
    description:
      - Replicas beside the primary, 0 to 5. V(0) for a new group.
      - A change is made at once, whatever O(apply_immediately) says.
    type: int
  automatic_failover:
    description: Whether a replica takes over when the primary fails. Needs a replica.
    type: bool
  multi_az:
    description: Whether the nodes are spread over availability zones. Needs O(automatic_failover=true).
    type: bool
  transit_encryption:
    description: Whether TLS is offered. Can be changed later through O(transit_encryption_mode=preferred).
    type: bool
  transit_encryption_mode:
    description: Whether TLS is required of clients, or preferred while clients are moved to it.
    type: str
    choices: [required, preferred]
  at_rest_encryption:
    description: Whether what lies on disk is encrypted. Only at creation; AWS's default is V(true) for Valkey.
    type: bool
  kms_key_id:
    description: ARN of the KMS key for O(at_rest_encryption). Only at creation.
    type: str
  auth_token:
    description: The password of the default user, 16 to 128 letters, digits and characters of C(!&#$^<>-). Needs TLS.
    type: str
  update_auth_token:
    description:
      - V(on_create) sets O(auth_token) when the group is made, or has none yet. AWS does not tell the token, so a
        different one is not noticed.
      - V(always) sets it in every run, which then always reports a change.
    type: str
    choices: [on_create, always]
    default: on_create
  auth_token_update_strategy:
    description: V(ROTATE) lets the old and the new token in; V(SET), after that, the new one only.
    type: str
    choices: [ROTATE, SET]
    default: ROTATE
  subnet_group:
    description: Name of the cache subnet group. Only at creation.
    type: str
  parameter_group:
    description: Name of the cache parameter group.
    type: str
  security_group_ids:
    description: Ids of the security groups; the list is complete.
    type: list
    elements: str
  port:
    description: The port. Only at creation.
    type: int
  snapshot_retention_limit:
    description: Days for which automatic snapshots are kept; V(0) makes none.
    type: int
  snapshot_window:
    description: When they are made, in UTC, such as V(03:00-04:00).
    type: str
  maintenance_window:
    description: When AWS may work on the nodes, in UTC, such as V(sun:04:00-sun:05:00).
    type: str
  auto_minor_version_upgrade:
    description: Whether minor versions are installed in O(maintenance_window).
    type: bool
  apply_immediately:
    description:
      - Whether changes are made now or in O(maintenance_window).
      - With V(false), what waits for the window counts as done.
    type: bool
    default: false
  final_snapshot_identifier:
    description: With O(state=absent), name of a snapshot that is made before the group is deleted.
    type: str
  wait:
    description: Whether to wait until it is available, or gone.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait at most.
    type: int
    default: 3600
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
attributes:
  diff_mode:
    description: Shows the fields that differ and nothing else; the token is not one of them.
"""

EXAMPLES = r"""
- name: Start the cache
  slipway.aws.elasticache_replication_group:
    replication_group_id: slipway-staging
    engine: valkey
    engine_version: "8.0"
    node_type: cache.t4g.small
    replicas: 1
    automatic_failover: true
    multi_az: true
    transit_encryption: true
    transit_encryption_mode: required
    at_rest_encryption: true
    auth_token: "{{ token }}"
    subnet_group: slipway-staging
    security_group_ids: ["{{ security_group_id }}"]

- name: Await the cache
  slipway.aws.elasticache_replication_group:
    replication_group_id: slipway-staging
    wait: true
  register: cache

- name: Remove the cache, keep its data
  slipway.aws.elasticache_replication_group:
    replication_group_id: slipway-staging
    state: absent
    final_snapshot_identifier: slipway-staging-final
    wait: true
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: replicas, from: 0, to: 1}]
replication_group:
  description: The group in the terms of the options; empty when it is absent.
  returned: always
  type: dict
  contains:
    replication_group_id:
      description: Its id.
      type: str
    arn:
      description: Its ARN; null in check mode as long as it does not exist.
      type: str
    status:
      description: AWS's word, such as V(creating), V(available), V(modifying), V(deleting).
      type: str
    primary_endpoint:
      description: Where to write, C({address, port}); null until AWS has given one.
      type: dict
    reader_endpoint:
      description: Where to read, C({address, port}); null until AWS has given one.
      type: dict
    member_clusters:
      description: Ids of the nodes.
      type: list
      elements: str
    auth_token_enabled:
      description: Whether a token is needed.
      type: bool
    tags:
      description: The tags, when O(tags) is set.
      type: dict
"""

from collections.abc import Sequence
from typing import override

from ansible_collections.slipway.aws.plugins.module_utils.aws import (
    STATE_ARGUMENTS,
    TAG_ARGUMENTS,
    aws_module,
    run,
)
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    Live,
    RefusalError,
    Resource,
    desired_tags,
    tag_delta,
    wait_until,
)
from ansible_collections.slipway.aws.plugins.module_utils.elasticache_api import ElastiCacheApi
from ansible_collections.slipway.aws.plugins.module_utils.elasticache_config import (
    create_request,
    desired_fields,
    live_fields,
    modify_steps,
    refuse,
)

TEXT: Fields = {"type": "str"}
NUMBER: Fields = {"type": "int"}
SWITCH: Fields = {"type": "bool"}

UPDATE_ALWAYS = "always"

ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
    "replication_group_id": {"type": "str", "required": True, "aliases": ["name"]},
    "description": TEXT,
    "engine": {"type": "str", "choices": ["valkey", "redis"]},
    "engine_version": TEXT,
    "node_type": TEXT,
    "replicas": NUMBER,
    "automatic_failover": SWITCH,
    "multi_az": SWITCH,
    "transit_encryption": SWITCH,
    "transit_encryption_mode": {"type": "str", "choices": ["required", "preferred"]},
    "at_rest_encryption": SWITCH,
    "kms_key_id": {"type": "str", "no_log": False},
    "auth_token": {"type": "str", "no_log": True},
    "update_auth_token": {
        "type": "str",
        "choices": ["on_create", UPDATE_ALWAYS],
        "default": "on_create",
        "no_log": False,
    },
    "auth_token_update_strategy": {
        "type": "str",
        "choices": ["ROTATE", "SET"],
        "default": "ROTATE",
        "no_log": False,
    },
    "subnet_group": TEXT,
    "parameter_group": TEXT,
    "security_group_ids": {"type": "list", "elements": "str"},
    "port": NUMBER,
    "snapshot_retention_limit": NUMBER,
    "snapshot_window": TEXT,
    "maintenance_window": TEXT,
    "auto_minor_version_upgrade": SWITCH,
    "apply_immediately": {"type": "bool", "default": False},
    "final_snapshot_identifier": TEXT,
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 3600},
}


class ReplicationGroup(Resource):
    kind = "replication group"
    result_key = "replication_group"

    def __init__(self, api: ElastiCacheApi, params: Fields, *, check_mode: bool) -> None:
        self.api = api
        self.params = params
        self.check_mode = check_mode

    @property
    @override
    def name(self) -> str:
        return str(self.params["replication_group_id"])

    @override
    def find(self) -> Live | None:
        live = self._read()
        # AWS takes no order while it creates; a caller that waits anyway gets the comparison afterwards.
        if live and live.raw["status"] == "creating" and self.params["wait"] and not self.check_mode:
            return self._available()
        return live

    def _read(self) -> Live | None:
        group = self.api.replication_group(self.name)
        return self._live(group) if group else None

    def _live(self, group: Fields) -> Live:
        members = group.get("MemberClusters") or []
        member = self.api.cache_cluster(members[0]) if members else None
        fields = live_fields(group, member, pending=not self.params["apply_immediately"])
        endpoints: Fields = next(iter(group.get("NodeGroups") or []), {})
        raw = {
            "arn": group.get("ARN"),
            "status": group["Status"],
            "member_clusters": members,
            "primary_endpoint": endpoint(endpoints.get("PrimaryEndpoint")),
            "reader_endpoint": endpoint(endpoints.get("ReaderEndpoint")),
        }
        if self.params["tags"] is not None and group["Status"] not in ("creating", "deleting"):
            fields["tags"] = self.api.tags(group["ARN"])
        return Live(fields, raw)

    @override
    def desired(self, live: Live | None) -> Fields:
        if live and live.raw["status"] in ("creating", "deleting"):
            return {}
        fields = desired_fields(self.params, live.fields if live else None)
        have = live.fields.get("tags", {}) if live else {}
        tags = desired_tags(have, self.params["tags"], purge=self.params["purge_tags"])
        if live and self._rotates():
            fields["auth_token_updated"] = True
        return {**fields, **({"tags": tags} if tags else {})}

    def _rotates(self) -> bool:
        when = self.params["update_auth_token"]
        return self.params["auth_token"] is not None and when == UPDATE_ALWAYS

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        if live and live.raw["status"] == "deleting":
            raise RefusalError(f"{self.name} is being deleted: run again when it is gone.")
        if live and live.raw["status"] == "create-failed" and changes:
            raise RefusalError(f"ElastiCache could not create {self.name}: read its events, delete it, run again.")
        if live and live.raw["status"] == "creating":
            return
        refuse(self.name, desired, live.fields if live else None, changes, self.params["auth_token"])
        if live is None:
            self.api.check("create_replication_group", **create_request(self.name, desired, self.params["auth_token"]))

    @override
    def create(self, desired: Fields) -> Live:
        request = create_request(self.name, desired, self.params["auth_token"])
        return self._live(self.api.create_replication_group(request, desired.get("tags", {})))

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        to_set, to_remove = tag_delta(live.fields.get("tags", {}), desired.get("tags", {}))
        if to_set or to_remove:
            self.api.change_tags(live.raw["arn"], to_set, to_remove)
        steps = modify_steps(
            changes,
            desired,
            auth_token=self.params["auth_token"],
            auth_token_update_strategy=self.params["auth_token_update_strategy"],
            rotate=self._rotates(),
            apply_immediately=self.params["apply_immediately"],
        )
        now = live
        for step in steps:
            now = self._available()
            if step.replicas is not None:
                self.api.change_replica_count(self.name, now.fields["replicas"], step.replicas)
            else:
                self.api.modify_replication_group(self.name, step.request_with(now.raw["member_clusters"]))
        return self._read() or now

    def _available(self) -> Live:
        def probe() -> tuple[bool, str]:
            group = self.api.replication_group(self.name)
            status = group["Status"] if group else "gone"
            if status in ("create-failed", "deleting", "gone"):
                raise RefusalError(f"{self.name} is {status} and will not become available: read its events.")
            return status == "available", status

        wait_until(f"Making {self.name} available", probe, timeout=self.params["wait_timeout"])
        live = self._read()
        if live is None:
            raise RefusalError(f"{self.name} was deleted while it was awaited.")
        return live

    @override
    def await_present(self, live: Live) -> Live:
        return self._available()

    @override
    def delete(self, live: Live) -> Live | None:
        if live.raw["status"] not in ("available", "create-failed"):
            # AWS refuses to delete a group that is at work.
            self._available()
        group = self.api.delete_replication_group(self.name, self.params["final_snapshot_identifier"])
        return self._read() if group else None

    @override
    def await_absent(self, live: Live) -> None:
        def probe() -> tuple[bool, str]:
            group = self.api.replication_group(self.name)
            return group is None, group["Status"] if group else "gone"

        wait_until(f"Deleting {self.name}", probe, timeout=self.params["wait_timeout"])

    @override
    def result(self, live: Live) -> Fields:
        fields = {name: value for name, value in live.fields.items() if name != "auth_token_updated"}
        return {"replication_group_id": self.name, **live.raw, **fields}

    @override
    def predicted(self, desired: Fields) -> Fields:
        unknown = dict.fromkeys(("arn", "status", "primary_endpoint", "reader_endpoint"))
        return {"replication_group_id": self.name, **unknown, "member_clusters": [], **desired}


def endpoint(value: Fields | None) -> Fields | None:
    """Endpoint of AWS as ``{address, port}``."""
    return {"address": value["Address"], "port": value["Port"]} if value else None


def main() -> None:
    module = aws_module(ARGUMENTS)
    api = ElastiCacheApi(module.client("elasticache"))
    run(module, ReplicationGroup(api, module.params, check_mode=module.check_mode))


if __name__ == "__main__":
    main()
