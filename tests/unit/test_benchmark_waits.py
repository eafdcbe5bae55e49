"""The benchmark's waits: what an account says about a resource that takes its time, and what nobody can go below."""

from __future__ import annotations

from collections import Counter
from io import StringIO

import pytest
from rich.console import Console

from benchmarks.provisioning.census import differences
from benchmarks.provisioning.report import SLIPWAY, TERRAFORM, Chain, Growth, Measured, drawing, last_line, tables
from benchmarks.provisioning.waits import Waits, longest_chain, signature

ARN = "arn:aws:acm:eu-west-1:123456789012:certificate/"
SHOW = signature("POST", "/", "-", b"Action=DescribeDBInstances&Version=2014-10-31")


def database(name: str) -> bytes:
    return (
        f"<DBInstance><DBInstanceIdentifier>{name}</DBInstanceIdentifier><DBInstanceStatus>available</DBInstanceStatus>"
        f"<Endpoint><Address>{name}.local</Address></Endpoint></DBInstance>"
    ).encode()


def create(waits: Waits, name: str, now: float) -> bytes:
    line = signature("POST", "/", "-", b"Action=CreateDBInstance&Version=2014-10-31")
    return waits.amend(line, 200, database(name), now)


def test_a_database_is_created_for_its_time_and_has_no_address_before() -> None:
    waits = Waits({"database": 60})
    for answer in (create(waits, "one", 100), waits.amend(SHOW, 200, database("one"), 159)):
        assert b"<DBInstanceStatus>creating<" in answer
        assert b"Endpoint" not in answer
    assert waits.amend(SHOW, 200, database("one"), 160) == database("one")
    assert waits.all_ready() == 160


def test_each_resource_has_its_own_time() -> None:
    waits = Waits({"database": 60})
    create(waits, "one", 100)
    create(waits, "two", 150)
    answer = waits.amend(SHOW, 200, database("one") + database("two"), 170)
    assert answer.count(b"available") == 1
    assert answer.index(b"available") < answer.index(b"two")


def test_what_was_there_before_is_ready() -> None:
    waits = Waits({"database": 60})
    assert waits.amend(SHOW, 200, database("old"), 1) == database("old")
    assert waits.all_ready() == 0


def test_a_refused_creation_starts_nothing() -> None:
    waits = Waits({"database": 60})
    waits.amend(signature("POST", "/", "-", b"Action=CreateDBInstance&"), 400, database("one"), 100)
    assert waits.all_ready() == 0


@pytest.mark.parametrize(
    ("kind", "made", "shown", "answer", "pending"),
    [
        (
            "certificate",
            signature("POST", "/", "CertificateManager.RequestCertificate", b"{}"),
            signature("POST", "/", "CertificateManager.DescribeCertificate", b"{}"),
            f'{{"CertificateArn": "{ARN}1", "Status": "ISSUED"}}'.encode(),
            b"PENDING_VALIDATION",
        ),
        (
            "edge",
            signature("POST", "/2020-05-31/distribution?WithTags=", "-", b"<DistributionConfig/>"),
            signature("GET", "/2020-05-31/distribution/E0123456789ABC", "-", b""),
            b"<Distribution><Id>E0123456789ABC</Id><Status>Deployed</Status></Distribution>",
            b"InProgress",
        ),
        (
            "nat",
            signature("POST", "/", "-", b"Action=CreateNatGateway&SubnetId=subnet-1"),
            signature("POST", "/", "-", b"Action=DescribeNatGateways&Version=2016-11-15"),
            b"<item><natGatewayId>nat-1</natGatewayId><state>available</state></item>",
            b"<state>pending<",
        ),
        (
            "balancer",
            signature("POST", "/", "-", b"Action=CreateLoadBalancer&Name=a"),
            signature("POST", "/", "-", b"Action=DescribeLoadBalancers&Version=2015-12-01"),
            b"<member><LoadBalancerArn>a</LoadBalancerArn><State><Code>active</Code></State></member>",
            b"<Code>provisioning<",
        ),
        (
            "cache",
            signature("POST", "/", "-", b"Action=CreateReplicationGroup&ReplicationGroupId=a"),
            signature("POST", "/", "-", b"Action=DescribeReplicationGroups&Version=2015-02-02"),
            b"<ReplicationGroup><ReplicationGroupId>a</ReplicationGroupId><Status>available</Status></ReplicationGroup>",
            b"<Status>creating<",
        ),
    ],
)
def test_every_kind_is_held(kind: str, made: str, shown: str, answer: bytes, pending: bytes) -> None:
    waits = Waits({kind: 10})
    waits.amend(made, 200, answer, 0)
    assert pending in waits.amend(shown, 200, answer, 9)
    assert waits.amend(shown, 200, answer, 10) == answer


def test_the_longest_chain_is_the_slowest_way_through_what_needs_each_other() -> None:
    seconds, path = longest_chain({"database": 60, "certificate": 15, "edge": 40}, 0.1)
    assert seconds == pytest.approx(60.6)
    assert path == ["network", "groups", "database", "parameters"]
    seconds, path = longest_chain({"database": 60, "certificate": 30, "edge": 40}, 0.0)
    assert (seconds, path) == (70, ["zone", "certificates", "distribution"])
    assert longest_chain({}, 1.0)[0] == 6


def test_differences_name_what_one_side_lacks() -> None:
    first, second = {"bucket": Counter(["a", "b"])}, {"bucket": Counter(["a"]), "key": Counter(["k"])}
    assert differences(first, second) == [("bucket", "b", -1), ("key", "k", 1)]


def test_ratios_are_taken_within_a_pair() -> None:
    measured = Measured()
    for number, (own, peer) in enumerate([(10, 20), (30, 10), (6, 10)]):
        measured.add("converge", SLIPWAY, number, own, own)
        measured.add("converge", TERRAFORM, number, peer, 2 * peer)
    measured.add("create under waits", SLIPWAY, 0, 66, 1)
    measured.add_chain(SLIPWAY, 0, Chain(60, ["database"], {}, 1))
    assert last_line(measured) == "noop_wall=0.60 noop_cpu=0.30 plan=absent create=1.10 destroy=absent"
    assert drawing(measured).count("<rect") == 1 + 2 * 3


def test_a_growth_that_broke_off_is_shown_as_far_as_it_came() -> None:
    measured = Measured()
    for count, tool in ((1, SLIPWAY), (1, TERRAFORM), (4, SLIPWAY)):
        measured.growth.append(Growth(count, "plan", tool, 2, 2))
    console = Console(record=True, width=120, file=StringIO())
    tables(console, measured)
    shown = [line.split() for line in console.export_text().splitlines() if "plan" in line.split()]
    assert [line[line.index("plan") - 2] for line in shown] == ["1"]
