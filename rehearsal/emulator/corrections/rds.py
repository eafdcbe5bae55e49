"""RDS: full versions and parameters of PostgreSQL, honest states, ids that differ."""

from __future__ import annotations

import itertools
import secrets
import string
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult, PaginatedResult
from moto.ec2.models import ec2_backends
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend
from moto.iam.models import iam_backends
from moto.rds.exceptions import DBParameterGroupNotFoundError, RDSClientError
from moto.rds.models import DBInstance, DBParameterGroup, RDSBackend
from moto.rds.responses import RDSResponse

from rehearsal.emulator import account

from .kms import is_usable
from .registry import correct, correct_value
from .spreading import is_news

#: The versions that the account lists, the first of a major one being what the major number alone means.
#: https://docs.aws.amazon.com/AmazonRDS/latest/PostgreSQLReleaseNotes/postgresql-versions.html
POSTGRES_VERSIONS = {
    "18": ("18.1",),
    "17": ("17.7", "17.6", "17.5", "17.4", "17.2"),
    "16": ("16.11", "16.10", "16.9", "16.8", "16.6", "16.4"),
    "15": ("15.15", "15.14", "15.13", "15.12", "15.10"),
}

#: The authority of an instance for which none was named.
DEFAULT_AUTHORITY = "rds-ca-rsa2048-g1"

#: What happened after what: a static parameter changed, an instance (re)started.
_moments = itertools.count(1)

_db_instance_init = DBInstance.__init__
_update = DBInstance.update
_delete_db_instance = RDSBackend.delete_db_instance
_describe_db_parameter_groups = RDSBackend.describe_db_parameter_groups
_delete_db_parameter_group = RDSBackend.delete_db_parameter_group
_delete_subnet_group = RDSBackend.delete_subnet_group


def full_version(engine: str, version: str | None) -> str | None:
    """`17` stands for its default minor version, as for AWS; None stays None.

    Raises InvalidParameterCombination, as AWS does, when PostgreSQL's version is not offered.
    """
    if engine != "postgres" or version is None:
        return version
    if version in POSTGRES_VERSIONS:
        return POSTGRES_VERSIONS[version][0]
    major, _, minor = version.partition(".")
    if major in POSTGRES_VERSIONS and minor.isdigit():
        # AWS adds and withdraws minor versions each quarter; which ones it has today is not ours to know.
        return version
    raise RDSClientError("InvalidParameterCombination", f"Cannot find version {version} for postgres")


# -- instances -----------------------------------------------------------------------------------------------


@correct(DBInstance, "__init__")
def new_db_instance(self: DBInstance, *args: Any, **kwargs: Any) -> None:
    """`creating` until it answers; a key; a group of its VPC, no default one; gp3's defaults; an id of its own.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html
    """
    engine = kwargs.get("engine", "")
    if engine == "postgres":
        kwargs["engine_version"] = full_version(engine, kwargs.get("engine_version") or "17")
        kwargs.setdefault("license_model", "postgresql-license")
        kwargs.setdefault("ca_certificate_identifier", DEFAULT_AUTHORITY)
    owner = args[0] if args else kwargs["backend"]
    key = kwargs.get("kms_key_id")
    if key and not is_usable(owner.account_id, owner.region_name, key):
        raise RDSClientError(
            "KMSKeyNotAccessibleFault",
            f"The specified KMS key [{key}] does not exist, is not enabled or you do not have permissions for it.",
        )
    _check_monitoring(owner.account_id, kwargs.get("monitoring_interval"), kwargs.get("monitoring_role_arn"))
    # moto would look for the default VPC's group.
    stated = kwargs.get("vpc_security_group_ids")
    kwargs["vpc_security_group_ids"] = stated or ["sg-none"]
    _db_instance_init(self, *args, **kwargs)
    if not stated and self.db_cluster_identifier is None:
        group = getattr(self, "db_subnet_group", None)
        backend = ec2_backends[self.account_id][self.region]
        default = backend.get_default_security_group(group.vpc_id) if group else None
        self.vpc_security_group_ids = [default.id] if default else []
    self.slipway_booted = next(_moments)  # type: ignore[attr-defined]
    self.enable_performance_insights = kwargs.get("enable_performance_insights")  # type: ignore[attr-defined]
    self.dbi_resource_id = "db-" + "".join(secrets.choice(string.ascii_uppercase + "234567") for _ in range(26))
    _complete_storage(self)
    group = getattr(self, "db_subnet_group", None)
    zones = sorted({subnet.availability_zone for subnet in group._subnets}) if group else []
    if zones and not kwargs.get("availability_zone"):
        self.availability_zone = zones[0]
    self.secondary_availability_zone = (  # type: ignore[attr-defined]
        next((zone for zone in zones if zone != self.availability_zone), None) if self.multi_az else None
    )
    if account.data_plane.attached:
        self.status = "creating"


