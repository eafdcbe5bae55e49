"""IPv6 in a VPC: what AWS gives, and what it refuses."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.emulator.corrections.dependencies import BALANCER_LEAVES_SECONDS

from .conftest import Clients


def refusal(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


@pytest.fixture
def ec2(client: Clients) -> Any:
    return client("ec2")


@pytest.fixture
def vpc(ec2: Any) -> Iterator[str]:
    made = ec2.create_vpc(CidrBlock="10.40.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]
    yield made
    for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [made]}])["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    ec2.delete_vpc(VpcId=made)


@pytest.fixture
def parts(ec2: Any, vpc: str) -> list[str]:
    """The 256 blocks for subnets."""
    [block] = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"]
    return [str(part) for part in ipaddress.IPv6Network(block["Ipv6CidrBlock"]).subnets(new_prefix=64)]


def make_subnet(ec2: Any, vpc: str, number: int, **more: Any) -> str:
    made = ec2.create_subnet(
        VpcId=vpc, CidrBlock=f"10.40.{number}.0/24", AvailabilityZone="eu-west-1" + "ab"[number % 2], **more
    )
    return str(made["Subnet"]["SubnetId"])


def test_a_subnets_block_is_a_part_of_the_networks(ec2: Any, vpc: str, parts: list[str]) -> None:
    made = make_subnet(ec2, vpc, 0, Ipv6CidrBlock=parts[0])
    [found] = ec2.describe_subnets(
        Filters=[
            {"Name": "ipv6-cidr-block-association.ipv6-cidr-block", "Values": [parts[0]]},
            {"Name": "ipv6-cidr-block-association.state", "Values": ["associated"]},
        ]
    )["Subnets"]
    assert found["SubnetId"] == made
    [block] = found["Ipv6CidrBlockAssociationSet"]
    assert (block["Ipv6CidrBlock"], block["Ipv6CidrBlockState"]) == (parts[0], {"State": "associated"})
    other = make_subnet(ec2, vpc, 1)
    for wrong, code in (
        (parts[0], "InvalidSubnet.Conflict"),
        ("2001:db8::/64", "InvalidSubnet.Range"),
        (parts[1].replace("/64", "/66"), "InvalidSubnet.Range"),
    ):
        assert refusal(ec2.associate_subnet_cidr_block, SubnetId=other, Ipv6CidrBlock=wrong) == code
    ec2.associate_subnet_cidr_block(SubnetId=other, Ipv6CidrBlock=parts[1])
    again = refusal(ec2.associate_subnet_cidr_block, SubnetId=other, Ipv6CidrBlock=parts[2])
    assert again == "SubnetCidrBlockLimitExceeded"
    taken = refusal(ec2.create_subnet, VpcId=vpc, CidrBlock="10.40.2.0/24", Ipv6CidrBlock=parts[1])
    assert taken == "InvalidSubnet.Conflict"


def test_a_subnet_without_a_block_assigns_nothing(ec2: Any, vpc: str, parts: list[str]) -> None:
    subnet = make_subnet(ec2, vpc, 0)
    wanted = {"SubnetId": subnet, "AssignIpv6AddressOnCreation": {"Value": True}}
    assert refusal(ec2.modify_subnet_attribute, **wanted) == "InvalidParameterValue"
    ec2.associate_subnet_cidr_block(SubnetId=subnet, Ipv6CidrBlock=parts[0])
    ec2.modify_subnet_attribute(**wanted)
    assert ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AssignIpv6AddressOnCreation"] is True


def test_a_destination_stands_in_a_table_once(ec2: Any, vpc: str) -> None:
    gateway = ec2.create_egress_only_internet_gateway(VpcId=vpc)["EgressOnlyInternetGateway"][
        "EgressOnlyInternetGatewayId"
    ]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    way = {"RouteTableId": table, "EgressOnlyInternetGatewayId": gateway}
    assert refusal(ec2.create_route, DestinationCidrBlock="0.0.0.0/0", **way) == "InvalidParameterValue"
    ec2.create_route(DestinationIpv6CidrBlock="::/0", **way)
    assert refusal(ec2.create_route, DestinationIpv6CidrBlock="::/0", **way) == "RouteAlreadyExists"
    ec2.delete_route_table(RouteTableId=table)
    assert refusal(ec2.delete_vpc, VpcId=vpc) == "DependencyViolation"
    ec2.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=gateway)


def test_a_balancer_of_both_families_wants_both_in_each_subnet(
    client: Clients, ec2: Any, vpc: str, parts: list[str]
) -> None:
    elb: Any = client("elbv2")
    subnets = [make_subnet(ec2, vpc, 0, Ipv6CidrBlock=parts[0]), make_subnet(ec2, vpc, 1)]
    options = {"Name": "both", "Subnets": subnets, "IpAddressType": "dualstack"}
    assert refusal(elb.create_load_balancer, **options) == "ValidationError"
    ipv4 = elb.create_load_balancer(**{**options, "IpAddressType": "ipv4"})["LoadBalancers"][0]["LoadBalancerArn"]
    change = {"LoadBalancerArn": ipv4, "IpAddressType": "dualstack"}
    assert refusal(elb.set_ip_address_type, **change) == "ValidationError"
    ec2.associate_subnet_cidr_block(SubnetId=subnets[1], Ipv6CidrBlock=parts[1])
    elb.set_ip_address_type(**change)
    elb.delete_load_balancer(LoadBalancerArn=ipv4)
    # Its interfaces hold the subnets that long.
    time.sleep(BALANCER_LEAVES_SECONDS)
