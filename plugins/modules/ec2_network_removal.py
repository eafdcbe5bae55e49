#!/usr/bin/python
"""Ansible module: a VPC goes, with everything that is in it."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: ec2_network_removal
version_added: 0.1.0
short_description: Remove a VPC with its gateways, endpoints, security groups, route tables, subnets and addresses
description:
  - The stock modules delete one part by its id, and each wants to be told which; what a broken run left half deleted
    they cannot find.
  - Security groups that name each other cannot be deleted before their rules are gone, and a subnet not before the
    last interface in it is. Services take theirs away minutes after the load balancer or gateway has gone, so that is
    awaited.
  - Does nothing to a VPC that does not have all of the tags.
author: Slipway
options:
  network_tags:
    description: Tags of the VPC and of its addresses, C(Name) apart. C(Environment) has to be among them.
    type: dict
    required: true
  only:
    description:
      - Only a part of it. V(gateways) begins to delete NAT gateways and endpoints and does not wait, so that what is
        slow is started early. V(rules) revokes the rules of the security groups.
      - V(strays) leaves the network alone, and removes what a run that died or an answer that was lost has left beside
        it, which no module finds again. That is an Internet gateway that is attached to nothing, and what nobody uses
        where there is a twin of the same name, namely a network without subnets, a route table without subnets, an
        egress-only gateway without a route, an address of no gateway.
    type: str
    choices: [gateways, rules, strays, everything]
    default: everything
  wait_timeout:
    description: Longest wait for gateways and interfaces to go, in seconds.
    type: int
    default: 1200
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    support: full
    description: Reads, and says what would be removed.
"""

EXAMPLES = r"""
- name: Remove the network of staging
  slipway.aws.ec2_network_removal:
    network_tags: {Project: slipway, Environment: staging}

- name: Remove what a broken run has made twice
  slipway.aws.ec2_network_removal:
    network_tags: {Project: slipway, Environment: staging}
    only: strays
"""

