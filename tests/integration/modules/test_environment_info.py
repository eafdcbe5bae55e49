"""What an account is and what its region sells."""

from __future__ import annotations

from .conftest import Answer, Call, client, succeeded

WANTED: Answer = {
    "instance_types": ["t3.small", "m7g.large", "t3.imagined"],
    "database": {"version": "17", "instance_class": "db.m7g.large"},
    "cache": {"version": "8.1", "node_type": "cache.t3.micro"},
}


def test_what_can_be_had_is_found(call: Call) -> None:
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.21.0.0/16")
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": "neighbour"}])
    answer = succeeded(call("environment_info", check=True, **WANTED))
    assert answer["caller"]["account"] == "123456789012"
    assert answer["zones"] == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    assert answer["networks"] == [
        {
            "id": vpc,
            "name": "neighbour",
            "tags": {"Name": "neighbour"},
            "cidrs": ["10.20.0.0/16", "10.21.0.0/16"],
        }
    ]
    assert {"eu-west-1a", "eu-west-1b"} <= set(answer["instance_types"]["t3.small"])
    assert answer["instance_types"]["t3.imagined"] == []
    assert {"eu-west-1a", "eu-west-1b"} <= set(answer["database"]["zones"])
    assert all(version.startswith("17.") for version in answer["database"]["versions"])
    assert answer["database"]["multi_az"]
    assert "8.1" in answer["cache"]["versions"]
    assert answer["cache"]["offered"]
    assert answer["unanswered"] == []


def test_what_nobody_sells_is_empty(call: Call) -> None:
    answer = succeeded(
        call(
            "environment_info",
            database={"version": "17", "instance_class": "db.t3.huge"},
            cache={"version": "8.1", "node_type": "cache.t3.huge"},
        )
    )
    assert (answer["database"]["zones"], answer["database"]["multi_az"]) == ([], False)
    assert not answer["cache"]["offered"]
    assert answer["instance_types"] == {}
    old = succeeded(call("environment_info", database={"version": "9", "instance_class": "db.t3.micro"}))
    assert old["database"]["versions"] == []
