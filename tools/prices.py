"""Prices of AWS: asked anew, and written out for the environments.

usage: python -m tools.prices refresh [REGION...]   write prices/<year>-<month>.yml from AWS's Pricing API
       python -m tools.prices document              write docs/prices.md from the newest table and the inventories

`refresh` needs credentials with pricing:GetProducts, of whatever account.

What the API does not answer keeps the price, the source and the date of the table before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import yaml

PROJECT = Path(__file__).parent.parent
PRICES = PROJECT / "prices"
DOCUMENT = PROJECT / "docs" / "prices.md"
ENVIRONMENTS = ("rehearsal", "staging", "production")
#: Where the API is: https://docs.aws.amazon.com/general/latest/gr/aws-pricing.html
API_REGION = "us-east-1"
API_SOURCE = "https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html"
EVERYWHERE = "*"
_UNITS = {"hrs": "hour", "hours": "hour", "lcu-hrs": "hour", "hour": "hour"}


class Paginator(Protocol):
    """What is used of botocore's paginator."""

    def paginate(self, *, ServiceCode: str, Filters: Sequence[Mapping[str, str]]) -> Any:  # noqa: N803 (AWS's names)
        """The pages."""


class Client(Protocol):
    """What is used of ``boto3.client("pricing")``."""

    def get_paginator(self, operation_name: str, /) -> Any:
        """A paginator of an operation."""


class AmbiguousError(Exception):
    """The question has another number of answers than one."""


@dataclass(frozen=True)
class Question:
    """How an item is found in the price list. ``usage`` is the usage type without the region at its beginning."""

    service: str
    filters: Mapping[str, str] = field(default_factory=dict)
    usage: str = ""
    #: Sold under one price everywhere, and listed without a region.
    everywhere: bool = False


#: Items that are always the same. The names of usage types are those of AWS's bills.
QUESTIONS: Mapping[str, Question] = {
    "ebs:gp3:gib": Question("AmazonEC2", {"productFamily": "Storage", "volumeApiName": "gp3"}, "EBS:VolumeUsage.gp3"),
    "nat:hour": Question("AmazonEC2", {"productFamily": "NAT Gateway"}, "NatGateway-Hours"),
    "nat:gb": Question("AmazonEC2", {"productFamily": "NAT Gateway"}, "NatGateway-Bytes"),
    "ipv4:address": Question("AmazonVPC", {}, "PublicIPv4:InUseAddress"),
    "endpoint:hour": Question("AmazonVPC", {"productFamily": "VpcEndpoint"}, "VpcEndpoint-Hours"),
    "alb:hour": Question("AWSELB", {"productFamily": "Load Balancer-Application"}, "LoadBalancerUsage"),
    "alb:lcu": Question("AWSELB", {"productFamily": "Load Balancer-Application"}, "LCUUsage"),
    "kms:key": Question("awskms", {}, "KMS-Keys"),
    "secretsmanager:secret": Question("AWSSecretsManager", {}, "AWSSecretsManager-Secrets"),
    "waf:acl": Question("awswaf", {}, "WebACLV2"),
    "waf:rule": Question("awswaf", {}, "RuleV2"),
    "waf:requests:1m": Question("awswaf", {}, "RequestV2-Tier1"),
    "cloudwatch:alarm": Question("AmazonCloudWatch", {"productFamily": "Alarm"}, "CW:AlarmMonitorUsage"),
    "cloudwatch:composite-alarm": Question(
        "AmazonCloudWatch", {"productFamily": "Alarm"}, "CW:CompositeAlarmMonitorUsage"
    ),
    "cloudwatch:metric": Question("AmazonCloudWatch", {"productFamily": "Metric"}, "CW:MetricMonitorUsage"),
    "cloudwatch:dashboard": Question("AmazonCloudWatch", {}, "DashboardsUsageHour", everywhere=True),
    "logs:gb": Question("AmazonCloudWatch", {"productFamily": "Data Payload"}, "DataProcessing-Bytes"),
    "route53:zone": Question("AmazonRoute53", {}, "HostedZone", everywhere=True),
    "route53:health-check": Question("AmazonRoute53", {}, "Health-Check-AWS", everywhere=True),
    "route53:health-check:option": Question("AmazonRoute53", {}, "Health-Check-Option-AWS", everywhere=True),
    "s3:gb": Question("AmazonS3", {"productFamily": "Storage", "volumeType": "Standard"}, "TimedStorage-ByteHrs"),
    "backup:rds:gb": Question("AmazonRDS", {"productFamily": "Storage Snapshot"}, "RDS:ChargedBackupUsage"),
}


