#!/usr/bin/python
"""Ansible module: what an account is and what its region sells, asked all at once."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: environment_info
version_added: 0.1.0
short_description: Ask who the caller is, which zones and networks there are, and what can be had where
description:
  - All questions are asked side by side, so that a look before the first change takes as long as its longest question.
  - Nothing is changed. A question about offers that the credentials may not ask stays unanswered (null) and is named in
    C(unanswered); who the caller is, its zones and its networks have to be answered.
author: Slipway
options:
  instance_types:
    description: EC2 instance types whose zones are asked for.
    type: list
    elements: str
    default: []
  database:
    description: The RDS instance that is wanted. Not asked for when not set.
    type: dict
    suboptions:
      engine:
        description: Engine.
        type: str
        default: postgres
      version:
        description: Major version, such as V(17).
        type: str
        required: true
      instance_class:
        description: Instance class.
        type: str
        required: true
      name:
        description: The identifier that the instance has or shall have. What it is now is not asked for when not set.
        type: str
  cache:
    description: The ElastiCache node that is wanted. Not asked for when not set.
    type: dict
    suboptions:
      engine:
        description: Engine.
        type: str
        default: valkey
      version:
        description: Version, such as V(8.1).
        type: str
        required: true
      node_type:
        description: Node type.
        type: str
        required: true
      name:
        description: The replication group that there is or shall be. What it is now is not asked for when not set.
        type: str
  target_group:
    description: The target group that there is or shall be. What it is now is not asked for when not set.
    type: str
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    support: full
    description: Reads only.
"""

EXAMPLES = r"""
- name: Look before the first change
  slipway.aws.environment_info:
    instance_types: [t3.small]
    database: {version: "17", instance_class: db.t4g.micro}
    cache: {version: "8.1", node_type: cache.t4g.micro}
"""

RETURN = r"""
caller:
  description: C(account) and C(arn) of the credentials.
  returned: always
  type: dict
zones:
  description: Zones that the account may use now.
  returned: always
  type: list
  elements: str
networks:
  description: Every VPC of the region, with C(id), C(name), C(tags) and C(cidrs).
  returned: always
  type: list
  elements: dict
instance_types:
  description: The zones in which each type is offered; an empty list for a type that nobody sells here.
  returned: always
  type: dict
  sample: {t3.small: [eu-west-1a, eu-west-1b]}
database:
  description: What RDS offers.
  returned: always
  type: dict
  contains:
    versions:
      description: Full versions of the wanted major version.
      type: list
      elements: str
    zones:
      description: Zones in which the class can be ordered with the youngest of these versions.
      type: list
      elements: str
    multi_az:
      description: Whether the class can have a standby.
      type: bool
    live:
      description: The instance that has the name; null when there is none.
      type: dict
      sample: {tags: {ManagedBy: slipway}, version: "17.6", database: application, port: 5432}
cache:
  description: What ElastiCache offers.
  returned: always
  type: dict
  contains:
    versions:
      description: Versions of the engine.
      type: list
      elements: str
    offered:
      description: Whether the node type is sold in the region.
      type: bool
    live:
      description: The replication group that has the name; null when there is none, or it has no address yet.
      type: dict
      sample: {port: 6379}
target_group:
  description: The target group that has the name; null when there is none.
  returned: always
  type: dict
  sample: {port: 80}
unanswered:
  description: Questions that the credentials may not ask.
  returned: always
  type: list
  elements: str
"""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.slipway.aws.plugins.module_utils.aws import Api, AWSError, aws_module, error_code
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields

ARGUMENTS: Fields = {
    "instance_types": {"type": "list", "elements": "str", "default": []},
    "database": {
        "type": "dict",
        "options": {
            "engine": {"type": "str", "default": "postgres"},
            "version": {"type": "str", "required": True},
            "instance_class": {"type": "str", "required": True},
            "name": {"type": "str"},
        },
    },
    "cache": {
        "type": "dict",
        "options": {
            "engine": {"type": "str", "default": "valkey"},
            "version": {"type": "str", "required": True},
            "node_type": {"type": "str", "required": True},
            "name": {"type": "str"},
        },
    },
    "target_group": {"type": "str"},
}
FORBIDDEN = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


