"""ACM: a requested certificate is issued once the account's DNS proves that its names are the account's.

https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html

Validation by e-mail has no body: such a certificate stays pending.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from rehearsal.dataplane.context import Context
from rehearsal.dataplane.route53 import Zone, has_record, read_zones
from rehearsal.emulator import backchannel
from rehearsal.settings import REGION

log = logging.getLogger(__name__)

#: Load balancers take certificates from their own region, CloudFront from us-east-1.
REGIONS = tuple(dict.fromkeys((REGION, "us-east-1")))

#: ListCertificates leaves out all but RSA keys of 1024 and 2048 bits unless it is asked for them.
_KEY_TYPES = [
    "RSA_1024",
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "EC_prime256v1",
    "EC_secp384r1",
    "EC_secp521r1",
]


def is_proven(certificate: Mapping[str, Any], zones: Sequence[Zone]) -> bool:
    """Whether each name of a certificate (DescribeCertificate's `Certificate`) has its validation record in DNS."""
    options = certificate.get("DomainValidationOptions", [])
    return bool(options) and all(
        option.get("ValidationMethod", "DNS") == "DNS"
        and "ResourceRecord" in option
        and has_record(
            option["ResourceRecord"]["Name"],
            option["ResourceRecord"]["Type"],
            option["ResourceRecord"]["Value"],
            zones,
        )
        for option in options
    )


class Certificates:
    """Issues what is proven."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def reconcile(self) -> None:
        """Look at the certificates that wait for their validation."""
        pending = [(region, arn) for region in REGIONS for arn in self._pending(region)]
        if not pending:
            return
        zones = read_zones(self._context.client("route53"))
        for region, arn in pending:
            try:
                described = self._context.client("acm", region).describe_certificate(CertificateArn=arn)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ResourceNotFoundException":
                    raise
                # Deleted between the two calls.
                continue
            if is_proven(described["Certificate"], zones):
                backchannel.set_certificate_issued(arn)
                log.info("certificate %s is issued: its names are proven", arn)

    def _pending(self, region: str) -> list[str]:
        pages = (
            self._context.client("acm", region)
            .get_paginator("list_certificates")
            .paginate(CertificateStatuses=["PENDING_VALIDATION"], Includes={"keyTypes": _KEY_TYPES})
        )
        return [each["CertificateArn"] for page in pages for each in page["CertificateSummaryList"]]
