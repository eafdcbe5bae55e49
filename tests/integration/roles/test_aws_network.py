"""The ways out of the network: chosen, changed, and nothing left of the way before."""

from __future__ import annotations

import ipaddress
from typing import Any

from .conftest import REGION, TAGS, Clients, Converge, Values

SUBNETS = [
    {"tier": tier, "zone": f"{REGION}{zone}", "cidr": f"10.30.{number * 2 + (zone == 'b')}.0/24"}
    for number, tier in enumerate(("public", "application", "data"))
    for zone in "ab"
]


class Network:
    """The role as the waves of a run play it, in one play."""

    def __init__(self, converge: Converge, client: Clients) -> None:
        self.converge = converge
        self.ec2: Any = client("ec2")

    def variables(self, nat: str, **more: Any) -> Values:
        return {
            "aws_network_name": "stack",
            "aws_network_region": REGION,
            "aws_network_cidr": "10.30.0.0/16",
            "aws_network_subnets": SUBNETS,
            "aws_network_nat": nat,
            "aws_network_poll_seconds": 1,
            "aws_network_tags": TAGS,
            **more,
        }

    def __call__(self, nat: str, **more: Any) -> Values:
        variables = self.variables(nat, **more)
        made = self.converge("aws_network", variables)
        assert not made.failed, made.messages
        egress = self.converge("aws_network", {**variables, "aws_network_result": made.result}, stage="egress")
        assert not egress.failed, egress.messages
        return {**made.result, "changed": made.changed + egress.changed}

    def gateways(self) -> int:
        found = self.ec2.describe_nat_gateways(Filters=[{"Name": "state", "Values": ["available", "pending"]}])
        return len(found["NatGateways"])

    def routes(self, subnet: str) -> list[Values]:
        filters = [{"Name": "association.subnet-id", "Values": [subnet]}]
        [table] = self.ec2.describe_route_tables(Filters=filters)["RouteTables"]
        return list(table["Routes"])

    def ways_out(self, subnets: list[str]) -> list[str]:
        """The NAT gateway behind the default route of each subnet, or nothing."""
        ways = []
        for subnet in subnets:
            routes = [route for route in self.routes(subnet) if route.get("DestinationCidrBlock") == "0.0.0.0/0"]
            ways.append(routes[0].get("NatGatewayId", "") if routes else "")
        return ways

    def ways_out_over_ipv6(self, subnet: str) -> list[str]:
        """What is behind the default route for IPv6."""
        ways = [route for route in self.routes(subnet) if route.get("DestinationIpv6CidrBlock") == "::/0"]
        return [way.get("EgressOnlyInternetGatewayId") or way["GatewayId"] for way in ways]

    def blocks(self) -> dict[str, str]:
        """The IPv6 block of each subnet, by its IPv4 block."""
        return {
            one["CidrBlock"]: "".join(block["Ipv6CidrBlock"] for block in one["Ipv6CidrBlockAssociationSet"])
            for one in self.ec2.describe_subnets()["Subnets"]
        }

    def services(self) -> dict[str, Any]:
        return {one["ServiceName"].rpartition(".")[2]: one for one in self.ec2.describe_vpc_endpoints()["VpcEndpoints"]}


def test_the_ways_out(converge: Converge, client: Clients) -> None:
    network = Network(converge, client)
    made = network("per_az")
    first, second = network.ways_out(made["subnet_ids"]["application"])
    assert first
    assert second
    assert first != second
    assert network.ways_out(made["subnet_ids"]["data"]) == ["", ""]
    assert len(network.ec2.describe_addresses()["Addresses"]) == 2

    single = network("single")
    assert network.gateways() == 1
    assert set(network.ways_out(single["subnet_ids"]["application"])) == {first}
    assert len(network.ec2.describe_addresses()["Addresses"]) == 1

    group = network.ec2.create_security_group(GroupName="e", Description="e", VpcId=single["vpc_id"])["GroupId"]
    endpoints = {"aws_network_interface_endpoints": ["ssm", "logs"], "aws_network_endpoint_group_ids": [group]}
    none = network("none", **endpoints)
    assert network.gateways() == 0
    assert network.ways_out(none["subnet_ids"]["application"]) == ["", ""]
    assert network.ec2.describe_addresses()["Addresses"] == []
    services = network.services()
    assert set(services) == {"s3", "ssm", "logs"}
    assert set(services["ssm"]["SubnetIds"]) == set(none["subnet_ids"]["application"])
    assert [one["GroupId"] for one in services["ssm"]["Groups"]] == [group]
    assert network("none", **endpoints)["changed"] == ()