def regions() -> list[str]:
    """Those that the installed boto3 knows, of every partition."""
    import boto3

    session: Any = boto3.session.Session()
    return sorted(
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("ec2", partition_name=partition)
    )


def caller(sts: Api) -> Fields:
    """``{account, arn}``."""
    answer = sts.call("ask whose credentials these are", "get_caller_identity")
    return {"account": answer["Account"], "arn": answer["Arn"]}


def zones(ec2: Api) -> list[str]:
    """Names of zones that can be used now."""
    found = ec2.call("look at the zones", "describe_availability_zones")["AvailabilityZones"]
    return sorted(zone["ZoneName"] for zone in found if zone["State"] == "available")


def networks(ec2: Api) -> list[Fields]:
    """Each VPC with its blocks, the secondary ones too."""
    found = ec2.pages("look at the networks", "describe_vpcs", "Vpcs")
    return [
        {
            "id": vpc["VpcId"],
            "name": next((tag["Value"] for tag in vpc.get("Tags", []) if tag["Key"] == "Name"), ""),
            "tags": {tag["Key"]: tag["Value"] for tag in vpc.get("Tags", [])},
            "cidrs": [
                block["CidrBlock"]
                for block in vpc.get("CidrBlockAssociationSet") or [vpc]
                if block.get("CidrBlockState", {}).get("State", "associated") in ("associated", "associating")
            ],
        }
        for vpc in found
    ]


def instance_types(ec2: Api, wanted: list[str]) -> dict[str, list[str]]:
    """``{type: [zone]}`` for every wanted type.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypeOfferings.html
    """
    found = ec2.pages(
        "ask where the instance types are offered",
        "describe_instance_type_offerings",
        "InstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": wanted}],
    )
    return {name: sorted(one["Location"] for one in found if one["InstanceType"] == name) for name in wanted}


def numbers(version: str) -> list[int]:
    """`17.10` is younger than `17.9`; an addition such as `-R2` counts as a part."""
    return [int(part) for part in re.findall(r"[0-9]+", version)]


def instance(rds: Api, name: str) -> Fields | None:
    """``{tags, version, database, port}`` of a database instance; None when nobody has the name.

    One that is still being made has no port yet.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html
    """
    found = rds.call_if_exists(
        f"look at the database {name}",
        "describe_db_instances",
        missing={"DBInstanceNotFound", "DBInstanceNotFoundFault"},
        DBInstanceIdentifier=name,
    )
    if found is None:
        return None
    (one,) = found["DBInstances"]
    return {
        "tags": {tag["Key"]: tag["Value"] for tag in one.get("TagList", [])},
        "version": one["EngineVersion"],
        "database": one.get("DBName", ""),
        "port": one.get("Endpoint", {}).get("Port"),
    }


def database(rds: Api, wanted: Fields) -> Fields:
    """``{versions, zones, multi_az, live}``.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeOrderableDBInstanceOptions.html
    """
    engine, version = wanted["engine"], wanted["version"]
    live = instance(rds, wanted["name"]) if wanted["name"] else None
    listed = rds.pages(
        f"ask for versions of {engine}", "describe_db_engine_versions", "DBEngineVersions", Engine=engine
    )
    versions = sorted(
        (one["EngineVersion"] for one in listed if f"{one['EngineVersion']}.".startswith(f"{version}.")), key=numbers
    )
    if not versions:
        return {"versions": [], "zones": [], "multi_az": False, "live": live}
    options = rds.pages(
        f"ask where {wanted['instance_class']} can be ordered",
        "describe_orderable_db_instance_options",
        "OrderableDBInstanceOptions",
        Engine=engine,
        EngineVersion=versions[-1],
        DBInstanceClass=wanted["instance_class"],
        Vpc=True,
    )
    return {
        "versions": versions,
        "zones": sorted({zone["Name"] for option in options for zone in option.get("AvailabilityZones", [])}),
        "multi_az": any(option.get("MultiAZCapable") for option in options),
        "live": live,
    }