def _check_monitoring(account_id: str, interval: int | None, role_arn: str | None) -> None:
    """A role of Enhanced Monitoring has to exist, and the first request that names one comes before word of it.

    On AWS that lasts for seconds to a minute. An interval alone keeps the role that the instance has.
    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Monitoring.OS.Enabling.html
    """
    if not interval or not role_arn:
        return
    role = next((one for one in iam_backends[account_id]["aws"].roles.values() if one.arn == role_arn), None)
    if role is None or is_news(role):
        raise RDSClientError(
            "InvalidParameterValue",
            "IAM role ARN value is invalid or does not include the required permissions for: ENHANCED_MONITORING",
        )


#: From this size on gp3 has four volumes, and their performance can be chosen.
#: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html#gp3-storage
_STRIPED_GIB = 400
_STRIPED = (12000, 500)
_PLAIN = (3000, 125)


def _complete_storage(instance: DBInstance) -> None:
    if instance.db_cluster_identifier is None and instance.storage_type == "gp3":
        iops, throughput = _STRIPED if int(instance.allocated_storage) >= _STRIPED_GIB else _PLAIN
        instance.iops = instance.iops or iops  # type: ignore[assignment]
        instance.storage_throughput = instance.storage_throughput or throughput


def _check_storage(instance: DBInstance, size: int | None, iops: int | None, throughput: int | None) -> None:
    """What gp3 refuses: performance of its own below 400 GiB, less than the least from there on, a growth without it.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
    """
    if instance.storage_type != "gp3" or instance.db_cluster_identifier is not None:
        return
    before = int(instance.allocated_storage)
    if int(size or before) < _STRIPED_GIB:
        if iops or throughput:
            raise RDSClientError(
                "InvalidParameterCombination",
                f"You can't specify IOPS or storage throughput for engine {instance.engine} and a storage size less "
                f"than {_STRIPED_GIB}.",
            )
        return
    if before >= _STRIPED_GIB and (size is None) != (iops is None):
        raise RDSClientError(
            "InvalidParameterCombination",
            "You must specify both the storage size and iops when modifying the storage size or iops on a DB instance "
            "that has iops.",
        )
    kept = int(iops or instance.iops or 0), int(throughput or instance.storage_throughput or 0)
    for name, value, least in zip(("iops", "storage throughput"), kept, _STRIPED, strict=True):
        if value < least:
            raise RDSClientError(
                "InvalidParameterCombination",
                f"Invalid {name} value for engine name {instance.engine} and storage type gp3: {value}",
            )


@correct(DBInstance, "update")
def update(self: DBInstance, *args: Any, **kwargs: Any) -> None:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html"""
    if kwargs.get("engine_version"):
        kwargs["engine_version"] = full_version(self.engine, kwargs["engine_version"])
    interval = kwargs.get("monitoring_interval", self.monitoring_interval)
    _check_monitoring(self.account_id, interval, kwargs.get("monitoring_role_arn"))
    _check_storage(self, kwargs.get("allocated_storage"), kwargs.get("iops"), kwargs.get("storage_throughput"))
    _update(self, *args, **kwargs)
    _complete_storage(self)


def _default_parameter_group(self: DBInstance) -> tuple[str, str]:
    """The family is the engine with its major version, which for PostgreSQL is the first number."""
    version = str(self.engine_version)
    parts = version.split(".")
    major = parts[0] if self.engine == "postgres" else ".".join(parts[:-1]) or version
    family = f"{self.engine.lower()}{major}"
    return family, f"default.{family}"


correct_value(DBInstance, "default_db_parameter_group_details", _default_parameter_group)


def monitoring_stream(self: DBInstance) -> str | None:
    """Where Enhanced Monitoring writes to, as long as it does.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html
    """
    if not self.monitoring_interval:
        return None
    home = f"arn:aws:logs:{self.region}:{self.backend.account_id}"
    return f"{home}:log-group:RDSOSMetrics:log-stream:{self.dbi_resource_id}"


correct_value(DBInstance, "enhanced_monitoring_resource_arn", property(monitoring_stream))


def has_performance_insights(self: DBInstance) -> bool:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html"""
    return bool(getattr(self, "enable_performance_insights", False))


