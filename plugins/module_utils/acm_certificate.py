"""Certificates of ACM as fields. Pure: no calls.

https://docs.aws.amazon.com/acm/latest/APIReference/API_CertificateDetail.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields, RefusalError

# CertificateDetail spells RSA_2048 either way; the request wants the underscore.
KEY_ALGORITHMS = ("RSA_2048", "EC_prime256v1", "EC_secp384r1")
ALL_KEY_ALGORITHMS = (
    "RSA_1024",
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "EC_prime256v1",
    "EC_secp384r1",
    "EC_secp521r1",
)
DEAD = ("FAILED", "VALIDATION_TIMED_OUT", "REVOKED", "EXPIRED", "INACTIVE")
REMEDY = {
    "CAA_ERROR": "let the CAA records of the domain name amazon.com",
    "DOMAIN_NOT_ALLOWED": "the domain is on a list of unsafe ones; ask AWS Support",
    "ADDITIONAL_VERIFICATION_REQUIRED": "ask AWS Support to verify the domain",
    "INVALID_PUBLIC_DOMAIN": "use a domain below a public suffix",
}


def normal_domain(name: str) -> str:
    """Domain names do not care for case or a final dot."""
    return name.rstrip(".").lower()


def all_names(domain: str, alternatives: Sequence[str]) -> list[str]:
    """Every name in the certificate, sorted. ACM puts the domain itself among the alternatives."""
    return sorted({normal_domain(domain), *map(normal_domain, alternatives)})


def proven_domains(summary: Mapping[str, Any]) -> list[str]:
    """Domains whose records ACM looks for to renew the certificate of a CertificateSummary.

    A wildcard has the record of its parent. A summary has the first hundred names. Nobody renews an imported
    certificate, or a dead one.

    https://docs.aws.amazon.com/acm/latest/APIReference/API_CertificateSummary.html
    """
    if summary.get("Type", "AMAZON_ISSUED") != "AMAZON_ISSUED" or summary.get("Status") in DEAD:
        return []
    names = all_names(summary["DomainName"], summary.get("SubjectAlternativeNameSummaries") or [])
    return sorted({name.removeprefix("*.") for name in names})


def live_fields(detail: Mapping[str, Any], tags: Mapping[str, str]) -> Fields:
    """CertificateDetail of AWS as fields."""
    return {
        "domain_name": detail["DomainName"],
        "subject_alternative_names": all_names(detail["DomainName"], detail.get("SubjectAlternativeNames") or []),
        "key_algorithm": str(detail.get("KeyAlgorithm", "RSA_2048")).replace("-", "_"),
        "tags": dict(tags),
    }


def is_the_same(detail: Mapping[str, Any], domain: str, alternatives: Sequence[str], key_algorithm: str) -> bool:
    """Whether this certificate is what would be requested. A certificate cannot be changed, only replaced."""
    fields = live_fields(detail, {})
    return bool(
        detail.get("Type", "AMAZON_ISSUED") == "AMAZON_ISSUED"
        and fields["subject_alternative_names"] == all_names(domain, alternatives)
        and fields["key_algorithm"] == key_algorithm
    )


def best(details: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Of several that fit, one that is issued, else one that is on the way, else one that failed."""
    rank = {"ISSUED": 0, "PENDING_VALIDATION": 1}
    return min(details, key=lambda detail: rank.get(detail["Status"], 2), default=None)


def validation_records(detail: Mapping[str, Any]) -> list[Fields]:
    """``[{name, type, value}]`` to put into DNS. A wildcard and its parent share one record."""
    records: dict[str, Fields] = {}
    for option in detail.get("DomainValidationOptions") or []:
        record = option.get("ResourceRecord")
        if record:
            records[record["Name"]] = {
                "name": record["Name"],
                "type": record["Type"],
                "value": record["Value"],
            }
    return [records[name] for name in sorted(records)]


def has_all_records(detail: Mapping[str, Any]) -> bool:
    """ACM needs some seconds to name the records of a new request."""
    options = detail.get("DomainValidationOptions") or []
    return bool(options) and all(option.get("ResourceRecord") for option in options)


def standing(detail: Mapping[str, Any]) -> str:
    """Where the validation stands: ``PENDING_VALIDATION (a.example: SUCCESS, b.example: PENDING_VALIDATION)``."""
    options = detail.get("DomainValidationOptions") or []
    domains = ", ".join(f"{option['DomainName']}: {option.get('ValidationStatus', 'unknown')}" for option in options)
    return f"{detail['Status']} ({domains})" if domains else str(detail["Status"])


def refuse_dead(detail: Mapping[str, Any]) -> None:
    """Raise RefusalError for a certificate that will never be issued, with AWS's reason."""
    if detail["Status"] not in DEAD:
        return
    reason = detail.get("FailureReason")
    what = f"{detail['Status']}{f' ({reason})' if reason else ''}"
    first = REMEDY.get(str(reason), "put its validation records into the public DNS")
    raise RefusalError(
        f"The certificate {detail['CertificateArn']} for {detail['DomainName']} is {what}: {first}, delete it with "
        "state: absent, and request it anew."
    )


def request_of(domain: str, alternatives: Sequence[str], key_algorithm: str, name: str) -> Fields:
    """Parameters of RequestCertificate. The token makes a repeated request within an hour the same certificate."""
    others = [other for other in alternatives if normal_domain(other) != normal_domain(domain)]
    content = "\n".join([name, key_algorithm, *all_names(domain, alternatives)])
    return {
        "DomainName": domain,
        "ValidationMethod": "DNS",
        "KeyAlgorithm": key_algorithm,
        "IdempotencyToken": hashlib.sha256(content.encode()).hexdigest()[:32],
        **({"SubjectAlternativeNames": [domain, *others]} if others else {}),
    }