def replication_group(elasticache: Api, name: str) -> Fields | None:
    """``{port}``; None when nobody has the name, or it is still being made.

    https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeReplicationGroups.html
    """
    found = elasticache.call_if_exists(
        f"look at the cache {name}",
        "describe_replication_groups",
        missing={"ReplicationGroupNotFoundFault"},
        ReplicationGroupId=name,
    )
    groups = [group for one in (found or {}).get("ReplicationGroups", []) for group in one.get("NodeGroups", [])]
    ports = [group["PrimaryEndpoint"]["Port"] for group in groups if "PrimaryEndpoint" in group]
    return {"port": ports[0]} if ports else None


def target_group(elbv2: Api, name: str) -> Fields | None:
    """``{port}``; None when nobody has the name.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetGroups.html
    """
    found = elbv2.call_if_exists(
        f"look at the target group {name}",
        "describe_target_groups",
        missing={"TargetGroupNotFound"},
        Names=[name],
    )
    return {"port": found["TargetGroups"][0]["Port"]} if found else None


def cache(elasticache: Api, wanted: Fields) -> Fields:
    """``{versions, offered, live}``. ElastiCache lists what it sells only as reservations.

    https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DescribeReservedCacheNodesOfferings.html
    """
    listed = elasticache.pages(
        f"ask for versions of {wanted['engine']}",
        "describe_cache_engine_versions",
        "CacheEngineVersions",
        Engine=wanted["engine"],
    )
    sold = elasticache.call(
        f"ask whether {wanted['node_type']} is sold",
        "describe_reserved_cache_nodes_offerings",
        CacheNodeType=wanted["node_type"],
        MaxRecords=20,
    )
    return {
        "versions": [one["EngineVersion"] for one in listed],
        "offered": bool(sold.get("ReservedCacheNodesOfferings")),
        "live": replication_group(elasticache, wanted["name"]) if wanted["name"] else None,
    }


def main() -> None:
    module = aws_module(ARGUMENTS)
    params: Fields = module.params
    if module.region not in (known := regions()):
        # Its names do not resolve: every question would wait for an answer, and say something about connections.
        module.fail_json(
            msg=f"[region-unknown] {module.region} is no region that this boto3 knows; it knows {', '.join(known)}. "
            "Correct slipway_region; a region that is younger needs a younger boto3."
        )
    # Made one after another: boto3's clients may be shared between threads, but not made in them.
    ec2 = Api(module.client("ec2"))
    sts = Api(module.client("sts"), retries=3)
    required: dict[str, Callable[[], Any]] = {
        "caller": lambda: caller(sts),
        "zones": lambda: zones(ec2),
        "networks": lambda: networks(ec2),
    }
    optional: dict[str, Callable[[], Any]] = {}
    if params["instance_types"]:
        optional["instance_types"] = lambda: instance_types(ec2, params["instance_types"])
    if params["database"]:
        rds = Api(module.client("rds"))
        optional["database"] = lambda: database(rds, params["database"])
    if params["cache"]:
        elasticache = Api(module.client("elasticache"))
        optional["cache"] = lambda: cache(elasticache, params["cache"])
    if params["target_group"]:
        elbv2 = Api(module.client("elbv2"))
        optional["target_group"] = lambda: target_group(elbv2, params["target_group"])
    answers: Fields = {"instance_types": {}, **dict.fromkeys(("database", "cache", "target_group")), "unanswered": []}
    with ThreadPoolExecutor(len(required) + len(optional)) as pool:
        asked = {name: pool.submit(question) for name, question in {**required, **optional}.items()}
        try:
            for name, answer in asked.items():
                try:
                    answers[name] = answer.result()
                except AWSError as error:
                    if name in required or error_code(error) not in FORBIDDEN:
                        raise
                    answers["unanswered"].append(name)
        except AWSError as error:
            module.fail_json_aws_error(error)
    module.exit_json(changed=False, **answers)


if __name__ == "__main__":
    main()
