"""IPv6 in a VPC: blocks lie within the network's own, and routes are there once."""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import (
    EC2ClientError,
    InvalidSubnetConflictError,
    InvalidSubnetRangeError,
    RouteAlreadyExistsError,
)
from moto.ec2.models import EC2Backend
from moto.ec2.models.route_tables import Route
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPC
from moto.ec2.responses import EC2Response
from moto.ec2.utils import generic_filter

from .registry import correct, correct_value

_SUBNET_FILTER = "ipv6-cidr-block-association."

_create_subnet = EC2Backend.create_subnet
_associate = EC2Backend.associate_subnet_cidr_block
_modify_subnet_attribute = EC2Backend.modify_subnet_attribute
_subnet_filter = Subnet.get_filter_value
_create_route = EC2Backend.create_route


def blocks(subnet: Subnet) -> list[dict[str, Any]]:
    """The subnet's own blocks, in AWS's words.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SubnetIpv6CidrBlockAssociation.html
    """
    return [
        {
            "AssociationId": one["associationId"],
            "Ipv6CidrBlock": one["ipv6CidrBlock"],
            "Ipv6CidrBlockState": one["ipv6CidrBlockState"],
        }
        for one in subnet.ipv6_cidr_block_associations.values()
        if one["ipv6CidrBlockState"]["State"] == "associated"
    ]


correct_value(Subnet, "ipv6_cidr_block_association_set", property(blocks))


@correct(Subnet, "get_filter_value")
def subnet_filter(self: Subnet, filter_name: str, method_name: str | None = None) -> Any:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html"""
    match filter_name.removeprefix(_SUBNET_FILTER):
        case "ipv6-cidr-block":
            return [one["Ipv6CidrBlock"] for one in blocks(self)]
        case "association-id":
            return [one["AssociationId"] for one in blocks(self)]
        case "state" if filter_name.startswith(_SUBNET_FILTER):
            return [one["ipv6CidrBlockState"]["State"] for one in self.ipv6_cidr_block_associations.values()]
    return _subnet_filter(self, filter_name, method_name)


def check_block(backend: EC2Backend, vpc: VPC, text: str) -> None:
    """A subnet's block is a part of one of its network's, /44 to /64 in steps of four, and nobody else's.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html
    https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
    """
    wanted = ipaddress.IPv6Network(text)
    whole = [ipaddress.IPv6Network(one["cidr_block"]) for one in vpc.get_cidr_block_association_set(ipv6=True)]
    if wanted.prefixlen not in range(44, 65, 4) or not any(wanted.subnet_of(block) for block in whole):
        raise InvalidSubnetRangeError(text)
    for other in backend.describe_subnets(filters={"vpc-id": [vpc.id]}):
        if any(ipaddress.IPv6Network(one["Ipv6CidrBlock"]).overlaps(wanted) for one in blocks(other)):
            raise InvalidSubnetConflictError(text)


@correct(EC2Backend, "create_subnet")
def create_subnet(
    self: EC2Backend, vpc_id: str, cidr_block: str, ipv6_cidr_block: str | None = None, *args: Any, **kwargs: Any
) -> Subnet:
    """See `check_block`."""
    if ipv6_cidr_block:
        check_block(self, self.get_vpc(vpc_id), ipv6_cidr_block)
    return _create_subnet(self, vpc_id, cidr_block, ipv6_cidr_block, *args, **kwargs)


@correct(EC2Backend, "associate_subnet_cidr_block")
def associate_subnet_cidr_block(self: EC2Backend, subnet_id: str, ipv6_cidr_block: str) -> dict[str, Any]:
    """One block a subnet.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateSubnetCidrBlock.html
    """
    subnet = self.get_subnet(subnet_id)
    if blocks(subnet):
        raise EC2ClientError(
            "SubnetCidrBlockLimitExceeded", f"The subnet '{subnet_id}' has reached the limit of its IPv6 CIDR blocks"
        )
    check_block(self, self.get_vpc(subnet.vpc_id), ipv6_cidr_block)
    return _associate(self, subnet_id, ipv6_cidr_block)


@correct(EC2Backend, "modify_subnet_attribute")
def modify_subnet_attribute(self: EC2Backend, subnet_id: str, attr_name: str, attr_value: Any) -> None:
    """A subnet without a block has no addresses to assign.

    https://docs.aws.amazon.com/vpc/latest/userguide/subnet-public-ip.html
    """
    wants = attr_name == "assign_ipv6_address_on_creation" and str(attr_value).lower() == "true"
    if wants and not blocks(self.get_subnet(subnet_id)):
        raise EC2ClientError("InvalidParameterValue", f"The subnet '{subnet_id}' has no IPv6 CIDR block")
    _modify_subnet_attribute(self, subnet_id, attr_name, attr_value)


@correct(EC2Backend, "create_route")
def create_route(
    self: EC2Backend,
    route_table_id: str,
    destination_cidr_block: str | None,
    destination_ipv6_cidr_block: str | None = None,
    *args: Any,
    **kwargs: Any,
) -> Route:
    """A destination stands in a table once, and an egress-only gateway takes IPv6 alone.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html
    """
    if kwargs.get("egress_only_igw_id") and not destination_ipv6_cidr_block:
        raise EC2ClientError("InvalidParameterValue", "An egress-only Internet gateway takes IPv6 destinations only")
    if destination_ipv6_cidr_block and not kwargs.get("local"):
        wanted = ipaddress.IPv6Network(destination_ipv6_cidr_block)
        for route in self.get_route_table(route_table_id)._routes.values():
            there = route.destination_ipv6_cidr_block
            if there and ipaddress.IPv6Network(there) == wanted:
                raise RouteAlreadyExistsError(destination_ipv6_cidr_block)
    return _create_route(self, route_table_id, destination_cidr_block, destination_ipv6_cidr_block, *args, **kwargs)


@correct(EC2Response, "describe_egress_only_internet_gateways")
def describe_egress_only_internet_gateways(self: EC2Response) -> ActionResult:
    """By their tags.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeEgressOnlyInternetGateways.html
    """
    ids = self._get_param("EgressOnlyInternetGatewayIds", [])
    found = self.ec2_backend.describe_egress_only_internet_gateways(ids)
    return ActionResult({"EgressOnlyInternetGateways": generic_filter(self._filters_from_querystring(), found)})
