"""ElastiCache: a node of a replication group is a Valkey server under its endpoints' names, with TLS, the
password and the parameter group that the account asked for.

A dead node is started again, empty, as ElastiCache does; a replica is not promoted (no failover), and cluster
mode has no body.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from rehearsal.dataplane import managed
from rehearsal.dataplane.context import BodyKind, Context
from rehearsal.dataplane.work import Workers
from rehearsal.emulator import backchannel
from rehearsal.engine import Container, EngineError

log = logging.getLogger(__name__)

KIND: BodyKind = "cache"

START = f"""set -eu
install -d -o valkey -g valkey -m 0700 /run/valkey
for file in valkey.conf server.crt server.key authority.crt; do
  install -o valkey -g valkey -m 0600 {managed.CONFIGURATION}/$file /run/valkey/$file
done
exec setpriv --reuid=valkey --regid=valkey --init-groups valkey-server /run/valkey/valkey.conf
"""

#: What ElastiCache's parameter groups name and a server of one's own is not told.
NOT_OF_THE_SERVER = frozenset({"cluster-enabled", "reserved-memory-percent", "reserved-memory"})


def valkey_conf(
    parameters: Sequence[Mapping[str, str]],
    *,
    port: int,
    tls: bool,
    password: str | None,
    primary: str | None,
) -> str:
    """The server's configuration file. `primary` is the primary node's endpoint, None for the primary itself."""
    lines = ["bind * -::*", "protected-mode no", 'save ""', "appendonly no", "dir /run/valkey"]
    if tls:
        lines += [
            "port 0",
            f"tls-port {port}",
            "tls-cert-file /run/valkey/server.crt",
            "tls-key-file /run/valkey/server.key",
            "tls-ca-cert-file /run/valkey/authority.crt",
            "tls-auth-clients no",
            "tls-replication yes",
        ]
    else:
        lines += [f"port {port}"]
    if password is not None:
        lines += [f"requirepass {_quoted(password)}", f"masterauth {_quoted(password)}"]
    if primary is not None:
        lines += [f"replicaof {primary} {port}"]
    lines += [
        f"{parameter['ParameterName']} {_quoted(parameter['ParameterValue'])}"
        for parameter in parameters
        if parameter.get("ParameterValue") and parameter["ParameterName"] not in NOT_OF_THE_SERVER
    ]
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Caches:
    """Gives every node of a replication group its server."""

    def __init__(self, context: Context, workers: Workers) -> None:
        self._context = context
        self._workers = workers

    def reconcile(self) -> None:
        """Bring servers and account together."""
        client = self._context.client("elasticache")
        containers = self._context.containers_of(KIND)
        wanted: set[str] = set()
        for page in client.get_paginator("describe_replication_groups").paginate():
            for group in page["ReplicationGroups"]:
                if group["Status"] == "deleting":
                    if not any(f"cache-{member}" in containers for member in group["MemberClusters"]):
                        backchannel.forget_replication_group(group["ReplicationGroupId"])
                elif not group.get("ClusterEnabled"):
                    wanted |= self._reconcile_group(client, group, containers)
        for name in containers.keys() - wanted:
            self._workers.start(name, managed.remove, self._context, name)

    def _reconcile_group(self, client: Any, group: Mapping[str, Any], containers: Mapping[str, Container]) -> set[str]:
        group_id = group["ReplicationGroupId"]
        node_group = backchannel.replication_group_nodes(group_id)
        primary = node_group["PrimaryEndpoint"]
        names: set[str] = set()
        ready = True
        for member in node_group["NodeGroupMembers"]:
            cluster = client.describe_cache_clusters(CacheClusterId=member["CacheClusterId"])["CacheClusters"][0]
            service = _service(client, node_group, member, cluster)
            names.add(service.name)
            container = containers.get(service.name)
            managed.publish(self._context, service, container)
            changed = self._configure(client, group, node_group, cluster, service)
            running = container is not None and container.running
            ready = ready and running and not self._workers.busy(service.name)
            if not running:
                self._workers.start(
                    service.name,
                    managed.start,
                    self._context,
                    service,
                    container,
                    ["sh", "-c", START],
                )
            elif changed:
                # Most of these are read at the start alone; a cache may lose its content.
                self._workers.start(service.name, self._context.engine.run, "restart", "--time=5", service.name)
                ready = False
        if ready and group["Status"] != "available" and self._answers(sorted(names), int(primary["Port"])):
            backchannel.set_replication_group_status(group_id, "available")
            log.info("replication group %s is available", group_id)
        return names

    def _configure(
        self,
        client: Any,
        group: Mapping[str, Any],
        node_group: Mapping[str, Any],
        cluster: Mapping[str, Any],
        service: managed.ManagedService,
    ) -> bool:
        parameters: list[Mapping[str, str]] = []
        name = cluster.get("CacheParameterGroup", {}).get("CacheParameterGroupName", "default.")
        if not name.startswith("default."):
            paginator = client.get_paginator("describe_cache_parameters")
            for page in paginator.paginate(CacheParameterGroupName=name, Source="user"):
                parameters += page["Parameters"]
        primary = node_group["PrimaryEndpoint"]
        issued = self._context.authority.issue(service.endpoints, name=service.name)
        place = managed.directory(self._context, service.name)
        files = {
            "valkey.conf": valkey_conf(
                parameters,
                port=int(primary["Port"]),
                tls=bool(group.get("TransitEncryptionEnabled")),
                password=backchannel.replication_group_auth_token(group["ReplicationGroupId"]),
                primary=None if primary["Address"] in service.endpoints else primary["Address"],
            ),
            "server.crt": issued.cert_path.read_text(),
            "server.key": issued.key_path.read_text(),
            "authority.crt": self._context.authority.cert_path.read_text(),
        }
        changed = [managed.write_secret(place / name, text) for name, text in files.items()]
        return any(changed)

    def _answers(self, names: Sequence[str], port: int) -> bool:
        """Whether every node listens (a TLS handshake or a password is not needed to know that)."""
        try:
            for name in names:
                self._context.engine.run("exec", name, "bash", "-c", f": </dev/tcp/127.0.0.1/{port}", timeout=10)
        except EngineError:
            return False
        return True


def _service(
    client: Any, node_group: Mapping[str, Any], member: Mapping[str, Any], cluster: Mapping[str, Any]
) -> managed.ManagedService:
    subnets = client.describe_cache_subnet_groups(CacheSubnetGroupName=cluster["CacheSubnetGroupName"])
    subnet_group = subnets["CacheSubnetGroups"][0]
    zone = member.get("PreferredAvailabilityZone")
    ordered = sorted(subnet_group["Subnets"], key=lambda subnet: subnet["SubnetAvailabilityZone"]["Name"])
    in_zone = [s for s in ordered if s["SubnetAvailabilityZone"]["Name"] == zone]
    endpoints = [member["ReadEndpoint"]["Address"]]
    if member["CurrentRole"] == "primary":
        endpoints.append(node_group["PrimaryEndpoint"]["Address"])
    if "ReaderEndpoint" in node_group and (
        member["CurrentRole"] == "replica" or len(node_group["NodeGroupMembers"]) == 1
    ):
        endpoints.append(node_group["ReaderEndpoint"]["Address"])
    return managed.ManagedService(
        name=f"cache-{member['CacheClusterId']}",
        kind="cache",
        endpoints=tuple(endpoints),
        vpc_id=subnet_group["VpcId"],
        subnet_id=(in_zone or ordered)[0]["SubnetIdentifier"],
        security_group_ids=tuple(g["SecurityGroupId"] for g in cluster.get("SecurityGroups", [])),
    )
