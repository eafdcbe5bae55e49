"""What a month of the stack costs, from a dated table of AWS's on-demand prices.

Only what runs is counted; what traffic adds is listed beside it with its unit price. Prices are US dollars without tax.
A price that nobody knows is None, and stays None in every sum that would need it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.slipway.aws.plugins.plugin_utils.plan import CHANGE, CREATE, DELETE, REPLACE, SAME, Entry

#: AWS's own calculator counts a month so: https://docs.aws.amazon.com/pricing-calculator/latest/userguide/faq.html
HOURS = 730
#: Items that have one price in all regions stand there.
EVERYWHERE = "*"
PROJECT = Path(__file__).resolve().parents[2]

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Price:
    """One price. ``amount`` is None where nobody has found it out."""

    amount: float | None
    per: str
    source: str
    date: str
    #: Whether it was read in AWS's own words or price list, and not at second hand.
    confirmed: bool


@dataclass(frozen=True)
class PriceTable:
    """Prices by region and item."""

    date: str
    regions: Mapping[str, Mapping[str, Price]]

    def find(self, item: str, region: str) -> Price | None:
        """The price of an item in a region, or None."""
        return self.regions.get(region, {}).get(item) or self.regions.get(EVERYWHERE, {}).get(item)

    def month(self, item: str, region: str, quantity: float = 1) -> float | None:
        """What so many of an item cost in a month."""
        price = self.find(item, region)
        if price is None or price.amount is None:
            return None
        return price.amount * quantity * (HOURS if price.per == "hour" else 1)


@dataclass(frozen=True)
class Total:
    """A sum, and what is missing in it."""

    known: float
    unknown: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {"known_usd": self.known, "not_known": list(self.unknown)}


def parse(document: Mapping[str, Any]) -> PriceTable:
    """A table from its file. Raises KeyError for a price without source, date or unit."""
    sources = document["sources"]
    regions = {
        str(region): {
            str(item): Price(
                None if price["amount"] is None else float(price["amount"]),
                str(price["per"]),
                str(sources[price["source"]]["url"]),
                str(sources[price["source"]]["date"]),
                bool(sources[price["source"]]["confirmed"]),
            )
            for item, price in items.items()
        }
        for region, items in document["regions"].items()
    }
    return PriceTable(str(document["date"]), regions)


@cache
def newest(directory: Path = PROJECT / "prices") -> PriceTable:
    """The newest table of the repository. Raises FileNotFoundError when there is none."""
    files = sorted(directory.glob("[0-9]*.yml"))
    if not files:
        raise FileNotFoundError(f"there is no table of prices in {directory}")
    return parse(yaml.safe_load(files[-1].read_text()))


#: (item, quantity) of a resource.
Part = tuple[str, float]


def _database(values: Values) -> Iterable[Part]:
    zones = "multi-az" if values["multi_az"] else "single-az"
    yield f"rds:postgres:{values['db_instance_class']}:{zones}", 1
    yield f"rds:storage:gp3:{zones}", values["allocated_storage"]


def _cache(values: Values) -> Iterable[Part]:
    yield f"elasticache:valkey:{values['node_type']}", 1 + values["replicas"]


def _group(values: Values) -> Iterable[Part]:
    yield f"ec2:linux:{values['instance_type']}", values["min_size"]
    yield "ebs:gp3:gib", values["min_size"] * values["volume_gib"]
    if values.get("detailed_monitoring"):
        # Charged as custom metrics; an instance has seven in the example of AWS's pricing page of CloudWatch.
        yield "cloudwatch:metric", 7 * values["min_size"]


def _pool(values: Values) -> Iterable[Part]:
    yield "ebs:gp3:gib", values["min_size"] * values["volume_gib"]
    if values["pool_state"] == "Running":
        yield f"ec2:linux:{values['instance_type']}", values["min_size"]


def _balancer(values: Values) -> Iterable[Part]:
    yield "alb:hour", 1
    yield "ipv4:address", values["zones"]


def _alarm(values: Values) -> Iterable[Part]:
    yield ("cloudwatch:composite-alarm" if values.get("composite") else "cloudwatch:alarm"), 1


#: Kind of a resource -> what of it is paid for by the month. What is paid by use alone is in BY_USE.
PRICED: Mapping[str, Callable[[Values], Iterable[Part]]] = {
    "KMS key": lambda _values: [("kms:key", 1)],
    "secret": lambda _values: [("secretsmanager:secret", 1)],
    "DNS zone": lambda _values: [("route53:zone", 1)],
    "public address": lambda _values: [("ipv4:address", 1)],
    "NAT gateway": lambda _values: [("nat:hour", 1)],
    "database": _database,
    "cache": _cache,
    "load balancer": _balancer,
    "web ACL": lambda values: [("waf:acl", 1), ("waf:rule", values["rules"])],
    "alarm": _alarm,
    "dashboard": lambda _values: [("cloudwatch:dashboard", 1)],
    "Auto Scaling group": _group,
    "warm pool": _pool,
    # HTTPS is its one option.
    "health check": lambda _values: [("route53:health-check", 1), ("route53:health-check:option", 1)],
}
#: Kinds that cost nothing by being there. What passes through some of them is paid by use.
FREE = frozenset(
    {"IAM role", "instance profile", "IAM policy", "DNS record", "certificate", "VPC", "subnet", "Internet gateway"}
    | {"route table", "VPC endpoint", "security group", "bucket", "bucket lifecycle", "DB subnet group"}
    | {"DB parameter group", "cache subnet group", "cache parameter group", "target group", "web ACL association"}
    | {"web ACL logging", "origin access control", "CloudFront function", "response headers policy", "distribution"}
    | {"log group", "flow log", "topic", "budget", "backup vault", "backup plan", "parameter", "launch template"}
    | {"scaling policy", "instance refresh", "instance", "machine image"}
    | {"queue", "scheduled action", "lifecycle hook", "log delivery", "identity provider", "trace group"}
    | {"network leftover", "sampling rule", "egress-only gateway", "Capacity Rebalancing", "access log"}
    | {"event subscription"}
)
#: Paid by use: item -> what it is.
BY_USE: Mapping[str, str] = {
    "nat:gb": "data through a NAT gateway",
    "alb:lcu": "capacity unit of a load balancer, for each hour",
    "transfer:out:gb": "data to the Internet",
    "cloudfront:gb": "data from CloudFront to Europe",
    "cloudfront:requests:10k": "10,000 HTTPS requests to CloudFront, Europe",
    "s3:gb": "data kept in S3, standard",
    "logs:gb": "data written to CloudWatch Logs",
    "waf:requests:1m": "a million requests through a web ACL",
    "backup:rds:gb": "data kept in snapshots of the database",
    "sns:requests:1m": "a million requests to SNS",
    "endpoint:hour": "an interface endpoint in one zone, for each hour (there is none unless it is asked for)",
    "sqs:requests:1m": "a million requests to SQS",
}


def monthly(kind: str, attributes: Values, table: PriceTable, region: str) -> float | None:
    """What one resource costs in a month without use; None when a price or a number is not known."""
    if kind in FREE:
        return 0.0
    rule = PRICED.get(kind)
    if rule is None:
        return None
    try:
        parts = list(rule(attributes))
    except (KeyError, TypeError):
        return None
    found = [table.month(item, region, quantity) for item, quantity in parts]
    return None if None in found else round(sum(one for one in found if one is not None), 4)


def parts(resources: Sequence[Values], table: PriceTable, region: str) -> list[tuple[Values, float | None]]:
    """Every resource that is paid for, with its month."""
    return [
        (one, monthly(one["kind"], one.get("attributes") or {}, table, region))
        for one in resources
        if one["kind"] not in FREE
    ]


def total(resources: Sequence[Values], table: PriceTable, region: str) -> Total:
    """What a month of all of them costs without use."""
    found = parts(resources, table, region)
    return Total(
        round(sum(amount for _one, amount in found if amount is not None), 2),
        tuple(f"{one['kind']} {one['name']}" for one, amount in found if amount is None),
    )


def priced(entries: Iterable[Entry], table: PriceTable, region: str, *, free: bool = False) -> list[Entry]:
    """The entries with what each costs more in a month. ``free``: the account is emulated."""
    return [replace(entry, price=0.0 if free else _difference(entry, table, region)) for entry in entries]


def _difference(entry: Entry, table: PriceTable, region: str) -> float | None:
    where = entry.region or region
    if entry.action == SAME:
        return 0.0
    after = monthly(entry.kind, entry.attributes, table, where)
    if entry.action == CREATE:
        return after
    if entry.action == DELETE:
        return None if after is None else -after
    if entry.action in (CHANGE, REPLACE):
        before_values = {
            **entry.attributes,
            **{one.name: one.before for one in entry.fields if one.name in entry.attributes and one.told},
        }
        before = monthly(entry.kind, before_values, table, where)
        if before_values == entry.attributes:
            return 0.0
        return None if after is None or before is None else round(after - before, 4)
    return None if entry.kind in PRICED else 0.0