correct_value(DBInstance, "performance_insights_enabled", property(has_performance_insights))


@correct(RDSBackend, "delete_db_instance")
def delete_db_instance(
    self: RDSBackend,
    db_instance_identifier: str,
    final_db_snapshot_identifier: str | None = None,
    skip_final_snapshot: bool | None = False,
    delete_automated_backups: bool | None = True,
    **_: Any,
) -> DBInstance:
    """A last snapshot is made or renounced on purpose; the instance stays `deleting` until its body is gone.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html
    """
    known = self.databases.get(db_instance_identifier)
    if known is not None and known.status == "deleting":
        raise RDSClientError("InvalidDBInstanceState", f"Instance {db_instance_identifier} is already being deleted.")
    if known is not None and not skip_final_snapshot and not final_db_snapshot_identifier:
        raise RDSClientError(
            "InvalidParameterCombination",
            "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
        )
    if known is not None and skip_final_snapshot and final_db_snapshot_identifier:
        raise RDSClientError(
            "InvalidParameterCombination",
            "FinalDBSnapshotIdentifier can not be specified when deleting with SkipFinalSnapshot.",
        )
    instance = _delete_db_instance(
        self, db_instance_identifier, final_db_snapshot_identifier, skip_final_snapshot, delete_automated_backups
    )
    if account.data_plane.attached:
        self.databases[db_instance_identifier] = instance
    return instance


