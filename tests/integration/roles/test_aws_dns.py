"""What an environment that had another domain before leaves when it ends."""

from __future__ import annotations

from .conftest import REGION, TAGS, Clients, Converge, Values


def dns(domain: str, origin: str) -> Values:
    return {
        "aws_dns_zone": "slipway.test",
        "aws_dns_zone_state": "managed",
        "aws_dns_site_domain": domain,
        "aws_dns_origin_domain": origin,
        "aws_dns_region": REGION,
        "aws_dns_poll_seconds": 1,
        "aws_dns_tags": TAGS,
        "aws_dns_owner_tags": TAGS,
    }


def domains(client: Clients) -> list[tuple[str, str]]:
    return sorted(
        (one["DomainName"], region)
        for region in (REGION, "us-east-1")
        for one in client("acm", region).list_certificates()["CertificateSummaryList"]
    )


def names(client: Clients) -> set[str]:
    route53 = client("route53")
    return {
        record["Name"]
        for zone in route53.list_hosted_zones()["HostedZones"]
        for record in route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
        if record["Type"] == "CNAME"
    }


def test_certificates_of_a_domain_that_was_given_up_end_with_the_others(converge: Converge, client: Clients) -> None:
    old, new = dns("old.slipway.test", "new.slipway.test"), dns("new.slipway.test", "origin.new.slipway.test")
    # Somebody else's, and one of ours that a person has made: neither is known by its tags and its name.
    acm = client("acm", REGION)
    acm.request_certificate(DomainName="other.slipway.test", ValidationMethod="DNS")
    pairs = [{"Key": name, "Value": value} for name, value in {**TAGS, "Name": "mine"}.items()]
    acm.request_certificate(DomainName="mine.slipway.test", ValidationMethod="DNS", Tags=pairs)
    for variables in (old, new):
        done = converge("aws_dns", variables)
        assert not done.failed, done.messages
    theirs = [("mine.slipway.test", REGION), ("other.slipway.test", REGION)]
    assert [one for one in domains(client) if one not in theirs] == [
        ("new.slipway.test", REGION),
        ("new.slipway.test", "us-east-1"),
        ("old.slipway.test", "us-east-1"),
        ("origin.new.slipway.test", REGION),
    ]
    assert any(name.endswith(".old.slipway.test.") for name in names(client))

    foretold = converge("aws_dns", new, stage="absent_records", check=True)
    ended = converge("aws_dns", new, stage="absent_records")
    assert not ended.failed, ended.messages
    assert foretold.changed == ended.changed != ()
    assert names(client) == set()
    gone = converge("aws_dns", new, stage="absent")
    assert not gone.failed, gone.messages
    assert domains(client) == theirs
    assert client("route53").list_hosted_zones()["HostedZones"] == []


def test_without_tags_nobody_looks_for_certificates_of_others(converge: Converge, client: Clients) -> None:
    acm = client("acm", REGION)
    acm.request_certificate(
        DomainName="other.slipway.test", ValidationMethod="DNS", Tags=[{"Key": "Name", "Value": "other.slipway.test"}]
    )
    variables = {**dns("app.slipway.test", "origin.app.slipway.test"), "aws_dns_owner_tags": {}}
    for stage in ("main", "absent_records", "absent"):
        done = converge("aws_dns", variables, stage=stage)
        assert not done.failed, done.messages
    assert domains(client) == [("other.slipway.test", REGION)]


def test_a_certificate_that_somebody_else_uses_stays_and_the_run_goes_on(converge: Converge, client: Clients) -> None:
    old, new = dns("old.slipway.test", "origin.old.slipway.test"), dns("new.slipway.test", "origin.new.slipway.test")
    made = converge("aws_dns", old)
    assert not made.failed, made.messages
    _serve_with(client, made.result["certificate_arns"]["origin"])
    done = converge("aws_dns", new)
    assert not done.failed, done.messages
    retired = converge("aws_dns", {**new, "aws_dns_wait_seconds": 1}, stage="retire")
    assert not retired.failed, retired.messages
    left = [domain for domain, _ in domains(client)]
    assert left == ["new.slipway.test", "origin.new.slipway.test", "origin.old.slipway.test"]
    assert {name.split(".", 1)[1] for name in names(client)} == {"new.slipway.test.", "origin.new.slipway.test."}


def _serve_with(client: Clients, certificate: str) -> None:
    """Somebody's own load balancer."""
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.50.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.50.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
            "SubnetId"
        ]
        for number, zone in enumerate("ab")
    ]
    elbv2 = client("elbv2")
    balancer = elbv2.create_load_balancer(Name="theirs", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
    elbv2.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": certificate}],
        DefaultActions=[answer],
    )
