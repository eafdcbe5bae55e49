"""ElastiCache: replication groups, their members, parameter groups and subnet groups, as far as Valkey needs them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult, PaginatedResult
from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.elasticache.exceptions import (
    CacheClusterNotFound,
    CacheSubnetGroupNotFound,
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    ReplicationGroupAlreadyExists,
    ReplicationGroupNotFound,
)
from moto.elasticache.models import CacheSubnetGroup, ElastiCacheBackend
from moto.elasticache.responses import ElastiCacheResponse
from moto.utilities.utils import get_partition

from rehearsal.emulator import account

from .kms import is_usable
from .registry import correct

#: The versions of each engine, the first being what the major number alone means.
#: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/engine-versions.html
ENGINE_VERSIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "valkey": {"9": ("9.0",), "8": ("8.2", "8.1", "8.0"), "7": ("7.2",)},
    "redis": {"7": ("7.1", "7.0"), "6": ("6.2",)},
}
#: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.Engine.html
FAMILIES = {"valkey9", "valkey8", "valkey7", "redis7", "redis6.x", "redis5.0", "memcached1.6"}

_TO_16 = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")
_TO_24 = ("large", "xlarge", "2xlarge", "4xlarge", "12xlarge", "24xlarge")
#: Node types by family: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheNodes.SupportedTypes.html
NODE_TYPES = {
    **dict.fromkeys(("t2", "t3", "t4g"), ("micro", "small", "medium")),
    **dict.fromkeys(("m5", "r5"), _TO_24),
    **dict.fromkeys(("m6g", "m7g", "m8g", "r6g", "r7g", "r8g", "c7gn", "c8gn"), _TO_16),
    "r6gd": _TO_16[1:],
}

#: Our regions' short names in endpoints: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Endpoints.html
_SHORT_REGIONS = {
    "us-east-1": "use1",
    "us-east-2": "use2",
    "us-west-1": "usw1",
    "us-west-2": "usw2",
    "eu-west-1": "euw1",
    "eu-west-2": "euw2",
    "eu-west-3": "euw3",
    "eu-central-1": "euc1",
    "eu-north-1": "eun1",
}


class CacheParameterGroupNotFoundError(ServiceException):
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/CommonErrors.html"""

    code = "CacheParameterGroupNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"CacheParameterGroup {name} not found.")


class InvalidKmsKeyError(ServiceException):
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html"""

    code = "InvalidKMSKeyFault"


class InvalidStateError(ServiceException):
    """Something is not in a state, or in use, so that the call cannot be answered."""


def full_version(engine: str, version: str | None) -> str:
    """A major number stands for its default minor version, as for AWS.

    Raises InvalidParameterValueException when the major version is not offered.
    """
    offered = ENGINE_VERSIONS.get(engine)
    if offered is None:
        raise InvalidParameterValueException(f"Invalid engine: {engine}")
    if not version:
        return next(iter(offered.values()))[0]
    major, _, minor = version.partition(".")
    if major not in offered or (minor and not minor.replace(".", "").isdigit() and minor != "x"):
        raise InvalidParameterCombinationException(f"Cannot find version {version} for engine {engine}")
    if not minor or minor == "x":
        return offered[major][0]
    return version


# -- parameter groups ----------------------------------------------------------------------------------------

#: name -> (default, type, allowed values, takes effect). An excerpt of what ElastiCache lists.
#: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.Engine.html
PARAMETERS: dict[str, tuple[str, str, str, str]] = {
    "activedefrag": ("no", "string", "yes,no", "immediate"),
    "activerehashing": ("yes", "string", "yes,no", "immediate"),
    "appendonly": ("no", "string", "yes,no", "immediate"),
    "client-output-buffer-limit-normal-hard-limit": ("0", "integer", "0-", "immediate"),
    "close-on-replica-write": ("yes", "string", "yes,no", "immediate"),
    "cluster-enabled": ("no", "string", "yes,no", "requires-reboot"),
    "databases": ("16", "integer", "1-1200000", "requires-reboot"),
    "lazyfree-lazy-eviction": ("yes", "string", "yes,no", "immediate"),
    "lfu-decay-time": ("1", "integer", "0-", "immediate"),
    "lfu-log-factor": ("10", "integer", "1-", "immediate"),
    "maxmemory-policy": (
        "volatile-lru",
        "string",
        "volatile-lru,allkeys-lru,volatile-lfu,allkeys-lfu,volatile-random,allkeys-random,volatile-ttl,noeviction",
        "immediate",
    ),
    "maxmemory-samples": ("3", "integer", "1-", "immediate"),
    "notify-keyspace-events": ("", "string", "", "immediate"),
    "reserved-memory-percent": ("25", "integer", "0-100", "immediate"),
    "slowlog-log-slower-than": ("10000", "integer", "0-", "immediate"),
    "slowlog-max-len": ("128", "integer", "0-", "immediate"),
    "tcp-keepalive": ("300", "integer", "0-", "immediate"),
    "timeout": ("0", "integer", "0,20-", "immediate"),
}


@dataclass
class CacheParameterGroup:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CacheParameterGroup.html"""

    cache_parameter_group_name: str
    cache_parameter_group_family: str
    description: str
    arn: str
    is_global: bool = False
    values: dict[str, str] = field(default_factory=dict)

    def parameters(self, source: str | None = None) -> list[dict[str, Any]]:
        """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_Parameter.html"""
        listed = []
        for name, (default, sort, allowed, change) in PARAMETERS.items():
            own = self.values.get(name)
            listed.append(
                {
                    "ParameterName": name,
                    "ParameterValue": default if own is None else own,
                    "Source": "system" if own is None else "user",
                    "DataType": sort,
                    "AllowedValues": allowed or None,
                    "IsModifiable": name != "cluster-enabled",
                    "ChangeType": change,
                    "MinimumEngineVersion": "7.2",
                }
            )
        return [parameter for parameter in listed if not source or parameter["Source"] == source]


