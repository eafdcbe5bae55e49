from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from moto.core.base_backend import BackendDict

from rehearsal.certificates import CertificateAuthority
from rehearsal.dataplane.acm import Certificates, is_proven
from rehearsal.dataplane.context import Context
from rehearsal.dataplane.route53 import Record, Zone
from rehearsal.emulator.server import Emulator
from rehearsal.settings import Settings

SITE = "app.slipway.localhost"


def option(name: str, number: int, **changes: Any) -> dict[str, Any]:
    record = {"Name": f"_{number}.{name}.", "Type": "CNAME", "Value": f"_{number}.acm-validations.aws."}
    return {"DomainName": name, "ValidationMethod": "DNS", "ResourceRecord": record, **changes}


def zone(*numbers: int) -> Zone:
    return Zone(
        "slipway.localhost",
        tuple(Record(f"_{each}.{SITE}", "CNAME", (f"_{each}.acm-validations.aws",)) for each in numbers),
    )


@pytest.mark.parametrize(
    ("options", "zones", "proven"),
    [
        ([option(SITE, 1)], [zone(1)], True),
        ([option(SITE, 1)], [zone(2)], False),
        ([option(SITE, 1)], [], False),
        ([option(SITE, 1), option(SITE, 2)], [zone(1)], False),
        ([option(SITE, 1), option(SITE, 2)], [zone(1, 2)], True),
        ([option(SITE, 1, ValidationMethod="EMAIL")], [zone(1)], False),
        ([{"DomainName": SITE, "ValidationMethod": "DNS"}], [zone(1)], False),
        ([], [zone(1)], False),
    ],
)
def test_every_name_must_be_proven(options: list[dict[str, Any]], zones: list[Zone], proven: bool) -> None:
    assert is_proven({"DomainValidationOptions": options}, zones) is proven


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    # moto keeps its account in its modules, whoever filled it before.
    BackendDict.reset()
    emulator = Emulator(0, data_plane=True)
    emulator.start()
    settings = Settings(project=tmp_path, emulator_port=emulator.port, site_port=8443, metadata_port=4567)
    # Certificates have no container, so nothing here asks the engine.
    yield Context(settings, cast(Any, None), CertificateAuthority(tmp_path), "")
    emulator.stop()


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
def test_a_certificate_waits_for_its_record(context: Context, region: str) -> None:
    acm, route53 = context.client("acm", region), context.client("route53")
    controller = Certificates(context)
    arn = acm.request_certificate(
        DomainName=SITE, ValidationMethod="DNS", SubjectAlternativeNames=[f"www.{SITE}"], KeyAlgorithm="EC_prime256v1"
    )["CertificateArn"]

    def status() -> str:
        return str(acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"])

    controller.reconcile()
    assert status() == "PENDING_VALIDATION"
    hosted = route53.create_hosted_zone(Name="slipway.localhost", CallerReference=region)["HostedZone"]["Id"]
    described = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    for done, each in enumerate(described["DomainValidationOptions"]):
        controller.reconcile()
        assert status() == "PENDING_VALIDATION", f"issued after {done} of 2 records"
        record = each["ResourceRecord"]
        route53.change_resource_record_sets(
            HostedZoneId=hosted,
            ChangeBatch={
                "Changes": [
                    {
                        "Action": "UPSERT",
                        "ResourceRecordSet": {
                            "Name": record["Name"],
                            "Type": record["Type"],
                            "TTL": 60,
                            "ResourceRecords": [{"Value": record["Value"]}],
                        },
                    }
                ]
            },
        )
    controller.reconcile()
    assert status() == "ISSUED"
