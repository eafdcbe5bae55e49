"""snake_case fields to and from AWS's structures, with botocore's own model of CloudFront."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields, RefusalError
from ansible_collections.slipway.aws.plugins.module_utils.service_model import from_api, snake, to_api

MODEL = botocore.session.get_session().get_service_model("cloudfront")


def shape(name: str) -> Any:
    return MODEL.shape_for(name)


@pytest.mark.parametrize(
    ("member", "name"),
    [
        ("HTTPSPort", "https_port"),
        ("IsIPV6Enabled", "is_ipv6_enabled"),
        ("ACMCertificateArn", "acm_certificate_arn"),
        ("CloudFrontDefaultCertificate", "cloudfront_default_certificate"),
        ("WebACLId", "web_acl_id"),
        ("S3OriginConfig", "s3_origin_config"),
        ("XSSProtection", "xss_protection"),
    ],
)
def test_names_are_spelt_as_the_stock_modules_spell_them(member: str, name: str) -> None:
    assert snake(member) == name


@pytest.mark.parametrize(
    ("structure", "fields", "api"),
    [
        ("Aliases", ["a", "b"], {"Quantity": 2, "Items": ["a", "b"]}),
        ("Aliases", [], {"Quantity": 0}),
        ("TrustedKeyGroups", ["k"], {"Quantity": 1, "Items": ["k"], "Enabled": True}),
        ("TrustedKeyGroups", [], {"Quantity": 0, "Enabled": False}),
        (
            "AllowedMethods",
            {"items": ["GET", "HEAD"], "cached_methods": ["GET"]},
            {"Quantity": 2, "Items": ["GET", "HEAD"], "CachedMethods": {"Quantity": 1, "Items": ["GET"]}},
        ),
        (
            "GeoRestriction",
            {"restriction_type": "whitelist", "items": ["CH"]},
            {"RestrictionType": "whitelist", "Quantity": 1, "Items": ["CH"]},
        ),
        (
            "CustomHeaders",
            [{"header_name": "X", "header_value": "1"}],
            {"Quantity": 1, "Items": [{"HeaderName": "X", "HeaderValue": "1"}]},
        ),
    ],
)
def test_lists_are_wrapped_and_unwrapped(structure: str, fields: Any, api: Fields) -> None:
    assert to_api(shape(structure), fields) == api
    assert from_api(shape(structure), api) == fields


def test_a_structure_without_items_says_so() -> None:
    assert to_api(shape("GeoRestriction"), {"restriction_type": "none"}) == {"RestrictionType": "none", "Quantity": 0}


def test_a_null_is_left_out() -> None:
    assert to_api(shape("Origin"), {"id": "a", "domain_name": "b", "origin_path": None}) == {
        "Id": "a",
        "DomainName": "b",
    }


def test_a_field_that_aws_does_not_have_is_refused_with_its_place_and_the_nearest() -> None:
    with pytest.raises(RefusalError, match=r"no field origin_shield\.enable\. Did you mean enabled\?"):
        to_api(shape("Origin"), {"id": "a", "domain_name": "b", "origin_shield": {"enable": True}})


def test_an_answer_of_a_newer_service_than_the_model_is_read_without_the_unknown() -> None:
    assert from_api(shape("Origin"), {"Id": "a", "BrandNew": 1}) == {"id": "a"}
