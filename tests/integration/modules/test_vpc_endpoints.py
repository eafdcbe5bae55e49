"""The endpoints of a VPC, whole, against the emulated account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from .conftest import Answer, Call, client, succeeded

SERVICE = "com.amazonaws.eu-west-1."


@dataclass(frozen=True)
class Place:
    vpc: str
    subnets: list[str]
    tables: list[str]
    group: str


@pytest.fixture
def place() -> Place:
    ec2: Any = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{number}.0/24", AvailabilityZone=f"eu-west-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for number, zone in enumerate("ab")
    ]
    tables = [ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in range(2)]
    group = ec2.create_security_group(GroupName="endpoints", Description="endpoints", VpcId=vpc)["GroupId"]
    return Place(vpc, subnets, tables, group)


def options(place: Place, **more: Any) -> Answer:
    interface = {"subnet_ids": place.subnets, "security_group_ids": [place.group]}
    return {
        "vpc_id": place.vpc,
        "prefix": "stack-endpoint-",
        "endpoints": [
            {"service": "s3", "type": "Gateway", "route_table_ids": place.tables[:1]},
            {"service": "ssm", **interface},
            {"service": "logs", **interface, "private_dns": False},
        ],
        "tags": {"Project": "slipway"},
        **more,
    }


def live(place: Place) -> dict[str, Any]:
    filters = [{"Name": "vpc-id", "Values": [place.vpc]}]
    found = client("ec2").describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
    return {one["ServiceName"].removeprefix(SERVICE): one for one in found}


def prefix_routes(place: Place) -> list[bool]:
    """Whether each route table leads to a gateway."""
    tables = client("ec2").describe_route_tables(RouteTableIds=place.tables)["RouteTables"]
    by_id = {table["RouteTableId"]: table["Routes"] for table in tables}
    return [any("DestinationPrefixListId" in route for route in by_id[table]) for table in place.tables]


def test_the_endpoints(call: Call, place: Place) -> None:
    wanted = options(place)
    foretold = succeeded(call("ec2_vpc_endpoints", check=True, **wanted))
    assert foretold["changed"]
    assert live(place) == {}
    made = succeeded(call("ec2_vpc_endpoints", **wanted))
    assert set(made["vpc_endpoints"]["ids"]) == {"s3", "ssm", "logs"}
    for check in (True, False):
        assert succeeded(call("ec2_vpc_endpoints", check=check, **wanted))["changes"] == []
    found = live(place)
    assert found["s3"]["VpcEndpointType"] == "Gateway"
    assert (found["ssm"]["PrivateDnsEnabled"], found["logs"]["PrivateDnsEnabled"]) == (True, False)
    assert {tag["Key"]: tag["Value"] for tag in found["ssm"]["Tags"]} == {
        "Project": "slipway",
        "Name": "stack-endpoint-ssm",
    }
    assert prefix_routes(place) == [True, False]


def test_a_change_is_made_in_place(call: Call, place: Place) -> None:
    before = succeeded(call("ec2_vpc_endpoints", **options(place)))["vpc_endpoints"]["ids"]
    client("ec2").create_tags(Resources=[before["ssm"]], Tags=[{"Key": "Hand", "Value": "made"}])
    nobody = '{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]}'
    client("ec2").modify_vpc_endpoint(VpcEndpointId=before["s3"], PolicyDocument=nobody)
    changed = options(place)
    changed["endpoints"][0]["route_table_ids"] = place.tables[1:]
    changed["endpoints"][1]["subnet_ids"] = place.subnets[:1]
    changed["endpoints"][2]["private_dns"] = True
    told = {change["field"] for change in succeeded(call("ec2_vpc_endpoints", check=True, **changed))["changes"]}
    assert told == {
        "endpoints[s3].open",
        "endpoints[s3].route_table_ids",
        "endpoints[ssm].subnet_ids",
        "endpoints[ssm].tags.Hand",
        "endpoints[logs].private_dns",
    }
    assert prefix_routes(place) == [True, False]
    after = succeeded(call("ec2_vpc_endpoints", **changed))
    assert {change["field"] for change in after["changes"]} == told
    assert after["vpc_endpoints"]["ids"] == before
    assert prefix_routes(place) == [False, True]
    assert live(place)["logs"]["PrivateDnsEnabled"]
    assert "Deny" not in live(place)["s3"]["PolicyDocument"]
    assert succeeded(call("ec2_vpc_endpoints", **changed))["changes"] == []


def test_what_is_no_longer_listed_goes_and_what_is_not_ours_stays(call: Call, place: Place) -> None:
    other = client("ec2").create_vpc_endpoint(
        VpcId=place.vpc, ServiceName=f"{SERVICE}sqs", VpcEndpointType="Interface", SubnetIds=place.subnets
    )["VpcEndpoint"]["VpcEndpointId"]
    succeeded(call("ec2_vpc_endpoints", **options(place)))
    fewer = options(place)
    fewer["endpoints"] = fewer["endpoints"][:1]
    told = {change["field"] for change in succeeded(call("ec2_vpc_endpoints", **fewer))["changes"]}
    assert told == {"endpoints[ssm]", "endpoints[logs]"}
    assert set(live(place)) == {"s3", "sqs"}
    gone: Answer = {"vpc_id": place.vpc, "prefix": "stack-endpoint-", "state": "absent"}
    for check in (True, False):
        assert succeeded(call("ec2_vpc_endpoints", check=check, **gone))["changed"]
    assert not succeeded(call("ec2_vpc_endpoints", **gone))["changed"]
    assert [one["VpcEndpointId"] for one in live(place).values()] == [other]
    assert prefix_routes(place) == [False, False]


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"service": "ssm", "type": "Gateway"}, "no gateway endpoint"),
        ({"service": "ssm", "subnet_ids": ["subnet-0"]}, "needs subnet_ids and security_group_ids"),
        ({"service": "ssm", "route_table_ids": ["rtb-0"]}, "no route tables"),
    ],
)
def test_what_aws_would_refuse_is_refused(call: Call, place: Place, check: bool, wrong: Answer, says: str) -> None:
    refused = call("ec2_vpc_endpoints", check=check, vpc_id=place.vpc, prefix="stack-", endpoints=[wrong])
    assert refused["failed"]
    assert says in refused["msg"]
    assert live(place) == {}