def parameter_groups(backend: ElastiCacheBackend) -> dict[str, CacheParameterGroup]:
    """The account's own parameter groups, by name."""
    groups: dict[str, CacheParameterGroup] = backend.__dict__.setdefault("slipway_parameter_groups", {})
    return groups


def _arn(backend: ElastiCacheBackend, sort: str, name: str) -> str:
    return (
        f"arn:{get_partition(backend.region_name)}:elasticache:{backend.region_name}:{backend.account_id}:{sort}:{name}"
    )


def find_parameter_group(backend: ElastiCacheBackend, name: str) -> CacheParameterGroup:
    """The group with this name; AWS's default ones are always there.

    Raises CacheParameterGroupNotFoundError.
    """
    family = name.removeprefix("default.").removesuffix(".cluster.on")
    if name.startswith("default.") and family in FAMILIES:
        return CacheParameterGroup(
            name, family, f"Default parameter group for {family}", _arn(backend, "parametergroup", name)
        )
    if name not in parameter_groups(backend):
        raise CacheParameterGroupNotFoundError(name)
    return parameter_groups(backend)[name]


@correct(ElastiCacheResponse, "create_cache_parameter_group")
def create_cache_parameter_group(self: ElastiCacheResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateCacheParameterGroup.html"""
    backend = self.elasticache_backend
    name, family = self._get_param("CacheParameterGroupName").lower(), self._get_param("CacheParameterGroupFamily")
    if family not in FAMILIES:
        raise InvalidParameterValueException(
            f"CacheParameterGroupFamily {family} is not a valid parameter group family."
        )
    if name in parameter_groups(backend):
        raise InvalidStateError(
            "CacheParameterGroupAlreadyExists", f"A parameter group with the name {name} already exists."
        )
    group = CacheParameterGroup(name, family, self._get_param("Description"), _arn(backend, "parametergroup", name))
    parameter_groups(backend)[name] = group
    backend.tagging_service.tag_resource(group.arn, self._get_param("Tags", []))
    return ActionResult({"CacheParameterGroup": group})


@correct(ElastiCacheResponse, "describe_cache_parameter_groups")
def describe_cache_parameter_groups(self: ElastiCacheResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeCacheParameterGroups.html"""
    backend, name = self.elasticache_backend, self._get_param("CacheParameterGroupName")
    if name:
        found = [find_parameter_group(backend, name)]
    else:
        defaults = [find_parameter_group(backend, f"default.{family}") for family in sorted(FAMILIES)]
        found = [*defaults, *parameter_groups(backend).values()]
    return PaginatedResult({"CacheParameterGroups": found})


@correct(ElastiCacheResponse, "describe_cache_parameters")
def describe_cache_parameters(self: ElastiCacheResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeCacheParameters.html"""
    group = find_parameter_group(self.elasticache_backend, self._get_param("CacheParameterGroupName"))
    return PaginatedResult({"Parameters": group.parameters(self._get_param("Source"))})


@correct(ElastiCacheResponse, "describe_engine_default_parameters")
def describe_engine_default_parameters(self: ElastiCacheResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeEngineDefaultParameters.html"""
    family = self._get_param("CacheParameterGroupFamily")
    if family not in FAMILIES:
        raise InvalidParameterValueException(
            f"CacheParameterGroupFamily {family} is not a valid parameter group family."
        )
    parameters = find_parameter_group(self.elasticache_backend, f"default.{family}").parameters()
    return ActionResult({"EngineDefaults": {"CacheParameterGroupFamily": family, "Parameters": parameters}})


@correct(ElastiCacheResponse, "modify_cache_parameter_group")
def modify_cache_parameter_group(self: ElastiCacheResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyCacheParameterGroup.html"""
    group = _own_group(self)
    given = self._get_param("ParameterNameValues", [])
    for parameter in given:
        name, value = parameter["ParameterName"], str(parameter.get("ParameterValue", ""))
        if name not in PARAMETERS:
            raise InvalidParameterValueException(
                f"Unknown parameter: {name} (the rehearsal knows an excerpt of ElastiCache's parameters)"
            )
        if name == "cluster-enabled":
            raise InvalidParameterValueException("The parameter cluster-enabled cannot be modified.")
        _, sort, allowed, _ = PARAMETERS[name]
        fits = value.lstrip("-").isdigit() if sort == "integer" else not allowed or value in allowed.split(",")
        if not fits:
            raise InvalidParameterValueException(f"Invalid value {value} for parameter {name}. Allowed: {allowed}")
    group.values.update({p["ParameterName"]: str(p["ParameterValue"]) for p in given})
    return ActionResult({"CacheParameterGroupName": group.cache_parameter_group_name})


@correct(ElastiCacheResponse, "reset_cache_parameter_group")
def reset_cache_parameter_group(self: ElastiCacheResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ResetCacheParameterGroup.html"""
    group = _own_group(self)
    if self._get_bool_param("ResetAllParameters", False):
        group.values.clear()
    for parameter in self._get_param("ParameterNameValues", []):
        group.values.pop(parameter["ParameterName"], None)
    return ActionResult({"CacheParameterGroupName": group.cache_parameter_group_name})


def _own_group(self: ElastiCacheResponse) -> CacheParameterGroup:
    name = self._get_param("CacheParameterGroupName")
    if name.startswith("default."):
        raise InvalidParameterValueException("Default parameter groups cannot be modified.")
    return find_parameter_group(self.elasticache_backend, name)


@correct(ElastiCacheResponse, "delete_cache_parameter_group")
def delete_cache_parameter_group(self: ElastiCacheResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DeleteCacheParameterGroup.html"""
    backend, group = self.elasticache_backend, _own_group(self)
    name = group.cache_parameter_group_name
    users = [g.replication_group_id for g in _groups(backend).values() if g.cache_parameter_group_name == name]
    if users:
        raise InvalidStateError(
            "InvalidCacheParameterGroupState",
            f"One or more cache clusters are still members of this parameter group {name}.",
        )
    del parameter_groups(backend)[name]
    return EmptyResult()


# -- subnet groups -------------------------------------------------------------------------------------------


@correct(CacheSubnetGroup, "__init__")
def new_subnet_group(
    self: CacheSubnetGroup,
    account_id: str,
    region_name: str,
    cache_subnet_group_name: str,
    cache_subnet_group_description: str,
    subnet_ids: list[str],
    tags: list[dict[str, str]] | None,
) -> None:
    """Only subnets that exist, of one VPC.

    https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateCacheSubnetGroup.html
    """
    self.cache_subnet_group_name = cache_subnet_group_name.lower()
    self.cache_subnet_group_description = cache_subnet_group_description
    self.tags = tags or []
    self.arn = f"arn:aws:elasticache:{region_name}:{account_id}:subnetgroup:{self.cache_subnet_group_name}"
    _set_subnets(self, ec2_backends[account_id][region_name], subnet_ids)


def _set_subnets(group: CacheSubnetGroup, ec2: Any, subnet_ids: list[str]) -> None:
    known = {subnet.id: subnet for subnet in ec2.describe_subnets()}
    missing = [subnet_id for subnet_id in subnet_ids if subnet_id not in known]
    if missing or not subnet_ids:
        raise InvalidStateError("InvalidSubnet", f"Some input subnets in :[{', '.join(subnet_ids)}] are invalid.")
    subnets = [known[subnet_id] for subnet_id in subnet_ids]
    if len({subnet.vpc_id for subnet in subnets}) > 1:
        raise InvalidStateError("InvalidSubnet", "All subnets must be of the same VPC.")
    group.subnet_ids = list(subnet_ids)
    group.vpc_id = subnets[0].vpc_id
    group.supported_network_types = ["ipv4"]
    group.subnets = [
        {
            "subnet_identifier": subnet.id,
            "subnet_availability_zone": {"Name": subnet.availability_zone},
            "supported_network_types": ["ipv4"],
        }
        for subnet in subnets
    ]


@correct(ElastiCacheResponse, "modify_cache_subnet_group")
def modify_cache_subnet_group(self: ElastiCacheResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyCacheSubnetGroup.html"""
    backend = self.elasticache_backend
    group = backend.describe_cache_subnet_groups(self._get_param("CacheSubnetGroupName"))[0]
    if (description := self._get_param("CacheSubnetGroupDescription")) is not None:
        group.cache_subnet_group_description = description
    if subnet_ids := self._get_param("SubnetIds", []):
        _set_subnets(group, ec2_backends[backend.account_id][backend.region_name], subnet_ids)
    return ActionResult({"CacheSubnetGroup": group})


@correct(ElastiCacheResponse, "delete_cache_subnet_group")
def delete_cache_subnet_group(self: ElastiCacheResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DeleteCacheSubnetGroup.html"""
    backend, name = self.elasticache_backend, self._get_param("CacheSubnetGroupName")
    backend.describe_cache_subnet_groups(name)
    if any(group.cache_subnet_group_name == name for group in _groups(backend).values()):
        raise InvalidStateError(
            "CacheSubnetGroupInUse", f"Cache subnet group {name} is currently in use by a cache cluster."
        )
    del backend.cache_subnet_groups[name]
    return EmptyResult()


# -- replication groups --------------------------------------------------------------------------------------


@dataclass
class Member:
    """One node of a replication group, which is also a cache cluster with one node."""

    cache_cluster_id: str
    availability_zone: str
    address: str


@dataclass
class Group:
    """A replication group with cluster mode disabled: one primary and its replicas.

    https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ReplicationGroup.html
    """

    replication_group_id: str
    description: str
    arn: str
    region: str
    engine: str
    engine_version: str
    cache_node_type: str
    port: int
    members: list[Member]
    automatic_failover: bool
    multi_az: bool
    cache_parameter_group_name: str
    cache_subnet_group_name: str
    security_group_ids: list[str]
    transit_encryption_enabled: bool
    transit_encryption_mode: str | None
    at_rest_encryption_enabled: bool
    kms_key_id: str | None
    #: Newest first; while two are listed both are accepted (a rotation).
    auth_tokens: list[str]
    snapshot_retention_limit: int
    snapshot_window: str
    preferred_maintenance_window: str
    auto_minor_version_upgrade: bool
    notification_topic_arn: str | None = None
    network_type: str = "ipv4"
    ip_discovery: str = "ipv4"
    data_tiering: bool = False
    status: str = "creating"
    created: Any = field(default_factory=utcnow)
    auth_token_changed: Any = None
    log_delivery: list[dict[str, Any]] = field(default_factory=list)
    #: What waits for the next maintenance window, which never comes here: another call may apply it at once.
    pending: dict[str, str] = field(default_factory=dict)

    @property
    def domain(self) -> str:
        """The part that all of the group's names end with."""
        unique = hashlib.sha256(self.arn.encode()).hexdigest()[:6]
        short = _SHORT_REGIONS.get(self.region, self.region.replace("-", ""))
        return f"{self.replication_group_id}.{unique}.{short}.cache.amazonaws.com"

    @property
    def primary_address(self) -> str:
        """https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Endpoints.html"""
        return f"master.{self.domain}" if self.transit_encryption_enabled else self._plain("ng.0001")

    @property
    def reader_address(self) -> str:
        """The name behind which the replicas stand."""
        return f"replica.{self.domain}" if self.transit_encryption_enabled else self._plain("ro")

    def _plain(self, part: str) -> str:
        head, _, rest = self.domain.partition(".")
        unique, _, tail = rest.partition(".")
        return f"{head}-{part}.{unique}.{tail}" if part == "ro" else f"{head}.{unique}.{part}.{tail}"

    def node_group(self) -> dict[str, Any]:
        """The nodes and their endpoints, which the API shows from the day that the group is there."""
        members = [
            {
                "CacheClusterId": member.cache_cluster_id,
                "CacheNodeId": "0001",
                "ReadEndpoint": {"Address": member.address, "Port": self.port},
                "PreferredAvailabilityZone": member.availability_zone,
                "CurrentRole": "primary" if position == 0 else "replica",
            }
            for position, member in enumerate(self.members)
        ]
        return {
            "NodeGroupId": "0001",
            "Status": self.status,
            "PrimaryEndpoint": {"Address": self.primary_address, "Port": self.port},
            "ReaderEndpoint": {"Address": self.reader_address, "Port": self.port},
            "NodeGroupMembers": members,
        }

    def described(self) -> dict[str, Any]:
        """The API's own form."""
        return {
            "ReplicationGroupId": self.replication_group_id,
            "Description": self.description,
            "Status": self.status,
            "PendingModifiedValues": {},
            "MemberClusters": [member.cache_cluster_id for member in self.members],
            "NodeGroups": [] if self.status == "creating" else [self.node_group()],
            "SnapshottingClusterId": self.members[-1].cache_cluster_id if self.snapshot_retention_limit else None,
            "AutomaticFailover": "enabled" if self.automatic_failover else "disabled",
            "MultiAZ": "enabled" if self.multi_az else "disabled",
            "SnapshotRetentionLimit": self.snapshot_retention_limit,
            "SnapshotWindow": self.snapshot_window,
            "ClusterEnabled": False,
            "CacheNodeType": self.cache_node_type,
            "AuthTokenEnabled": bool(self.auth_tokens),
            "AuthTokenLastModifiedDate": self.auth_token_changed,
            "TransitEncryptionEnabled": self.transit_encryption_enabled,
            "TransitEncryptionMode": self.transit_encryption_mode,
            "AtRestEncryptionEnabled": self.at_rest_encryption_enabled,
            "KmsKeyId": self.kms_key_id,
            "ARN": self.arn,
            "LogDeliveryConfigurations": self.log_delivery,
            "ReplicationGroupCreateTime": self.created,
            "DataTiering": "enabled" if self.data_tiering else "disabled",
            "AutoMinorVersionUpgrade": self.auto_minor_version_upgrade,
            "NetworkType": self.network_type,
            "IpDiscovery": self.ip_discovery,
            "ClusterMode": "disabled",
            "Engine": self.engine,
        }

    def clusters(self, with_nodes: bool = False) -> list[dict[str, Any]]:
        """The members as cache clusters.

        https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CacheCluster.html
        """
        return [self._cluster(member, with_nodes) for member in self.members]

    def _cluster(self, member: Member, with_nodes: bool) -> dict[str, Any]:
        cluster: dict[str, Any] = {
            "CacheClusterId": member.cache_cluster_id,
            "ReplicationGroupId": self.replication_group_id,
            "CacheNodeType": self.cache_node_type,
            "Engine": self.engine,
            "EngineVersion": f"{self.engine_version}.0" if self.engine_version.count(".") == 1 else self.engine_version,
            "CacheClusterStatus": self.status,
            "NumCacheNodes": 1,
            "PreferredAvailabilityZone": member.availability_zone,
            "CacheClusterCreateTime": self.created,
            "PreferredMaintenanceWindow": self.preferred_maintenance_window,
            "PendingModifiedValues": self.pending,
            "CacheSecurityGroups": [],
            "CacheParameterGroup": {
                "CacheParameterGroupName": self.cache_parameter_group_name,
                "ParameterApplyStatus": "in-sync",
                "CacheNodeIdsToReboot": [],
            },
            "CacheSubnetGroupName": self.cache_subnet_group_name,
            "AutoMinorVersionUpgrade": self.auto_minor_version_upgrade,
            "SecurityGroups": [
                {"SecurityGroupId": group_id, "Status": "active"} for group_id in self.security_group_ids
            ],
            "SnapshotRetentionLimit": self.snapshot_retention_limit,
            "SnapshotWindow": self.snapshot_window,
            "AuthTokenEnabled": bool(self.auth_tokens),
            "AuthTokenLastModifiedDate": self.auth_token_changed,
            "TransitEncryptionEnabled": self.transit_encryption_enabled,
            "TransitEncryptionMode": self.transit_encryption_mode,
            "AtRestEncryptionEnabled": self.at_rest_encryption_enabled,
            "ARN": self.arn.replace(
                f":replicationgroup:{self.replication_group_id}", f":cluster:{member.cache_cluster_id}"
            ),
            "ReplicationGroupLogDeliveryEnabled": bool(self.log_delivery),
            "NetworkType": self.network_type,
            "IpDiscovery": self.ip_discovery,
        }
        if self.notification_topic_arn:
            cluster["NotificationConfiguration"] = {"TopicArn": self.notification_topic_arn, "TopicStatus": "active"}
        if with_nodes:
            cluster["CacheNodes"] = [
                {
                    "CacheNodeId": "0001",
                    "CacheNodeStatus": self.status,
                    "CacheNodeCreateTime": self.created,
                    "Endpoint": {"Address": member.address, "Port": self.port},
                    "ParameterGroupStatus": "in-sync",
                    "CustomerAvailabilityZone": member.availability_zone,
                }
            ]
        return cluster


def _groups(backend: ElastiCacheBackend) -> dict[str, Group]:
    # moto's own dictionary, so that its other parts (tags) find what is in it.
    groups: dict[str, Any] = backend.replication_groups
    return groups


def find_group(backend: ElastiCacheBackend, name: str) -> Group:
    """Raises ReplicationGroupNotFound."""
    if name not in _groups(backend):
        raise ReplicationGroupNotFound(name)
    return _groups(backend)[name]


def _check_token(token: str) -> None:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth.html"""
    if not 16 <= len(token) <= 128 or any(not c.isalnum() and c not in "!&#$^<>-" for c in token):
        raise InvalidParameterValueException(
            "Invalid AuthToken provided: it must have 16 to 128 alphanumeric characters or symbols of "
            "(!, &, #, $, ^, <, >, -)."
        )


def _check_security_groups(backend: ElastiCacheBackend, group_ids: list[str]) -> None:
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    for group_id in group_ids:
        if ec2.get_security_group_from_id(group_id) is None:
            raise InvalidParameterValueException(f"Some security group Ids are invalid: {group_id}")


@correct(ElastiCacheResponse, "create_replication_group")
def create_replication_group(self: ElastiCacheResponse) -> ActionResult:
    """Cluster mode disabled only; cluster mode is answered with NotImplemented.

    https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html
    """
    backend = self.elasticache_backend
    name = self._get_param("ReplicationGroupId").lower()
    if name in _groups(backend):
        raise ReplicationGroupAlreadyExists(name)
    if (self._get_int_param("NumNodeGroups") or 1) > 1 or self._get_param("ClusterMode") in ("enabled", "compatible"):
        raise NotImplementedError("replication groups with cluster mode")
    engine = (self._get_param("Engine") or "redis").lower()
    version = full_version(engine, self._get_param("EngineVersion"))
    replicas = self._get_int_param("ReplicasPerNodeGroup")
    count = self._get_int_param("NumCacheClusters") or (replicas + 1 if replicas is not None else 1)
    failover = self._get_bool_param("AutomaticFailoverEnabled", False)
    multi_az = self._get_bool_param("MultiAZEnabled", False)
    if not 1 <= count <= 6:
        raise InvalidParameterValueException("A replication group has one to six nodes.")
    if failover and count < 2:
        raise InvalidParameterCombinationException(
            "Automatic failover is not supported for replication groups with a single cache cluster."
        )
    if multi_az and not failover:
        raise InvalidParameterCombinationException("Multi-AZ needs automatic failover to be enabled.")
    if not self._get_param("CacheNodeType"):
        raise InvalidParameterValueException("The parameter CacheNodeType must be provided and must not be blank.")
    token = self._get_param("AuthToken")
    transit = self._get_bool_param("TransitEncryptionEnabled", engine == "valkey")
    if token:
        if not transit:
            raise InvalidParameterCombinationException("AuthToken is only supported with TransitEncryptionEnabled.")
        _check_token(token)
    family = f"{engine}{version.split('.')[0]}"
    family = "redis6.x" if family == "redis6" else family
    parameter_group = self._get_param("CacheParameterGroupName") or f"default.{family}"
    if find_parameter_group(backend, parameter_group).cache_parameter_group_family != family:
        raise InvalidParameterCombinationException(
            f"Expected a parameter group of family {family} but found one of another family, {parameter_group}."
        )
    subnet_group_name = (self._get_param("CacheSubnetGroupName") or "").lower()
    if subnet_group_name not in backend.cache_subnet_groups:
        # Without a default VPC there is no default subnet group either.
        raise CacheSubnetGroupNotFound(subnet_group_name or "default")
    subnet_group = backend.cache_subnet_groups[subnet_group_name]
    group_ids = self._get_param("SecurityGroupIds", [])
    _check_security_groups(backend, group_ids)
    key = self._get_param("KmsKeyId")
    if key and not is_usable(backend.account_id, backend.region_name, key):
        raise InvalidKmsKeyError("The KMS key supplied is not valid.")
    group = Group(
        replication_group_id=name,
        description=self._get_param("ReplicationGroupDescription"),
        arn=_arn(backend, "replicationgroup", name),
        region=backend.region_name,
        engine=engine,
        engine_version=version,
        cache_node_type=self._get_param("CacheNodeType"),
        port=self._get_int_param("Port") or 6379,
        members=[],
        automatic_failover=failover,
        multi_az=multi_az,
        cache_parameter_group_name=parameter_group,
        cache_subnet_group_name=subnet_group_name,
        security_group_ids=group_ids,
        transit_encryption_enabled=transit,
        transit_encryption_mode=(self._get_param("TransitEncryptionMode") or "required") if transit else None,
        at_rest_encryption_enabled=self._get_bool_param("AtRestEncryptionEnabled", engine == "valkey"),
        kms_key_id=key,
        auth_tokens=[token] if token else [],
        snapshot_retention_limit=self._get_int_param("SnapshotRetentionLimit") or 0,
        snapshot_window=self._get_param("SnapshotWindow") or "03:00-04:00",
        preferred_maintenance_window=self._get_param("PreferredMaintenanceWindow") or "sun:05:00-sun:06:00",
        auto_minor_version_upgrade=self._get_bool_param("AutoMinorVersionUpgrade", True),
        notification_topic_arn=self._get_param("NotificationTopicArn"),
        network_type=self._get_param("NetworkType") or "ipv4",
        ip_discovery=self._get_param("IpDiscovery") or "ipv4",
        data_tiering=self._get_bool_param("DataTieringEnabled", False),
        status="creating" if account.data_plane.attached else "available",
        auth_token_changed=utcnow() if token else None,
        log_delivery=_log_delivery(self._get_param("LogDeliveryConfigurations", [])),
    )
    _set_members(group, subnet_group, count, self._get_param("PreferredCacheClusterAZs", []))
    _groups(backend)[name] = group
    tags = self._get_param("Tags", [])
    backend.tagging_service.tag_resource(group.arn, tags)
    for cluster in group.clusters():
        backend.tagging_service.tag_resource(cluster["ARN"], tags)
    return ActionResult({"ReplicationGroup": group.described()})


def _log_delivery(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**entry, "Status": "active"} for entry in given]


def _set_members(group: Group, subnet_group: CacheSubnetGroup, count: int, preferred: list[str]) -> None:
    """So many nodes, in the zones preferred, or else round the subnet group's zones."""
    zones = preferred or [subnet["subnet_availability_zone"]["Name"] for subnet in subnet_group.subnets]
    del group.members[count:]
    for position in range(len(group.members), count):
        name = f"{group.replication_group_id}-{position + 1:03}"
        group.members.append(Member(name, zones[position % len(zones)], f"{name}.{group.domain}"))


@correct(ElastiCacheResponse, "describe_replication_groups")
def describe_replication_groups(self: ElastiCacheResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeReplicationGroups.html"""
    backend, name = self.elasticache_backend, self._get_param("ReplicationGroupId")
    found = [find_group(backend, name)] if name else list(_groups(backend).values())
    return PaginatedResult({"ReplicationGroups": [group.described() for group in found]})


@correct(ElastiCacheResponse, "modify_replication_group")
def modify_replication_group(self: ElastiCacheResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyReplicationGroup.html"""
    backend = self.elasticache_backend
    group = find_group(backend, self._get_param("ReplicationGroupId"))
    _needs_available(group)
    failover = self._get_bool_param("AutomaticFailoverEnabled", group.automatic_failover)
    multi_az = self._get_bool_param("MultiAZEnabled", group.multi_az)
    if failover and len(group.members) < 2:
        raise InvalidParameterCombinationException("Automatic failover needs a replica.")
    if multi_az and not failover:
        raise InvalidParameterCombinationException("Multi-AZ needs automatic failover to be enabled.")
    _check_snapshots(self, group)
    _change_token(self, group)
    parameter_group = self._get_param("CacheParameterGroupName")
    if parameter_group:
        find_parameter_group(backend, parameter_group)
        group.cache_parameter_group_name = parameter_group
    _change_engine(self, group)
    group_ids = self._get_param("SecurityGroupIds", [])
    if group_ids:
        _check_security_groups(backend, group_ids)
        group.security_group_ids = group_ids
    group.automatic_failover, group.multi_az = failover, multi_az
    for parameter, attribute in (
        ("ReplicationGroupDescription", "description"),
        ("SnapshotWindow", "snapshot_window"),
        ("PreferredMaintenanceWindow", "preferred_maintenance_window"),
        ("NotificationTopicArn", "notification_topic_arn"),
        ("TransitEncryptionMode", "transit_encryption_mode"),
        ("IpDiscovery", "ip_discovery"),
    ):
        value = self._get_param(parameter)
        if value is not None:
            setattr(group, attribute, value)
    if (limit := self._get_int_param("SnapshotRetentionLimit")) is not None:
        group.snapshot_retention_limit = limit
    group.auto_minor_version_upgrade = self._get_bool_param("AutoMinorVersionUpgrade", group.auto_minor_version_upgrade)
    if (given := self._get_param("LogDeliveryConfigurations")) is not None:
        group.log_delivery = _log_delivery(given)
    if account.data_plane.attached:
        group.status = "modifying"
    return ActionResult({"ReplicationGroup": group.described()})


def _check_snapshots(self: ElastiCacheResponse, group: Group) -> None:
    """Snapshots are turned on together with the member that makes them.

    https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyReplicationGroup.html
    """
    limit, member = self._get_int_param("SnapshotRetentionLimit"), self._get_param("SnapshottingClusterId")
    if limit and not group.snapshot_retention_limit and not member:
        raise InvalidParameterCombinationException(
            "Must specify both SnapshotRetentionLimit and SnapshottingClusterId to turn on snapshots"
        )
    if member and member not in [one.cache_cluster_id for one in group.members]:
        raise CacheClusterNotFound(member)


def _change_engine(self: ElastiCacheResponse, group: Group) -> None:
    """Versions and node types wait for the maintenance window unless they are to be applied at once.

    https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_PendingModifiedValues.html
    """
    at_once = self._get_bool_param("ApplyImmediately", False)
    if version := self._get_param("EngineVersion"):
        engine = (self._get_param("Engine") or group.engine).lower()
        wanted = full_version(engine, version)
        if at_once:
            group.engine, group.engine_version = engine, wanted
            group.pending.pop("EngineVersion", None)
        elif wanted != group.engine_version:
            group.pending["EngineVersion"] = wanted
    if node_type := self._get_param("CacheNodeType"):
        if at_once:
            group.cache_node_type = node_type
            group.pending.pop("CacheNodeType", None)
        elif node_type != group.cache_node_type:
            group.pending["CacheNodeType"] = node_type


def _needs_available(group: Group) -> None:
    if group.status != "available":
        raise InvalidStateError(
            "InvalidReplicationGroupState",
            f"Replication group must be in available state to be modified, it is {group.status}.",
        )


def _change_token(self: ElastiCacheResponse, group: Group) -> None:
    """ROTATE adds a token, SET makes the given one the only one, DELETE removes all.

    https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth.html
    """
    token, strategy = self._get_param("AuthToken"), self._get_param("AuthTokenUpdateStrategy")
    if token is None and strategy is None:
        return
    match strategy or "ROTATE":
        case "DELETE":
            group.auth_tokens = []
        case ("ROTATE" | "SET") as chosen:
            if not token:
                raise InvalidParameterCombinationException("AuthTokenUpdateStrategy needs AuthToken.")
            _check_token(token)
            previous = [old for old in group.auth_tokens if old != token]
            group.auth_tokens = [token, *previous[:1]] if chosen == "ROTATE" else [token]
        case other:
            raise InvalidParameterValueException(f"Invalid AuthTokenUpdateStrategy: {other}")
    group.auth_token_changed = utcnow()


@correct(ElastiCacheResponse, "increase_replica_count")
def increase_replica_count(self: ElastiCacheResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_IncreaseReplicaCount.html"""
    return _change_replicas(self, more=True)


@correct(ElastiCacheResponse, "decrease_replica_count")
def decrease_replica_count(self: ElastiCacheResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DecreaseReplicaCount.html"""
    return _change_replicas(self, more=False)


def _change_replicas(self: ElastiCacheResponse, *, more: bool) -> ActionResult:
    backend = self.elasticache_backend
    group = find_group(backend, self._get_param("ReplicationGroupId"))
    _needs_available(group)
    count = (self._get_int_param("NewReplicaCount") or 0) + 1
    if (count > len(group.members)) is not more or count > 6:
        raise InvalidParameterValueException(
            f"NewReplicaCount {count - 1} does not fit {len(group.members) - 1} replicas."
        )
    if count < 2 and group.automatic_failover:
        raise InvalidParameterCombinationException("Automatic failover needs a replica.")
    _set_members(group, backend.cache_subnet_groups[group.cache_subnet_group_name], count, [])
    if account.data_plane.attached:
        group.status = "modifying"
    return ActionResult({"ReplicationGroup": group.described()})


@correct(ElastiCacheResponse, "test_failover")
def test_failover(self: ElastiCacheResponse) -> ActionResult:
    """The first replica becomes the primary.

    https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_TestFailover.html
    """
    group = find_group(self.elasticache_backend, self._get_param("ReplicationGroupId"))
    _needs_available(group)
    if not group.automatic_failover:
        raise InvalidStateError(
            "InvalidReplicationGroupState", "Automatic failover must be enabled to test a failover."
        )
    group.members.append(group.members.pop(0))
    if account.data_plane.attached:
        group.status = "modifying"
    return ActionResult({"ReplicationGroup": group.described()})


@correct(ElastiCacheResponse, "delete_replication_group")
def delete_replication_group(self: ElastiCacheResponse) -> ActionResult:
    """The group stays `deleting` until its bodies are gone.

    https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DeleteReplicationGroup.html
    """
    backend = self.elasticache_backend
    group = find_group(backend, self._get_param("ReplicationGroupId"))
    if group.status == "deleting":
        raise InvalidStateError(
            "InvalidReplicationGroupState", f"Replication group {group.replication_group_id} is being deleted."
        )
    group.status = "deleting"
    answer = group.described()
    if not account.data_plane.attached:
        del _groups(backend)[group.replication_group_id]
    return ActionResult({"ReplicationGroup": answer})


# -- members as clusters -------------------------------------------------------------------------------------

_describe_cache_clusters = ElastiCacheResponse.describe_cache_clusters


@correct(ElastiCacheResponse, "describe_cache_clusters")
def describe_cache_clusters(self: ElastiCacheResponse) -> ActionResult:
    """Members of replication groups are cache clusters too.

    https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeCacheClusters.html
    """
    backend, name = self.elasticache_backend, self._get_param("CacheClusterId")
    with_nodes = self._get_bool_param("ShowCacheNodeInfo", False)
    alone = self._get_bool_param("ShowCacheClustersNotInReplicationGroups", False)
    found = [cluster for group in _groups(backend).values() for cluster in group.clusters(with_nodes)]
    if name:
        mine = [cluster for cluster in found if cluster["CacheClusterId"] == name]
        if not mine and name not in backend.cache_clusters:
            raise CacheClusterNotFound(name)
        return PaginatedResult({"CacheClusters": mine or [backend.cache_clusters[name]]})
    own = list(backend.cache_clusters.values())
    return PaginatedResult({"CacheClusters": own if alone else [*found, *own]})


_list_tags = ElastiCacheBackend.list_tags_for_resource


@correct(ElastiCacheBackend, "list_tags_for_resource")
def list_tags_for_resource(self: ElastiCacheBackend, arn: str) -> dict[str, list[dict[str, str]]]:
    """Parameter groups have tags too.

    https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ListTagsForResource.html
    """
    if ":parametergroup:" in arn:
        return self.tagging_service.list_tags_for_resource(arn)
    return _list_tags(self, arn)


def _tag_list(self: ElastiCacheResponse) -> ActionResult:
    arn = self._get_param("ResourceName")
    return ActionResult({"TagList": self.elasticache_backend.list_tags_for_resource(arn)["Tags"]})


@correct(ElastiCacheResponse, "add_tags_to_resource")
def add_tags_to_resource(self: ElastiCacheResponse) -> ActionResult:
    """The answer lists the tags.

    https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_AddTagsToResource.html
    """
    self.elasticache_backend.add_tags_to_resource(self._get_param("ResourceName"), self._get_param("Tags", []))
    return _tag_list(self)


@correct(ElastiCacheResponse, "remove_tags_from_resource")
def remove_tags_from_resource(self: ElastiCacheResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_RemoveTagsFromResource.html"""
    self.elasticache_backend.remove_tags_from_resource(self._get_param("ResourceName"), self._get_param("TagKeys", []))
    return _tag_list(self)


# -- offers --------------------------------------------------------------------------------------------------


@correct(ElastiCacheResponse, "describe_cache_engine_versions")
def describe_cache_engine_versions(self: ElastiCacheResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeCacheEngineVersions.html"""
    engine, version = self._get_param("Engine"), self._get_param("EngineVersion")
    found = [
        {
            "Engine": name,
            "EngineVersion": one,
            "CacheParameterGroupFamily": f"{name}{major}" if (name, major) != ("redis", "6") else "redis6.x",
        }
        for name, majors in ENGINE_VERSIONS.items()
        for major, versions in majors.items()
        for one in versions
        if engine in (None, name) and version in (None, one)
    ]
    return PaginatedResult({"CacheEngineVersions": found})


@correct(ElastiCacheResponse, "describe_reserved_cache_nodes_offerings")
def describe_reserved_cache_nodes_offerings(self: ElastiCacheResponse) -> ActionResult:
    """One offering for each node type; prices are nobody's here.

    https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeReservedCacheNodesOfferings.html
    """
    wanted = self._get_param("CacheNodeType")
    found = [
        {
            "ReservedCacheNodesOfferingId": hashlib.sha256(name.encode()).hexdigest()[:32],
            "CacheNodeType": name,
            "Duration": 31536000,
            "ProductDescription": "valkey",
            "OfferingType": "No Upfront",
        }
        for family, sizes in NODE_TYPES.items()
        for size in sizes
        if (name := f"cache.{family}.{size}") and wanted in (None, name)
    ]
    return PaginatedResult({"ReservedCacheNodesOfferings": found})
