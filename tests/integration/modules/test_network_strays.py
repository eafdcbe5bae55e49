"""What a broken run leaves beside a network goes; what is used, alone or somebody else's stays."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Answer, Call, client

OURS = {"Project": "slipway", "Environment": "test"}
OPTIONS: Answer = {"network_tags": OURS, "only": "strays"}


def tagged(sort: str, name: str, tags: dict[str, str] = OURS) -> list[dict[str, Any]]:
    pairs = [{"Key": key, "Value": value} for key, value in {**tags, "Name": name}.items()]
    return [{"ResourceType": sort, "Tags": pairs}]


def network(name: str, tags: dict[str, str] = OURS) -> str:
    made = client("ec2").create_vpc(CidrBlock="10.20.0.0/16", TagSpecifications=tagged("vpc", name, tags))
    return str(made["Vpc"]["VpcId"])


def table(vpc: str, name: str) -> str:
    made = client("ec2").create_route_table(VpcId=vpc, TagSpecifications=tagged("route-table", name))
    return str(made["RouteTable"]["RouteTableId"])


def gateway(name: str, tags: dict[str, str] = OURS) -> str:
    made = client("ec2").create_internet_gateway(TagSpecifications=tagged("internet-gateway", name, tags))
    return str(made["InternetGateway"]["InternetGatewayId"])


def way_out(vpc: str, tags: dict[str, str] = OURS) -> str:
    made = client("ec2").create_egress_only_internet_gateway(
        VpcId=vpc, TagSpecifications=tagged("egress-only-internet-gateway", "stack", tags)
    )
    return str(made["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"])


def address(name: str) -> str:
    made = client("ec2").allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip", name))
    return str(made["AllocationId"])


def there() -> set[str]:
    ec2 = client("ec2")
    main = {"Name": "association.main", "Values": ["true"]}
    hidden = {one["RouteTableId"] for one in ec2.describe_route_tables(Filters=[main])["RouteTables"]}
    return {
        *(one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"]),
        *(one["RouteTableId"] for one in ec2.describe_route_tables()["RouteTables"]),
        *(one["InternetGatewayId"] for one in ec2.describe_internet_gateways()["InternetGateways"]),
        *(one["AllocationId"] for one in ec2.describe_addresses()["Addresses"]),
        *(
            one["EgressOnlyInternetGatewayId"]
            for one in ec2.describe_egress_only_internet_gateways()["EgressOnlyInternetGateways"]
        ),
    } - hidden


def test_twins_that_nobody_uses_and_loose_gateways_go(call: Call) -> None:
    ec2 = client("ec2")
    vpc = network("stack")
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.0.0/24", TagSpecifications=tagged("subnet", "stack-a"))
    used = table(vpc, "stack-public")
    ec2.associate_route_table(RouteTableId=used, SubnetId=subnet["Subnet"]["SubnetId"])
    held, attached = address("stack-nat"), gateway("stack")
    ec2.create_nat_gateway(SubnetId=subnet["Subnet"]["SubnetId"], AllocationId=held)
    ec2.attach_internet_gateway(InternetGatewayId=attached, VpcId=vpc)
    # The one that was made second is used, the other one not.
    idle, way = way_out(vpc), way_out(vpc)
    ec2.create_route(RouteTableId=used, DestinationIpv6CidrBlock="::/0", EgressOnlyInternetGatewayId=way)
    assert call("ec2_network_removal", **OPTIONS)["removed"] == [f"egress-only gateway {idle}"]
    # Not used, but of its kind the only one; and the things of others.
    alone = {table(vpc, "stack-data"), address("stack-other"), network("another"), gateway("x", {"Project": "x"})}
    alone |= {way_out(vpc, {"Project": "x"}), way_out(vpc, {"Project": "x"})}
    kept = {vpc, used, held, attached, way, network("stack", {"Project": "x"}), *alone}
    assert there() == kept
    assert call("ec2_network_removal", **OPTIONS)["changed"] is False

    strays = {network("stack"), network("stack"), table(vpc, "stack-public"), address("stack-nat"), gateway("stack")}
    foretold = call("ec2_network_removal", check=True, **OPTIONS)
    assert there() == kept | strays
    made = call("ec2_network_removal", **OPTIONS)
    assert there() == kept
    assert made["removed"] == foretold["removed"]
    assert len(made["removed"]) == len(strays)
    assert call("ec2_network_removal", **OPTIONS)["changed"] is False


def test_of_twins_that_nobody_uses_one_is_spared(call: Call) -> None:
    before = there()
    twins = {network("young"), network("young")}
    assert call("ec2_network_removal", **OPTIONS)["changed"] is True
    assert len(there() & twins) == 1
    assert there() >= before


@pytest.mark.parametrize("tags", [{}, {"Project": "slipway"}])
def test_it_wants_to_know_whose_the_network_is(call: Call, tags: dict[str, str]) -> None:
    refused = call("ec2_network_removal", network_tags=tags, only="strays")
    assert refused["failed"] is True
    assert "has no Environment" in refused["msg"]