RETURN = r"""
removed:
  description: What went, or in check mode would, in this order.
  returned: always
  type: list
  elements: str
  sample: [NAT gateway nat-0123456789abcdef0, network vpc-0123456789abcdef0]
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ansible_collections.slipway.aws.plugins.module_utils.aws import Api, AWSError, Module, aws_module
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields, RefusalError, wait_until

ARGUMENTS: Fields = {
    "network_tags": {"type": "dict", "required": True},
    "only": {"type": "str", "choices": ["gateways", "rules", "strays", "everything"], "default": "everything"},
    "wait_timeout": {"type": "int", "default": 1200},
}

# AWS filters these by their tags alone.
_EGRESS_ONLY = "describe_egress_only_internet_gateways"
# Something else is still at work, as AWS says it while a deletion spreads.
_IN_USE = ("DependencyViolation", "InvalidIPAddress.InUse", "AuthFailure.Unauthorized")


class Removal:
    """What belongs to the networks with these tags, and the calls that delete it."""

    def __init__(self, api: Api, tags: Fields, *, check_mode: bool, timeout: float) -> None:
        self.api = api
        self.tagged = [{"Name": f"tag:{key}", "Values": [str(value)]} for key, value in tags.items()]
        self.check_mode = check_mode
        self.timeout = timeout
        self.removed: list[str] = []

    def networks(self) -> list[str]:
        """Ids of the VPCs."""
        return [vpc["VpcId"] for vpc in self._list("networks", "describe_vpcs", "Vpcs", self.tagged)]

    def _list(self, what: str, operation: str, items: str, filters: Sequence[Fields]) -> list[Fields]:
        # NAT gateways alone call the parameter by its singular.
        name = "Filter" if operation == "describe_nat_gateways" else "Filters"
        return self.api.pages(f"list the {what}", operation, items, **{name: list(filters)})

    def _delete(self, what: str, operation: str, missing: str, **parameters: Any) -> None:
        self.removed.append(what)
        if not self.check_mode:
            self.api.call_if_exists(f"delete the {what}", operation, missing={missing}, retry_on=_IN_USE, **parameters)

    def gateways(self, vpc: str) -> None:
        """Begin to delete NAT gateways and endpoints."""
        inside = [{"Name": "vpc-id", "Values": [vpc]}]
        for one in self._list("endpoints", "describe_vpc_endpoints", "VpcEndpoints", inside):
            if one["State"].lower() not in ("deleting", "deleted"):
                self._endpoint(one["VpcEndpointId"])
        for one in self._list("NAT gateways", "describe_nat_gateways", "NatGateways", inside):
            if one["State"] not in ("deleting", "deleted", "failed"):
                number = one["NatGatewayId"]
                self._delete(f"NAT gateway {number}", "delete_nat_gateway", "NatGatewayNotFound", NatGatewayId=number)

    def _endpoint(self, number: str) -> None:
        self.removed.append(f"endpoint {number}")
        if self.check_mode:
            return
        answer = self.api.call(f"delete the endpoint {number}", "delete_vpc_endpoints", VpcEndpointIds=[number])
        # This call succeeds whatever becomes of the endpoints.
        for wrong in answer.get("Unsuccessful", []):
            if "NotFound" not in wrong.get("Error", {}).get("Code", ""):
                raise RefusalError(f"The endpoint {number} stays: {wrong['Error'].get('Message')}")

    def addresses(self) -> None:
        """Release the addresses, when no gateway holds them any more."""
        for one in self.api.call("list the addresses", "describe_addresses", Filters=self.tagged)["Addresses"]:
            self._release(one)

    def _release(self, address: Fields) -> None:
        self._delete(
            f"address {address['PublicIp']}",
            "release_address",
            "InvalidAllocationID.NotFound",
            AllocationId=address["AllocationId"],
        )

    def network(self, vpc: str) -> None:
        """Delete what is in a VPC, and the VPC."""
        inside = [{"Name": "vpc-id", "Values": [vpc]}]
        groups = self.rules(vpc)
        self._await_gateways(inside)
        self.addresses()
        self._await_interfaces(inside)
        for one in groups:
            if one["GroupName"] != "default":
                self._delete(
                    f"security group {one['GroupName']}",
                    "delete_security_group",
                    "InvalidGroup.NotFound",
                    GroupId=one["GroupId"],
                )
        for one in self._list("subnets", "describe_subnets", "Subnets", inside):
            number = one["SubnetId"]
            self._delete(f"subnet {number}", "delete_subnet", "InvalidSubnetID.NotFound", SubnetId=number)
        for one in self._list("route tables", "describe_route_tables", "RouteTables", inside):
            if not any(association.get("Main") for association in one.get("Associations", [])):
                number = one["RouteTableId"]
                self._dissociate(one)
                self._delete(
                    f"route table {number}", "delete_route_table", "InvalidRouteTableID.NotFound", RouteTableId=number
                )
        attached = [{"Name": "attachment.vpc-id", "Values": [vpc]}]
        for one in self._list("Internet gateways", "describe_internet_gateways", "InternetGateways", attached):
            number = one["InternetGatewayId"]
            if not self.check_mode:
                self.api.call_if_exists(
                    f"detach the Internet gateway {number}",
                    "detach_internet_gateway",
                    missing={"Gateway.NotAttached", "InvalidInternetGatewayID.NotFound"},
                    retry_on=_IN_USE,
                    InternetGatewayId=number,
                    VpcId=vpc,
                )
            self._gateway(number)
        for one in self._list("egress-only gateways", _EGRESS_ONLY, "EgressOnlyInternetGateways", []):
            if any(attachment.get("VpcId") == vpc for attachment in one.get("Attachments", [])):
                self._egress_only(one["EgressOnlyInternetGatewayId"])
        self._delete(f"network {vpc}", "delete_vpc", "InvalidVpcID.NotFound", VpcId=vpc)

    def _dissociate(self, table: Fields) -> None:
        for one in [] if self.check_mode else table.get("Associations", []):
            self.api.call_if_exists(
                f"take the route table {table['RouteTableId']} from its subnet",
                "disassociate_route_table",
                missing={"InvalidAssociationID.NotFound"},
                AssociationId=one["RouteTableAssociationId"],
            )

    def _gateway(self, number: str) -> None:
        self._delete(
            f"Internet gateway {number}",
            "delete_internet_gateway",
            "InvalidInternetGatewayID.NotFound",
            InternetGatewayId=number,
        )

    def _egress_only(self, number: str) -> None:
        self._delete(
            f"egress-only gateway {number}",
            "delete_egress_only_internet_gateway",
            "InvalidGatewayID.NotFound",
            EgressOnlyInternetGatewayId=number,
        )

    def stray_gateways(self) -> None:
        """Internet gateways that a broken run has not attached yet, or detached and not deleted."""
        for one in self._list("Internet gateways", "describe_internet_gateways", "InternetGateways", self.tagged):
            if not one.get("Attachments"):
                self._gateway(one["InternetGatewayId"])

    def twins(self) -> None:
        """What nobody uses and has a twin: these calls know no token, so that a lost answer makes them twice."""
        subnets = self._list("subnets", "describe_subnets", "Subnets", self.tagged)
        inhabited = {one["VpcId"] for one in subnets}
        vpcs = self._list("networks", "describe_vpcs", "Vpcs", self.tagged)
        for one in _twins(vpcs, "VpcId", "CidrBlock", lambda vpc: vpc["VpcId"] in inhabited):
            self._delete(f"network {one['VpcId']}", "delete_vpc", "InvalidVpcID.NotFound", VpcId=one["VpcId"])
        tables = self._list("route tables", "describe_route_tables", "RouteTables", self.tagged)
        for one in _twins(tables, "RouteTableId", "VpcId", lambda table: bool(table.get("Associations"))):
            number = one["RouteTableId"]
            self._delete(
                f"route table {number}", "delete_route_table", "InvalidRouteTableID.NotFound", RouteTableId=number
            )
        routed = {route.get("EgressOnlyInternetGatewayId") for table in tables for route in table.get("Routes", [])}
        ways = self._list("egress-only gateways", _EGRESS_ONLY, "EgressOnlyInternetGateways", self.tagged)
        key = "EgressOnlyInternetGatewayId"
        for one in _twins(ways, key, "Attachments", lambda way: way["EgressOnlyInternetGatewayId"] in routed):
            self._egress_only(one[key])
        addresses = self.api.call("list the addresses", "describe_addresses", Filters=self.tagged)["Addresses"]
        for one in _twins(addresses, "AllocationId", "Domain", lambda address: bool(address.get("AssociationId"))):
            self._release(one)

    def rules(self, vpc: str) -> list[Fields]:
        """Revoke all rules: two groups that name each other hold each other. Returns the groups."""
        inside = [{"Name": "vpc-id", "Values": [vpc]}]
        groups = self._list("security groups", "describe_security_groups", "SecurityGroups", inside)
        for one in groups:
            for rules, operation in (
                (one.get("IpPermissions"), "revoke_security_group_ingress"),
                (one.get("IpPermissionsEgress"), "revoke_security_group_egress"),
            ):
                if rules:
                    self._delete(
                        f"rules of security group {one['GroupName']}",
                        operation,
                        "InvalidPermission.NotFound",
                        GroupId=one["GroupId"],
                        IpPermissions=rules,
                    )
        return groups

    def _await_gateways(self, inside: Sequence[Fields]) -> None:
        def probe() -> tuple[bool, str]:
            nat = self._list("NAT gateways", "describe_nat_gateways", "NatGateways", inside)
            endpoints = self._list("endpoints", "describe_vpc_endpoints", "VpcEndpoints", inside)
            left = [one["NatGatewayId"] for one in nat if one["State"] not in ("deleted", "failed")]
            left += [one["VpcEndpointId"] for one in endpoints if one["State"].lower() != "deleted"]
            return not left, ", ".join(left)

        if not self.check_mode:
            wait_until("Deleting the gateways", probe, timeout=self.timeout)

    def _await_interfaces(self, inside: Sequence[Fields]) -> None:
        """Services remove their interfaces themselves; one that nobody uses any more is deleted here."""

        def probe() -> tuple[bool, str]:
            left = []
            for one in self._list("interfaces", "describe_network_interfaces", "NetworkInterfaces", inside):
                number = one["NetworkInterfaceId"]
                if one.get("Status") == "available" and not one.get("RequesterManaged"):
                    self._delete(
                        f"interface {number}",
                        "delete_network_interface",
                        "InvalidNetworkInterfaceID.NotFound",
                        NetworkInterfaceId=number,
                    )
                else:
                    left.append(f"{number} ({one.get('Description') or one.get('InterfaceType', 'no description')})")
            return not left, ", ".join(left)

        if not self.check_mode:
            wait_until("Waiting for the last network interfaces to go", probe, timeout=self.timeout)


def _twins(resources: Sequence[Fields], key: str, like: str, in_use: Callable[[Fields], bool]) -> Iterator[Fields]:
    """Those that are not used while another has the same tags and the same value of ``like``; one is always spared."""
    groups: dict[str, list[Fields]] = {}
    for one in sorted(resources, key=lambda resource: str(resource[key])):
        tags = sorted((tag["Key"], tag["Value"]) for tag in one.get("Tags", []))
        groups.setdefault(repr((one.get(like), tags)), []).append(one)
    for group in groups.values():
        idle = [one for one in group if not in_use(one)]
        yield from idle[1:] if len(idle) == len(group) else idle


def main() -> None:
    module: Module = aws_module(ARGUMENTS)
    params = module.params
    removal = Removal(
        Api(module.client("ec2")), params["network_tags"], check_mode=module.check_mode, timeout=params["wait_timeout"]
    )
    try:
        if not params["network_tags"].get("Environment"):
            raise RefusalError("network_tags has no Environment: the networks of others could have the same tags.")
        if params["only"] == "strays":
            removal.stray_gateways()
            removal.twins()
            module.exit_json(changed=bool(removal.removed), removed=removal.removed)
        networks = removal.networks()
        for vpc in networks:
            if params["only"] == "rules":
                removal.rules(vpc)
                continue
            removal.gateways(vpc)
            if params["only"] == "everything":
                removal.network(vpc)
        if params["only"] == "everything":
            if not networks:
                removal.addresses()
            if not module.check_mode:
                removal.stray_gateways()
        module.exit_json(changed=bool(removal.removed), removed=removal.removed)
    except RefusalError as refusal:
        module.fail_json(msg=str(refusal), removed=removal.removed)
    except AWSError as error:
        module.fail_json_aws_error(error)


if __name__ == "__main__":
    main()
