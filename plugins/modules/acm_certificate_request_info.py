#!/usr/bin/python
"""Ansible module: the certificates that carry given tags."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: acm_certificate_request_info
version_added: 0.1.0
short_description: Certificates of ACM with given tags
description:
  - Lists the certificates that ACM has issued, or shall issue, and that carry all of the tags, with every kind of key.
  - Of the others it says which domains they have, since certificates of one account share the record of a domain.
  - Unlike M(community.aws.acm_certificate_info) it asks for details of those alone, and needs no permission to read
    the certificates themselves.
author: Slipway
options:
  stack_tags:
    description: Tags that a certificate has to carry.
    type: dict
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    support: full
    description: Reads only.
"""

EXAMPLES = r"""
- name: Look for the certificates of staging
  slipway.aws.acm_certificate_request_info:
    stack_tags: {Project: slipway, Environment: staging}
    region: us-east-1
  register: found
"""

RETURN = r"""
certificates:
  description: The certificates, sorted by domain and ARN.
  returned: always
  type: list
  elements: dict
  contains:
    arn:
      description: Its ARN.
      type: str
    domain_name:
      description: The domain.
      type: str
    status:
      description: AWS's word, such as V(ISSUED).
      type: str
    in_use_by:
      description: ARNs of what uses it.
      type: list
      elements: str
    validation_records:
      description: Records that prove the domains.
      type: list
      elements: dict
    tags:
      description: Its tags.
      type: dict
others_domains:
  description: Domains of the region's other certificates that ACM renews, without V(*.), sorted.
  returned: always
  type: list
  elements: str
  sample: [example.com]
"""

from collections.abc import Mapping

from ansible_collections.slipway.aws.plugins.module_utils.acm_api import AcmApi
from ansible_collections.slipway.aws.plugins.module_utils.acm_certificate import (
    ALL_KEY_ALGORITHMS,
    normal_domain,
    proven_domains,
    validation_records,
)
from ansible_collections.slipway.aws.plugins.module_utils.aws import AWSError, aws_module
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields

ARGUMENTS: Fields = {"stack_tags": {"type": "dict", "required": True}}


def carrying(api: AcmApi, tags: Mapping[str, str]) -> tuple[list[Fields], list[str]]:
    """The certificates with all of the tags, and the domains of the others, as RETURN describes them.

    Imported ones are nobody's request.
    """
    found: list[Fields] = []
    others: set[str] = set()
    for summary in api.certificates(ALL_KEY_ALGORITHMS):
        arn = summary["CertificateArn"]
        carried = api.tags(arn)
        if not tags.items() <= carried.items():
            others.update(proven_domains(summary))
            continue
        detail = api.certificate(arn)
        if detail and detail.get("Type", "AMAZON_ISSUED") == "AMAZON_ISSUED":
            found.append(
                {
                    "arn": arn,
                    "domain_name": normal_domain(detail["DomainName"]),
                    "status": detail["Status"],
                    "in_use_by": detail.get("InUseBy") or [],
                    "validation_records": validation_records(detail),
                    "tags": carried,
                }
            )
    return sorted(found, key=lambda one: (one["domain_name"], one["arn"])), sorted(others)


def main() -> None:
    module = aws_module(ARGUMENTS)
    try:
        certificates, others = carrying(AcmApi(module.client("acm")), module.params["stack_tags"])
        module.exit_json(changed=False, certificates=certificates, others_domains=others)
    except AWSError as error:
        module.fail_json_aws_error(error)


if __name__ == "__main__":
    main()