def question(item: str) -> Question:
    """How an item is asked for. Raises KeyError for one that nobody knows."""
    match item.split(":"):
        case ["ec2", "linux", size]:
            wanted = {"operatingSystem": "Linux", "tenancy": "Shared", "preInstalledSw": "NA", "capacitystatus": "Used"}
            return Question("AmazonEC2", {"instanceType": size, **wanted})
        case ["rds", "postgres", size, zones]:
            option = {"single-az": "Single-AZ", "multi-az": "Multi-AZ"}[zones]
            wanted = {"databaseEngine": "PostgreSQL", "deploymentOption": option, "productFamily": "Database Instance"}
            return Question("AmazonRDS", {"instanceType": size, **wanted})
        case ["rds", "storage", "gp3", zones]:
            usage = {"single-az": "RDS:GP3-Storage", "multi-az": "RDS:Multi-AZ-GP3-Storage"}[zones]
            return Question("AmazonRDS", {"productFamily": "Database Storage", "databaseEngine": "PostgreSQL"}, usage)
        case ["elasticache", "valkey", size]:
            wanted = {"instanceType": size, "cacheEngine": "Valkey", "productFamily": "Cache Instance"}
            return Question("AmazonElastiCache", wanted)
        case _:
            return QUESTIONS[item]


