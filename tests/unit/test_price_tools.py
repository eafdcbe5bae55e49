"""Prices asked anew through AWS's Pricing API, in the shapes of its model, and the document that is made of them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.stub import Stubber

from tools import prices

TODAY = date(2026, 12, 1)


def product(usage: str, *tiers: tuple[str, str, str], service: str = "AmazonEC2") -> str:
    """One member of PriceList: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html."""
    dimensions = {
        f"SKU.JRTCKXETXF.{number}": {
            "unit": unit,
            "beginRange": begin,
            "endRange": "Inf",
            "description": "x",
            "appliesTo": [],
            "rateCode": f"SKU.JRTCKXETXF.{number}",
            "pricePerUnit": {"USD": dollars},
        }
        for number, (begin, dollars, unit) in enumerate(tiers)
    }
    return json.dumps(
        {
            "product": {"sku": "SKU", "productFamily": "x", "attributes": {"usagetype": usage, "servicecode": service}},
            "serviceCode": service,
            "terms": {"OnDemand": {"SKU.JRTCKXETXF": {"sku": "SKU", "priceDimensions": dimensions}}, "Reserved": {}},
            "version": "20261201000000",
            "publicationDate": "2026-12-01T00:00:00Z",
        }
    )


@pytest.fixture
def client() -> Any:
    return boto3.client("pricing", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


def answer(stub: Stubber, pages: list[list[str]], service: str, **filters: str) -> None:
    """The stub refuses parameters and answers that the service's model does not have."""
    wanted: dict[str, Any] = {
        "ServiceCode": service,
        "Filters": [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in filters.items()],
    }
    for number, page in enumerate(pages):
        more = {"NextToken": f"page-{number + 1}"} if number + 1 < len(pages) else {}
        asked = {**wanted, **({"NextToken": f"page-{number}"} if number else {})}
        stub.add_response("get_products", {"FormatVersion": "aws_v1", "PriceList": page, **more}, asked)


def test_all_pages_are_read_and_one_product_is_the_right_one(client: Any) -> None:
    with Stubber(client) as stub:
        first = [
            product("EU-RegionalNatGateway-Hours", ("0", "9", "Hrs")),
            product("EU-NatGateway-Bytes", ("0", "8", "GB")),
        ]
        second = [product("EU-NatGateway-Hours", ("0", "0.0480000000", "Hrs"))]
        answer(stub, [first, second], "AmazonEC2", productFamily="NAT Gateway", regionCode="eu-west-1")
        assert prices.ask(client, "nat:hour", "eu-west-1") == (0.048, "hour")
        stub.assert_no_pending_responses()


def test_the_first_tier_that_is_not_free_counts(client: Any) -> None:
    with Stubber(client) as stub:
        tiers = [("20000", "0.9", "Keys"), ("0", "0.0000000000", "Keys"), ("10", "1.0", "Keys")]
        answer(stub, [[product("eu-west-1-KMS-Keys", *tiers)]], "awskms", regionCode="eu-west-1")
        with pytest.raises(prices.AmbiguousError):
            prices.ask(client, "kms:key", "eu-west-1")
        answer(stub, [[product("EU-KMS-Keys", *tiers)]], "awskms", regionCode="eu-west-1")
        assert prices.ask(client, "kms:key", "eu-west-1") == (1.0, "month")


@pytest.mark.parametrize("found", [[], [("a", "0.1"), ("b", "0.2")]])
def test_nothing_or_too_much_is_no_price(client: Any, found: list[tuple[str, str]]) -> None:
    with Stubber(client) as stub:
        wanted = {
            "instanceType": "db.t3.micro",
            "databaseEngine": "PostgreSQL",
            "deploymentOption": "Single-AZ",
            "productFamily": "Database Instance",
        }
        page = [product(usage, ("0", dollars, "Hrs")) for usage, dollars in found]
        answer(stub, [page], "AmazonRDS", **wanted, regionCode="eu-west-1")
        with pytest.raises(prices.AmbiguousError, match=r"rds:postgres:db\.t3\.micro:single-az in eu-west-1"):
            prices.ask(client, "rds:postgres:db.t3.micro:single-az", "eu-west-1")


def test_what_is_not_answered_stays_as_it_was(client: Any) -> None:
    before = {
        "date": "2026-11-22",
        "sources": {
            "old": {"url": "https://example.com", "date": "2026-11-22", "confirmed": False},
            "nobody": {"url": "", "date": "2026-11-22", "confirmed": False},
        },
        "regions": {
            "*": {"route53:zone": {"amount": 0.5, "per": "month", "source": "old"}},
            "eu-west-1": {
                "elasticache:valkey:cache.t3.micro": {"amount": None, "per": "hour", "source": "nobody"},
                "spaceship:hour": {"amount": 7, "per": "hour", "source": "old"},
            },
        },
    }
    told: list[str] = []
    with Stubber(client) as stub:
        answer(stub, [[]], "AmazonRoute53")
        node = {"instanceType": "cache.t3.micro", "cacheEngine": "Valkey", "productFamily": "Cache Instance"}
        page = [
            product("EU-NodeUsage:cache.t3.micro", ("0", "0.0152", "Hrs")),
            # A reserved node is listed on demand for nothing.
            product("EU-NodeUsage:cache.t3.micro", ("0", "0.0000000000", "Hrs")),
        ]
        answer(stub, [page], "AmazonElastiCache", **node, regionCode="eu-west-1")
        after = prices.refreshed(before, client, [], TODAY, told.append)
    assert after["date"] == "2026-12-01"
    assert after["regions"]["*"] == before["regions"]["*"]  # type: ignore[index]
    assert after["regions"]["eu-west-1"] == {
        "elasticache:valkey:cache.t3.micro": {"amount": 0.0152, "per": "hour", "source": "api-2026-12-01"},
        "spaceship:hour": {"amount": 7, "per": "hour", "source": "old"},
    }
    assert set(after["sources"]) == {"old", "api-2026-12-01"}
    assert after["sources"]["api-2026-12-01"]["confirmed"] is True
    assert len(told) == 2


def test_every_item_of_the_table_is_one_that_can_be_asked_for_or_is_named_here() -> None:
    # Their lists have no region and many products; a person looks at the page.
    by_hand = {"cloudfront:gb", "cloudfront:requests:10k", "transfer:out:gb", "sns:requests:1m", "sqs:requests:1m"}
    document = yaml.safe_load(prices.newest_file().read_text())
    unknown = set()
    for items in document["regions"].values():
        for item in items:
            try:
                prices.question(item)
            except KeyError:
                unknown.add(item)
    assert unknown == by_hand


def test_the_document_is_that_of_the_table_and_the_variables() -> None:
    assert Path(prices.DOCUMENT).read_text() == prices.document(), "run: python -m tools.prices document"


def test_every_environment_has_its_price() -> None:
    library = prices._library()
    table = library.newest()
    totals = {}
    for name in ("staging", "production"):
        environment = prices.environment(name)
        items = {
            item
            for one in environment["resources"]
            if one["kind"] in library.PRICED
            for item, _quantity in library.PRICED[one["kind"]](one.get("attributes") or {})
        }
        # A price that is not known is written down as such; one that nobody thought of is a mistake.
        region = environment["region"]
        assert [item for item in items if table.find(item, region) is None] == []
        totals[name] = library.total(environment["resources"], table, region).known
    assert 0 < totals["staging"] < totals["production"]
    assert prices.environment("rehearsal")["emulated"]
