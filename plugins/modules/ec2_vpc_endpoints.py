#!/usr/bin/python
"""Ansible module: the endpoints of a VPC, many at once."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: ec2_vpc_endpoints
version_added: 0.1.0
short_description: Keep the gateway and interface endpoints of a VPC
description:
  - M(amazon.aws.ec2_vpc_endpoint) never changes the route tables, subnets and security groups of an endpoint that
    exists, and needs three calls for each.
  - An endpoint is found by its service. Endpoints whose tag C(Name) begins with O(prefix) and whose service is not in
    O(endpoints) are deleted; those of others are not touched.
  - An endpoint has the policy that AWS gives it, which lets everything through, since roles say what may be done. A
    policy that somebody has put in its place is taken back.
  - Interface endpoints take one or two minutes until they answer, and nobody waits here.
author: Slipway
options:
  vpc_id:
    description: The VPC.
    type: str
    required: true
  prefix:
    description: Beginning of the tag C(Name); the rest is the service.
    type: str
    required: true
  state:
    description: Whether the endpoints shall exist. V(absent) deletes all that are named with O(prefix).
  endpoints:
    description: All endpoints with O(prefix).
    type: list
    elements: dict
    default: []
    suboptions:
      service:
        description:
          - The service, such as V(ssm), which stands for C(com.amazonaws.REGION.ssm).
          - A name that begins with C(com.) or C(aws.) is taken as it is.
        type: str
        required: true
      type:
        description: A gateway costs nothing and exists for S3 and DynamoDB; an interface costs by zone and hour.
        type: str
        choices: [Gateway, Interface]
        default: Interface
      route_table_ids:
        description: Route tables that lead to a gateway.
        type: list
        elements: str
        default: []
      subnet_ids:
        description: Subnets of an interface, one of each zone.
        type: list
        elements: str
        default: []
      security_group_ids:
        description: Security groups of an interface.
        type: list
        elements: str
        default: []
      private_dns:
        description: Whether the public name of the service leads to the interface.
        type: bool
        default: true
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Reach S3 and Session Manager without NAT
  slipway.aws.ec2_vpc_endpoints:
    vpc_id: vpc-0123456789abcdef0
    prefix: slipway-staging-endpoint-
    endpoints:
      - service: s3
        type: Gateway
        route_table_ids: [rtb-0123456789abcdef0]
      - service: ssm
        subnet_ids: [subnet-0123456789abcdef0]
        security_group_ids: [sg-0123456789abcdef0]
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: "endpoints[ssm].subnet_ids", from: [subnet-1], to: [subnet-1, subnet-2]}]
vpc_endpoints:
  description: The endpoints as they are now; empty when they are absent.
  returned: always
  type: dict
  contains:
    endpoints:
      description: >-
        Each with C(service), C(type), C(route_table_ids), C(subnet_ids), C(security_group_ids), C(private_dns),
        C(open) (whether its policy is the one that AWS gives it) and C(tags).
      type: list
      elements: dict
    ids:
      description: The id of each service's endpoint.
      type: dict
"""

import json
from collections.abc import Sequence
from typing import ClassVar, override

from ansible_collections.slipway.aws.plugins.module_utils.aws import (
    STATE_ARGUMENTS,
    TAG_ARGUMENTS,
    Api,
    aws_module,
    run,
)
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    Layout,
    Live,
    RefusalError,
    Resource,
    desired_tags,
)
from ansible_collections.slipway.aws.plugins.module_utils.ec2_tags import write_tags

LISTS: Fields = {
    name: {"type": "list", "elements": "str", "default": []}
    for name in ("route_table_ids", "subnet_ids", "security_group_ids")
}
ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
    "vpc_id": {"type": "str", "required": True},
    "prefix": {"type": "str", "required": True},
    "endpoints": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "service": {"type": "str", "required": True},
            "type": {"type": "str", "choices": ["Gateway", "Interface"], "default": "Interface"},
            **LISTS,
            "private_dns": {"type": "bool", "default": True},
        },
    },
}
# The members of ModifyVpcEndpoint that add to and take from a list.
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcEndpoint.html
MEMBERS = {"route_table_ids": "RouteTableIds", "subnet_ids": "SubnetIds", "security_group_ids": "SecurityGroupIds"}
GATEWAYS = ("s3", "dynamodb")
#: What an endpoint lets through to which nobody gave a policy.
#: https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html#default-endpoint-policy
EVERYTHING = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
GONE = ("deleting", "deleted", "failed", "rejected", "expired")


