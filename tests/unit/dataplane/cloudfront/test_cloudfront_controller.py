"""The controller with an emulated account: what is asked of its API is what a viewer meets."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from moto.core.base_backend import BackendDict

from rehearsal.certificates import CertificateAuthority
from rehearsal.dataplane.acm import Certificates
from rehearsal.dataplane.cloudfront.controller import Distributions
from rehearsal.dataplane.context import Context
from rehearsal.emulator.server import Emulator
from rehearsal.settings import Settings
from tests.unit.dataplane.cloudfront.cloudfront_support import (
    ALL_METHODS,
    BLOCKED,
    BUCKET,
    BUCKET_POLICY,
    OPTIMIZED,
    ORIGIN,
    SECURITY,
    SITE,
    SPA,
    behavior,
    items,
)
from tests.unit.dataplane.cloudfront.conftest import INDEX, Backend, Laboratory, free_port, serve

pytestmark = pytest.mark.timeout(180)

#: AWS's own policies: CachingDisabled and AllViewer.
#: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
#: The hosted zone that stands for CloudFront in alias records.
CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"


class Account:
    """An emulated account with the controllers of the edge."""

    def __init__(self, directory: Path, emulator: Emulator) -> None:
        self.settings = Settings(
            project=directory, emulator_port=emulator.port, site_port=free_port(), metadata_port=4567
        )
        self.authority = CertificateAuthority(self.settings.state)
        # Neither controller starts a container.
        self.context = Context(self.settings, cast(Any, None), self.authority, "")
        self.certificates = Certificates(self.context)
        self.distributions = Distributions(self.context)

    def settle(self, seconds: float = 30) -> None:
        """Let rounds pass until nothing is in progress."""
        end = time.monotonic() + seconds
        client = self.context.client("cloudfront")
        while time.monotonic() < end:
            self.certificates.reconcile()
            self.distributions.reconcile()
            listed = client.list_distributions()["DistributionList"].get("Items", [])
            if all(each["Status"] == "Deployed" for each in listed):
                return
            time.sleep(0.1)
        log = self.settings.state / "cloudfront" / "front.log"
        raise AssertionError(log.read_text() if log.exists() else "the front never started")

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET from the site."""
        with Laboratory.client(cast(Laboratory, self)) as client:
            return client.get(path, **options)

    @property
    def port(self) -> int:
        return self.settings.site_port


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    # moto keeps its account in its modules, whoever filled it before.
    BackendDict.reset()
    emulator = Emulator(0, data_plane=True)
    emulator.start()
    found = Account(tmp_path, emulator)
    yield found
    found.distributions.stop()
    emulator.stop()


@pytest.fixture
def backend(account: Account) -> Iterator[Backend]:
    found = Backend(free_port())
    own = account.authority.issue([ORIGIN], name="origin")
    server = serve(found, own.cert_path, own.key_path)
    yield found
    server.shutdown()
    server.server_close()


def record(account: Account, zone: str, record_set: dict[str, Any]) -> None:
    account.context.client("route53").change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record_set}]}
    )


def alias(name: str, target: str, kind: str = "A", zone: str = CLOUDFRONT_ZONE) -> dict[str, Any]:
    target_record = {"HostedZoneId": zone, "DNSName": target, "EvaluateTargetHealth": False}
    return {"Name": name, "Type": kind, "AliasTarget": target_record}


def issued_certificate(account: Account, zone: str) -> str:
    acm = account.context.client("acm", "us-east-1")
    arn = str(acm.request_certificate(DomainName=SITE, ValidationMethod="DNS")["CertificateArn"])
    for each in acm.describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"]:
        wanted = each["ResourceRecord"]
        values = [{"Value": wanted["Value"]}]
        record(account, zone, {"Name": wanted["Name"], "Type": "CNAME", "TTL": 60, "ResourceRecords": values})
    account.certificates.reconcile()
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"] == "ISSUED"
    return arn


