"""The ways out of the network: chosen, changed, and nothing left of the way before."""

from __future__ import annotations

from typing import Any

from .conftest import REGION, TAGS, Clients, Converge, Values

SUBNETS = [
    {"tier": tier, "zone": f"{REGION}{zone}", "cidr": f"10.30.{number * 2 + (zone == 'b')}.0/24"}
    for number, tier in enumerate(("public", "application", "data"))
    for zone in "ab"
]


class Network:
    """The role as wave 1 and wave 2 run it, in one play."""

    def __init__(self, converge: Converge, client: Clients) -> None:
        self.converge = converge
        self.ec2: Any = client("ec2")

    def __call__(self, nat: str, **more: Any) -> Values:
        variables: Values = {
            "aws_network_name": "stack",
            "aws_network_region": REGION,
            "aws_network_cidr": "10.30.0.0/16",
            "aws_network_subnets": SUBNETS,
            "aws_network_nat": nat,
            "aws_network_poll_seconds": 1,
            "aws_network_tags": TAGS,
            **more,
        }
        made = self.converge("aws_network", variables)
        assert not made.failed, made.messages
        egress = self.converge("aws_network", {**variables, "aws_network_result": made.result}, stage="egress")
        assert not egress.failed, egress.messages
        return {**made.result, "changed": made.changed + egress.changed}

    def gateways(self) -> int:
        found = self.ec2.describe_nat_gateways(Filters=[{"Name": "state", "Values": ["available", "pending"]}])
        return len(found["NatGateways"])

    def ways_out(self, subnets: list[str]) -> list[str]:
        """The NAT gateway behind the default route of each subnet, or nothing."""
        ways = []
        for subnet in subnets:
            filters = [{"Name": "association.subnet-id", "Values": [subnet]}]
            [table] = self.ec2.describe_route_tables(Filters=filters)["RouteTables"]
            routes = [route for route in table["Routes"] if route.get("DestinationCidrBlock") == "0.0.0.0/0"]
            ways.append(routes[0].get("NatGatewayId", "") if routes else "")
        return ways

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
