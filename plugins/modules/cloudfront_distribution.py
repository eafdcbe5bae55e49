#!/usr/bin/python
"""Ansible module: a CloudFront distribution."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cloudfront_distribution
version_added: 0.1.0
short_description: Create, update and delete CloudFront distributions
description:
  - Takes the API's own configuration in snake_case and reports the fields that differ, also in check mode.
  - An option that is not set is left as it is. An origin, a behaviour, an error response or a section that is set is
    complete, and what it leaves out has AWS's default. Lists are complete too, so an origin that is not in
    O(origins) is removed.
  - A distribution is found by O(distribution_id), else by one of its O(aliases), else by its tag C(Name), which is
    O(name), else by O(caller_reference). A distribution that has the alias but another C(Name) is refused.
  - CloudFront needs minutes to carry a change to the edge. With O(wait=false) the task ends as soon as the change is
    accepted; the same task with O(wait=true) later awaits it and changes nothing.
author: Slipway
options:
  name:
    description: Its name, kept in the tag C(Name).
    type: str
    required: true
  distribution_id:
    description: Its id, when it is known.
    type: str
  caller_reference:
    description:
      - What makes the creation unique. When not set, O(name) with the time of creation.
      - It cannot be changed later.
    type: str
  state:
    description:
      - Whether it shall exist.
      - V(absent) disables it, waits until that is true at every edge, and deletes it. With O(wait=false) it is only
        disabled; call again later until RV(distribution) is empty.
  enabled:
    description: Whether it answers viewers. V(true) for a new one.
    type: bool
  comment:
    description: What it is for.
    type: str
  aliases:
    description: Domain names that it answers to.
    type: list
    elements: str
  default_root_object:
    description: The object that is served for C(/).
    type: str
  http_version:
    description: The highest version of HTTP towards viewers.
    type: str
    choices: [http1.1, http2, http3, http2and3]
  ipv6_enabled:
    description: Whether viewers reach it over IPv6. Add an C(AAAA) alias record as well.
    type: bool
  price_class:
    description: Which edge locations serve it.
    type: str
    choices: [PriceClass_100, PriceClass_200, PriceClass_All]
  web_acl_id:
    description: ARN of the web ACL of AWS WAF (scope CLOUDFRONT). An empty text removes it.
    type: str
  origins:
    description: Where CloudFront fetches from.
    type: list
    elements: dict
    suboptions:
      id:
        description: The name by which behaviours target it.
        type: str
        required: true
      domain_name:
        description: Its domain, such as C(bucket.s3.eu-west-1.amazonaws.com) or that of a load balancer.
        type: str
        required: true
      origin_path:
        description: A path that is put before every request's.
        type: str
      origin_access_control_id:
        description: Id of the origin access control that signs the requests.
        type: str
      connection_attempts:
        description: Attempts to connect, 1 to 3.
        type: int
      connection_timeout:
        description: Seconds for each of them, 1 to 10.
        type: int
      response_completion_timeout:
        description: Seconds in which the whole answer must have come.
        type: int
      custom_headers:
        description: Headers that CloudFront adds to every request to this origin.
        type: list
        elements: dict
        suboptions:
          header_name:
            description: The name of the header.
            type: str
            required: true
          header_value:
            description: Its value. Never shown.
            type: str
            required: true
      origin_shield:
        description: A further cache in front of the origin.
        type: dict
        suboptions:
          enabled:
            description: Whether it is used.
            type: bool
            required: true
          origin_shield_region:
            description: Its region.
            type: str
      s3_origin_config:
        description: An S3 bucket; the default when no kind is given.
        type: dict
        suboptions:
          origin_access_identity:
            description: The predecessor of the origin access control; empty with the latter.
            type: str
      custom_origin_config:
        description: Any other web server.
        type: dict
        suboptions:
          origin_protocol_policy:
            description: Protocol towards the origin.
            type: str
            choices: [http-only, match-viewer, https-only]
            required: true
          http_port:
            description: Port for HTTP. V(80) when not set.
            type: int
          https_port:
            description: Port for HTTPS. V(443) when not set.
            type: int
          origin_ssl_protocols:
            description: Protocols that may be used. V([TLSv1.2]) when not set.
            type: list
            elements: str
            choices: [SSLv3, TLSv1, TLSv1.1, TLSv1.2]
          origin_read_timeout:
            description: Seconds without a byte after which CloudFront gives up, 1 to 120. V(30) when not set.
            type: int
          origin_keepalive_timeout:
            description: Seconds for which an idle connection is kept, 1 to 120. V(5) when not set.
            type: int
      vpc_origin_config:
        description: An origin in private subnets.
        type: dict
        suboptions:
          vpc_origin_id:
            description: Id of the VPC origin.
            type: str
            required: true
          origin_read_timeout:
            description: Seconds without a byte after which CloudFront gives up.
            type: int
          origin_keepalive_timeout:
            description: Seconds for which an idle connection is kept.
            type: int
  default_cache_behavior:
    description: What happens with a request that no pattern of O(cache_behaviors) matches.
    type: dict
    suboptions: &behavior
      target_origin_id:
        description: Id of the origin.
        type: str
        required: true
      viewer_protocol_policy:
        description: What becomes of plain HTTP.
        type: str
        choices: [allow-all, https-only, redirect-to-https]
        required: true
      cache_policy_id:
        description: Id of the cache policy. See M(slipway.aws.cloudfront_policy_info).
        type: str
        required: true
      origin_request_policy_id:
        description: Id of the origin request policy.
        type: str
      response_headers_policy_id:
        description: Id of the response headers policy.
        type: str
      realtime_log_config_arn:
        description: ARN of a real-time log configuration.
        type: str
      allowed_methods:
        description:
          - Methods that are passed to the origin. V([GET, HEAD]) when not set.
          - CloudFront takes these two, these with C(OPTIONS), or all seven.
        type: list
        elements: str
        choices: [GET, HEAD, POST, PUT, PATCH, OPTIONS, DELETE]
      cached_methods:
        description: Methods whose answers are cached. V([GET, HEAD]) when not set.
        type: list
        elements: str
        choices: [GET, HEAD, OPTIONS]
      compress:
        description: Whether CloudFront compresses. V(false) when not set.
        type: bool
      function_associations:
        description: CloudFront functions.
        type: list
        elements: dict
        suboptions:
          event_type:
            description: When it runs.
            type: str
            choices: [viewer-request, viewer-response]
            required: true
          function_arn:
            description: ARN of the function, which must be published.
            type: str
            required: true
      lambda_function_associations:
        description: Functions of Lambda@Edge.
        type: list
        elements: dict
        suboptions:
          event_type:
            description: When it runs.
            type: str
            choices: [viewer-request, viewer-response, origin-request, origin-response]
            required: true
          lambda_function_arn:
            description: ARN of a version of the function in us-east-1.
            type: str
            required: true
          include_body:
            description: Whether it sees the body of the request.
            type: bool
      trusted_key_groups:
        description: Ids of the key groups that may sign URLs and cookies.
        type: list
        elements: str
  cache_behaviors:
    description: What happens with requests by path. The first pattern that matches is used.
    type: list
    elements: dict
    suboptions:
      <<: *behavior
      path_pattern:
        description: The pattern, such as C(/api/*).
        type: str
        required: true
  custom_error_responses:
    description: What viewers see instead of an origin's error.
    type: list
    elements: dict
    suboptions:
      error_code:
        description: Status of the origin's answer.
        type: int
        required: true
      response_code:
        description: Status that the viewer sees.
        type: str
      response_page_path:
        description: Path of the page that the viewer sees.
        type: str
      error_caching_min_ttl:
        description: Seconds for which the error is cached at least. V(10) when not set.
        type: int
  viewer_certificate:
    description: The certificate towards viewers.
    type: dict
    suboptions:
      acm_certificate_arn:
        description: ARN of a certificate of ACM in us-east-1.
        type: str
      iam_certificate_id:
        description: Id of a certificate of IAM.
        type: str
      cloudfront_default_certificate:
        description: Whether CloudFront's own certificate for C(*.cloudfront.net) is used.
        type: bool
      ssl_support_method:
        description: How viewers say which certificate they want. V(sni-only) when not set.
        type: str
        choices: [sni-only, vip, static-ip]
      minimum_protocol_version:
        description: The security policy. V(TLSv1.2_2021) when not set.
        type: str
        choices: [TLSv1.2_2018, TLSv1.2_2019, TLSv1.2_2021, TLSv1.2_2025, TLSv1.3_2025]
  logging:
    description: Standard access logs into a bucket.
    type: dict
    suboptions:
      enabled:
        description: Whether they are written.
        type: bool
        required: true
      bucket:
        description: Domain of the bucket, such as C(logs.s3.amazonaws.com). It must allow ACLs.
        type: str
      prefix:
        description: Put before the name of every log file.
        type: str
      include_cookies:
        description: Whether cookies are logged.
        type: bool
  geo_restriction:
    description: Countries that are served or not.
    type: dict
    suboptions:
      restriction_type:
        description: What O(geo_restriction.locations) means.
        type: str
        choices: [none, whitelist, blacklist]
        required: true
      locations:
        description: Country codes of ISO 3166-1, two letters.
        type: list
        elements: str
  wait:
    description: Whether to wait until the change is true at every edge.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait at most, for each of disabling and deploying.
    type: int
    default: 1800
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
attributes:
  diff_mode:
    description: Shows the fields that differ and nothing else, secrets hidden.
"""

