"""What AWS does not have is refused before the first change, in words that say what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ACCOUNT, REGION, Clients, Converge, Converged, Values

PROJECT = Path(__file__).parents[3]
VARIABLES: Values = {
    "preflight_environment": "test",
    "preflight_inventory": str(PROJECT / "inventories" / "staging"),
    "preflight_project": str(PROJECT),
    "preflight_account_id": ACCOUNT,
    "preflight_region": REGION,
    "preflight_zones": ["eu-west-1a", "eu-west-1b"],
    "preflight_network_name": "stack",
    "preflight_network_cidr": "10.30.0.0/16",
    "preflight_dns_zone": "slipway.test",
    "preflight_domains": ["app.slipway.test"],
    "preflight_names": [{"what": "load balancer", "name": "stack", "limit": 32}],
    "preflight_timeouts": {
        "gunicorn": 30,
        "nginx_proxy": 35,
        "balancer_idle": 40,
        "cloudfront_read": 45,
        "cloudfront_keep_alive": 5,
        "keep_alive": 75,
        "gunicorn_graceful": 30,
        "deregistration_delay": 35,
        "drain": 40,
        "unit_stop": 45,
        "worker_stop": 60,
        "lifecycle_heartbeat": 120,
        "host_program": 690,
        "host_connection": 750,
    },
    "preflight_instance_types": ["t3.small"],
    "preflight_database": {"version": "17", "instance_class": "db.t3.micro", "multi_az": True},
    "preflight_cache": {"version": "8.1", "node_type": "cache.t3.micro"},
    "preflight_agent": {"wanted": True, "url": "https://example.net/agent.deb", "checksum": "sha256:" + "0" * 64},
    "preflight_emulated": True,
}


def test_what_can_be_had_passes_and_nothing_is_changed(converge: Converge) -> None:
    for check in (True, False):
        passed = converge("preflight", VARIABLES, check=check)
        assert not passed.failed, passed.messages
        assert passed.changed == ()
        assert passed.result["account_id"] == ACCOUNT


def test_everything_that_the_region_does_not_have_is_said_at_once(converge: Converge, client: Clients) -> None:
    ec2: Any = client("ec2")
    neighbour = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    ec2.associate_vpc_cidr_block(VpcId=neighbour, CidrBlock="10.30.128.0/20")
    refused = converge(
        "preflight",
        {
            **VARIABLES,
            "preflight_zones": ["eu-west-1a", "eu-west-1f"],
            "preflight_instance_types": ["t3.small", "t3.huge"],
            "preflight_database": {"version": "17", "instance_class": "db.t3.huge", "multi_az": False},
            "preflight_cache": {"version": "5.0", "node_type": "cache.t3.huge"},
        },
    )
    assert refused.failed
    for words in (
        "[zones-absent] eu-west-1 has no available zone eu-west-1f",
        "[cidr-overlap] slipway_vpc_cidr 10.30.0.0/16 overlaps with 10.30.128.0/20",
        "EC2 does not sell t3.huge in",
        "[database-class] RDS has no db.t3.huge for PostgreSQL 17",
        "[cache-version] ElastiCache has no Valkey 5.0",
        "[cache-node-type] ElastiCache does not sell cache.t3.huge",
    ):
        assert words in said(refused), words


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (
            {
                "preflight_nat": "none",
                "preflight_endpoints": ["autoscaling", "ssm", "secretsmanager"],
                "preflight_s3_endpoint": False,
            },
            [
                "hosts cannot reach ec2messages, ssmmessages: add them to the interface endpoints in inventories/test/",
                "[nat-without-s3]",
            ],
        ),
        (
            {"preflight_layers_off": ["alerts", "network"]},
            [
                "slipway_layers_off names network",
                "The layer budget needs alerts, which slipway_layers_off leaves out: add budget",
                "The layer alarms needs alerts",
            ],
        ),
        (
            {
                "preflight_windows": [
                    {
                        "what": "the database",
                        "daily": "03:00-04:00",
                        "weekly": "sun:03:30-sun:04:30",
                        "minutes": 30,
                        "apart": True,
                    }
                ]
            },
            ["[windows] The windows 03:00-04:00 and sun:03:30-sun:04:30 of the database overlap"],
        ),
        (
            {"aws_edge_minimum_protocol": "TLSv1.2_2019", "aws_network_nat": "some"},
            ["[values-refused] value of aws_edge_minimum_protocol must be one of:", "aws_network_nat must be one of:"],
        ),
        (
            {"preflight_database": {"version": "9", "instance_class": "db.t3.micro"}},
            ["[database-version] RDS has no PostgreSQL 9 in eu-west-1"],
        ),
        (
            {
                "preflight_agent": {
                    "wanted": True,
                    "url": "http://example.net/agent.deb",
                    "checksum": "sha256:" + "0" * 64,
                }
            },
            ["[agent-unpinned]", "https://s3.eu-west-1.amazonaws.com/amazon-ssm-eu-west-1/VERSION/debian_amd64/"],
        ),
    ],
)
def test_choices_that_cannot_work_are_refused(converge: Converge, wrong: Values, says: list[str]) -> None:
    refused = converge("preflight", {**VARIABLES, **wrong})
    assert refused.failed
    for words in says:
        assert words in said(refused), words


def said(refused: Converged) -> str:
    """Without the line breaks of JSON and of the terminal."""
    return " ".join(refused.messages.replace("\\n", " ").split())


def test_everything_that_needs_no_call_is_said_at_once(converge: Converge, client: Clients) -> None:
    timeouts = {**VARIABLES["preflight_timeouts"], "nginx_proxy": 30, "cloudfront_read": 61}
    refused = converge(
        "preflight",
        {
            **VARIABLES,
            "preflight_ansible_version": "99.1",
            "preflight_account_id": "123",
            "preflight_zones": ["eu-west-1a", "us-east-1a"],
            "preflight_network_name": "Stack_1",
            "preflight_network_cidr": "10.30.1.0/16",
            "preflight_dns_zone": "example.com",
            "preflight_domains": ["app.elsewhere.test"],
            "preflight_names": [{"what": "load balancer", "name": "s" * 33, "limit": 32}],
            "preflight_timeouts": timeouts,
            "preflight_tools": ["no-such-tool"],
        },
    )
    assert refused.failed
    for words in (
        "[ansible-version] This is ansible-core",
        '[account-unknown] slipway_account_id of test is \\"123\\", not twelve digits. Write the account',
        "[zones] slipway_zones is eu-west-1a, us-east-1a: name two availability zones of eu-west-1, such as",
        "[name-characters] Stack_1 becomes part of names",
        "[cidr-invalid] slipway_vpc_cidr is 10.30.1.0/16, which is not a private IPv4 network: write one such as",
        "[domain-placeholder] slipway_dns_zone of test is still the placeholder example.com. Write a public zone",
        "[domain-outside-zone] No record of app.elsewhere.test can be written into the zone example.com. Correct",
        "has 33 characters; AWS allows 32. Shorten slipway_project or slipway_environment.",
        "gunicorn (30) is not below nginx_proxy (30)",
        "cloudfront_read is 61, AWS allows 1 to 60. Change request_timeout_seconds alone",
        "[tools-missing] no-such-tool cannot be found in the PATH. Install it",
    ):
        assert words in said(refused), words
    assert client("ssm").describe_parameters()["Parameters"] == []


@pytest.mark.parametrize(
    ("wrong", "environment", "says"),
    [
        (
            {"preflight_account_id": "999999999999"},
            {},
            "[account-mismatch] These credentials belong to account 123456789012",
        ),
        (
            {},
            {"AWS_ACCESS_KEY_ID": "AKIANOBODYKNOWS00000"},
            "[credentials] AWS does not say whose credentials these are",
        ),
        (
            {},
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
            "[emulator-unreachable] Nothing answers at http://127.0.0.1:1",
        ),
        ({}, {"AWS_ENDPOINT_URL": ""}, "[rehearsal-without-emulator]"),
        ({}, {"AWS_ENDPOINT_URL_EC2": "https://ec2.example.net"}, "[rehearsal-beyond-loopback]"),
        ({}, {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, "[rehearsal-ignores-endpoint]"),
        ({"preflight_emulated": False}, {}, "[endpoint-is-not-aws]"),
        ({"preflight_network_cidr": "10.30.0.0/26"}, {}, "[cidr-size] slipway_vpc_cidr is 10.30.0.0/26."),
        (
            {"preflight_region": "eu-nowhere-1", "preflight_zones": ["eu-nowhere-1a", "eu-nowhere-1b"]},
            {},
            "[region-unknown] eu-nowhere-1 is no region",
        ),
    ],
    ids=lambda value: value.split("]")[0].strip("[") if isinstance(value, str) else "",
)
def test_what_would_reach_another_place_is_refused(
    converge: Converge, client: Clients, wrong: Values, environment: dict[str, str], says: str
) -> None:
    refused = converge("preflight", {**VARIABLES, "preflight_lock_path": "/lock", **wrong}, environment=environment)
    assert refused.failed
    assert says in said(refused)
    # Nobody who is refused takes the lock.
    assert client("ssm").describe_parameters()["Parameters"] == []


@pytest.mark.parametrize(("other", "refused"), [("stack-eu", True), ("a", True), ("stack2", False), ("ab", False)])
def test_an_environment_whose_names_would_be_taken_for_anothers_is_refused(
    converge: Converge, client: Clients, other: str, refused: bool
) -> None:
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": other}]}]
    client("ec2").create_vpc(CidrBlock="10.40.0.0/16", TagSpecifications=tags)
    name = "a-stack" if len(other) < 3 else "stack"
    ended = converge("preflight", {**VARIABLES, "preflight_network_name": name})
    assert ended.failed == refused
    assert (f"[name-within-another] The account has {other}. What an environment has" in said(ended)) == refused


def test_the_block_of_a_network_that_exists_stays(converge: Converge, client: Clients) -> None:
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "stack"}]}]
    client("ec2").create_vpc(CidrBlock="10.40.0.0/16", TagSpecifications=tags)
    refused = converge("preflight", VARIABLES)
    assert refused.failed
    assert "[cidr-changed] stack exists with 10.40.0.0/16" in said(refused)


def test_what_is_chosen_once_is_not_taken_for_something_that_a_run_could_change(
    converge: Converge, client: Clients
) -> None:
    client("rds").create_db_instance(
        DBInstanceIdentifier="stack", DBInstanceClass="db.t3.micro", Engine="postgres", EngineVersion="17.6",
        DBName="application", AllocatedStorage=20, Port=5432, MasterUsername="owner", MasterUserPassword="not-a-secret",
    )  # fmt: skip
    ec2, elasticache = client("ec2"), client("elasticache")
    vpc = ec2.create_vpc(CidrBlock="10.40.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.40.0.0/24")["Subnet"]["SubnetId"]
    elasticache.create_cache_subnet_group(
        CacheSubnetGroupName="stack", CacheSubnetGroupDescription="A cache", SubnetIds=[subnet]
    )
    elasticache.create_replication_group(
        ReplicationGroupId="stack", ReplicationGroupDescription="A cache", Engine="valkey", Port=6379,
        CacheNodeType="cache.t3.micro", CacheSubnetGroupName="stack",
    )  # fmt: skip
    client("elbv2").create_target_group(Name="stack-web", Protocol="HTTP", Port=80, VpcId=vpc)
    made: Values = {
        "preflight_database": {
            **VARIABLES["preflight_database"],
            "name": "stack",
            "database": "application",
            "port": 5432,
        },
        "preflight_cache": {**VARIABLES["preflight_cache"], "name": "stack", "port": 6379},
        "preflight_target_group": {"name": "stack-web", "port": 80},
    }
    same = converge("preflight", {**VARIABLES, **made})
    assert not same.failed, same.messages
    changed = {
        "preflight_database": {**made["preflight_database"], "version": "16", "database": "other", "port": 5433},
        "preflight_cache": {**made["preflight_cache"], "port": 6380},
        "preflight_target_group": {"name": "stack-web", "port": 8080},
    }
    refused = converge("preflight", {**VARIABLES, **changed})
    assert refused.failed
    newer = {"preflight_database": {**made["preflight_database"], "version": "18"}}
    assert "--engine-version 18 --allow-major-version-upgrade" in said(converge("preflight", {**VARIABLES, **newer}))
    for words in (
        "[database-major] The database stack runs PostgreSQL 17.6, and group_vars/all/aws_database.yml wants 16.",
        "RDS goes back to no older one: set it to 17.",
        "[made-once] The first database of stack is application, and the variables say other: RDS keeps it.",
        "The port of the database stack is 5432, and the variables say 5433: another one would cut off every host",
        "The port of the cache stack is 6379, and the variables say 6380: ElastiCache keeps it.",
        "The port of the target group stack-web is 80, and the variables say 8080: a target group keeps it",
    ):
        assert words in said(refused), said(refused)


def test_the_layers_that_may_be_left_out_are_those_of_the_project() -> None:
    needs = yaml.safe_load((PROJECT / "roles/preflight/defaults/main.yml").read_text())["preflight_layer_needs"]
    hosts = yaml.safe_load((PROJECT / "inventories/layers.yml").read_text())["local"]["children"]["layers"]["hosts"]
    assert set(needs) <= set(hosts)
    assert {name for needed in needs.values() for name in needed} <= set(needs)


def test_what_somebody_else_made_with_our_names_is_not_taken_over(converge: Converge, client: Clients) -> None:
    ours = {
        **VARIABLES,
        "preflight_owner_tags": {"ManagedBy": "slipway"},
        "preflight_database": {"version": "17", "instance_class": "db.t3.micro", "name": "stack"},
    }
    assert not converge("preflight", ours).failed
    ec2, rds = client("ec2"), client("rds")
    vpc = ec2.create_vpc(CidrBlock="10.30.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": "stack"}, {"Key": "ManagedBy", "Value": "other"}])
    made = rds.create_db_instance(
        DBInstanceIdentifier="stack", DBInstanceClass="db.t3.micro", Engine="postgres", AllocatedStorage=20,
        MasterUsername="owner", MasterUserPassword="not-a-secret",
    )  # fmt: skip
    refused = converge("preflight", ours)
    assert refused.failed
    assert f"[name-taken] Somebody else made the VPC {vpc} and the database stack" in refused.messages
    tags = [{"Key": "ManagedBy", "Value": "slipway"}]
    ec2.create_tags(Resources=[vpc], Tags=tags)
    rds.add_tags_to_resource(ResourceName=made["DBInstance"]["DBInstanceArn"], Tags=tags)
    accepted = converge("preflight", ours)
    assert not accepted.failed, accepted.messages
