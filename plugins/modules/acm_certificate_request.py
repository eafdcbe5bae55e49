#!/usr/bin/python
"""Ansible module: a public certificate of ACM, requested and awaited."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: acm_certificate_request
version_added: 0.1.0
short_description: Request a public ACM certificate with DNS validation, and await it
description:
  - Requests a certificate, returns the records that prove the domain, and awaits it when told to.
  - A certificate is found again by O(domain_name), its tag C(Name), its names and its key. One that was imported or
    has another C(Name) is never touched.
  - A certificate cannot be changed. When O(subject_alternative_names) or O(key_algorithm) change, a new one is
    requested and the old one is listed in RV(superseded), to be deleted when nothing uses it any more.
  - Certificates for CloudFront have to be in C(us-east-1); set O(region).
author: Slipway
options:
  domain_name:
    description: The domain, which may begin with C(*.).
    type: str
    required: true
  name:
    description: The tag C(Name) by which it is found again. O(domain_name) when not set.
    type: str
  state:
    description: Whether it shall exist. V(absent) deletes all that have this domain and C(Name).
  subject_alternative_names:
    description: Further names in the certificate.
    type: list
    elements: str
    default: []
  key_algorithm:
    description: The key.
    type: str
    choices: [RSA_2048, EC_prime256v1, EC_secp384r1]
    default: RSA_2048
  wait:
    description:
      - Whether to wait until it is issued.
      - The validation records are awaited in any case, at most a minute.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait at most. When they are over, the message tells how far every domain is.
    type: int
    default: 1800
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Request the certificate of the site
  slipway.aws.acm_certificate_request:
    domain_name: app.example.com
    region: us-east-1
  register: requested

- name: Prove the domain
  amazon.aws.route53:
    zone: example.com
    record: "{{ item.name }}"
    type: "{{ item.type }}"
    value: "{{ item.value }}"
    ttl: 300
    state: present
    overwrite: true
  loop: "{{ requested.validation_records }}"

- name: Await the certificate
  slipway.aws.acm_certificate_request:
    domain_name: app.example.com
    region: us-east-1
    wait: true
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: tags.Environment, from: null, to: staging}]
arn:
  description: Its ARN; null when it is absent, and in check mode as long as it does not exist.
  returned: always
  type: str
status:
  description: AWS's word, such as V(PENDING_VALIDATION) or V(ISSUED); null when there is none.
  returned: always
  type: str
validation_records:
  description: Records that prove the domains; empty in check mode as long as the certificate does not exist.
  returned: always
  type: list
  elements: dict
  sample: [{name: _a79865eb4cd1a6ab990a45779b4e0b96.example.com., type: CNAME, value: _x.acm-validations.aws.}]
superseded:
  description: ARNs of other certificates with this domain and C(Name), to be deleted when nothing uses them.
  returned: always
  type: list
  elements: str
certificate:
  description: The certificate; empty when it is absent.
  returned: always
  type: dict
  contains:
    arn:
      description: Its ARN.
      type: str
    status:
      description: AWS's word.
      type: str
    domain_name:
      description: The domain.
      type: str
    subject_alternative_names:
      description: Every name in it, the domain included.
      type: list
      elements: str
    key_algorithm:
      description: The key.
      type: str
    validation_records:
      description: Records that prove the domains.
      type: list
      elements: dict
    in_use_by:
      description: ARNs of what uses it.
      type: list
      elements: str
    not_after:
      description: When it expires, ISO 8601; null before it is issued.
      type: str
    tags:
      description: Its tags.
      type: dict
"""

from collections.abc import Sequence
from typing import ClassVar, override

from ansible_collections.slipway.aws.plugins.module_utils.acm_api import AcmApi
from ansible_collections.slipway.aws.plugins.module_utils.acm_certificate import (
    ALL_KEY_ALGORITHMS,
    KEY_ALGORITHMS,
    all_names,
    best,
    has_all_records,
    is_the_same,
    live_fields,
    normal_domain,
    refuse_dead,
    request_of,
    standing,
    validation_records,
)
from ansible_collections.slipway.aws.plugins.module_utils.aws import (
    STATE_ARGUMENTS,
    TAG_ARGUMENTS,
    aws_module,
    run,
)
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    Live,
    RefusalError,
    Resource,
    desired_tags,
    tag_delta,
    wait_until,
)

# https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html: "several seconds" in practice.
RECORDS_TIMEOUT = 60

ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
    "domain_name": {"type": "str", "required": True},
    "name": {"type": "str"},
    "subject_alternative_names": {"type": "list", "elements": "str", "default": []},
    "key_algorithm": {"type": "str", "choices": list(KEY_ALGORITHMS), "default": "RSA_2048", "no_log": False},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 1800},
}