@correct(RDSBackend, "reboot_db_instance")
def reboot_db_instance(self: RDSBackend, db_instance_identifier: str) -> DBInstance:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RebootDBInstance.html"""
    instance = self.describe_db_instances(db_instance_identifier)[0]
    if instance.status != "available":
        raise RDSClientError("InvalidDBInstanceState", f"Instance {db_instance_identifier} is not in available state.")
    instance.slipway_booted = next(_moments)  # type: ignore[attr-defined]
    if account.data_plane.attached:
        instance.status = "rebooting"
    return instance


# -- parameter groups ----------------------------------------------------------------------------------------

#: name -> (default, type, allowed values, static: a change needs a reboot). An excerpt of what RDS lists: the
#: parameters that operators of an application set.
#: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Parameters.html
POSTGRES_PARAMETERS: dict[str, tuple[str | None, str, str, bool]] = {
    "autovacuum": ("1", "boolean", "0,1", False),
    "autovacuum_max_workers": ("GREATEST({DBInstanceClassMemory/64371566592},3)", "integer", "1-262143", True),
    "autovacuum_naptime": ("15", "integer", "1-2147483", False),
    "client_encoding": ("UTF8", "string", "", False),
    "deadlock_timeout": (None, "integer", "1-2147483647", False),
    "default_statistics_target": (None, "integer", "1-10000", False),
    "default_transaction_isolation": (None, "string", "serializable,repeatable read,read committed", False),
    "effective_cache_size": ("{DBInstanceClassMemory/16384}", "integer", "1-2147483647", False),
    "idle_in_transaction_session_timeout": ("86400000", "integer", "0-2147483647", False),
    "idle_session_timeout": (None, "integer", "0-2147483647", False),
    "lock_timeout": (None, "integer", "0-2147483647", False),
    "log_autovacuum_min_duration": ("10000", "integer", "-1-2147483647", False),
    "log_checkpoints": ("1", "boolean", "0,1", False),
    "log_connections": (None, "boolean", "0,1", False),
    "log_disconnections": (None, "boolean", "0,1", False),
    "log_duration": (None, "boolean", "0,1", False),
    "log_lock_waits": (None, "boolean", "0,1", False),
    "log_min_duration_statement": (None, "integer", "-1-2147483647", False),
    "log_min_error_statement": (
        None,
        "string",
        "debug5,debug4,debug3,debug2,debug1,info,notice,warning,error,log,fatal,panic",
        False,
    ),
    "log_statement": (None, "string", "none,ddl,mod,all", False),
    "log_temp_files": (None, "integer", "-1-2147483647", False),
    "maintenance_work_mem": (
        "GREATEST({DBInstanceClassMemory*1024/63963136},65536)",
        "integer",
        "1024-2147483647",
        False,
    ),
    "max_connections": ("LEAST({DBInstanceClassMemory/9531392},5000)", "integer", "6-262143", True),
    "max_locks_per_transaction": (None, "integer", "10-2147483647", True),
    "max_parallel_workers_per_gather": (None, "integer", "0-1024", False),
    "max_wal_size": ("2048", "integer", "128-201326592", False),
    "max_worker_processes": ("GREATEST(${DBInstanceVCPU*2},8)", "integer", "1-262143", True),
    "password_encryption": (None, "string", "md5,scram-sha-256", False),
    "pg_stat_statements.max": (None, "integer", "100-2147483647", True),
    "pg_stat_statements.track": ("top", "string", "none,top,all", False),
    "random_page_cost": (None, "float", "0-1.79769e+308", False),
    "rds.accepted_password_auth_method": ("md5+scram", "string", "md5+scram,scram", False),
    "rds.force_autovacuum_logging_level": (
        "warning",
        "string",
        "disabled,debug5,debug4,debug3,debug2,debug1,info,notice,warning,error,log,fatal,panic",
        False,
    ),
    "rds.force_ssl": ("1", "boolean", "0,1", False),
    "rds.log_retention_period": ("4320", "integer", "1440-10080", False),
    "rds.logical_replication": ("0", "boolean", "0,1", True),
    "shared_buffers": ("{DBInstanceClassMemory/32768}", "integer", "16-1073741823", True),
    "shared_preload_libraries": ("pg_stat_statements", "list", "", True),
    "ssl_min_protocol_version": ("TLSv1.2", "string", "TLSv1.2,TLSv1.3", False),
    "statement_timeout": (None, "integer", "0-2147483647", False),
    "tcp_keepalives_count": (None, "integer", "0-2147483647", False),
    "tcp_keepalives_idle": (None, "integer", "0-2147483647", False),
    "tcp_keepalives_interval": (None, "integer", "0-2147483647", False),
    "timezone": ("UTC", "string", "", False),
    "track_activity_query_size": ("4096", "integer", "100-1048576", True),
    "track_io_timing": ("1", "boolean", "0,1", False),
    "transaction_timeout": (None, "integer", "0-2147483647", False),
    "wal_buffers": (None, "integer", "-1-262143", True),
    "work_mem": (None, "integer", "64-2147483647", False),
}


def parameters_of(group: DBParameterGroup) -> list[dict[str, Any]]:
    """All parameters of a group, with its own values where it has some.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBParameters.html
    """
    listed: dict[str, dict[str, Any]] = {}
    if (group.family or "").startswith("postgres"):
        for name, (default, sort, allowed, static) in POSTGRES_PARAMETERS.items():
            if name == "rds.force_ssl" and int((group.family or "postgres0")[8:] or 0) < 15:
                default = "0"
            listed[name] = {
                "ParameterName": name,
                "ParameterValue": default,
                "Source": "engine-default" if default is None else "system",
                "ApplyType": "static" if static else "dynamic",
                "ApplyMethod": "pending-reboot",
                "DataType": sort,
                "AllowedValues": allowed or None,
                "IsModifiable": True,
            }
    for name, given in group.parameters.items():
        base = listed.get(name, {"ApplyType": "dynamic", "DataType": "string", "IsModifiable": True})
        listed[name] = {**base, **given, "ParameterName": name, "Source": "user"}
    return [listed[name] for name in sorted(listed)]


@correct(RDSResponse, "describe_db_parameters")
def describe_db_parameters(self: RDSResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBParameters.html"""
    name = self.params.get("DBParameterGroupName")
    source = self.params.get("Source")
    group = self.backend.describe_db_parameter_groups({"db_parameter_group_name": name})[0]
    found = [p for p in parameters_of(group) if not source or p["Source"] == source]
    return PaginatedResult({"Parameters": found})


