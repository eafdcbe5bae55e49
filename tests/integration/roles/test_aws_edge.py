"""The edge: its logs arrive where the bucket lets them, and somebody outside asks whether the site is there."""

from __future__ import annotations

import json
from typing import Any

from .conftest import ACCOUNT, REGION, TAGS, Clients, Converge, Values

BUCKETS = {name: f"stack-{ACCOUNT}-{name}" for name in ("frontend", "releases", "logs", "transfer")}
STORAGE: Values = {
    "aws_storage_buckets": BUCKETS,
    "aws_storage_account_id": ACCOUNT,
    "aws_storage_region": REGION,
    "aws_storage_tags": TAGS,
}


def edge(zone_id: str, certificate: str) -> Values:
    return {
        "aws_edge_name": "stack",
        "aws_edge_domain": "app.slipway.test",
        "aws_edge_url": "https://app.slipway.test",
        "aws_edge_zone_id": zone_id,
        "aws_edge_certificate_arn": certificate,
        "aws_edge_bucket_name": BUCKETS["frontend"],
        "aws_edge_bucket_domain": f"{BUCKETS['frontend']}.s3.{REGION}.amazonaws.com",
        "aws_edge_origin_domain": "origin.app.slipway.test",
        "aws_edge_logs_bucket": BUCKETS["logs"],
        "aws_edge_health_path": "/api/summary/",
        "aws_edge_tags": TAGS,
    }


def test_logs_and_health_check(converge: Converge, client: Clients) -> None:
    storage = converge("aws_storage", STORAGE)
    assert not storage.failed, storage.messages
    policy = json.loads(client("s3").get_bucket_policy(Bucket=BUCKETS["logs"])["Policy"])
    [delivery] = [one for one in policy["Statement"] if one["Sid"] == "CloudFrontLogs"]
    assert delivery["Resource"] == f"arn:aws:s3:::{BUCKETS['logs']}/AWSLogs/{ACCOUNT}/*"

    zone = client("route53").create_hosted_zone(Name="slipway.test", CallerReference="1")["HostedZone"]["Id"]
    certificate = client("acm", "us-east-1").request_certificate(DomainName="app.slipway.test", ValidationMethod="DNS")[
        "CertificateArn"
    ]
    variables = edge(zone.rpartition("/")[2], certificate)
    made = converge("aws_edge", variables)
    assert not made.failed, made.messages
    logs: Any = client("logs", "us-east-1")
    [source] = logs.describe_delivery_sources()["deliverySources"]
    assert source["resourceArns"] == [made.result["distribution_arn"]]
    [check] = client("route53").list_health_checks()["HealthChecks"]
    assert check["Id"] == made.result["health_check_id"]
    config = check["HealthCheckConfig"]
    assert (config["Type"], config["FullyQualifiedDomainName"]) == ("HTTPS", "app.slipway.test")
    assert config["ResourcePath"] == "/api/summary/"
    for dry in (False, True):
        again = converge("aws_edge", variables, check=dry)
        assert not again.failed, again.messages
        assert again.changed == (), again.differences
        assert again.result == made.result

    without = converge("aws_edge", {**variables, "aws_edge_logs_bucket": "", "aws_edge_health_path": ""})
    assert not without.failed, without.messages
    assert without.result["health_check_id"] == ""
    assert logs.describe_deliveries()["deliveries"] == []
    assert client("route53").list_health_checks()["HealthChecks"] == []