def ask(client: Client, item: str, region: str) -> tuple[float, str]:
    """``(US dollars, "hour" or "month")`` of an item.

    Raises AmbiguousError unless exactly one product answers with one price, and botocore's errors.
    """
    wanted = question(item)
    filters = dict(wanted.filters)
    if not wanted.everywhere:
        filters["regionCode"] = region
    pages = client.get_paginator("get_products").paginate(
        ServiceCode=wanted.service,
        Filters=[{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in filters.items()],
    )
    products = [json.loads(text) for page in pages for text in page["PriceList"]]
    prices = {price for product in products if _matches(product, wanted) for price in _prices(product)}
    if len(prices) != 1:
        raise AmbiguousError(f"{item} in {region}: {len(products)} products, {len(prices)} prices")
    return prices.pop()


def _matches(product: Mapping[str, Any], wanted: Question) -> bool:
    usage = str(product["product"]["attributes"].get("usagetype", ""))
    # "EU-NatGateway-Hours" and "NatGateway-Hours", and not "EU-RegionalNatGateway-Hours".
    return not wanted.usage or usage == wanted.usage or usage.split("-", 1)[-1] == wanted.usage


def _prices(product: Mapping[str, Any]) -> Iterator[tuple[float, str]]:
    """The first tier that is not free, of each on-demand term."""
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        tiers = sorted(term["priceDimensions"].values(), key=lambda tier: float(tier.get("beginRange") or 0))
        paid = [tier for tier in tiers if float(tier["pricePerUnit"].get("USD", 0)) > 0]
        # A reserved node is listed on demand for nothing.
        if paid:
            yield float(paid[0]["pricePerUnit"]["USD"]), _UNITS.get(str(paid[0]["unit"]).lower(), "month")


def refreshed(
    document: Mapping[str, Any], client: Client, regions: Sequence[str], today: date, tell: Callable[[str], None]
) -> dict[str, Any]:
    """The table with every price that the API answers; the others as they were. ``tell`` hears what was not found."""
    source = f"api-{today.isoformat()}"
    found: dict[str, Any] = {
        "date": today.isoformat(),
        "sources": {**document["sources"], source: {"url": API_SOURCE, "date": today.isoformat(), "confirmed": True}},
        "regions": {region: dict(items) for region, items in document["regions"].items()},
    }
    for region, items in document["regions"].items():
        if regions and region not in regions and region != EVERYWHERE:
            continue
        for item, before in items.items():
            try:
                amount, per = ask(client, item, API_REGION if region == EVERYWHERE else region)
            except (AmbiguousError, KeyError) as error:
                tell(f"kept as it was: {error}")
                continue
            if per != before["per"] and not before["per"].startswith(per):
                # An hour's price in place of a month's would be wrong by 730.
                tell(
                    f"kept as it was: {item} in {region} is sold by the {per}, the table has it by the {before['per']}"
                )
                continue
            found["regions"][region][item] = {"amount": amount, "per": before["per"], "source": source}
    used = {price["source"] for items in found["regions"].values() for price in items.values()}
    found["sources"] = {name: value for name, value in found["sources"].items() if name in used}
    return found


def newest_file(directory: Path = PRICES) -> Path:
    """The newest table. Raises IndexError when there is none."""
    return sorted(directory.glob("[0-9]*.yml"))[-1]


def refresh(regions: Sequence[str]) -> int:
    """Write this month's table."""
    import boto3

    document = yaml.safe_load(newest_file().read_text())
    today = datetime.now(UTC).date()
    client: Client = boto3.client("pricing", region_name=API_REGION)
    new = refreshed(document, client, regions, today, lambda text: print(text, file=sys.stderr))
    path = PRICES / f"{today:%Y-%m}.yml"
    path.write_text(
        "---\n# Written by `python -m tools.prices refresh`.\n" + yaml.safe_dump(new, sort_keys=False, width=140)
    )
    print(f"{path.relative_to(PROJECT)} is written. Now: python -m tools.prices document")
    return 0


def _library() -> Any:
    """The arithmetic, which lives in the collection."""
    from ansible.utils.collection_loader._collection_finder import (  # type: ignore[import-untyped]
        _AnsibleCollectionFinder,
    )

    if not any(type(finder).__name__ == "_AnsibleCollectionFinder" for finder in sys.meta_path):
        _AnsibleCollectionFinder(paths=[str(PROJECT / "collections")])._install()
    from ansible_collections.slipway.aws.plugins.plugin_utils import prices

    return prices


@cache
def environment(name: str) -> dict[str, Any]:
    """What the variables of an environment want: ``region``, ``emulated``, ``resources``. Asks no account.

    Raises RuntimeError with Ansible's words.
    """
    variables = ("slipway_region", "plan_emulated", "plan_resources")
    command = [
        str(Path(sys.executable).with_name("ansible")),
        "localhost",
        # Not the directory: its dynamic inventory would ask the account.
        f"--inventory=inventories/{name}/layers.yml",
        "--one-line",
        "--module-name=ansible.builtin.debug",
        "--args=msg={{ {" + ", ".join(f"'{one}': {one}" for one in variables) + "} }}",
    ]
    settings = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0"}
    run = subprocess.run(
        command, cwd=PROJECT, env={**os.environ, **settings}, capture_output=True, text=True, timeout=120, check=False
    )
    if run.returncode != 0 or " => " not in run.stdout:
        raise RuntimeError(f"{name}: {run.stdout}{run.stderr}")
    message = json.loads(run.stdout.split(" => ", 1)[1])["msg"]
    return {
        "region": message["slipway_region"],
        "emulated": message["plan_emulated"],
        "resources": message["plan_resources"],
    }


def _amount(amount: float | None) -> str:
    return "not known" if amount is None else f"{amount:.2f}"


def _rows(environment: Mapping[str, Any], prices: Any, table: Any) -> Iterator[tuple[str, str, str]]:
    """(what, how many, dollars) by kind and name of what is priced."""
    grouped: dict[tuple[str, str], list[float | None]] = {}
    for one, amount in prices.parts(environment["resources"], table, environment["region"]):
        values = one.get("attributes") or {}
        detail = ", ".join(f"{name} {value}" for name, value in values.items())
        grouped.setdefault((one["kind"], detail), []).append(amount)
    for (kind, detail), amounts in grouped.items():
        total = None if None in amounts else sum(one for one in amounts if one is not None)
        yield (f"{kind} ({detail})" if detail else kind, str(len(amounts)), _amount(total))


def document() -> str:
    """The text of docs/prices.md."""
    prices = _library()
    table = prices.newest()
    lines = [
        "# What a month costs",
        "",
        "Written by `python -m tools.prices document` from the variables of the environments and the table of prices"
        f" `prices/{newest_file().name}`, whose date is {table.date}; a test compares it. US dollars a month of"
        f" {prices.HOURS} hours, on demand, without tax, without free tiers, and without what traffic adds. An Auto"
        " Scaling group is counted at its minimum. What nobody has found out is *not known* and in no sum.",
        "",
    ]
    for name in ENVIRONMENTS:
        values = environment(name)
        lines += [f"## {name}", ""]
        if values["emulated"]:
            lines += ["The account is emulated: nothing costs anything.", ""]
            continue
        total = prices.total(values["resources"], table, values["region"])
        lines += [f"In {values['region']}.", "", "| | number | USD a month |", "|---|---:|---:|"]
        lines += [f"| {what} | {number} | {amount} |" for what, number, amount in _rows(values, prices, table)]
        lines += ["", f"Together {total.known:.2f} USD{_missing(total.unknown)}.", ""]
    lines += ["## What traffic adds", "", "| | USD | confirmed |", "|---|---:|---|"]
    regions = sorted({environment(name)["region"] for name in ENVIRONMENTS})
    for region in regions:
        for item, what in prices.BY_USE.items():
            price = table.find(item, region)
            known = price is not None and price.amount is not None
            amount = f"{price.amount:g}" if known else "not known"
            lines.append(f"| {what} ({region}) | {amount} | {_confirmed(price) if known else ''} |")
    lines += [
        "",
        "## Where each price is from",
        "",
        "| item | region | USD | per | source | date | confirmed |",
        "|---|---|---:|---|---|---|---|",
    ]
    for region, items in table.regions.items():
        for item, price in items.items():
            where = "all" if region == EVERYWHERE else region
            amount = "not known" if price.amount is None else f"{price.amount:g}"
            lines.append(
                f"| {item} | {where} | {amount} | {price.per} | {price.source} | {price.date} | {_confirmed(price)} |"
            )
    lines += [
        "",
        "*Confirmed* means read in AWS's own words or answered by its Pricing API. Everything else is second-hand and"
        " is replaced by `python -m tools.prices refresh`, which needs `pricing:GetProducts` and nothing else.",
        "",
    ]
    return "\n".join(lines)


def _missing(names: Sequence[str]) -> str:
    return f", and {len(names)} whose price is not known" if names else ""


def _confirmed(price: Any) -> str:
    return "yes" if price.confirmed else "no"


def main(words: Sequence[str]) -> int:
    """Run a command."""
    match list(words):
        case ["refresh", *regions]:
            return refresh(regions)
        case ["document"]:
            DOCUMENT.write_text(document())
            print(f"{DOCUMENT.relative_to(PROJECT)} is written")
            return 0
        case _:
            print(__doc__)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
