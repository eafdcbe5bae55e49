"""Calls of the ACM API. https://docs.aws.amazon.com/acm/latest/APIReference/Welcome.html"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.slipway.aws.plugins.module_utils.aws import Api
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields


class AcmApi(Api):
    """One method per call; every one raises AnsibleAWSError, none decides anything."""

    def certificates(self, key_algorithms: Sequence[str]) -> list[Fields]:
        """CertificateSummary of every certificate. Without ``keyTypes`` ACM lists RSA keys of up to 2048 bits only.

        https://docs.aws.amazon.com/acm/latest/APIReference/API_Filters.html
        """
        return self.pages(
            "list the certificates",
            "list_certificates",
            "CertificateSummaryList",
            Includes={"keyTypes": list(key_algorithms)},
        )

    def certificate(self, arn: str) -> Fields | None:
        """CertificateDetail of AWS, or None."""
        answer = self.call_if_exists(
            f"describe the certificate {arn}",
            "describe_certificate",
            missing=("ResourceNotFoundException",),
            CertificateArn=arn,
        )
        return answer and answer["Certificate"]

    def request_certificate(self, request: Fields, tags: Mapping[str, str]) -> str:
        """The ARN of the certificate that ACM will issue when its domains are validated."""
        answer = self.call(
            f"request a certificate for {request['DomainName']}",
            "request_certificate",
            **request,
            Tags=tag_list(tags),
        )
        return str(answer["CertificateArn"])

    def delete_certificate(self, arn: str) -> None:
        # A distribution or load balancer that was just deleted still counts as a user for a while.
        self.call_if_exists(
            f"delete the certificate {arn}",
            "delete_certificate",
            missing=("ResourceNotFoundException",),
            retry_on=("ResourceInUseException",),
            CertificateArn=arn,
        )

    def tags(self, arn: str) -> dict[str, str]:
        # A certificate that was deleted between the list and this call has no tags.
        answer = self.call_if_exists(
            f"list the tags of {arn}",
            "list_tags_for_certificate",
            missing=("ResourceNotFoundException",),
            CertificateArn=arn,
        )
        return {tag["Key"]: tag.get("Value", "") for tag in (answer or {}).get("Tags") or []}

    def change_tags(self, arn: str, to_set: Mapping[str, str], to_remove: Mapping[str, str]) -> None:
        if to_remove:
            self.call(f"untag {arn}", "remove_tags_from_certificate", CertificateArn=arn, Tags=tag_list(to_remove))
        if to_set:
            self.call(f"tag {arn}", "add_tags_to_certificate", CertificateArn=arn, Tags=tag_list(to_set))


def tag_list(tags: Mapping[str, str]) -> list[Fields]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]