def is_open(policy: str | None) -> bool:
    """Whether it is AWS's own policy, or none is told."""
    statements = json.loads(policy)["Statement"] if policy else [EVERYTHING]
    return bool(statements == [EVERYTHING])


def endpoint_fields(live: Fields, service: str) -> Fields:
    """VpcEndpoint of AWS as fields."""
    return {
        "service": service,
        "type": live["VpcEndpointType"],
        "route_table_ids": live.get("RouteTableIds") or [],
        "subnet_ids": live.get("SubnetIds") or [],
        "security_group_ids": [group["GroupId"] for group in live.get("Groups") or []],
        "private_dns": live["VpcEndpointType"] == "Interface" and bool(live.get("PrivateDnsEnabled")),
        "open": is_open(live.get("PolicyDocument")),
        "tags": {tag["Key"]: tag["Value"] for tag in live.get("Tags", [])},
    }


class Endpoints(Resource):
    kind = "VPC endpoints"
    result_key = "vpc_endpoints"
    layout: ClassVar[Layout] = Layout(keys={"endpoints": "service"})

    def __init__(self, api: Api, params: Fields) -> None:
        self.api = api
        self.params = params
        self._services = f"com.amazonaws.{api.client.meta.region_name}."

    @property
    @override
    def name(self) -> str:
        return f"{self.params['prefix']}*"

    def _full(self, service: str) -> str:
        return service if service.startswith(("com.", "aws.")) else self._services + service

    @override
    def find(self) -> Live | None:
        listed = self.api.pages(
            f"look at the endpoints of {self.params['vpc_id']}",
            "describe_vpc_endpoints",
            "VpcEndpoints",
            Filters=[{"Name": "vpc-id", "Values": [self.params["vpc_id"]]}],
        )
        wanted = {(self._full(one["service"]), one["type"]): one["service"] for one in self.params["endpoints"]}
        found: list[Fields] = []
        ids: dict[str, str] = {}
        for live in listed:
            if live["State"].lower() in GONE:
                continue
            service = wanted.get((live["ServiceName"], live["VpcEndpointType"]))
            named = next((tag["Value"] for tag in live.get("Tags", []) if tag["Key"] == "Name"), "")
            if self.params["state"] == "absent" or (service is None and named.startswith(self.params["prefix"])):
                if not named.startswith(self.params["prefix"]):
                    continue
                service = live["ServiceName"].removeprefix(self._services)
            if service is not None and service not in ids:
                found.append(endpoint_fields(live, service))
                ids[service] = live["VpcEndpointId"]
        if self.params["state"] == "absent" and not found:
            return None
        return Live({"endpoints": found}, {"ids": ids})

    @override
    def desired(self, live: Live | None) -> Fields:
        have = self._by_service(live)
        purge = self.params["tags"] is not None and self.params["purge_tags"]
        endpoints: list[Fields] = []
        for wanted in self.params["endpoints"]:
            name = self.params["prefix"] + wanted["service"].removeprefix(self._services)
            tags = desired_tags(
                have.get(wanted["service"], {}).get("tags", {}),
                {**(self.params["tags"] or {}), "Name": name},
                purge=purge,
            )
            interface = wanted["type"] == "Interface"
            endpoints.append({**wanted, "private_dns": interface and wanted["private_dns"], "open": True, "tags": tags})
        return {"endpoints": endpoints}

    @staticmethod
    def _by_service(live: Live | None) -> dict[str, Fields]:
        return {one["service"]: one for one in live.fields["endpoints"]} if live else {}

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        have = self._by_service(live)
        seen: set[str] = set()
        for one in desired["endpoints"]:
            service = one["service"]
            if service in seen:
                raise RefusalError(f"{service} is listed twice.")
            seen.add(service)
            if one["type"] == "Gateway" and service.rpartition(".")[2] not in GATEWAYS:
                raise RefusalError(f"{service} has no gateway endpoint, S3 and DynamoDB have: make it type: Interface.")
            if one["type"] == "Gateway" and (one["subnet_ids"] or one["security_group_ids"]):
                raise RefusalError(f"The gateway of {service} takes route_table_ids, neither subnets nor groups.")
            if one["type"] == "Interface" and one["route_table_ids"]:
                raise RefusalError(f"The interface of {service} takes subnets and groups, no route tables.")
            if one["type"] == "Interface" and not (one["subnet_ids"] and one["security_group_ids"]):
                raise RefusalError(
                    f"The interface of {service} needs subnet_ids and security_group_ids: without a group of its own "
                    "it would get the default one of the VPC, which lets nobody in."
                )
            if have.get(service, one)["type"] != one["type"]:
                raise RefusalError(f"{service} has an endpoint of another type in {self.params['vpc_id']}: delete it.")
            self.api.check("create_vpc_endpoint", **self._request(one))

    def _request(self, one: Fields) -> Fields:
        tags = [{"Key": name, "Value": value} for name, value in one["tags"].items() if value is not None]
        interface = {"PrivateDnsEnabled": one["private_dns"]} if one["type"] == "Interface" else {}
        return {
            "VpcEndpointType": one["type"],
            "VpcId": self.params["vpc_id"],
            "ServiceName": self._full(one["service"]),
            **{member: one[name] for name, member in MEMBERS.items() if one[name]},
            **interface,
            "TagSpecifications": [{"ResourceType": "vpc-endpoint", "Tags": tags}],
        }

    @override
    def create(self, desired: Fields) -> Live:
        return self.update(Live({"endpoints": []}, {"ids": {}}), desired, ())

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        have = self._by_service(live)
        wanted = {one["service"] for one in desired["endpoints"]}
        self._delete([identity for service, identity in live.raw["ids"].items() if service not in wanted])
        for one in desired["endpoints"]:
            service = one["service"]
            if service in have:
                self._modify(live.raw["ids"][service], have[service], one)
            else:
                self.api.call(f"make the endpoint of {service}", "create_vpc_endpoint", **self._request(one))
        return self.find() or live

    def _modify(self, identity: str, have: Fields, one: Fields) -> None:
        request: Fields = {}
        for name, member in MEMBERS.items():
            if added := sorted(set(one[name]) - set(have[name])):
                request[f"Add{member}"] = added
            if removed := sorted(set(have[name]) - set(one[name])):
                request[f"Remove{member}"] = removed
        if one["private_dns"] != have["private_dns"]:
            request["PrivateDnsEnabled"] = one["private_dns"]
        if not have["open"]:
            request["ResetPolicy"] = True
        if request:
            self.api.call(f"change the endpoint {identity}", "modify_vpc_endpoint", VpcEndpointId=identity, **request)
        write_tags(self.api, identity, have["tags"], one["tags"])

    def _delete(self, ids: Sequence[str]) -> None:
        if not ids:
            return
        answer = self.api.call("delete endpoints", "delete_vpc_endpoints", VpcEndpointIds=list(ids))
        # An error of one resource is not one of the request.
        for failure in answer.get("Unsuccessful", []):
            raise RefusalError(f"AWS did not delete {failure['ResourceId']}: {failure['Error']['Message']}")

    @override
    def delete(self, live: Live) -> Live | None:
        self._delete(list(live.raw["ids"].values()))
        return None

    @override
    def predicted(self, desired: Fields) -> Fields:
        return {**desired, "ids": {}}


def main() -> None:
    module = aws_module(ARGUMENTS)
    run(module, Endpoints(Api(module.client("ec2")), module.params))


if __name__ == "__main__":
    main()