class Certificate(Resource):
    kind = "certificate"
    result_key = "certificate"
    lifted: ClassVar[Fields] = {"arn": None, "status": None, "validation_records": [], "superseded": []}

    def __init__(self, api: AcmApi, params: Fields) -> None:
        self.api = api
        self.params = params

    @property
    def domain(self) -> str:
        return normal_domain(self.params["domain_name"])

    @property
    @override
    def name(self) -> str:
        return str(self.params["name"] or self.domain)

    @override
    def find(self) -> Live | None:
        details = self._ours()
        wanted = [detail for detail in details if self._fits(detail)]
        chosen = best(wanted if self.params["state"] == "present" else details)
        if chosen is None:
            return None
        rest = [detail["CertificateArn"] for detail in details if detail["CertificateArn"] != chosen["CertificateArn"]]
        return self._live(dict(chosen), rest)

    def _ours(self) -> list[Fields]:
        found: list[Fields] = []
        for summary in self.api.certificates(ALL_KEY_ALGORITHMS):
            arn = summary["CertificateArn"]
            if normal_domain(summary["DomainName"]) != self.domain or self.api.tags(arn).get("Name") != self.name:
                continue
            detail = self.api.certificate(arn)
            if detail and detail.get("Type", "AMAZON_ISSUED") == "AMAZON_ISSUED":
                found.append(detail)
        return found

    def _fits(self, detail: Fields) -> bool:
        return is_the_same(detail, self.domain, self.params["subject_alternative_names"], self.params["key_algorithm"])

    def _live(self, detail: Fields, superseded: list[str]) -> Live:
        arn = detail["CertificateArn"]
        not_after = detail.get("NotAfter")
        raw = {
            "arn": arn,
            "status": detail["Status"],
            "validation_records": validation_records(detail),
            "in_use_by": detail.get("InUseBy") or [],
            "not_after": not_after.isoformat() if not_after else None,
            "detail": detail,
            "superseded": superseded,
        }
        return Live(live_fields(detail, self.api.tags(arn)), raw)

    @override
    def desired(self, live: Live | None) -> Fields:
        wanted = self.params["tags"]
        named = {**(wanted or {}), "Name": self.name}
        if live is None:
            return {
                "domain_name": self.domain,
                "subject_alternative_names": all_names(self.domain, self.params["subject_alternative_names"]),
                "key_algorithm": self.params["key_algorithm"],
                "tags": desired_tags({}, named, purge=False),
            }
        purge = wanted is not None and self.params["purge_tags"]
        return {"tags": desired_tags(live.fields["tags"], named, purge=purge)}

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        if live is not None:
            refuse_dead(live.raw["detail"])
        else:
            self.api.check("request_certificate", **self._request())

    def _request(self) -> Fields:
        return request_of(
            self.domain, self.params["subject_alternative_names"], self.params["key_algorithm"], self.name
        )

    @override
    def create(self, desired: Fields) -> Live:
        superseded = [detail["CertificateArn"] for detail in self._ours()]
        arn = self.api.request_certificate(self._request(), desired["tags"])
        return self._with_records(arn, superseded)

    def _with_records(self, arn: str, superseded: list[str]) -> Live:
        def probe() -> tuple[bool, str]:
            # A certificate is not everywhere at once: right after the request it may not be found.
            detail = self.api.certificate(arn)
            if detail is None:
                return False, "not to be read yet"
            refuse_dead(detail)
            return detail["Status"] == "ISSUED" or has_all_records(detail), standing(detail)

        wait_until(
            f"Getting the validation records of {self.domain}",
            probe,
            timeout=RECORDS_TIMEOUT,
            longest_pause=5,
        )
        return self._still(arn, superseded)

    def _still(self, arn: str, superseded: list[str]) -> Live:
        detail = self.api.certificate(arn)
        if detail is None:
            raise RefusalError(f"The certificate {arn} was deleted while it was awaited.")
        return self._live(detail, superseded)

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        to_set, to_remove = tag_delta(live.fields["tags"], desired["tags"])
        self.api.change_tags(live.raw["arn"], to_set, {name: live.fields["tags"][name] for name in to_remove})
        return self._still(live.raw["arn"], live.raw["superseded"])

    @override
    def await_present(self, live: Live) -> Live:
        arn, superseded = live.raw["arn"], live.raw["superseded"]

        def probe() -> tuple[bool, str]:
            detail = self._still(arn, superseded).raw["detail"]
            refuse_dead(detail)
            return detail["Status"] == "ISSUED", standing(detail)

        if live.raw["status"] != "ISSUED":
            wait_until(f"Issuing the certificate for {self.domain}", probe, timeout=self.params["wait_timeout"])
        return self._still(arn, superseded)

    @override
    def delete(self, live: Live) -> Live | None:
        for arn in [live.raw["arn"], *live.raw["superseded"]]:
            self.api.delete_certificate(arn)
        return None

    @override
    def result(self, live: Live) -> Fields:
        raw = {name: value for name, value in live.raw.items() if name != "detail"}
        return {**raw, **live.fields}

    @override
    def predicted(self, desired: Fields) -> Fields:
        unknown = dict.fromkeys(("arn", "status", "not_after"))
        superseded = [detail["CertificateArn"] for detail in self._ours()]
        return {**unknown, "validation_records": [], "in_use_by": [], "superseded": superseded, **desired}


def main() -> None:
    module = aws_module(ARGUMENTS)
    run(module, Certificate(AcmApi(module.client("acm")), module.params))


if __name__ == "__main__":
    main()
