"""A plan of an account with nothing, with everything, and with something to change. It reads and never writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .account import PROJECT, Account, Ran

NAME = "slipway-rehearsal"
#: Instances want an image, which only a real builder makes.
PROVISIONED = {"slipway_plan_without": ["image", "compute"]}
Entries = dict[tuple[str, str, str], dict[str, Any]]


@dataclass(frozen=True)
class Planned(Ran):
    """How a plan ended, and the document that it wrote."""

    document: dict[str, Any] = field(default_factory=dict)

    @property
    def entries(self) -> Entries:
        """By kind, name and region."""
        return {(one["kind"], one["name"], one["region"]): one for one in self.document["entries"]}

    @property
    def changes(self) -> Entries:
        """Those that do not stay."""
        return {name: one for name, one in self.entries.items() if one["action"] != "same"}


def run(
    account: Account, playbook: str, variables: Mapping[str, Any], path: Path | None = None, *words: str
) -> Planned:
    """Run a playbook as a person does, without --check."""
    given = {**variables, **({"plan_json_path": str(path)} if path else {})}
    ran = account.run(f"playbooks/{playbook}.yml", *words, variables=given, environment={"AWS_MAX_ATTEMPTS": "1"})
    document = json.loads(path.read_text()) if path and path.exists() else {}
    return Planned(ran.status, ran.output, ran.errors, document)


@pytest.fixture(scope="module")
def foretold(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Planned:
    """The plan of an empty account."""
    ran = run(account, "plan", PROVISIONED, tmp_path_factory.mktemp("plan") / "empty.json")
    assert ran.status == 2, ran.errors
    assert account.requests
    assert account.writes == set()
    return ran


@pytest.fixture(scope="module")
def made(account: Account, foretold: Planned) -> Account:
    """The account with the stack in it."""
    assert foretold
    ran = run(account, "provision", PROVISIONED)
    assert ran.status == 0, ran.output[-3000:]
    return account


def test_where_nothing_is_everything_is_made(foretold: Planned) -> None:
    assert {one["action"] for one in foretold.entries.values()} == {"create"}
    assert len(foretold.entries) > 90
    assert ("VPC", "slipway-rehearsal", "") in foretold.entries
    assert foretold.document["counts"]["create"] == len(foretold.entries)
    assert "Nothing was written." in foretold.output


def test_what_was_foretold_is_what_was_made_and_nothing_is_left_to_do(
    foretold: Planned, made: Account, tmp_path: Path
) -> None:
    # The survey knows that nothing has to be done; asked one by one, every layer says the same.
    settled = run(made, "plan", PROVISIONED, tmp_path / "settled.json")
    assert settled.changes == {}
    assert settled.status == 0, settled.output
    assert made.writes == set()
    assert settled.entries.keys() <= foretold.entries.keys()
    # Whose the zone is, the variables do not say to the plan.
    assert {kind for kind, _name, _region in foretold.entries.keys() - settled.entries.keys()} == {"DNS zone"}
    ran = run(made, "plan", {**PROVISIONED, "slipway_full": True}, tmp_path / "converged.json")
    assert ran.changes == {}
    assert ran.status == 0, ran.output
    assert made.writes == set()
    assert "Nothing to do" in ran.output
    # What the plan could not name: the records that prove the domains, whose names ACM makes up.
    unforetold = ran.entries.keys() - foretold.entries.keys()
    assert {name.split(" ")[0] for kind, name, _region in unforetold if kind == "DNS record"} == {"CNAME"}
    assert {kind for kind, _name, _region in unforetold} <= {"DNS record"}
    # And nothing was foretold that was not made: everything that stays was seen by a module, or is within what was.
    assert foretold.entries.keys() - ran.entries.keys() == set()


CHANGED = {
    "aws_database_instance_class": "db.t3.small",
    "aws_database_backup_days": 2,
    "aws_cache_node_type": "cache.t3.small",
    "aws_cache_replicas": 1,
    "aws_balancer_health_interval_seconds": 17,
    "aws_logs_nginx_days": 90,
    "aws_budget_limit_usd": 120,
    "aws_edge_hsts_seconds": 600,
    "aws_storage_noncurrent_days": 44,
    "aws_logs_flow_seconds": 60,
    "aws_network_nat": "per_az",
}


@pytest.fixture(scope="module")
def changed(made: Account, tmp_path_factory: pytest.TempPathFactory) -> Planned:
    """The plan of other values."""
    path = tmp_path_factory.mktemp("plan") / "changed.json"
    ran = run(made, "plan", {**PROVISIONED, **CHANGED, "plan_format": "json"}, path)
    assert ran.status == 2, ran.errors
    assert made.writes == set()
    whole = run(made, "plan", {**PROVISIONED, **CHANGED, "slipway_full": True}, path.with_name("whole.json"))
    assert whole.changes == ran.changes
    return ran


def test_what_changed_is_named_field_by_field(changed: Planned) -> None:
    ran = changed
    # stdout is the document and nothing else.
    assert json.loads(ran.output) == ran.document
    name = NAME
    said = {
        identity: (one["action"], {one["field"]: (one["from"], one["to"]) for one in one["fields"]})
        for identity, one in ran.changes.items()
    }
    bucket = "bucket_lifecycle_configuration.Rules.0.NoncurrentVersionExpiration.NoncurrentDays"
    expected = {
        ("cache", name, ""): (
            "change",
            {
                "node_type": ("cache.t3.micro", "cache.t3.small"),
                "replicas": (0, 1),
                "multi_az": (False, True),
                "automatic_failover": (False, True),
            },
        ),
        # What another layer does about the second node.
        **{
            ("alarm", f"{name}/cache-{one}", ""): ("create", {})
            for one in (
                *(f"{measure}-{name}-002" for measure in ("cpu", "memory", "evictions", "lag")),
                f"lag-{name}-001",
            )
        },
        ("target group", f"{name}-web", ""): ("change", {"health_check_interval_seconds": (10, 17)}),
        ("log group", f"/{name}/nginx", ""): ("change", {"retention_in_days": (30, 90)}),
        ("budget", name, ""): ("change", {"limit_usd": (100.0, 120.0)}),
        ("response headers policy", f"{name}-frontend", ""): (
            "change",
            {"security_headers_config.strict_transport_security.access_control_max_age_sec": (300, 600)},
        ),
        ("flow log", name, ""): ("replace", {"max_aggregation_interval": (600, 60)}),
        ("public address", f"{name}-nat-eu-west-1b", ""): ("create", {}),
        ("NAT gateway", f"{name}-nat-eu-west-1b", ""): ("create", {}),
        ("route table", f"{name}-application-all", ""): ("delete", {}),
        ("route table", f"{name}-application-eu-west-1a", ""): ("create", {}),
        ("route table", f"{name}-application-eu-west-1b", ""): ("create", {}),
        **{
            ("bucket lifecycle", f"{name}-123456789012-{one}", ""): ("change", {bucket: (90, 44)})
            for one in ("frontend", "releases", "logs", "transfer")
        },
    }
    assert said.pop(("dashboard", name, ""))[0] == "change"
    database = said.pop(("database", name, ""))
    # The tables that it will be in have no ids yet.
    action, fields = said.pop(("VPC endpoint", "s3", ""))
    assert (action, list(fields)) == ("change", ["route_table_ids"])
    assert {identity: one for identity, one in said.items() if identity not in expected} == {}
    assert {identity: said.get(identity) for identity in expected} == expected
    assert database[0] == "change"
    assert database[1]["db_instance_class"] == ("db.t3.micro", "db.t3.small")
    assert database[1]["backup_retention_period"] == (1, 2)

    interruptions = {one["kind"]: one["interruption"] for one in ran.changes.values()}
    assert "restarts the instance" in interruptions["database"]
    assert "every node is replaced" in interruptions["cache"]
    assert interruptions["budget"] == ""
    assert ran.changes["flow log", name, ""]["reason"].startswith("max_aggregation_interval: ")
    # Nobody pays for an emulated account.
    assert {one["price_usd_per_month"] for one in ran.entries.values()} == {0.0}


def test_layers_that_the_change_does_not_reach_are_left_out_and_nothing_is_missed(
    made: Account, tmp_path: Path
) -> None:
    variables = {**PROVISIONED, "aws_logs_nginx_days": 90}
    ran = run(made, "plan", variables, tmp_path / "one.json")
    whole = run(made, "plan", {**variables, "slipway_full": True}, tmp_path / "whole.json")
    assert ran.changes.keys() == {("log group", f"/{NAME}/nginx", "")}
    assert ran.changes == whole.changes
    # Only who asks the layer of the names hears of the zone and of the records that prove the domains.
    unasked = whole.entries.keys() - ran.entries.keys()
    assert {whole.entries[one]["layer"] for one in unasked} == {"dns"}


#: What a plan calls the kinds that CHANGED is about, by the type that the survey knows.
KINDS = {
    "AWS::Budgets::Budget": "budget",
    "AWS::CloudWatch::Alarm": "alarm",
    "AWS::CloudWatch::Dashboard": "dashboard",
    "AWS::CloudFront::ResponseHeadersPolicy": "response headers policy",
    "AWS::EC2::EIP": "public address",
    "AWS::EC2::FlowLog": "flow log",
    "AWS::EC2::NatGateway": "NAT gateway",
    "AWS::EC2::RouteTable": "route table",
    "AWS::EC2::VPCEndpoint": "VPC endpoint",
    "AWS::ElastiCache::ReplicationGroup": "cache",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "target group",
    "AWS::Logs::LogGroup": "log group",
    "AWS::RDS::DBInstance": "database",
    "AWS::S3::Bucket": "bucket lifecycle",
}
#: What AWS makes with something else: the nodes of a cache.
CONSEQUENCES = {"AWS::ElastiCache::CacheCluster"}

RECORD = {"Bucket": f"{NAME}-123456789012-releases", "Key": "stack/survey.json"}


def recorded(account: Account) -> bytes:
    """How the last run has left the stack."""
    body: bytes = account.client("s3").get_object(**RECORD)["Body"].read()
    return body


def differences(account: Account, before: bytes, path: Path) -> list[dict[str, Any]]:
    """What is live another way than it was recorded before."""
    now = recorded(account)
    account.client("s3").put_object(**RECORD, Body=before)
    account.run("playbooks/drift.yml", variables={"aws_survey_report_path": str(path)})
    account.client("s3").put_object(**RECORD, Body=now)
    found: list[dict[str, Any]] = json.loads(path.read_text())["drift"]
    return found


def test_what_was_foretold_is_what_happens(made: Account, changed: Planned, tmp_path: Path) -> None:
    """Held against what is live before and after, and not against what the modules say."""
    before = recorded(made)
    ran = run(made, "provision", {**PROVISIONED, **CHANGED})
    assert ran.status == 0, ran.output[-4000:]
    happened: dict[tuple[str, str], set[str]] = {}
    values: dict[tuple[str, str], tuple[Any, Any]] = {}
    for one in differences(made, before, tmp_path / "happened.json"):
        kind, label = one["resource"].split(" ", 1)
        if kind not in CONSEQUENCES:
            name = label.rpartition("(")[2].rstrip(")").removesuffix(" eu-west-1").removeprefix(f"{NAME}-endpoint-")
            happened.setdefault((KINDS[kind], name), set()).add(one["kind"])
            values[KINDS[kind], one["field"]] = (one["recorded"], one["live"])
    words: dict[tuple[str, ...], str] = {("changed",): "change", ("unexpected",): "create", ("missing",): "delete"}
    actions = {identity: words.get(tuple(how), "replace") for identity, how in happened.items()}
    assert actions == {(kind, name): one["action"] for (kind, name, _), one in changed.changes.items()}
    for kind, where, step in (
        ("database", "DBInstanceClass", ("db.t3.micro", "db.t3.small")),
        ("database", "BackupRetentionPeriod", (1, 2)),
        ("cache", "CacheNodeType", ("cache.t3.micro", "cache.t3.small")),
        ("target group", "HealthCheckIntervalSeconds", (10, 17)),
        ("log group", "retentionInDays", (30, 90)),
    ):
        assert values[kind, where] == step
    again = run(made, "plan", {**PROVISIONED, **CHANGED}, tmp_path / "again.json")
    assert (again.status, again.changes) == (0, {})


def test_a_layer_that_is_taken_out_is_neither_foretold_nor_touched(made: Account, tmp_path: Path) -> None:
    without = {**PROVISIONED, **CHANGED, "slipway_layers_off": ["backup"]}
    foretold = run(made, "plan", without, tmp_path / "without.json")
    assert "backup" not in {one["layer"] for one in foretold.changes.values()}
    before = recorded(made)
    done = run(made, "provision", without)
    assert done.status == 0, done.output[-4000:]
    assert [one for one in differences(made, before, tmp_path / "left.json") if one["layer"] == "backup"] == []


def delete_by_hand(account: Account) -> None:
    """A load balancer, all names with their zone, and a secret."""
    elb, route53 = account.client("elbv2"), account.client("route53")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    protection = [{"Key": "deletion_protection.enabled", "Value": "false"}]
    elb.modify_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"], Attributes=protection)
    elb.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
    (zone,) = route53.list_hosted_zones()["HostedZones"]
    records = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    gone = [{"Action": "DELETE", "ResourceRecordSet": one} for one in records if one["Type"] in ("A", "AAAA", "CNAME")]
    route53.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch={"Changes": gone})
    route53.delete_hosted_zone(Id=zone["Id"])
    account.client("secretsmanager").delete_secret(SecretId=f"{NAME}/cache", ForceDeleteWithoutRecovery=True)


def test_what_somebody_deleted_is_made_again_as_foretold(made: Account, tmp_path: Path) -> None:
    variables = {**PROVISIONED, **CHANGED}
    assert run(made, "provision", variables).status == 0
    delete_by_hand(made)
    foretold = run(made, "plan", variables, tmp_path / "deleted.json")
    assert foretold.status == 2, foretold.errors
    said = {(kind, name): one["action"] for (kind, name, _), one in foretold.changes.items()}
    created = {
        ("load balancer", NAME),
        ("DNS zone", "slipway.localhost"),
        ("secret", f"{NAME}/cache"),
        *(("DNS record", f"{kind} {name}app.slipway.localhost") for kind in ("A", "AAAA") for name in ("", "origin.")),
    }
    assert {identity for identity, action in said.items() if action == "create"} == created
    # What depends on the balancer nobody can compare; nothing else is taken to change.
    assert {kind for (kind, _), action in said.items() if action == "unknown"} == {
        "web ACL association",
        "alarm",
        "dashboard",
        "event subscription",
    }
    assert {identity for identity, action in said.items() if action not in ("create", "unknown")} == {
        ("parameter", f"/{NAME}/application-secrets/CACHE_AUTH_TOKEN")
    }

    done = run(made, "provision", variables)
    assert done.status == 0, done.output[-4000:]
    again = run(made, "plan", variables, tmp_path / "made-again.json")
    assert (again.status, again.changes) == (0, {})


def test_another_domain_is_foretold_and_nothing_of_the_old_one_is_left(made: Account, tmp_path: Path) -> None:
    new = "www.slipway.localhost"
    variables = {**PROVISIONED, **CHANGED, "slipway_site_domain": new}
    foretold = run(made, "plan", variables, tmp_path / "domain.json")
    said = {(kind, name): one["action"] for (kind, name, _), one in foretold.changes.items()}
    old = "app.slipway.localhost"
    goes = {"DNS record": ("A {}", "AAAA {}", "A origin.{}", "AAAA origin.{}"), "certificate": ("{}", "origin.{}")}
    for kind, names in goes.items():
        for name in names:
            assert (said[kind, name.format(old)], said[kind, name.format(new)]) == ("delete", "create")
    assert {said[kind, NAME] for kind in ("distribution", "load balancer", "dashboard")} == {"change"}
    assert said["health check", f"{NAME}-site"] == "change"
    (certificate,) = foretold.changes["load balancer", NAME, ""]["fields"]
    assert certificate["field"] == "listeners[443].certificates.certificate_arn"
    assert said["alarm", f"{NAME}/certificate"] == "change"
    assert ("alarm", f"{NAME}/edge-outside") not in said
    assert "unknown" not in said.values()
    assert "answers no more" in foretold.changes["distribution", NAME, ""]["interruption"]

    done = run(made, "provision", variables)
    assert done.status == 0, done.output[-4000:]
    certificates = [
        one["DomainName"]
        for region in ("eu-west-1", "us-east-1")
        for one in made.client("acm", region).list_certificates()["CertificateSummaryList"]
    ]
    assert sorted(certificates) == [f"origin.{new}", new]
    route53 = made.client("route53")
    [zone] = route53.list_hosted_zones()["HostedZones"]
    records = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    assert {one["Name"] for one in records if old in one["Name"]} == set()
    [check] = route53.list_health_checks()["HealthChecks"]
    assert check["HealthCheckConfig"]["FullyQualifiedDomainName"] == new
    again = run(made, "plan", variables, tmp_path / "settled.json")
    assert (again.status, again.changes) == (0, {})


def test_an_error_is_no_plan(account: Account, tmp_path: Path) -> None:
    ran = run(account, "plan", {**PROVISIONED, "aws_firewall_sign_ins_per_5_minutes": 5}, tmp_path / "failed.json")
    assert ran.status == 1
    assert "WAF takes 10 and more" in ran.errors
    assert ran.document["failed"]
    assert account.writes == set()


def test_it_refuses_to_run_beside_a_playbook_that_writes(account: Account) -> None:
    ran = run(account, "plan", PROVISIONED, None, "playbooks/provision.yml")
    assert ran.status == 1
    assert "is run alone" in ran.errors
    assert account.requests == []


def test_it_refuses_to_write_when_nothing_put_it_into_check_mode(account: Account, tmp_path: Path) -> None:
    # As for somebody with a configuration of their own.
    settings = (PROJECT / "ansible.cfg").read_text()
    enabled = "callbacks_enabled = slipway.aws.dry_run, "
    assert enabled in settings
    other = tmp_path / "ansible.cfg"
    other.write_text(
        settings.replace(enabled, "callbacks_enabled = ")
        .replace("roles_path = roles", f"roles_path = {PROJECT}/roles")
        .replace("collections_path = collections", f"collections_path = {PROJECT}/collections")
    )
    ended = account.run("playbooks/plan.yml", environment={"ANSIBLE_CONFIG": str(other)})
    assert ended.status == 2
    assert "it is not in check mode" in ended.output
    assert account.requests == []
