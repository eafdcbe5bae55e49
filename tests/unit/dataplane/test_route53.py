from __future__ import annotations

import boto3
import pytest
from moto import mock_aws

from rehearsal.dataplane.route53 import (
    Reason,
    Record,
    Resolved,
    Unresolved,
    Zone,
    has_record,
    read_zones,
    resolve,
)

BALANCER = "slipway-1234.eu-west-1.elb.amazonaws.com"
CDN = "d111111abcdef8.cloudfront.net"
NAMES = {BALANCER: "10.20.0.9", CDN: "127.0.0.1"}

OUTER = Zone(
    "slipway.localhost",
    (
        Record("slipway.localhost", "NS", ("ns-1.awsdns-01.org.",)),
        Record("app.slipway.localhost", "A", alias=CDN),
        Record("app.slipway.localhost", "AAAA", alias=CDN),
        Record("origin.app.slipway.localhost", "A", alias=f"dualstack.{BALANCER}"),
        Record("www.slipway.localhost", "CNAME", ("app.slipway.localhost.",)),
        Record("plain.slipway.localhost", "A", ("192.0.2.1", "192.0.2.2")),
        Record("mail.slipway.localhost", "MX", ("10 mx.example.",)),
        Record("gone.slipway.localhost", "A", alias="deleted-1.eu-west-1.elb.amazonaws.com"),
        Record("a.slipway.localhost", "CNAME", ("b.slipway.localhost",)),
        Record("b.slipway.localhost", "CNAME", ("a.slipway.localhost",)),
        Record("*.preview.slipway.localhost", "A", ("192.0.2.7",)),
        Record("x.preview.slipway.localhost", "TXT", ('"taken"',)),
    ),
)
INNER = Zone("deep.slipway.localhost", (Record("deep.slipway.localhost", "A", ("192.0.2.9",)),))
ZONES = (OUTER, INNER)


@pytest.mark.parametrize(
    ("name", "addresses", "last"),
    [
        ("app.slipway.localhost", ("127.0.0.1",), CDN),
        ("APP.slipway.localhost.", ("127.0.0.1",), CDN),
        ("origin.app.slipway.localhost", ("10.20.0.9",), f"dualstack.{BALANCER}"),
        ("www.slipway.localhost", ("127.0.0.1",), CDN),
        ("plain.slipway.localhost", ("192.0.2.1", "192.0.2.2"), "plain.slipway.localhost"),
        ("deep.slipway.localhost", ("192.0.2.9",), "deep.slipway.localhost"),
        ("any.preview.slipway.localhost", ("192.0.2.7",), "any.preview.slipway.localhost"),
        (BALANCER.upper(), ("10.20.0.9",), BALANCER),
    ],
)
def test_a_name_resolves(name: str, addresses: tuple[str, ...], last: str) -> None:
    answer = resolve(name, ZONES, NAMES)
    assert isinstance(answer, Resolved), answer
    assert answer.addresses == addresses
    assert answer.chain[-1] == last


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("example.com", Reason.NO_ZONE),
        ("missing.slipway.localhost", Reason.NO_RECORD),
        ("mail.slipway.localhost", Reason.NO_ADDRESS),
        ("gone.slipway.localhost", Reason.DANGLING_ALIAS),
        ("a.slipway.localhost", Reason.LOOP),
        # The name exists with another type, so the wildcard beside it does not answer (RFC 4592, 2.2.1).
        ("x.preview.slipway.localhost", Reason.NO_ADDRESS),
        ("www.deep.slipway.localhost", Reason.NO_RECORD),
        ("notslipway.localhost", Reason.NO_ZONE),
    ],
)
def test_a_name_does_not_resolve(name: str, reason: Reason) -> None:
    answer = resolve(name, ZONES, NAMES)
    assert isinstance(answer, Unresolved), answer
    assert answer.reason is reason


def test_ipv6_asks_for_other_records() -> None:
    assert isinstance(resolve("app.slipway.localhost", ZONES, NAMES, ipv6=True), Resolved)
    answer = resolve("plain.slipway.localhost", ZONES, NAMES, ipv6=True)
    assert isinstance(answer, Unresolved)
    assert answer.reason is Reason.NO_ADDRESS


def test_a_validation_record_is_compared_as_a_name() -> None:
    zone = Zone("slipway.localhost", (Record("_x.app.slipway.localhost", "CNAME", ("_Y.acm.aws.",)),))
    assert has_record("_x.app.slipway.localhost.", "CNAME", "_y.acm.aws", [zone])
    assert not has_record("_x.app.slipway.localhost.", "CNAME", "_z.acm.aws", [zone])
    assert not has_record("_x.other.localhost.", "CNAME", "_y.acm.aws", [zone])


@mock_aws
def test_zones_are_read_from_the_account() -> None:
    client = boto3.client("route53", region_name="us-east-1")
    zone = client.create_hosted_zone(Name="slipway.localhost", CallerReference="1")["HostedZone"]["Id"]
    client.create_hosted_zone(
        Name="inside.localhost",
        CallerReference="2",
        VPC={"VPCRegion": "eu-west-1", "VPCId": "vpc-1"},
        HostedZoneConfig={"PrivateZone": True},
    )
    client.change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={
            "Changes": [
                {
                    "Action": "CREATE",
                    "ResourceRecordSet": {
                        "Name": "app.slipway.localhost",
                        "Type": "A",
                        "AliasTarget": {
                            "HostedZoneId": "Z2FDTNDATAQYW2",
                            "DNSName": CDN,
                            "EvaluateTargetHealth": False,
                        },
                    },
                }
            ]
        },
    )
    zones = read_zones(client)
    assert [each.name for each in zones] == ["slipway.localhost"]
    assert resolve("app.slipway.localhost", zones, NAMES) == Resolved(("127.0.0.1",), ("app.slipway.localhost", CDN))
