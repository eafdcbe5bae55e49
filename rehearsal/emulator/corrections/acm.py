"""ACM: a certificate is issued when somebody found its validation record, not when a minute has passed."""

from __future__ import annotations

import hashlib
from typing import Any

from moto.acm.models import AWSCertificateManagerBackend, CertBundle
from moto.acm.responses import AWSCertificateManagerResponse
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.core.utils import utcnow

from rehearsal.emulator import account

from .registry import correct

_describe = CertBundle.describe
_request_certificate = AWSCertificateManagerBackend.request_certificate
_delete_certificate = AWSCertificateManagerBackend.delete_certificate


@correct(CertBundle, "check")
def check(self: CertBundle) -> None:
    """Only time itself changes a status here: a certificate expires.

    Without a data plane nobody looks for validation records, and a request is granted at once.
    """
    if self._not_valid_after(self._cert) <= utcnow():
        self.status = "EXPIRED"
    elif self.type == "AMAZON_ISSUED" and self.status == "PENDING_VALIDATION" and not account.data_plane.attached:
        issue(self)


def issue(certificate: CertBundle) -> None:
    """The validation records were found."""
    certificate.status = "ISSUED"
    certificate.slipway_issued_at = utcnow()  # type: ignore[attr-defined]


def _record(account_id: str, domain: str) -> dict[str, str]:
    """The validation record of a domain, the same one for each of an account's certificates.

    https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
    """
    plain = domain.removeprefix("*.")
    name, value = (
        hashlib.sha256(f"{part}:{account_id}:{plain}".encode()).hexdigest()[:32] for part in ("name", "value")
    )
    return {
        "Name": f"_{name}.{plain}.",
        "Type": "CNAME",
        "Value": f"_{value}.{value[:10].translate(_LETTERS)}.acm-validations.aws.",
    }


_LETTERS = str.maketrans("0123456789", "ghijklmnop")


@correct(CertBundle, "describe")
def describe(self: CertBundle) -> dict[str, Any]:
    """The names in the order given, each with its record and state; what is not issued has no dates.

    A list takes from it what a CertificateSummary has.

    https://docs.aws.amazon.com/acm/latest/APIReference/API_CertificateDetail.html
    https://docs.aws.amazon.com/acm/latest/APIReference/API_CertificateSummary.html
    """
    described = _describe(self)
    certificate = described["Certificate"]
    certificate["InUseBy"] = users_of(self.arn)
    certificate["SubjectAlternativeNameSummaries"] = self.__dict__.get("slipway_names") or self.sans
    if self.type != "AMAZON_ISSUED":
        return described
    names = self.__dict__.get("slipway_names") or [self.common_name]
    status = {"ISSUED": "SUCCESS", "PENDING_VALIDATION": "PENDING_VALIDATION"}.get(self.status, "FAILED")
    account_id = self.arn.split(":")[4]
    certificate["SubjectAlternativeNames"] = names
    certificate["DomainValidationOptions"] = [
        {
            "DomainName": name,
            "ValidationDomain": name,
            "ValidationStatus": status,
            "ResourceRecord": _record(account_id, name),
            "ValidationMethod": "DNS",
        }
        for name in names
    ]
    certificate["KeyAlgorithm"] = self.__dict__.get("slipway_key_algorithm", "RSA_2048")
    certificate["RenewalEligibility"] = "ELIGIBLE" if certificate["InUseBy"] else "INELIGIBLE"
    if self.status == "PENDING_VALIDATION":
        for name in ("IssuedAt", "NotAfter", "NotBefore", "Serial", "Issuer"):
            certificate.pop(name, None)
    else:
        issued = self.__dict__.get("slipway_issued_at") or self.created_at
        certificate["IssuedAt"] = issued
    return described


def users_of(arn: str) -> list[str]:
    """ARNs of the load balancers and distributions that use a certificate."""
    from moto.cloudfront.models import cloudfront_backends
    from moto.elbv2.models import elbv2_backends

    account_id = arn.split(":")[4]
    users = [
        balancer.arn
        for backend in list(elbv2_backends[account_id].values())
        for balancer in backend.load_balancers.values()
        if any(arn in listener.certificates for listener in balancer.listeners.values())
    ]
    for backend in list(cloudfront_backends[account_id].values()):
        for distribution in backend.distributions.values():
            certificate = distribution.config.get("ViewerCertificate", {})
            if certificate.get("ACMCertificateArn") == arn:
                users.append(distribution.arn)
    return users


@correct(AWSCertificateManagerBackend, "request_certificate")
def request_certificate(
    self: AWSCertificateManagerBackend,
    domain_name: str,
    idempotency_token: str,
    subject_alt_names: list[str],
    tags: list[dict[str, str]],
    cert_authority_arn: str | None = None,
    cert_options: dict[str, Any] | None = None,
) -> str:
    """The domain's name and the others, in the order given; a token stands for no certificate that was deleted.

    https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html
    """
    if self._idempotency_tokens.get(idempotency_token, {}).get("arn") not in self._certificates:
        self._idempotency_tokens.pop(idempotency_token, None)
    arn = _request_certificate(
        self, domain_name, idempotency_token, subject_alt_names, tags, cert_authority_arn, cert_options
    )
    certificate = self._certificates[arn]
    certificate.__dict__.setdefault("slipway_names", list(dict.fromkeys([domain_name, *(subject_alt_names or [])])))
    return arn


_request_certificate_response = AWSCertificateManagerResponse.request_certificate


@correct(AWSCertificateManagerResponse, "request_certificate")
def request_certificate_response(self: AWSCertificateManagerResponse) -> ActionResult:
    """The key's algorithm is kept; validation by e-mail is not offered.

    https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html
    """
    if self._get_param("ValidationMethod") not in (None, "DNS"):
        raise NotImplementedError("validation of certificates by e-mail or HTTP")
    result = _request_certificate_response(self)
    answer: Any = result.result
    algorithm = self._get_param("KeyAlgorithm")
    if algorithm:
        self.acm_backend._certificates[answer["CertificateArn"]].__dict__["slipway_key_algorithm"] = algorithm
    return result


@correct(AWSCertificateManagerBackend, "delete_certificate")
def delete_certificate(self: AWSCertificateManagerBackend, arn: str) -> None:
    """A certificate in use stays.

    https://docs.aws.amazon.com/acm/latest/APIReference/API_DeleteCertificate.html
    """
    if arn in self._certificates and users_of(arn):
        raise JsonRESTError(
            "ResourceInUseException",
            f"Certificate {arn} in account {self.account_id} is in use.",
        )
    _delete_certificate(self, arn)