@correct(RDSBackend, "describe_db_parameter_groups")
def describe_db_parameter_groups(self: RDSBackend, db_parameter_group_kwargs: Any) -> list[DBParameterGroup]:
    """An unknown name is an error; the default group of a family is always there.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBParameterGroups.html
    """
    name = db_parameter_group_kwargs.get("db_parameter_group_name")
    if name and str(name).startswith("default.") and name not in self.db_parameter_groups:
        family = str(name).removeprefix("default.")
        self.db_parameter_groups[name] = DBParameterGroup(  # type: ignore[abstract]
            self, str(name), f"Default parameter group for {family}", family, []
        )
    found = _describe_db_parameter_groups(self, db_parameter_group_kwargs)
    if name and not found:
        raise DBParameterGroupNotFoundError(name)
    return found


_modify_db_parameter_group = RDSBackend.modify_db_parameter_group


@correct(RDSBackend, "modify_db_parameter_group")
def modify_db_parameter_group(
    self: RDSBackend, db_parameter_group_name: str, db_parameter_group_parameters: Any
) -> DBParameterGroup:
    """Unknown parameters, foreign values, and an immediate change of a static parameter are errors.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBParameterGroup.html
    """
    given = list(db_parameter_group_parameters)
    group = self.describe_db_parameter_groups({"db_parameter_group_name": db_parameter_group_name})[0]
    if str(group.name).startswith("default."):
        raise RDSClientError("InvalidParameterValue", f"The parameter group {group.name} cannot be modified.")
    if len(given) > 20:
        raise RDSClientError("InvalidParameterValue", "A maximum of 20 parameters can be modified in a request.")
    for parameter in given:
        _check_parameter(group, parameter)
        _note_static(group, parameter["ParameterName"])
    return _modify_db_parameter_group(self, db_parameter_group_name, given)


