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


def test_a_certificate_that_somebody_else_uses_stays_and_the_run_goes_on(
    converge: Converge, client: Clients, subnets: list[str]
) -> None:
    old, new = dns("old.slipway.test", "origin.old.slipway.test"), dns("new.slipway.test", "origin.new.slipway.test")
    made = converge("aws_dns", old)
    assert not made.failed, made.messages
    _serve_with(client, subnets, made.result["certificate_arns"]["origin"])
    done = converge("aws_dns", new)
    assert not done.failed, done.messages
    retired = converge("aws_dns", {**new, "aws_dns_wait_seconds": 1}, stage="retire")
    assert not retired.failed, retired.messages
    left = [domain for domain, _ in domains(client)]
    assert left == ["new.slipway.test", "origin.new.slipway.test", "origin.old.slipway.test"]
    assert {name.split(".", 1)[1] for name in names(client)} == {"new.slipway.test.", "origin.new.slipway.test."}


def test_a_proof_by_which_a_certificate_of_others_renews_itself_stays(converge: Converge, client: Clients) -> None:
    old, new = dns("old.slipway.test", "origin.old.slipway.test"), dns("new.slipway.test", "origin.new.slipway.test")
    assert not converge("aws_dns", old).failed
    client("acm", "us-east-1").request_certificate(
        DomainName="slipway.test", SubjectAlternativeNames=["*.old.slipway.test"], ValidationMethod="DNS"
    )
    assert not converge("aws_dns", new).failed
    retired = converge("aws_dns", new, stage="retire")
    assert not retired.failed, retired.messages
    kept = {"old.slipway.test.", "new.slipway.test.", "origin.new.slipway.test."}
    assert {name.split(".", 1)[1] for name in names(client)} == kept
    assert converge("aws_dns", new, stage="retire").changed == ()

    back = converge("aws_dns", old)
    assert not back.failed, back.messages
    assert converge("aws_dns", old, stage="protected").failed
    ended = converge("aws_dns", old, stage="absent_records")
    assert not ended.failed, ended.messages
    assert {name.split(".", 1)[1] for name in names(client)} == {"old.slipway.test."}


OURS = ["d111.cloudfront.net", "stack-123.eu-west-1.elb.amazonaws.com"]


def _point(client: Clients, zone: str, name: str, kind: str, target: str, action: str = "UPSERT") -> None:
    alias = {"HostedZoneId": "Z2FDTNDATAQYW2", "DNSName": target, "EvaluateTargetHealth": False}
    plain = {"TTL": 60, "ResourceRecords": [{"Value": target}]}
    led = {"AliasTarget": alias} if target.endswith(".") else plain
    change = {"Action": action, "ResourceRecordSet": {"Name": name, "Type": kind, **led}}
    client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})


def _lead(client: Clients, zone: str) -> None:
    """The names as they may be when an environment gives them up: some are somebody else's by then."""
    _point(client, zone, "old.slipway.test", "A", "d999.cloudfront.net.")
    _point(client, zone, "old.slipway.test", "AAAA", "D111.cloudfront.net.")
    _point(client, zone, "origin.old.slipway.test", "A", "dualstack.stack-123.eu-west-1.elb.amazonaws.com.")
    _point(client, zone, "origin.old.slipway.test", "AAAA", "2001:db8::1")


def addresses(client: Clients, zone: str) -> set[tuple[str, str]]:
    records = client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return {(one["Name"], one["Type"]) for one in records if one["Type"] in ("A", "AAAA")}


THEIRS = {("old.slipway.test.", "A"), ("origin.old.slipway.test.", "AAAA")}


def test_names_that_lead_elsewhere_by_now_stay_when_their_domain_goes(converge: Converge, client: Clients) -> None:
    old, new = dns("old.slipway.test", "origin.old.slipway.test"), dns("new.slipway.test", "origin.new.slipway.test")
    made = converge("aws_dns", old)
    assert not made.failed, made.messages
    zone = made.result["zone_id"]
    _lead(client, zone)
    assert not converge("aws_dns", new).failed

    targets = {"aws_dns_targets": OURS}
    for check in (True, False):
        before = addresses(client, zone)
        retired = converge("aws_dns", {**new, **targets}, stage="retire", check=check)
        assert not retired.failed, retired.messages
        assert (addresses(client, zone) == before) is check
    assert addresses(client, zone) == THEIRS
    assert not any(".old.slipway.test." in name for name in names(client))


def test_an_end_takes_no_name_that_leads_elsewhere_and_no_zone_that_holds_one(
    converge: Converge, client: Clients
) -> None:
    old = {**dns("old.slipway.test", "origin.old.slipway.test"), "aws_dns_targets": OURS}
    zone = converge("aws_dns", old).result["zone_id"]
    _lead(client, zone)
    whole = addresses(client, zone)
    refused = converge("aws_dns", old, stage="protected")
    assert refused.failed
    assert "lead to nothing of Slipway's: old.slipway.test, origin.old.slipway.test." in refused.messages
    assert addresses(client, zone) == whole
    ended = converge("aws_dns", old, stage="absent_records")
    assert not ended.failed, ended.messages
    assert addresses(client, zone) == THEIRS
    assert converge("aws_dns", old, stage="absent").failed
    assert domains(client)
    assert addresses(client, zone) == THEIRS

    for name, kind, target in (
        ("old.slipway.test", "A", "d999.cloudfront.net."),
        ("origin.old.slipway.test", "AAAA", "2001:db8::1"),
    ):
        _point(client, zone, name, kind, target, action="DELETE")
    gone = converge("aws_dns", old, stage="absent")
    assert not gone.failed, gone.messages
    assert client("route53").list_hosted_zones()["HostedZones"] == []


def _serve_with(client: Clients, subnets: list[str], certificate: str) -> None:
    """Somebody's own load balancer."""
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
