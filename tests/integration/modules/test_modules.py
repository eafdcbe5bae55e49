"""The modules, whole, against the emulated account: what a playbook would see."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rehearsal.emulator import backchannel

from .conftest import PROJECT, REGION, Answer, Call, client, succeeded

TOKEN = "a-token-of-the-cache-!-that-nobody-sees"


@dataclass(frozen=True)
class Life:
    """One resource from its creation to its end. ``changed`` are the options that change and ``field`` what is told."""

    module: str
    key: str
    options: Answer
    changed: Answer
    field: str
    before: Any
    after: Any


def behavior(**more: Any) -> Answer:
    return {
        "target_origin_id": "frontend",
        "viewer_protocol_policy": "redirect-to-https",
        "cache_policy_id": "658327ea-f89d-4fab-a63d-7e88639e58f6",
        **more,
    }


DISTRIBUTION: Answer = {
    "name": "site",
    "comment": "the site",
    "default_root_object": "index.html",
    "http_version": "http2and3",
    "ipv6_enabled": True,
    "price_class": "PriceClass_100",
    "origins": [
        {"id": "frontend", "domain_name": "bucket.s3.eu-west-1.amazonaws.com"},
        {
            "id": "application",
            "domain_name": "origin.app.slipway.localhost",
            "custom_headers": [{"header_name": "X-Origin-Secret", "header_value": "only-for-the-origin"}],
            "custom_origin_config": {"origin_protocol_policy": "https-only", "origin_read_timeout": 60},
        },
    ],
    "default_cache_behavior": behavior(compress=True),
    "cache_behaviors": [
        behavior(
            path_pattern="/api/*",
            target_origin_id="application",
            allowed_methods=["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"],
            cache_policy_id="4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
            origin_request_policy_id="216adef6-5c7f-47e4-b989-5492eafa07d3",
        ),
        behavior(path_pattern="/static/*", target_origin_id="application"),
    ],
    "custom_error_responses": [{"error_code": 502, "response_code": "502", "response_page_path": "/sorry.html"}],
    "tags": {"Environment": "rehearsal"},
}

LIVES = [
    Life(
        "cloudfront_origin_access_control",
        "origin_access_control",
        {"name": "frontend", "description": "old"},
        {"description": "new"},
        "description",
        "old",
        "new",
    ),
    Life(
        "cloudfront_function",
        "function",
        {"name": "page", "comment": "c", "code": "function handler(event) { return event.request; }\n"},
        {"code": "function handler(event) { return event.request }\n"},
        "code",
        "function handler(event) { return event.request; }\n",
        "function handler(event) { return event.request }\n",
    ),
    Life(
        "cloudfront_response_headers_policy",
        "response_headers_policy",
        {
            "name": "headers",
            "security_headers_config": {
                "content_type_options": {"override": False},
                "frame_options": {"frame_option": "SAMEORIGIN", "override": True},
                "strict_transport_security": {"access_control_max_age_sec": 60, "override": True},
            },
            "custom_headers_config": [{"header": "X-A", "value": "1"}],
            "remove_headers_config": ["Server"],
        },
        {
            "security_headers_config": {
                "content_type_options": {"override": False},
                "frame_options": {"frame_option": "DENY", "override": True},
                "strict_transport_security": {"access_control_max_age_sec": 60, "override": True},
            }
        },
        "security_headers_config.frame_options.frame_option",
        "SAMEORIGIN",
        "DENY",
    ),
    Life(
        "cloudfront_distribution",
        "distribution",
        {**DISTRIBUTION, "wait": True},
        {"price_class": "PriceClass_200"},
        "price_class",
        "PriceClass_100",
        "PriceClass_200",
    ),
    Life(
        "elasticache_parameter_group",
        "parameter_group",
        {
            "name": "cache-valkey8",
            "family": "valkey8",
            "description": "d",
            "parameters": {"maxmemory-policy": "allkeys-lru", "activerehashing": True},
            "tags": {"Environment": "rehearsal"},
        },
        {"parameters": {"maxmemory-policy": "noeviction", "activerehashing": True}},
        "parameters.maxmemory-policy",
        "allkeys-lru",
        "noeviction",
    ),
    Life(
        "rds_parameter_group",
        "parameter_group",
        {
            "name": "database-postgres17",
            "family": "postgres17",
            "description": "d",
            "parameters": {"rds.force_ssl": True, "max_connections": 200, "work_mem": 8192},
            "tags": {"Environment": "rehearsal"},
        },
        {"parameters": {"rds.force_ssl": True, "max_connections": 300, "work_mem": 8192}},
        "parameters.max_connections",
        "200",
        "300",
    ),
    Life(
        "elasticache_replication_group",
        "replication_group",
        {
            "replication_group_id": "cache",
            "description": "old",
            "engine": "valkey",
            "engine_version": "8.0",
            "node_type": "cache.t4g.small",
            "replicas": 1,
            "automatic_failover": True,
            "multi_az": True,
            "transit_encryption": True,
            "transit_encryption_mode": "required",
            "at_rest_encryption": True,
            "auth_token": TOKEN,
            "snapshot_retention_limit": 1,
            "snapshot_window": "03:00-04:00",
            "maintenance_window": "sun:04:00-sun:05:00",
            "auto_minor_version_upgrade": True,
            "apply_immediately": True,
            "tags": {"Environment": "rehearsal"},
            "wait": True,
            "wait_timeout": 30,
        },
        {"description": "new"},
        "description",
        "old",
        "new",
    ),
    Life(
        "acm_certificate_request",
        "certificate",
        {"domain_name": "life.slipway.localhost", "tags": {"Environment": "old"}},
        {"tags": {"Environment": "new"}},
        "tags.Environment",
        "old",
        "new",
    ),
    Life(
        "sqs_queue",
        "queue",
        {
            "name": "tasks",
            "visibility_seconds": 60,
            "retention_seconds": 1_209_600,
            "wait_seconds": 20,
            "encrypted": True,
            "policy": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "TlsOnly",
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "sqs:*",
                        "Resource": "arn:aws:sqs:eu-west-1:123456789012:tasks",
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                ],
            },
            "redrive_sources": ["arn:aws:sqs:eu-west-1:123456789012:other"],
            "tags": {"Environment": "rehearsal"},
        },
        {"visibility_seconds": 90},
        "visibility_seconds",
        60,
        90,
    ),
    Life(
        "sns_topic",
        "topic",
        {
            "name": "alerts",
            "display_name": "old",
            "kms_key_id": "alias/aws/sns",
            "policy": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "cloudwatch.amazonaws.com"},
                        "Action": "sns:Publish",
                        "Resource": "arn:aws:sns:eu-west-1:123456789012:alerts",
                    }
                ],
            },
            "subscriptions": [{"protocol": "email", "endpoint": TOKEN}],
            "tags": {"Environment": "rehearsal"},
        },
        {"display_name": "new"},
        "display_name",
        "old",
        "new",
    ),
]


@pytest.fixture
def subnets() -> Iterator[str]:
    """A cache subnet group."""
    ec2, cache = client("ec2"), client("elasticache")
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.1.0/24", AvailabilityZone=f"{REGION}a")["Subnet"]["SubnetId"]
    cache.create_cache_subnet_group(CacheSubnetGroupName="subnets", CacheSubnetGroupDescription="d", SubnetIds=[subnet])
    yield "subnets"
    cache.delete_cache_subnet_group(CacheSubnetGroupName="subnets")
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.module)
def test_the_life_of_a_resource(life: Life, call: Call, subnets: str) -> None:
    options = dict(life.options)
    if life.key == "replication_group":
        options["subnet_group"] = subnets

    for _ in range(2):  # twice: a dry run leaves nothing behind
        assert succeeded(call(life.module, check=True, **options))["changed"]
    made = succeeded(call(life.module, **options))
    assert made["changed"]
    assert made["changes"][0] == {"field": "state", "from": "absent", "to": "present"}
    assert TOKEN not in json.dumps(made)
    assert "only-for-the-origin" not in json.dumps(made)

    for check in (False, True):
        again = succeeded(call(life.module, check=check, **options))
        assert again["changes"] == []
        assert not again["changed"]
    assert set(again[life.key]) == set(made[life.key])

    told = [{"field": life.field, "from": life.before, "to": life.after}]
    foreseen = succeeded(call(life.module, check=True, **{**options, **life.changed}))
    assert foreseen["changes"] == told
    changed = succeeded(call(life.module, **{**options, **life.changed}))
    assert changed["changes"] == told
    assert changed["diff"] == {"before": {life.field: life.before}, "after": {life.field: life.after}}
    assert not succeeded(call(life.module, **{**options, **life.changed}))["changed"]

    identity: Answer = {
        name: options[name] for name in ("name", "replication_group_id", "domain_name") if name in options
    }
    absent: Answer = {**identity, "state": "absent", **({"wait": True} if "wait" in options else {})}
    assert succeeded(call(life.module, check=True, **absent))["changed"]
    gone = succeeded(call(life.module, **absent))
    assert gone["changed"]
    assert gone[life.key] == {}
    assert not succeeded(call(life.module, **absent))["changed"]


def test_a_function_is_live_as_given_and_what_is_tried_out_in_development_is_not_seen(call: Call) -> None:
    code = "function handler(event) { return event.request; }"
    options: Answer = {"name": "live", "code": code}
    succeeded(call("cloudfront_function", **options))
    cloudfront = client("cloudfront")
    assert cloudfront.get_function(Name="live", Stage="LIVE")["FunctionCode"].read().decode() == code

    draft = cloudfront.describe_function(Name="live", Stage="DEVELOPMENT")
    config = draft["FunctionSummary"]["FunctionConfig"]
    cloudfront.update_function(Name="live", IfMatch=draft["ETag"], FunctionConfig=config, FunctionCode=b"draft")
    assert not succeeded(call("cloudfront_function", **options))["changed"]

    succeeded(call("cloudfront_function", name="live", state="absent"))
    cloudfront.create_function(Name="live", FunctionConfig=config, FunctionCode=code.encode())
    published = succeeded(call("cloudfront_function", **options))
    assert published["function"]["stage"] == "LIVE"
    assert {change["field"] for change in published["changes"]} == {"code", "stage"}
    succeeded(call("cloudfront_function", name="live", state="absent"))


@pytest.fixture
def data_plane() -> Iterator[None]:
    """Resources stay in the state that AWS shows first until the test says otherwise."""
    backchannel.attach_data_plane()
    yield
    backchannel.attach_data_plane(False)


def soon(action: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(1.0, action)
    timer.start()
    return timer


@pytest.mark.usefixtures("data_plane")
def test_a_distribution_is_started_in_one_task_and_awaited_in_another(call: Call) -> None:
    options: Answer = {**DISTRIBUTION, "name": "started"}
    started = succeeded(call("cloudfront_distribution", **options))
    identity = started["distribution"]["id"]
    assert started["distribution"]["status"] == "InProgress"
    assert not succeeded(call("cloudfront_distribution", **options))["changed"]

    impatient = call("cloudfront_distribution", name="started", wait=True, wait_timeout=1)
    assert impatient["failed"]
    assert impatient["msg"] == f"Deploying the distribution {identity} took longer than 1 s; it is still: InProgress."
    soon(lambda: backchannel.set_distribution_status(identity, "Deployed"))
    awaited = succeeded(call("cloudfront_distribution", name="started", wait=True, wait_timeout=20))
    assert not awaited["changed"]
    assert awaited["distribution"]["status"] == "Deployed"

    disabling = succeeded(call("cloudfront_distribution", name="started", state="absent"))
    assert disabling["changed"]
    assert disabling["distribution"]["enabled"] is False
    on_the_way = succeeded(call("cloudfront_distribution", name="started", state="absent"))
    assert not on_the_way["changed"]
    assert on_the_way["distribution"]["status"] == "InProgress"
    soon(lambda: backchannel.set_distribution_status(identity, "Deployed"))
    gone = succeeded(call("cloudfront_distribution", name="started", state="absent", wait=True, wait_timeout=20))
    assert gone["distribution"] == {}
    assert client("cloudfront").list_distributions()["DistributionList"].get("Items", []) == []


def test_a_distribution_keeps_what_the_module_does_not_manage(call: Call) -> None:
    made = succeeded(call("cloudfront_distribution", **DISTRIBUTION, geo_restriction={"restriction_type": "none"}))
    cloudfront = client("cloudfront")
    identity = made["distribution"]["id"]
    before = cloudfront.get_distribution_config(Id=identity)["DistributionConfig"]
    succeeded(call("cloudfront_distribution", name="site", comment="new"))
    after = cloudfront.get_distribution_config(Id=identity)["DistributionConfig"]
    assert after.pop("Comment") == "new"
    before.pop("Comment")
    assert after == before
    header = after["Origins"]["Items"][1]["CustomHeaders"]["Items"][0]
    assert header["HeaderValue"] == "only-for-the-origin"
    succeeded(call("cloudfront_distribution", name="site", state="absent", wait=True))


def test_a_distribution_of_somebody_else_is_not_touched(call: Call) -> None:
    alias: Answer = {"aliases": ["app.slipway.localhost"]}
    certificate = succeeded(call("acm_certificate_request", domain_name="app.slipway.localhost", region="us-east-1"))
    backchannel.set_certificate_issued(certificate["arn"])
    with_alias: Answer = {**DISTRIBUTION, **alias, "viewer_certificate": {"acm_certificate_arn": certificate["arn"]}}
    succeeded(call("cloudfront_distribution", **with_alias))
    assert succeeded(call("cloudfront_distribution", **with_alias))["changes"] == []
    for state in ("present", "absent"):
        other = call("cloudfront_distribution", name="other", **alias, state=state)
        assert other["failed"]
        assert "its tag Name says site, not other" in other["msg"]
    succeeded(call("cloudfront_distribution", name="site", state="absent", wait=True))


def test_the_ids_of_policies_are_found_by_name(call: Call) -> None:
    names: Answer = {"cache_policies": ["Managed-CachingDisabled"], "origin_request_policies": ["Managed-AllViewer"]}
    ids = succeeded(call("cloudfront_policy_info", **names, response_headers_policies=[]))
    assert ids["cache_policies"] == {"Managed-CachingDisabled": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"}
    assert ids["origin_request_policies"] == {"Managed-AllViewer": "216adef6-5c7f-47e4-b989-5492eafa07d3"}
    assert ids["response_headers_policies"] == {}
    wrong = call("cloudfront_policy_info", cache_policies=["Managed-CachingDisable"])
    assert wrong["failed"]
    assert "Did you mean Managed-CachingDisabled?" in wrong["msg"]


@pytest.mark.usefixtures("data_plane")
def test_a_cache_is_started_in_one_task_and_awaited_in_another(call: Call, subnets: str) -> None:
    options: Answer = {
        "replication_group_id": "slow",
        "node_type": "cache.t4g.small",
        "subnet_group": subnets,
        "transit_encryption": True,
        "auth_token": TOKEN,
        "tags": {"a": "1"},
    }
    started = succeeded(call("elasticache_replication_group", **options))
    assert started["replication_group"]["status"] == "creating"
    assert not succeeded(call("elasticache_replication_group", **options))["changed"]

    impatient = call("elasticache_replication_group", replication_group_id="slow", wait=True, wait_timeout=1)
    assert impatient["msg"] == "Making slow available took longer than 1 s; it is still: creating."
    soon(lambda: backchannel.set_replication_group_status("slow", "available"))
    awaited = succeeded(call("elasticache_replication_group", **options, wait=True, wait_timeout=20))
    assert not awaited["changed"]
    assert awaited["replication_group"]["primary_endpoint"]["port"] == 6379
    assert awaited["replication_group"]["auth_token_enabled"] is True

    refused = call("elasticache_replication_group", **{**options, "at_rest_encryption": False})
    assert refused["failed"]
    assert "Make a new group under another id" in refused["msg"]

    leaving = succeeded(call("elasticache_replication_group", replication_group_id="slow", state="absent"))
    assert leaving["replication_group"]["status"] == "deleting"
    assert not succeeded(call("elasticache_replication_group", replication_group_id="slow", state="absent"))["changed"]
    back = call("elasticache_replication_group", **options)
    assert back["msg"] == "slow is being deleted: run again when it is gone."
    soon(lambda: backchannel.forget_replication_group("slow"))
    gone = succeeded(
        call("elasticache_replication_group", replication_group_id="slow", state="absent", wait=True, wait_timeout=20)
    )
    assert gone["replication_group"] == {}


def test_a_token_is_set_again_only_when_told_to(call: Call, subnets: str) -> None:
    options: Answer = {
        "replication_group_id": "token",
        "node_type": "cache.t4g.small",
        "subnet_group": subnets,
        "transit_encryption": True,
        "wait": True,
        "wait_timeout": 20,
    }
    succeeded(call("elasticache_replication_group", **options, auth_token=TOKEN))
    assert not succeeded(call("elasticache_replication_group", **options, auth_token=f"{TOKEN}-2"))["changed"]
    assert TOKEN in backchannel.replication_group_auth_tokens("token")
    rotated = succeeded(
        call("elasticache_replication_group", **options, auth_token=f"{TOKEN}-2", update_auth_token="always")
    )
    assert rotated["changes"] == [{"field": "auth_token_updated", "from": None, "to": True}]
    assert set(backchannel.replication_group_auth_tokens("token")) == {TOKEN, f"{TOKEN}-2"}
    succeeded(call("elasticache_replication_group", replication_group_id="token", state="absent", wait=True))


def test_replicas_come_and_go(call: Call, subnets: str) -> None:
    options: Answer = {
        "replication_group_id": "replicas",
        "node_type": "cache.t4g.small",
        "subnet_group": subnets,
        "wait": True,
        "wait_timeout": 20,
    }
    assert len(succeeded(call("elasticache_replication_group", **options))["replication_group"]["member_clusters"]) == 1
    more: Answer = {**options, "replicas": 2, "automatic_failover": True, "multi_az": True}
    grown = succeeded(call("elasticache_replication_group", **more))
    assert len(grown["replication_group"]["member_clusters"]) == 3
    assert grown["replication_group"]["automatic_failover"] is True
    assert not succeeded(call("elasticache_replication_group", **more))["changed"]
    fewer: Answer = {**options, "replicas": 0, "automatic_failover": False, "multi_az": False}
    shrunk = succeeded(call("elasticache_replication_group", **fewer))
    assert len(shrunk["replication_group"]["member_clusters"]) == 1
    succeeded(call("elasticache_replication_group", replication_group_id="replicas", state="absent", wait=True))


def test_snapshots_begin_later_and_a_version_that_aws_raised_stays(call: Call, subnets: str) -> None:
    options: Answer = {
        "replication_group_id": "later",
        "node_type": "cache.t4g.small",
        "engine_version": "8.0",
        "auto_minor_version_upgrade": True,
        "apply_immediately": True,
        "subnet_group": subnets,
        "wait": True,
        "wait_timeout": 20,
    }
    succeeded(call("elasticache_replication_group", **options))
    begun = succeeded(call("elasticache_replication_group", **options, snapshot_retention_limit=7))
    assert begun["changes"] == [{"field": "snapshot_retention_limit", "from": 0, "to": 7}]
    assert begun["replication_group"]["snapshot_retention_limit"] == 7
    client("elasticache").modify_replication_group(
        ReplicationGroupId="later", EngineVersion="8.2", ApplyImmediately=True
    )
    for check in (True, False):
        assert not succeeded(call("elasticache_replication_group", check=check, **options))["changed"]
        refused = call("elasticache_replication_group", check=check, **{**options, "auto_minor_version_upgrade": False})
        assert "set engine_version to 8.2" in refused["msg"]
    succeeded(call("elasticache_replication_group", replication_group_id="later", state="absent", wait=True))


@pytest.mark.parametrize(
    ("module", "family", "other", "parameters", "mistake"),
    [
        ("elasticache_parameter_group", "valkey8", "valkey7", {"maxmemory-policy": "noeviction"}, "maxmemory-polcy"),
        # Static and dynamic ones in one breath.
        ("rds_parameter_group", "postgres17", "postgres16", {"max_connections": "99", "work_mem": "99"}, "work_men"),
    ],
)
def test_parameters_that_are_no_longer_given_are_reset(
    call: Call, module: str, family: str, other: str, parameters: dict[str, str], mistake: str
) -> None:
    options: Answer = {"name": "reset", "family": family}
    succeeded(call(module, **options, parameters=parameters))
    foretold = succeeded(call(module, check=True, **options, parameters={}))
    reset = succeeded(call(module, **options, parameters={}))
    told = [{"field": f"parameters.{name}", "from": value, "to": None} for name, value in parameters.items()]
    assert foretold["changes"] == reset["changes"] == told
    assert reset["parameter_group"]["parameters"] == {}
    for check in (True, False):
        wrong = call(module, check=check, **options, parameters={mistake: "x"})
        assert f"The family has no parameter {mistake}. Did you mean" in wrong["msg"]
    assert f"cannot become {other}" in call(module, name="reset", family=other)["msg"]
    succeeded(call(module, name="reset", state="absent"))


@pytest.mark.usefixtures("data_plane")
def test_a_certificate_is_requested_proved_and_awaited(call: Call) -> None:
    options: Answer = {"domain_name": "app.slipway.localhost", "subject_alternative_names": ["*.app.slipway.localhost"]}
    requested = succeeded(call("acm_certificate_request", **options))
    assert requested["status"] == "PENDING_VALIDATION"
    assert requested["certificate"]["subject_alternative_names"] == [
        "*.app.slipway.localhost",
        "app.slipway.localhost",
    ]
    (record,) = requested["validation_records"]
    assert record["type"] == "CNAME"
    assert record["name"].endswith(".app.slipway.localhost.")

    impatient = call("acm_certificate_request", **options, wait=True, wait_timeout=1)
    assert "it is still: PENDING_VALIDATION (app.slipway.localhost: PENDING_VALIDATION" in impatient["msg"]
    soon(lambda: backchannel.set_certificate_issued(requested["arn"]))
    issued = succeeded(call("acm_certificate_request", **options, wait=True, wait_timeout=20))
    assert not issued["changed"]
    assert issued["arn"] == requested["arn"]
    assert issued["status"] == "ISSUED"
    assert issued["certificate"]["not_after"]

    replaced = succeeded(call("acm_certificate_request", domain_name="app.slipway.localhost"))
    assert replaced["changed"]
    assert replaced["arn"] != requested["arn"]
    assert replaced["superseded"] == [requested["arn"]]
    gone = succeeded(call("acm_certificate_request", domain_name="app.slipway.localhost", state="absent"))
    assert gone["arn"] is None
    left = client("acm").list_certificates(Includes={"keyTypes": ["RSA_2048"]})["CertificateSummaryList"]
    assert "app.slipway.localhost" not in {summary["DomainName"] for summary in left}


def test_a_certificate_of_somebody_else_is_not_touched(call: Call) -> None:
    acm = client("acm")
    theirs = acm.request_certificate(DomainName="theirs.slipway.localhost", ValidationMethod="DNS")["CertificateArn"]
    ours = succeeded(call("acm_certificate_request", domain_name="theirs.slipway.localhost"))
    assert ours["arn"] != theirs
    assert ours["superseded"] == []
    succeeded(call("acm_certificate_request", domain_name="theirs.slipway.localhost", state="absent"))
    assert acm.describe_certificate(CertificateArn=theirs)["Certificate"]["CertificateArn"] == theirs
    acm.delete_certificate(CertificateArn=theirs)


def test_certificates_are_found_by_all_of_their_tags_with_every_kind_of_key(call: Call) -> None:
    tags = {"Project": "slipway", "Environment": "tagged"}
    for name, key in (("b", "EC_prime256v1"), ("a", "RSA_2048")):
        options: Answer = {"domain_name": f"{name}.slipway.localhost", "tags": tags, "key_algorithm": key}
        succeeded(call("acm_certificate_request", **options))
    foreign = client("acm").request_certificate(
        DomainName="a.slipway.localhost",
        ValidationMethod="DNS",
        Tags=[{"Key": "Project", "Value": "slipway"}],
    )["CertificateArn"]
    found = succeeded(call("acm_certificate_request_info", stack_tags=tags))["certificates"]
    assert [(one["domain_name"], one["tags"]["Name"]) for one in found] == [
        ("a.slipway.localhost", "a.slipway.localhost"),
        ("b.slipway.localhost", "b.slipway.localhost"),
    ]
    assert all(one["validation_records"] and one["in_use_by"] == [] for one in found)
    for name in ("a", "b"):
        succeeded(call("acm_certificate_request", domain_name=f"{name}.slipway.localhost", state="absent"))
    client("acm").delete_certificate(CertificateArn=foreign)


def test_an_elliptic_key_is_found_again(call: Call) -> None:
    options: Answer = {"domain_name": "key.slipway.localhost", "key_algorithm": "EC_prime256v1"}
    assert succeeded(call("acm_certificate_request", **options))["changed"]
    assert not succeeded(call("acm_certificate_request", **options))["changed"]
    succeeded(call("acm_certificate_request", domain_name="key.slipway.localhost", state="absent"))


@pytest.mark.parametrize(
    ("module", "options", "message"),
    [
        (
            "cloudfront_distribution",
            {**DISTRIBUTION, "default_cache_behavior": behavior(target_origin_id="frontent")},
            "Did you mean frontend?",
        ),
        ("cloudfront_function", {"name": "big", "code": "x" * 10241}, "CloudFront takes 10240"),
        ("cloudfront_function", {"name": "none"}, "code"),
        ("cloudfront_response_headers_policy", {"name": "p", "remove_headers_config": ["Host"]}, "cannot remove"),
        (
            "elasticache_replication_group",
            {"replication_group_id": "c", "node_type": "cache.t4g.small", "multi_az": True},
            "multi_az needs automatic_failover",
        ),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_what_cannot_be_is_refused_before_anything_is_made(
    module: str, options: Answer, message: str, check: bool, call: Call
) -> None:
    refused = call(module, check=check, **options)
    assert refused["failed"]
    assert message in refused["msg"]


def test_without_an_account_the_task_fails_with_one_sentence(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7NOBODY0")
    answer = call("cloudfront_origin_access_control", name="x")
    assert answer["failed"]
    assert answer["msg"].startswith("Failed to list the origin access controls: ")


def test_ansible_ships_the_modules_and_gives_them_the_defaults_of_the_group(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    playbook = tmp_path / "play.yml"
    playbook.write_text(
        textwrap.dedent(
            """
            - name: Run every kind of module as a playbook does
              hosts: localhost
              connection: local
              gather_facts: false
              module_defaults:
                group/slipway.aws.aws:
                  region: us-east-1
              tasks:
                - name: Request a certificate
                  slipway.aws.acm_certificate_request:
                    domain_name: group.slipway.localhost
                  register: certificate
                - name: Read the region of a stock module
                  amazon.aws.aws_caller_info:
                  register: caller
                - name: Make a policy
                  slipway.aws.cloudfront_response_headers_policy:
                    name: group
                    remove_headers_config: [Server]
                - name: Make parameters
                  slipway.aws.elasticache_parameter_group:
                    name: group
                    family: valkey8
                - name: Look for the defaults
                  ansible.builtin.assert:
                    that:
                      - certificate.arn.split(':')[3] == 'us-east-1'
                      - caller.account | length == 12
            """
        )
    )
    run = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(playbook)],
        env={**os.environ, **environment, "ANSIBLE_PYTHON_INTERPRETER": sys.executable, "AWS_REGION": "eu-west-1"},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "changed=3" in run.stdout
