"""A CloudFront distribution as fields. Pure: no calls.

https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html

UpdateDistribution takes the whole configuration, also the parts that nobody here desires, so a change is: read it, lay
the desired fields over it, send it back. Two levels of "not given" follow from that: an *option* that is not given is
left as it is; an *item* (origin, behaviour, error response) or *section* (viewer certificate, logging, restrictions)
that is given is complete, and what it leaves out has AWS's default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Fields,
    Layout,
    Live,
    RefusalError,
    nearest,
    without_null,
)

LAYOUT = Layout(
    keys={
        "origins": "id",
        "cache_behaviors": "path_pattern",
        "custom_headers": "header_name",
        "function_associations": "event_type",
        "lambda_function_associations": "event_type",
        "custom_error_responses": "error_code",
    },
    # The first behaviour whose pattern matches is used; of all other lists CloudFront ignores the order.
    ordered=frozenset({"cache_behaviors"}),
    # AWS marks it sensitive: an origin often recognizes its distribution by such a header.
    secret=frozenset({"header_value"}),
)

ORIGIN_KINDS = ("s3_origin_config", "custom_origin_config", "vpc_origin_config")
ORIGIN_DEFAULTS: Fields = {
    "origin_path": "",
    "custom_headers": [],
    "connection_attempts": 3,
    "connection_timeout": 10,
    "origin_access_control_id": "",
    "origin_shield": {"enabled": False},
}
CUSTOM_ORIGIN_DEFAULTS: Fields = {
    "http_port": 80,
    "https_port": 443,
    "origin_ssl_protocols": ["TLSv1.2"],
    "origin_read_timeout": 30,
    "origin_keepalive_timeout": 5,
}
BEHAVIOR_DEFAULTS: Fields = {
    "allowed_methods": ["GET", "HEAD"],
    "cached_methods": ["GET", "HEAD"],
    "compress": False,
    "smooth_streaming": False,
    "function_associations": [],
    "lambda_function_associations": [],
    "trusted_key_groups": [],
    "field_level_encryption_id": "",
    "realtime_log_config_arn": None,
    "origin_request_policy_id": None,
    "response_headers_policy_id": None,
}
# Settings of before there were cache policies; CloudFront refuses them beside one.
LEGACY_CACHE_SETTINGS = ("forwarded_values", "min_ttl", "default_ttl", "max_ttl")
ERROR_RESPONSE_DEFAULTS: Fields = {"response_page_path": "", "response_code": "", "error_caching_min_ttl": 10}
LOGGING_DEFAULTS: Fields = {"enabled": False, "include_cookies": False, "bucket": "", "prefix": ""}
CERTIFICATE_MEMBERS = (
    "cloudfront_default_certificate",
    "acm_certificate_arn",
    "iam_certificate_id",
    "ssl_support_method",
    "minimum_protocol_version",
)
# Not AWS's: its API still takes TLSv1 when nobody says otherwise.
CERTIFICATE_DEFAULTS: Fields = {"ssl_support_method": "sni-only", "minimum_protocol_version": "TLSv1.2_2021"}
# Repeats of other members that AWS still sends: https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ViewerCertificate.html
DEPRECATED_CERTIFICATE_MEMBERS = ("certificate", "certificate_source")

# Option of the module → member of the API, where the API's own word says less than the stock module's.
RENAMED = {"ipv6_enabled": "is_ipv6_enabled"}
PLAIN_OPTIONS = (
    "enabled",
    "comment",
    "aliases",
    "default_root_object",
    "http_version",
    "is_ipv6_enabled",
    "price_class",
    "web_acl_id",
)
DEFAULTS_OF_CREATION: Fields = {"comment": "", "enabled": True}


def config_fields(options: Mapping[str, Any]) -> Fields:
    """The options of the module as desired fields (without tags); what is not given is not in them."""
    given = {RENAMED.get(name, name): value for name, value in options.items() if value is not None}
    fields: Fields = {name: given[name] for name in PLAIN_OPTIONS if name in given}
    if "origins" in given:
        fields["origins"] = [_origin(origin) for origin in given["origins"]]
    if "default_cache_behavior" in given:
        fields["default_cache_behavior"] = _behavior(given["default_cache_behavior"])
    if "cache_behaviors" in given:
        fields["cache_behaviors"] = [_behavior(behavior) for behavior in given["cache_behaviors"]]
    if "custom_error_responses" in given:
        fields["custom_error_responses"] = [
            {**ERROR_RESPONSE_DEFAULTS, **without_null(response)} for response in given["custom_error_responses"]
        ]
    if "viewer_certificate" in given:
        fields["viewer_certificate"] = _certificate(given["viewer_certificate"])
    if "logging" in given:
        fields["logging"] = {**LOGGING_DEFAULTS, **without_null(given["logging"])}
    if "geo_restriction" in given:
        restriction = without_null(given["geo_restriction"])
        fields["restrictions"] = {
            "geo_restriction": {
                "restriction_type": restriction["restriction_type"],
                "items": restriction.get("locations", []),
            }
        }
    return fields


def _origin(given: Mapping[str, Any]) -> Fields:
    origin = {**ORIGIN_DEFAULTS, **without_null(given)}
    kind = next((name for name in ORIGIN_KINDS if name in origin), "s3_origin_config")
    if kind == "custom_origin_config":
        origin[kind] = {**CUSTOM_ORIGIN_DEFAULTS, **origin[kind]}
    elif kind == "s3_origin_config":
        origin[kind] = {"origin_access_identity": "", **origin.get(kind, {})}
    # An origin is of one kind: turning an S3 origin into a custom one must remove the other section.
    return {**origin, **{name: None for name in ORIGIN_KINDS if name != kind}}


def _behavior(given: Mapping[str, Any]) -> Fields:
    behavior = {**BEHAVIOR_DEFAULTS, **without_null(given)}
    return {**behavior, **dict.fromkeys(LEGACY_CACHE_SETTINGS)}


def _certificate(given: Mapping[str, Any]) -> Fields:
    certificate = {**dict.fromkeys(CERTIFICATE_MEMBERS), **without_null(given)}
    if certificate["cloudfront_default_certificate"]:
        # AWS picks the protocol version of its own certificate and reports it; it is not ours to compare.
        return {name: value for name, value in certificate.items() if name not in CERTIFICATE_DEFAULTS}
    return {**certificate, **{name: certificate[name] or value for name, value in CERTIFICATE_DEFAULTS.items()}}


def live_fields(config: Mapping[str, Any]) -> Fields:
    """DistributionConfig as the service model reads it → fields in the terms of :func:`config_fields`."""
    fields = dict(config)
    for behavior in [fields.get("default_cache_behavior"), *(fields.get("cache_behaviors") or [])]:
        if behavior is not None:
            methods = behavior.pop("allowed_methods", None) or {}
            behavior["allowed_methods"] = methods.get("items", [])
            behavior["cached_methods"] = methods.get("cached_methods", [])
            if behavior.get("cache_policy_id"):
                for name in LEGACY_CACHE_SETTINGS:
                    behavior.pop(name, None)
    certificate = fields.get("viewer_certificate")
    if certificate is not None:
        for name in DEPRECATED_CERTIFICATE_MEMBERS:
            certificate.pop(name, None)
    return fields


def api_fields(fields: Mapping[str, Any]) -> Fields:
    """Fields ready for the service model: the way back of :func:`live_fields`; nulls are gone."""
    result: Fields = without_null({name: value for name, value in fields.items() if name != "tags"})
    if "default_cache_behavior" in result:
        result["default_cache_behavior"] = _api_behavior(result["default_cache_behavior"])
    result["cache_behaviors"] = [_api_behavior(behavior) for behavior in result.get("cache_behaviors", [])]
    certificate = result.get("viewer_certificate")
    if certificate and certificate.get("cloudfront_default_certificate"):
        result["viewer_certificate"] = {"cloudfront_default_certificate": True}
    elif certificate:
        result["viewer_certificate"] = {name: value for name, value in certificate.items() if value not in ("", False)}
    return result


def _api_behavior(fields: Mapping[str, Any]) -> Fields:
    behavior = dict(fields)
    cached = behavior.pop("cached_methods", None)
    if "allowed_methods" in behavior:
        behavior["allowed_methods"] = {"items": behavior["allowed_methods"], "cached_methods": cached or []}
    # Empty means "none" in an answer, and is refused as an identifier in a request.
    for name in ("origin_request_policy_id", "response_headers_policy_id", "realtime_log_config_arn"):
        if not behavior.get(name):
            behavior.pop(name, None)
    return behavior


def refuse(fields: Mapping[str, Any], *, creating: bool) -> None:
    """Raise RefusalError for what AWS would only say no to after other resources have been made."""
    if creating:
        missing = [name for name in ("origins", "default_cache_behavior") if not fields.get(name)]
        if missing:
            raise RefusalError(f"A new distribution needs {' and '.join(missing)}.")
    origins = fields.get("origins")
    if origins is not None:
        known = [origin["id"] for origin in origins]
        _refuse_twice("origins", known)
        for place, behavior in _behaviors(fields):
            target = behavior["target_origin_id"]
            if target not in known:
                raise RefusalError(f"{place} targets the origin {target}, which is not there.{nearest(target, known)}")
    _refuse_twice("cache_behaviors", [behavior["path_pattern"] for behavior in fields.get("cache_behaviors") or []])
    for place, behavior in _behaviors(fields):
        _refuse_twice(
            f"{place}.function_associations",
            [item["event_type"] for item in behavior["function_associations"]],
        )
    certificate = fields.get("viewer_certificate")
    arn = certificate.get("acm_certificate_arn") if certificate else None
    # In a check run of a stack that does not exist yet there is no ARN to look at.
    if arn and arn.startswith("arn:") and arn.split(":")[3] != "us-east-1":
        raise RefusalError(
            f"CloudFront reads certificates from us-east-1 only and {arn} is elsewhere: request it in us-east-1."
        )
    if fields.get("aliases") and certificate and certificate.get("cloudfront_default_certificate"):
        raise RefusalError("aliases need a certificate that names them: set viewer_certificate.acm_certificate_arn.")


def _behaviors(fields: Mapping[str, Any]) -> list[tuple[str, Fields]]:
    default = fields.get("default_cache_behavior")
    ordered = fields.get("cache_behaviors") or []
    return [
        *([("default_cache_behavior", default)] if default else []),
        *((f"cache_behaviors[{behavior['path_pattern']}]", behavior) for behavior in ordered),
    ]


def _refuse_twice(place: str, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise RefusalError(f"{place} has {name} twice; each may be there once.")


def alias_owners(summaries: Sequence[Mapping[str, Any]], aliases: Sequence[str]) -> list[str]:
    """Ids of the distributions that answer to any of the aliases."""
    wanted = set(aliases)
    return [item["Id"] for item in summaries if wanted & set((item.get("Aliases") or {}).get("Items") or [])]


def refuse_foreign(live: Live, name: str) -> None:
    """Raise RefusalError when a distribution that was found by an alias says that it is another one."""
    owner = live.raw["tags"].get("Name")
    if owner is not None and owner != name:
        raise RefusalError(
            f"The distribution {live.raw['id']} has the alias, but its tag Name says {owner}, not {name}: "
            "remove the alias there first, or change the tag if it is the same distribution."
        )
