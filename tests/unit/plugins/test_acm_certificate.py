"""Certificates as fields."""

from __future__ import annotations

import botocore.session
import pytest
from ansible_collections.slipway.aws.plugins.module_utils.acm_certificate import (
    DEAD,
    all_names,
    best,
    has_all_records,
    is_the_same,
    proven_domains,
    refuse_dead,
    request_of,
    standing,
    validation_records,
)
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields, RefusalError
from botocore.validate import ParamValidator

RECORD = {"Name": "_x.example.com.", "Type": "CNAME", "Value": "_y.acm-validations.aws."}
DETAIL: Fields = {
    "CertificateArn": "arn:aws:acm:us-east-1:1:certificate/1",
    "DomainName": "example.com",
    "SubjectAlternativeNames": ["example.com", "*.example.com"],
    "KeyAlgorithm": "RSA-2048",
    "Type": "AMAZON_ISSUED",
    "Status": "PENDING_VALIDATION",
    "DomainValidationOptions": [
        {"DomainName": "example.com", "ValidationStatus": "PENDING_VALIDATION", "ResourceRecord": RECORD},
        {"DomainName": "*.example.com", "ValidationStatus": "SUCCESS", "ResourceRecord": RECORD},
    ],
}


@pytest.mark.parametrize(
    ("domain", "alternatives", "expected"),
    [
        ("Example.com.", [], ["example.com"]),
        ("example.com", ["*.example.com", "example.com"], ["*.example.com", "example.com"]),
    ],
)
def test_names_do_not_care_for_case_dots_and_repeats(domain: str, alternatives: list[str], expected: list[str]) -> None:
    assert all_names(domain, alternatives) == expected


@pytest.mark.parametrize(
    ("alternatives", "key", "changed", "same"),
    [
        (["*.example.com"], "RSA_2048", {}, True),
        ([], "RSA_2048", {}, False),
        (["*.example.com"], "EC_prime256v1", {}, False),
        (["*.example.com"], "RSA_2048", {"Type": "IMPORTED"}, False),
    ],
)
def test_a_certificate_is_the_same_by_names_and_key(
    alternatives: list[str], key: str, changed: Fields, same: bool
) -> None:
    assert is_the_same({**DETAIL, **changed}, "example.com", alternatives, key) is same


def test_a_wildcard_and_its_parent_share_one_record() -> None:
    assert validation_records(DETAIL) == [
        {"name": "_x.example.com.", "type": "CNAME", "value": "_y.acm-validations.aws."}
    ]


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ({"DomainName": "*.example.com"}, ["example.com"]),
        (
            {"DomainName": "A.example.com", "SubjectAlternativeNameSummaries": ["a.example.com", "*.b.example.com"]},
            ["a.example.com", "b.example.com"],
        ),
        ({"DomainName": "example.com", "Type": "AMAZON_ISSUED", "Status": "ISSUED"}, ["example.com"]),
        ({"DomainName": "example.com", "Type": "IMPORTED"}, []),
        ({"DomainName": "example.com", "Status": "EXPIRED"}, []),
    ],
)
def test_a_certificate_that_is_renewed_needs_the_records_of_its_domains(summary: Fields, expected: list[str]) -> None:
    assert proven_domains(summary) == expected


def test_records_come_some_seconds_after_the_request() -> None:
    assert has_all_records(DETAIL)
    assert not has_all_records({**DETAIL, "DomainValidationOptions": []})
    assert not has_all_records({**DETAIL, "DomainValidationOptions": [{"DomainName": "example.com"}]})
    assert validation_records({**DETAIL, "DomainValidationOptions": [{"DomainName": "example.com"}]}) == []


def test_an_issued_certificate_is_preferred() -> None:
    failed, pending, issued = ({**DETAIL, "Status": status} for status in ("FAILED", "PENDING_VALIDATION", "ISSUED"))
    assert best([failed, pending, issued]) == issued
    assert best([failed, pending]) == pending
    assert best([]) is None


@pytest.mark.parametrize("status", DEAD)
def test_a_certificate_that_will_never_be_issued_is_refused_with_the_reason(status: str) -> None:
    with pytest.raises(RefusalError, match=rf"{status} \(CAA_ERROR\).*CAA records.*state: absent"):
        refuse_dead({**DETAIL, "Status": status, "FailureReason": "CAA_ERROR"})


@pytest.mark.parametrize("status", ["PENDING_VALIDATION", "ISSUED"])
def test_a_certificate_on_its_way_is_not_refused(status: str) -> None:
    refuse_dead({**DETAIL, "Status": status})


def test_where_it_stands_names_every_domain() -> None:
    assert standing(DETAIL) == "PENDING_VALIDATION (example.com: PENDING_VALIDATION, *.example.com: SUCCESS)"


def test_the_request_is_one_that_aws_takes_and_repeats_itself() -> None:
    shape = botocore.session.get_session().get_service_model("acm").operation_model("RequestCertificate").input_shape
    request = request_of("example.com", ["*.example.com"], "EC_prime256v1", "site")
    assert shape is not None
    assert not ParamValidator().validate(request, shape).has_errors()
    assert request["SubjectAlternativeNames"] == ["example.com", "*.example.com"]
    assert len(request["IdempotencyToken"]) == 32
    assert request == request_of("example.com", ["*.example.com"], "EC_prime256v1", "site")
    assert request["IdempotencyToken"] != request_of("example.com", [], "EC_prime256v1", "site")["IdempotencyToken"]
    assert "SubjectAlternativeNames" not in request_of("example.com", ["example.com"], "RSA_2048", "site")
