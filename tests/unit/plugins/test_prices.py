"""What a month costs: arithmetic, and a table in which everything has a source."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.slipway.aws.plugins.plugin_utils import prices
from ansible_collections.slipway.aws.plugins.plugin_utils.plan import (
    CHANGE,
    CREATE,
    DELETE,
    SAME,
    UNKNOWN,
    Entry,
    Field,
)

PROJECT = Path(__file__).parents[3]
REGION = "eu-west-1"
DATABASE = {"db_instance_class": "db.a", "multi_az": False, "allocated_storage": 20}


def table(**items: float | None) -> prices.PriceTable:
    """Items are written with _ for : and - for nothing else."""
    hours = ("rds:postgres", "ec2", "alb", "nat", "ipv4", "elasticache")
    return prices.PriceTable(
        "2026-11-22",
        {
            REGION: {
                name: prices.Price(amount, "hour" if name.startswith(hours) else "month", "x", "y", True)
                for name, amount in items.items()
            }
        },
    )


TABLE = table(
    **{
        "rds:postgres:db.a:single-az": 0.1,
        "rds:postgres:db.b:single-az": 0.2,
        "rds:postgres:db.a:multi-az": 0.2,
        "rds:storage:gp3:single-az": 0.5,
        "rds:storage:gp3:multi-az": 1.0,
        "elasticache:valkey:cache.a": 0.01,
        "elasticache:valkey:cache.b": None,
        "ec2:linux:t3.a": 0.02,
        "ebs:gp3:gib": 0.1,
        "cloudwatch:metric": 0.3,
        "waf:acl": 5.0,
        "waf:rule": 1.0,
        "kms:key": 1.0,
    }
)


@pytest.mark.parametrize(
    ("kind", "attributes", "dollars"),
    [
        ("database", DATABASE, 0.1 * 730 + 20 * 0.5),
        ("database", {**DATABASE, "multi_az": True}, 0.2 * 730 + 20 * 1.0),
        ("cache", {"node_type": "cache.a", "replicas": 2}, 3 * 0.01 * 730),
        ("cache", {"node_type": "cache.b", "replicas": 0}, None),
        ("cache", {"node_type": "cache.unheard-of", "replicas": 0}, None),
        ("web ACL", {"rules": 6}, 11.0),
        ("Auto Scaling group", {"instance_type": "t3.a", "min_size": 2, "volume_gib": 10}, 2 * 0.02 * 730 + 2.0),
        (
            "Auto Scaling group",
            {"instance_type": "t3.a", "min_size": 2, "volume_gib": 10, "detailed_monitoring": True},
            2 * 0.02 * 730 + 2.0 + 14 * 0.3,
        ),
        ("subnet", {}, 0.0),
        ("database", {}, None),
        ("spaceship", {}, None),
    ],
)
def test_a_month(kind: str, attributes: dict[str, Any], dollars: float | None) -> None:
    found = prices.monthly(kind, attributes, TABLE, REGION)
    assert found == (None if dollars is None else pytest.approx(dollars))


def test_a_sum_names_what_is_missing_in_it() -> None:
    resources: list[dict[str, Any]] = [
        {"kind": "KMS key", "name": "a"},
        {"kind": "KMS key", "name": "b"},
        {"kind": "subnet", "name": "c"},
        {"kind": "cache", "name": "d", "attributes": {"node_type": "cache.b", "replicas": 0}},
    ]
    assert prices.total(resources, TABLE, REGION) == prices.Total(2.0, ("cache d",))


@pytest.mark.parametrize(
    ("entry", "dollars"),
    [
        (Entry("e", "KMS key", "k", CREATE), 1.0),
        (Entry("e", "KMS key", "k", DELETE), -1.0),
        (Entry("e", "KMS key", "k", SAME), 0.0),
        (Entry("e", "KMS key", "k", CHANGE, fields=(Field("tags.Owner", None, "me"),)), 0.0),
        (Entry("e", "KMS key", "k", UNKNOWN), None),
        (Entry("e", "subnet", "k", UNKNOWN), 0.0),
        (
            Entry(
                "e",
                "database",
                "d",
                CHANGE,
                fields=(Field("db_instance_class", "db.a", "db.b"), Field("tags.Owner", None, "me")),
                attributes={**DATABASE, "db_instance_class": "db.b"},
            ),
            0.1 * 730,
        ),
        (
            Entry(
                "e",
                "database",
                "d",
                CHANGE,
                fields=(Field("multi_az", True, False),),
                attributes=DATABASE,
            ),
            -(0.1 * 730 + 20 * 0.5),
        ),
        (
            Entry(
                "e",
                "cache",
                "c",
                CHANGE,
                fields=(Field("node_type", "cache.b", "cache.a"),),
                attributes={"node_type": "cache.a", "replicas": 0},
            ),
            None,
        ),
    ],
)
def test_what_a_change_costs(entry: Entry, dollars: float | None) -> None:
    (priced,) = prices.priced([entry], TABLE, REGION)
    assert priced.price == (None if dollars is None else pytest.approx(dollars))
    (free,) = prices.priced([entry], TABLE, REGION, free=True)
    assert free.price == 0.0


# --- the table of the repository


def test_every_price_has_a_source_and_a_date_or_is_not_known() -> None:
    newest = prices.newest()
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", newest.date)
    for region, items in newest.regions.items():
        for item, price in items.items():
            assert price.per, (region, item)
            if price.amount is None:
                assert not price.confirmed, (region, item)
                continue
            assert price.amount > 0, (region, item)
            assert price.source.startswith("https://"), (region, item)
            assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", price.date), (region, item)
            # Nobody else's page confirms a price of AWS.
            host = price.source.split("/")[2]
            assert not price.confirmed or host.endswith(("aws.amazon.com", "amazonaws.com")), (region, item)


def test_what_traffic_adds_is_in_the_table() -> None:
    newest = prices.newest()
    assert [item for item in prices.BY_USE if newest.find(item, REGION) is None] == []


def test_the_defaults_of_the_bill_are_those_of_the_roles() -> None:
    text = (PROJECT / "group_vars" / "all" / "plan.yml").read_text()
    found = re.findall(r"\b((aws_[a-z]+?)_[a-z0-9_]+) \| default\(([^)]*)\)", text)
    assert len(found) > 10
    for name, _role, literal in found:
        role = next(path for path in (PROJECT / "roles").glob("aws_*") if name.startswith(f"{path.name}_"))
        default = yaml.safe_load((role / "defaults" / "main.yml").read_text())[name]
        wanted = yaml.safe_load(literal)
        if isinstance(default, list):
            # Only how many matters here.
            assert len(wanted) == len(default), name
        else:
            assert wanted == default, name