EXAMPLES = r"""
- name: Serve a bucket and an API under one name
  slipway.aws.cloudfront_distribution:
    name: slipway-staging
    aliases: [app.example.com]
    default_root_object: index.html
    http_version: http2and3
    ipv6_enabled: true
    price_class: PriceClass_100
    viewer_certificate:
      acm_certificate_arn: "{{ certificate.arn }}"
      minimum_protocol_version: TLSv1.2_2021
    origins:
      - id: frontend
        domain_name: slipway-staging-123456789012-frontend.s3.eu-west-1.amazonaws.com
        origin_access_control_id: "{{ access_control.origin_access_control.id }}"
      - id: api
        domain_name: origin.app.example.com
        custom_origin_config:
          origin_protocol_policy: https-only
          origin_read_timeout: 60
    default_cache_behavior:
      target_origin_id: frontend
      viewer_protocol_policy: redirect-to-https
      cache_policy_id: "{{ policies.cache_policies['Managed-CachingOptimized'] }}"
      compress: true
      function_associations:
        - event_type: viewer-request
          function_arn: "{{ spa.function.arn }}"
    cache_behaviors:
      - path_pattern: /api/*
        target_origin_id: api
        viewer_protocol_policy: redirect-to-https
        allowed_methods: [GET, HEAD, OPTIONS, PUT, POST, PATCH, DELETE]
        cache_policy_id: "{{ policies.cache_policies['Managed-CachingDisabled'] }}"
        origin_request_policy_id: "{{ policies.origin_request_policies['Managed-AllViewer'] }}"

- name: Await it
  slipway.aws.cloudfront_distribution:
    name: slipway-staging
    wait: true

- name: Remove it
  slipway.aws.cloudfront_distribution:
    name: slipway-staging
    state: absent
    wait: true
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample:
    - field: cache_behaviors[/api/*].origin_request_policy_id
      from: null
      to: 216adef6-5c7f-47e4-b989-5492eafa07d3
distribution:
  description: The distribution in the terms of the options; empty when it is absent.
  returned: always
  type: dict
  contains:
    id:
      description: Its id; null in check mode as long as it does not exist.
      type: str
      sample: EDFDVBD632BHDS5
    arn:
      description: Its ARN, which a bucket policy names; null in check mode as long as it does not exist.
      type: str
    domain_name:
      description: Its own domain name, the target of alias records; null in check mode as long as it does not exist.
      type: str
      sample: d111111abcdef8.cloudfront.net
    hosted_zone_id:
      description: Zone id for alias records in Route 53, the same for every distribution.
      type: str
      sample: Z2FDTNDATAQYW2
    status:
      description: V(Deployed) or V(InProgress).
      type: str
    caller_reference:
      description: What made the creation unique.
      type: str
    tags:
      description: Its tags.
      type: dict
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, override

from ansible_collections.slipway.aws.plugins.module_utils.aws import (
    STATE_ARGUMENTS,
    TAG_ARGUMENTS,
    aws_module,
    run,
)
from ansible_collections.slipway.aws.plugins.module_utils.cloudfront_api import CloudFrontApi
from ansible_collections.slipway.aws.plugins.module_utils.cloudfront_distribution_config import (
    DEFAULTS_OF_CREATION,
    LAYOUT,
    alias_owners,
    api_fields,
    config_fields,
    live_fields,
    refuse,
    refuse_foreign,
)
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    Live,
    RefusalError,
    Resource,
    desired_tags,
    merged,
    tag_delta,
    wait_until,
)
from ansible_collections.slipway.aws.plugins.module_utils.service_model import from_api, to_api

# https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html
HOSTED_ZONE_ID = "Z2FDTNDATAQYW2"

TEXT: Fields = {"type": "str"}
NUMBER: Fields = {"type": "int"}
SWITCH: Fields = {"type": "bool"}


def needed(option: Fields) -> Fields:
    return {**option, "required": True}


def one_of(*choices: str) -> Fields:
    return {"type": "str", "choices": list(choices)}


def texts(*choices: str) -> Fields:
    return {"type": "list", "elements": "str", **({"choices": list(choices)} if choices else {})}


def section(**options: Fields) -> Fields:
    return {"type": "dict", "options": options}


def items(*, unique: Sequence[Sequence[str]] = (), **options: Fields) -> Fields:
    constraint: Fields = {"mutually_exclusive": unique} if unique else {}
    return {"type": "list", "elements": "dict", "options": options, **constraint}


BEHAVIOR: dict[str, Any] = {
    "target_origin_id": needed(TEXT),
    "viewer_protocol_policy": needed(one_of("allow-all", "https-only", "redirect-to-https")),
    "cache_policy_id": needed(TEXT),
    "origin_request_policy_id": TEXT,
    "response_headers_policy_id": TEXT,
    "realtime_log_config_arn": TEXT,
    "allowed_methods": texts("GET", "HEAD", "POST", "PUT", "PATCH", "OPTIONS", "DELETE"),
    "cached_methods": texts("GET", "HEAD", "OPTIONS"),
    "compress": SWITCH,
    "function_associations": items(
        event_type=needed(one_of("viewer-request", "viewer-response")), function_arn=needed(TEXT)
    ),
    "lambda_function_associations": items(
        event_type=needed(one_of("viewer-request", "viewer-response", "origin-request", "origin-response")),
        lambda_function_arn=needed(TEXT),
        include_body=SWITCH,
    ),
    "trusted_key_groups": texts(),
}

ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
    "name": needed(TEXT),
    "distribution_id": TEXT,
    "caller_reference": TEXT,
    "enabled": SWITCH,
    "comment": TEXT,
    "aliases": texts(),
    "default_root_object": TEXT,
    "http_version": one_of("http1.1", "http2", "http3", "http2and3"),
    "ipv6_enabled": SWITCH,
    "price_class": one_of("PriceClass_100", "PriceClass_200", "PriceClass_All"),
    "web_acl_id": TEXT,
    "origins": items(
        unique=[("s3_origin_config", "custom_origin_config", "vpc_origin_config")],
        id=needed(TEXT),
        domain_name=needed(TEXT),
        origin_path=TEXT,
        origin_access_control_id=TEXT,
        connection_attempts=NUMBER,
        connection_timeout=NUMBER,
        response_completion_timeout=NUMBER,
        custom_headers=items(header_name=needed(TEXT), header_value={**needed(TEXT), "no_log": True}),
        origin_shield=section(enabled=needed(SWITCH), origin_shield_region=TEXT),
        s3_origin_config=section(origin_access_identity=TEXT),
        custom_origin_config=section(
            origin_protocol_policy=needed(one_of("http-only", "match-viewer", "https-only")),
            http_port=NUMBER,
            https_port=NUMBER,
            origin_ssl_protocols=texts("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2"),
            origin_read_timeout=NUMBER,
            origin_keepalive_timeout=NUMBER,
        ),
        vpc_origin_config=section(
            vpc_origin_id=needed(TEXT), origin_read_timeout=NUMBER, origin_keepalive_timeout=NUMBER
        ),
    ),
    "default_cache_behavior": section(**BEHAVIOR),
    "cache_behaviors": items(**BEHAVIOR, path_pattern=needed(TEXT)),
    "custom_error_responses": items(
        error_code=needed(NUMBER), response_code=TEXT, response_page_path=TEXT, error_caching_min_ttl=NUMBER
    ),
    "viewer_certificate": {
        **section(
            acm_certificate_arn=TEXT,
            iam_certificate_id=TEXT,
            cloudfront_default_certificate=SWITCH,
            ssl_support_method=one_of("sni-only", "vip", "static-ip"),
            minimum_protocol_version=one_of(
                "TLSv1.2_2018", "TLSv1.2_2019", "TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"
            ),
        ),
        "mutually_exclusive": [("acm_certificate_arn", "iam_certificate_id", "cloudfront_default_certificate")],
        "required_one_of": [("acm_certificate_arn", "iam_certificate_id", "cloudfront_default_certificate")],
    },
    "logging": {
        **section(enabled=needed(SWITCH), bucket=TEXT, prefix=TEXT, include_cookies=SWITCH),
        "required_if": [("enabled", True, ["bucket"])],
    },
    "geo_restriction": section(restriction_type=needed(one_of("none", "whitelist", "blacklist")), locations=texts()),
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 1800},
}


class Distribution(Resource):
    kind = "CloudFront distribution"
    result_key = "distribution"
    layout = LAYOUT

    def __init__(self, api: CloudFrontApi, params: Fields) -> None:
        self.api = api
        self.params = params
        self.shape = api.shape("DistributionConfig")

    @property
    @override
    def name(self) -> str:
        return str(self.params["name"])

    @override
    def find(self) -> Live | None:
        if self.params["distribution_id"]:
            return self._read(self.params["distribution_id"])
        summaries = self.api.distributions()
        by_alias = [self._read(identity) for identity in alias_owners(summaries, self.params["aliases"] or [])]
        found = [live for live in by_alias if live is not None]
        for live in found:
            refuse_foreign(live, self.name)
        if not found:
            named = [item["Id"] for item in summaries if self.api.tags(item["ARN"]).get("Name") == self.name]
            found = [live for live in map(self._read, named) if live is not None]
        if not found and self.params["caller_reference"]:
            everything = (self._read(item["Id"]) for item in summaries)
            reference = self.params["caller_reference"]
            found = [live for live in everything if live and live.fields["caller_reference"] == reference]
        if len(found) > 1:
            identities = ", ".join(sorted(live.raw["id"] for live in found))
            raise RefusalError(f"{self.name} could be any of {identities}: say which one with distribution_id.")
        return found[0] if found else None

    def _read(self, identity: str) -> Live | None:
        answer = self.api.distribution(identity)
        return self._live(answer) if answer else None

    def _live(self, answer: Fields) -> Live:
        distribution = answer["Distribution"]
        tags = self.api.tags(distribution["ARN"])
        fields = live_fields(from_api(self.shape, distribution["DistributionConfig"]))
        raw = {
            "id": distribution["Id"],
            "arn": distribution["ARN"],
            "domain_name": distribution["DomainName"],
            "status": distribution["Status"],
            "etag": answer["ETag"],
            "tags": tags,
        }
        return Live({**fields, "tags": tags}, raw)

    @override
    def desired(self, live: Live | None) -> Fields:
        fields = config_fields(self.params)
        wanted = self.params["tags"]
        if live is None:
            now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
            reference = self.params["caller_reference"] or f"{self.name}-{now}"
            tags = {**desired_tags({}, wanted, purge=True), "Name": self.name}
            return {"caller_reference": reference, **DEFAULTS_OF_CREATION, **fields, "tags": tags}
        # The name is how we find it again: it stays, whatever the tags say.
        kept = {**(wanted or {}), "Name": self.name}
        tags = desired_tags(live.fields["tags"], kept, purge=wanted is not None and self.params["purge_tags"])
        return {**fields, "tags": tags}

    def _config(self, live: Live | None, desired: Fields) -> Fields:
        fields = merged(live.fields if live else {}, desired, LAYOUT)
        config: Fields = to_api(self.shape, api_fields(fields))
        return config

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        refuse(desired, creating=live is None)
        self.api.check(
            "create_distribution_with_tags",
            DistributionConfigWithTags={
                "DistributionConfig": self._config(live, desired),
                "Tags": {"Items": []},
            },
        )

    @override
    def create(self, desired: Fields) -> Live:
        return self._live(self.api.create_distribution(self._config(None, desired), desired["tags"]))

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        to_set, to_remove = tag_delta(live.fields["tags"], desired["tags"])
        self.api.change_tags(live.raw["arn"], to_set, to_remove)
        if any(not change.field.startswith("tags") for change in changes):
            config = self._config(live, desired)
            return self._live(self.api.update_distribution(live.raw["id"], live.raw["etag"], config))
        return self._still(live)

    def _still(self, live: Live) -> Live:
        now = self._read(live.raw["id"])
        if now is None:
            raise RefusalError(f"The distribution {live.raw['id']} was deleted while it was being changed.")
        return now

    @override
    def await_present(self, live: Live) -> Live:
        if live.raw["status"] != "Deployed":
            self._await_deployed(live)
            return self._still(live)
        return live

    def _await_deployed(self, live: Live) -> None:
        def probe() -> tuple[bool, str]:
            now = self._still(live)
            return now.raw["status"] == "Deployed", str(now.raw["status"])

        wait_until(f"Deploying the distribution {live.raw['id']}", probe, timeout=self.params["wait_timeout"])

    @override
    def is_leaving(self, live: Live) -> bool:
        return not live.fields["enabled"] and live.raw["status"] != "Deployed"

    @override
    def delete(self, live: Live) -> Live | None:
        if live.fields["enabled"]:
            config = self._config(live, {"enabled": False})
            return self._live(self.api.update_distribution(live.raw["id"], live.raw["etag"], config))
        self.api.delete_distribution(live.raw["id"], live.raw["etag"])
        return None

    @override
    def await_absent(self, live: Live) -> None:
        self._await_deployed(live)
        disabled = self._still(live)
        self.api.delete_distribution(disabled.raw["id"], disabled.raw["etag"])

    @override
    def result(self, live: Live) -> Fields:
        raw = {name: live.raw[name] for name in ("id", "arn", "domain_name", "status")}
        return {**live.fields, **raw, "hosted_zone_id": HOSTED_ZONE_ID}

    @override
    def predicted(self, desired: Fields) -> Fields:
        unknown = dict.fromkeys(("id", "arn", "domain_name", "status"))
        return {**desired, **unknown, "hosted_zone_id": HOSTED_ZONE_ID}


def main() -> None:
    module = aws_module(ARGUMENTS)
    run(module, Distribution(CloudFrontApi(module.client("cloudfront")), module.params))


if __name__ == "__main__":
    main()