def test_no_address_is_left_by_a_gateway_that_somebody_deletes_or_a_run_that_broke_off(
    converge: Converge, client: Clients
) -> None:
    network = Network(converge, client)
    network("single")
    (before,) = network.ec2.describe_addresses()["Addresses"]
    (gateway,) = network.ec2.describe_nat_gateways()["NatGateways"]
    network.ec2.delete_nat_gateway(NatGatewayId=gateway["NatGatewayId"])
    for name, tags in (("stack-nat-eu-west-1b", TAGS), ("stack-nat-eu-west-1b", {}), ("mine", TAGS)):
        pairs = [{"Key": key, "Value": value} for key, value in {**tags, "Name": name}.items()]
        network.ec2.allocate_address(Domain="vpc", TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": pairs}])
    network("single")
    assert network.gateways() == 1
    addresses = network.ec2.describe_addresses()["Addresses"]
    (taken,) = [one for one in addresses if "AssociationId" in one]
    assert taken["AllocationId"] == before["AllocationId"]
    free = [{tag["Key"]: tag["Value"] for tag in one["Tags"]} for one in addresses if "AssociationId" not in one]
    assert sorted(free, key=len) == [{"Name": "stack-nat-eu-west-1b"}, {**TAGS, "Name": "mine"}]
    assert network("single")["changed"] == ()


def test_another_tag_moves_nobody(converge: Converge, client: Clients) -> None:
    network = Network(converge, client)
    made = network("single")

    def tables() -> dict[str, set[str]]:
        found = network.ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [made["vpc_id"]]}])[
            "RouteTables"
        ]
        return {
            one["RouteTableId"]: {tie["SubnetId"] for tie in one["Associations"] if "SubnetId" in tie} for one in found
        }

    before = tables()
    assert network("single", aws_network_tags={**TAGS, "CostCentre": "42"})["changed"] != ()
    assert tables() == before
    tagged = network.ec2.describe_route_tables(Filters=[{"Name": "tag:CostCentre", "Values": ["42"]}])["RouteTables"]
    # All but the main one, which AWS makes and nobody uses.
    assert len(tagged) == len(before) - 1
    [address] = network.ec2.describe_addresses()["Addresses"]
    [gateway] = network.ec2.describe_nat_gateways()["NatGateways"]
    for one in (address, gateway):
        assert {tag["Key"]: tag["Value"] for tag in one["Tags"]}["CostCentre"] == "42"
    assert network("single", aws_network_tags={**TAGS, "CostCentre": "42"})["changed"] == ()


def test_ipv6_comes_to_a_network_and_stays(converge: Converge, client: Clients) -> None:
    network = Network(converge, client)
    without = network("none")
    assert without["ipv6_cidr"] == ""
    assert set(network.blocks().values()) == {""}

    asked = converge("aws_network", network.variables("none", aws_network_ipv6=True), check=True)
    assert not asked.failed, asked.messages
    told = {"vpc | Create the network", "subnets | Create or correct"}
    assert told <= set(asked.changed)
    assert set(network.blocks().values()) == {""}

    made = network("none", aws_network_ipv6=True)
    whole = ipaddress.ip_network(made["ipv6_cidr"])
    assert whole.prefixlen == 56
    parts = {one: ipaddress.ip_network(block) for one, block in network.blocks().items()}
    assert len(set(parts.values())) == len(SUBNETS)
    assert all(part.prefixlen == 64 and part.subnet_of(whole) for part in parts.values())  # type: ignore[arg-type]
    # The third octet of the IPv4 block, which nobody moves by naming the subnets in another order.
    assert parts["10.30.3.0/24"] == list(whole.subnets(new_prefix=64))[3]
    assigns = {
        one["SubnetId"] for one in network.ec2.describe_subnets()["Subnets"] if one["AssignIpv6AddressOnCreation"]
    }
    assert assigns == set(made["subnet_ids"]["application"])

    [gateway] = network.ec2.describe_egress_only_internet_gateways()["EgressOnlyInternetGateways"]
    [internet] = network.ec2.describe_internet_gateways()["InternetGateways"]
    public, application, data = (made["subnet_ids"][tier][0] for tier in ("public", "application", "data"))
    assert network.ways_out_over_ipv6(public) == [internet["InternetGatewayId"]]
    assert network.ways_out_over_ipv6(application) == [gateway["EgressOnlyInternetGatewayId"]]
    assert network.ways_out_over_ipv6(data) == []

    again = network("none", aws_network_ipv6=True, aws_network_subnets=SUBNETS[::-1])
    assert again["changed"] == ()
    # A way out that somebody opened is closed, in a network of both families too.
    [table] = network.ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [data]}])[
        "RouteTables"
    ]
    network.ec2.create_route(
        RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=internet["InternetGatewayId"]
    )
    network("none", aws_network_ipv6=True)
    assert [route["GatewayId"] for route in network.routes(data)] == ["local", "local"]

    kept = network("none")
    assert kept["changed"] == ()
    assert kept["ipv6_cidr"] == made["ipv6_cidr"]


def test_a_network_of_both_families_from_the_start(converge: Converge, client: Clients) -> None:
    network = Network(converge, client)
    made = network("none", aws_network_ipv6=True)
    assert all(network.blocks().values())
    assert network("none", aws_network_ipv6=True)["changed"] == ()
    removed = converge("aws_network", network.variables("none"), stage="absent")
    assert not removed.failed, removed.messages
    assert made["vpc_id"] not in [one["VpcId"] for one in network.ec2.describe_vpcs()["Vpcs"]]
    assert network.ec2.describe_egress_only_internet_gateways()["EgressOnlyInternetGateways"] == []
