"""The security groups of a VPC, whole, against the emulated account."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Answer, Call, client, succeeded


@pytest.fixture
def vpc() -> str:
    made: str = client("ec2").create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    return made


def options(vpc: str, **more: Any) -> Answer:
    return {
        "vpc_id": vpc,
        "prefix": "stack-",
        "groups": [
            {
                "name": "balancer",
                "description": "Load balancer",
                "ingress": [
                    {"port": 443, "cidr": "0.0.0.0/0", "description": "HTTPS"},
                    {"port": 443, "cidr": "::/0", "description": "HTTPS"},
                ],
                "egress": [{"port": 80, "group": "web"}],
            },
            {
                "name": "web",
                "description": "Web instances",
                "ingress": [{"port": 80, "group": "balancer", "description": "Requests"}],
                "egress": [{"port": 53, "protocol": "udp", "cidr": "10.20.0.0/16"}],
            },
        ],
        "empty_default": True,
        "tags": {"Project": "slipway"},
        **more,
    }


def live(vpc: str) -> dict[str, Any]:
    found = client("ec2").describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    return {one["GroupName"]: one for one in found}


def peers(permissions: list[Any]) -> set[tuple[Any, ...]]:
    """(protocol, port, other side) of every rule."""
    return {
        (one["IpProtocol"], one.get("FromPort"), peer[key])
        for one in permissions
        for member, key in (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"), ("UserIdGroupPairs", "GroupId"))
        for peer in one.get(member, [])
    }


def test_groups_that_name_each_other(call: Call, vpc: str) -> None:
    foretold = succeeded(call("ec2_security_groups", check=True, **options(vpc)))
    assert {change["field"] for change in foretold["changes"]} >= {"groups[stack-balancer]", "groups[stack-web]"}
    assert set(live(vpc)) == {"default"}
    made = succeeded(call("ec2_security_groups", **options(vpc)))
    ids = made["security_groups"]["ids"]
    for check in (True, False):
        assert succeeded(call("ec2_security_groups", check=check, **options(vpc)))["changes"] == []
    found = live(vpc)
    assert {name: one["GroupId"] for name, one in found.items()} == {
        "stack-balancer": ids["balancer"],
        "stack-web": ids["web"],
        "default": ids["default"],
    }
    assert peers(found["stack-balancer"]["IpPermissions"]) == {("tcp", 443, "0.0.0.0/0"), ("tcp", 443, "::/0")}
    assert peers(found["stack-balancer"]["IpPermissionsEgress"]) == {("tcp", 80, ids["web"])}
    assert peers(found["stack-web"]["IpPermissions"]) == {("tcp", 80, ids["balancer"])}
    assert peers(found["stack-web"]["IpPermissionsEgress"]) == {("udp", 53, "10.20.0.0/16")}
    assert found["default"]["IpPermissions"] == found["default"]["IpPermissionsEgress"] == []
    for name, label in (("stack-web", "stack-web"), ("default", "stack-default")):
        tags = {tag["Key"]: tag["Value"] for tag in found[name]["Tags"]}
        assert tags == {"Project": "slipway", "Name": label}


def test_what_a_hand_did_is_named_and_taken_back(call: Call, vpc: str) -> None:
    ids = succeeded(call("ec2_security_groups", **options(vpc)))["security_groups"]["ids"]
    ec2 = client("ec2")
    opened = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=ids["web"], IpPermissions=[opened])
    several = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 23, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    ec2.authorize_security_group_egress(GroupId=ids["balancer"], IpPermissions=[several])
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.revoke_security_group_ingress(GroupId=ids["balancer"], IpPermissions=[https])
    ec2.create_tags(Resources=[ids["web"]], Tags=[{"Key": "Hand", "Value": "made"}])
    told = {change["field"] for change in succeeded(call("ec2_security_groups", check=True, **options(vpc)))["changes"]}
    assert told == {
        "groups[stack-web].ingress[all 0.0.0.0/0]",
        "groups[stack-web].tags.Hand",
        "groups[stack-balancer].egress[tcp 22-23 10.0.0.0/8]",
        "groups[stack-balancer].ingress[tcp 443 0.0.0.0/0]",
    }
    after = succeeded(call("ec2_security_groups", **options(vpc)))
    assert {change["field"] for change in after["changes"]} == told
    assert after["security_groups"]["ids"] == ids
    assert succeeded(call("ec2_security_groups", **options(vpc)))["changes"] == []


def test_a_rule_gets_another_description_and_stays(call: Call, vpc: str) -> None:
    succeeded(call("ec2_security_groups", **options(vpc)))
    changed = options(vpc)
    changed["groups"][1]["ingress"][0]["description"] = "Requests and health checks"
    told = succeeded(call("ec2_security_groups", **changed))["changes"]
    assert [change["field"] for change in told] == ["groups[stack-web].ingress[tcp 80 balancer].description"]
    [rule] = live(vpc)["stack-web"]["IpPermissions"]
    assert rule["UserIdGroupPairs"][0]["Description"] == "Requests and health checks"


def test_groups_of_others_are_not_touched(call: Call, vpc: str) -> None:
    ec2 = client("ec2")
    other = ec2.create_security_group(GroupName="stack-other", Description="other", VpcId=vpc)["GroupId"]
    before = live(vpc)["stack-other"]
    succeeded(call("ec2_security_groups", **options(vpc, empty_default=False)))
    assert live(vpc)["stack-other"] == before
    assert before["GroupId"] == other
    assert live(vpc)["default"]["IpPermissionsEgress"] != []


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"port": 80, "group": "wbe"}, "there is no group wbe. Did you mean web?"),
        ({"port": 80, "cidr": "10.0.0.1/8"}, "has host bits set"),
        ({"port": 80, "cidr": "10.0.0.1"}, "write 10.0.0.1 as 10.0.0.1/32"),
        ({"port": 80, "cidr": "0:0::/0"}, "write 0:0::/0 as ::/0"),
        ({"port": 70000, "cidr": "0.0.0.0/0"}, "ports go from 0 to 65535"),
    ],
)
def test_what_aws_would_refuse_is_refused(call: Call, vpc: str, check: bool, rule: Answer, says: str) -> None:
    wrong = options(vpc)
    wrong["groups"][0]["ingress"] = [rule]
    refused = call("ec2_security_groups", check=check, **wrong)
    assert refused["failed"]
    assert says in refused["msg"]
    assert set(live(vpc)) == {"default"}