def test_an_account_becomes_a_site(account: Account, backend: Backend) -> None:
    client = account.context.client("cloudfront")
    s3 = account.context.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=BLOCKED)
    s3.put_object(Bucket=BUCKET, Key="index.html", Body=INDEX, ContentType="text/html")

    zone = account.context.client("route53").create_hosted_zone(Name="slipway.localhost", CallerReference="1")
    zone_id = zone["HostedZone"]["Id"]
    certificate = issued_certificate(account, zone_id)
    control = client.create_origin_access_control(
        OriginAccessControlConfig={
            "Name": "frontend",
            "SigningProtocol": "sigv4",
            "SigningBehavior": "always",
            "OriginAccessControlOriginType": "s3",
        }
    )["OriginAccessControl"]["Id"]
    made = client.create_function(
        Name="spa", FunctionConfig={"Comment": "", "Runtime": "cloudfront-js-2.0"}, FunctionCode=SPA.encode()
    )
    client.publish_function(Name="spa", IfMatch=made["ETag"])
    function = items(
        {
            "EventType": "viewer-request",
            "FunctionARN": made["FunctionSummary"]["FunctionMetadata"]["FunctionARN"],
        }
    )
    cache = client.create_cache_policy(CachePolicyConfig=OPTIMIZED)["CachePolicy"]["Id"]
    headers = client.create_response_headers_policy(ResponseHeadersPolicyConfig=SECURITY)
    headers_id = headers["ResponseHeadersPolicy"]["Id"]
    config: dict[str, Any] = {
        "CallerReference": "1",
        "Comment": "",
        "Enabled": True,
        "Aliases": items(SITE),
        "DefaultRootObject": "index.html",
        "HttpVersion": "http2",
        "ViewerCertificate": {
            "ACMCertificateArn": certificate,
            "SSLSupportMethod": "sni-only",
            "MinimumProtocolVersion": "TLSv1.2_2021",
        },
        "Origins": items(
            {
                "Id": "frontend",
                "DomainName": f"{BUCKET}.s3.eu-west-1.amazonaws.com",
                "S3OriginConfig": {"OriginAccessIdentity": ""},
                "OriginAccessControlId": control,
            },
            {
                "Id": "backend",
                "DomainName": ORIGIN,
                "CustomOriginConfig": {
                    "HTTPPort": 80,
                    "HTTPSPort": backend.port,
                    "OriginProtocolPolicy": "https-only",
                    "OriginSslProtocols": items("TLSv1.2"),
                },
            },
        ),
        "DefaultCacheBehavior": behavior(
            "frontend",
            cache,
            methods=("GET", "HEAD"),
            FunctionAssociations=function,
            ResponseHeadersPolicyId=headers_id,
        ),
        "CacheBehaviors": items(
            {
                "PathPattern": "/api/*",
                **behavior("backend", CACHING_DISABLED, methods=ALL_METHODS, OriginRequestPolicyId=ALL_VIEWER),
            }
        ),
    }
    # Word of the certificate has not spread yet.
    with pytest.raises(client.exceptions.InvalidViewerCertificate):
        client.create_distribution(DistributionConfig=config)
    created = client.create_distribution(DistributionConfig=config)["Distribution"]
    assert created["Status"] == "InProgress"
    account.settle()

    # Nobody has let the distribution read the bucket yet, and the origin has no record.
    assert account.get("/").status_code == 403
    assert account.get("/api/x").status_code == 502
    [site] = account.distributions.sites
    assert site.url == f"https://{SITE}:{account.port}"
    assert "no record" in site.problem

    s3.put_bucket_policy(Bucket=BUCKET, Policy=BUCKET_POLICY % created["ARN"])
    record(account, zone_id, alias(SITE, created["DomainName"]))
    balancer = "slipway-1.eu-west-1.elb.amazonaws.com"
    record(account, zone_id, alias(ORIGIN, balancer, zone="Z32O12XQLNTSW2"))
    account.context.names[balancer] = "127.0.0.1"
    account.settle()
    wait_until(account, lambda: account.get("/incidents/7").status_code == 200)
    page = account.get("/incidents/7")
    assert page.content == INDEX
    assert page.headers["x-frame-options"] == "DENY"
    assert account.get("/api/x").text == '{"detail":"Not found."}'
    assert backend.requests[-1][2]["host"] == SITE
    assert account.distributions.sites[0].problem == ""

    s3.put_object(Bucket=BUCKET, Key="index.html", Body=b"second", ContentType="text/html")
    assert account.get("/").content == INDEX
    batch = {"Paths": items("/*"), "CallerReference": "1"}
    invalidation = client.create_invalidation(DistributionId=created["Id"], InvalidationBatch=batch)["Invalidation"]
    assert invalidation["Status"] == "InProgress"

    def completed() -> bool:
        answer = client.get_invalidation(DistributionId=created["Id"], Id=invalidation["Id"])
        return bool(answer["Invalidation"]["Status"] == "Completed")

    wait_until(account, completed)
    assert account.get("/").text == "second"

    described = client.get_distribution_config(Id=created["Id"])
    changed = described["DistributionConfig"] | {"Enabled": False}
    client.update_distribution(Id=created["Id"], IfMatch=described["ETag"], DistributionConfig=changed)
    account.settle()
    with contextlib.suppress(httpx.ConnectError):
        assert account.get("/").status_code == 403
    etag = client.get_distribution(Id=created["Id"])["ETag"]
    client.delete_distribution(Id=created["Id"], IfMatch=etag)
    account.settle()
    with pytest.raises(httpx.ConnectError, match="refused"):
        account.get("/")
    assert account.distributions.sites == ()


def wait_until(account: Account, condition: Any, seconds: float = 20) -> None:
    """Let rounds pass until the condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        account.distributions.reconcile()
        time.sleep(0.1)