@correct(RDSResponse, "reset_db_parameter_group")
def reset_db_parameter_group(self: RDSResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ResetDBParameterGroup.html"""
    name = self.params.get("DBParameterGroupName")
    group = self.backend.describe_db_parameter_groups({"db_parameter_group_name": name})[0]
    given = [parameter.original_dict() for parameter in self.params.get("Parameters", [])]
    if self.params.get("ResetAllParameters", not given):
        given = [{"ParameterName": one, "ApplyMethod": "pending-reboot"} for one in group.parameters]
    for parameter in given:
        _check_parameter(group, {**parameter, "ParameterValue": "{default}"})
        _note_static(group, parameter["ParameterName"])
        group.parameters.pop(parameter["ParameterName"], None)
    return ActionResult({"DBParameterGroupName": group.name})


@correct(RDSResponse, "describe_engine_default_parameters")
def describe_engine_default_parameters(self: RDSResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeEngineDefaultParameters.html"""
    family = str(self.params.get("DBParameterGroupFamily"))
    if family.removeprefix("postgres") not in POSTGRES_VERSIONS:
        raise RDSClientError("InvalidParameterValue", f"{family} is no family that the rehearsal knows.")
    group = self.backend.describe_db_parameter_groups({"db_parameter_group_name": f"default.{family}"})[0]
    return ActionResult({"EngineDefaults": {"DBParameterGroupFamily": family, "Parameters": parameters_of(group)}})


def _note_static(group: DBParameterGroup, name: str) -> None:
    if POSTGRES_PARAMETERS.get(name, (None, "", "", False))[3]:
        group.slipway_static = next(_moments)  # type: ignore[attr-defined]


def _parameter_groups_with_status(self: DBInstance) -> list[DBParameterGroup]:
    """A static parameter that was changed waits for a restart of the instance.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBParameterGroupStatus.html
    """
    groups: list[DBParameterGroup] = self.db_parameter_groups()
    for group in groups:
        waits = getattr(group, "slipway_static", 0) > getattr(self, "slipway_booted", 0)
        group.ParameterApplyStatus = "pending-reboot" if waits else "in-sync"  # type: ignore[attr-defined]
    return groups


correct_value(DBInstance, "db_parameter_group_status_list", property(_parameter_groups_with_status))


def _check_parameter(group: DBParameterGroup, given: dict[str, Any]) -> None:
    if not (group.family or "").startswith("postgres"):
        return
    name, value = given["ParameterName"], str(given.get("ParameterValue", ""))
    if name not in POSTGRES_PARAMETERS:
        raise RDSClientError(
            "InvalidParameterValue",
            f"Could not find parameter with name: {name} (the rehearsal knows an excerpt of RDS's parameters)",
        )
    _, sort, allowed, static = POSTGRES_PARAMETERS[name]
    if static and given.get("ApplyMethod") == "immediate":
        raise RDSClientError(
            "InvalidParameterCombination", f"cannot use immediate apply method for static parameter {name}"
        )
    if not _is_allowed(sort, allowed, value):
        raise RDSClientError(
            "InvalidParameterValue", f"Invalid parameter value: {value} for: {name} allowed values are: {allowed}"
        )


def _is_allowed(sort: str, allowed: str, value: str) -> bool:
    if not allowed or "{" in value:
        return True
    if sort in ("integer", "float"):
        low, _, high = (allowed[1:] if allowed.startswith("-") else allowed).partition("-")
        try:
            number = float(value)
        except ValueError:
            return False
        return float(low) * (-1 if allowed.startswith("-") else 1) <= number <= float(high)
    return value in allowed.split(",")


@correct(RDSBackend, "delete_db_parameter_group")
def delete_db_parameter_group(self: RDSBackend, db_parameter_group_name: str) -> DBParameterGroup:
    """A group that an instance uses stays.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBParameterGroup.html
    """
    users = [
        instance.db_instance_identifier
        for instance in self.databases.values()
        if instance.db_parameter_group_name == db_parameter_group_name
    ]
    if users:
        raise RDSClientError(
            "InvalidDBParameterGroupState",
            f"One or more database instances are still members of this parameter group {db_parameter_group_name}, "
            "so the group cannot be deleted",
        )
    return _delete_db_parameter_group(self, db_parameter_group_name)


@correct(RDSBackend, "delete_subnet_group")
def delete_subnet_group(self: RDSBackend, subnet_name: str) -> Any:
    """A group that an instance uses stays.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBSubnetGroup.html
    """
    for instance in self.databases.values():
        group = getattr(instance, "db_subnet_group", None)
        if group is not None and group.name == subnet_name.lower():
            raise RDSClientError(
                "InvalidDBSubnetGroupStateFault",
                f"Cannot delete the subnet group '{subnet_name}' because at least one database instance: "
                f"{instance.db_instance_identifier} is still using it.",
            )
    return _delete_subnet_group(self, subnet_name)


# -- offers --------------------------------------------------------------------------------------------------

_TO_16 = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")
_TO_24 = (*_TO_16, "24xlarge")
#: Classes of PostgreSQL by family; the oldest families are left out.
#: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Support.html
INSTANCE_CLASSES = {
    **dict.fromkeys(("t3", "t4g"), ("micro", "small", "medium", "large", "xlarge", "2xlarge")),
    **dict.fromkeys(("m6g", "m6gd", "m7g", "r6g", "r6gd", "r7g", "x2g"), _TO_16),
    **dict.fromkeys(("m5", "m5d", "r5", "r5d"), _TO_24),
    **dict.fromkeys(("m6i", "m6id", "m6idn", "m6in", "r6i", "r6id", "r6idn", "r6in"), (*_TO_24, "32xlarge")),
    **dict.fromkeys(("m7i", "m8g", "m8gd", "r7i", "r8g", "r8gd"), (*_TO_24, "48xlarge")),
}


@correct(RDSResponse, "describe_orderable_db_instance_options")
def describe_orderable_db_instance_options(self: RDSResponse) -> ActionResult:
    """PostgreSQL's classes, each in every zone of the region, with and without a standby.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeOrderableDBInstanceOptions.html
    """
    engine, wanted = self.params.get("Engine"), self.params.get("DBInstanceClass")
    zones = [{"Name": zone.name} for zone in RegionsAndZonesBackend.zones[self.region]]
    found = [
        {
            "Engine": "postgres",
            "EngineVersion": minor,
            "DBInstanceClass": name,
            "LicenseModel": "postgresql-license",
            "AvailabilityZones": zones,
            "MultiAZCapable": True,
            "Vpc": True,
            "StorageType": "gp3",
            "SupportsStorageEncryption": True,
        }
        for minors in POSTGRES_VERSIONS.values()
        for minor in minors
        if engine == "postgres" and self.params.get("EngineVersion") in (None, minor)
        for family, sizes in INSTANCE_CLASSES.items()
        for size in sizes
        if (name := f"db.{family}.{size}") and wanted in (None, name)
    ]
    return PaginatedResult({"OrderableDBInstanceOptions": found})


# -- versions ------------------------------------------------------------------------------------------------


@correct(RDSResponse, "describe_db_engine_versions")
def describe_db_engine_versions(self: RDSResponse) -> ActionResult:
    """PostgreSQL's versions.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBEngineVersions.html
    """
    engine, version = self.params.get("Engine"), self.params.get("EngineVersion")
    default_only = self.params.get("DefaultOnly")
    found = []
    for major, minors in POSTGRES_VERSIONS.items():
        for minor in minors:
            if engine not in (None, "postgres") or (version and version not in (major, minor)):
                continue
            if default_only and (minor != minors[0] or (not version and major != "17")):
                continue
            found.append(
                {
                    "Engine": "postgres",
                    "EngineVersion": minor,
                    "MajorEngineVersion": major,
                    "DBParameterGroupFamily": f"postgres{major}",
                    "DBEngineDescription": "PostgreSQL",
                    "DBEngineVersionDescription": f"PostgreSQL {minor}-R1",
                    "Status": "available",
                }
            )
    return PaginatedResult({"DBEngineVersions": found})


# -- authorities ---------------------------------------------------------------------------------------------

#: The authorities of new instances, and the year in which each expires.
#: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
AUTHORITIES = {DEFAULT_AUTHORITY: 2061, "rds-ca-rsa4096-g1": 2121, "rds-ca-ecc384-g1": 2121}
_AUTHORITIES_SINCE = datetime(2021, 5, 25, tzinfo=UTC)


@correct(RDSResponse, "describe_certificates")
def describe_certificates(self: RDSResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeCertificates.html"""
    wanted = self.params.get("CertificateIdentifier")
    if wanted is not None and wanted not in AUTHORITIES:
        raise RDSClientError("CertificateNotFound", f"Certificate {wanted} not found")
    found = [
        {
            "CertificateIdentifier": name,
            "CertificateType": "CA",
            "CertificateArn": f"arn:aws:rds:{self.region}::cert:{name}",
            "ValidFrom": _AUTHORITIES_SINCE,
            "ValidTill": datetime(year, 1, 1, tzinfo=UTC),
            "CustomerOverride": False,
        }
        for name, year in AUTHORITIES.items()
        if wanted in (None, name)
    ]
    return PaginatedResult({"Certificates": found, "DefaultCertificateForNewLaunches": DEFAULT_AUTHORITY})


# -- event subscriptions -------------------------------------------------------------------------------------


_create_event_subscription = RDSBackend.create_event_subscription


@correct(RDSBackend, "create_event_subscription")
def create_event_subscription(self: RDSBackend, kwargs: dict[str, Any]) -> Any:
    """What a subscription is about exists, and ids have a type; it is active unless told otherwise.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateEventSubscription.html
    """
    there: dict[str, Any] = {"db-instance": self.databases, "db-parameter-group": self.db_parameter_groups}
    sources, kind = kwargs.get("source_ids") or [], kwargs.get("source_type")
    if sources and not kind:
        raise RDSClientError("InvalidParameterCombination", "SourceIds needs a SourceType")
    for source in sources:
        if kind in there and source not in there[kind]:
            raise RDSClientError("SourceNotFound", f"Source {source} of type {kind} not found.")
    if kwargs.get("enabled") is None:
        kwargs["enabled"] = True
    return _create_event_subscription(self, kwargs)
