"""A response headers policy as fields. Pure: no calls.

https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ResponseHeadersPolicyConfig.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Fields,
    Layout,
    RefusalError,
    without_null,
)

# A section that is given is complete: what it leaves out is switched off, as if it were typed into an empty form.
EMPTY_SECTIONS: Mapping[str, Fields] = {
    "cors_config": {
        "access_control_allow_origins": None,
        "access_control_allow_headers": None,
        "access_control_allow_methods": None,
        "access_control_allow_credentials": None,
        "access_control_expose_headers": None,
        "access_control_max_age_sec": None,
        "origin_override": None,
    },
    "security_headers_config": {
        "xss_protection": None,
        "frame_options": None,
        "referrer_policy": None,
        "content_security_policy": None,
        "content_type_options": None,
        "strict_transport_security": None,
    },
    "server_timing_headers_config": {"enabled": None, "sampling_rate": None},
}
EMPTY_HEADERS: Mapping[str, Fields] = {
    "xss_protection": {"override": False, "protection": False, "mode_block": None, "report_uri": None},
    "frame_options": {"override": False, "frame_option": None},
    "referrer_policy": {"override": False, "referrer_policy": None},
    "content_security_policy": {"override": False, "content_security_policy": None},
    "content_type_options": {"override": False},
    "strict_transport_security": {
        "override": False,
        "include_subdomains": None,
        "preload": None,
        "access_control_max_age_sec": None,
    },
}
LAYOUT = Layout(
    keys={"custom_headers_config": "header", "remove_headers_config": "header"},
    # X-Content-Type-Options has nothing but `override`: it is sent because the member is there.
    presence=frozenset(EMPTY_HEADERS),
)
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/modifying-response-headers.html
NOT_REMOVABLE = frozenset({"connection", "host", "transfer-encoding", "upgrade", "via", "warning"})


def policy_fields(options: Mapping[str, Any]) -> Fields:
    """The options of the module as desired fields; a section that is not given is not in them."""
    fields: Fields = {"name": options["name"]}
    if options.get("comment") is not None:
        fields["comment"] = options["comment"]
    for section, empty in EMPTY_SECTIONS.items():
        given = options.get(section)
        if given is not None:
            fields[section] = _section(given, empty) if without_null(given) else None
    if options.get("custom_headers_config") is not None:
        fields["custom_headers_config"] = [
            {"override": False, **without_null(header)} for header in options["custom_headers_config"]
        ]
    if options.get("remove_headers_config") is not None:
        fields["remove_headers_config"] = [{"header": name} for name in options["remove_headers_config"]]
    return fields


def _section(given: Mapping[str, Any], empty: Fields) -> Fields:
    section = {**empty, **without_null(given)}
    return {
        name: {**EMPTY_HEADERS[name], **member} if name in EMPTY_HEADERS and isinstance(member, Mapping) else member
        for name, member in section.items()
    }


def live_fields(config: Mapping[str, Any]) -> Fields:
    """What AWS has, in the terms of :func:`policy_fields`. The XML of an empty element comes back as an empty dict."""
    fields = dict(config)
    headers = fields.get("security_headers_config")
    if headers is not None and "content_type_options" in headers:
        headers["content_type_options"] = {"override": False, **headers["content_type_options"]}
    return fields


def api_fields(fields: Mapping[str, Any]) -> Fields:
    """Fields ready for the service model: sections that are off are left out."""
    return {name: without_null(value) for name, value in fields.items() if value is not None}


def refuse(fields: Mapping[str, Any]) -> None:
    """Raise RefusalError for what AWS says no to, with the remedy."""
    removed = {header["header"].lower() for header in fields.get("remove_headers_config") or []}
    for name in sorted(removed & NOT_REMOVABLE):
        raise RefusalError(f"CloudFront cannot remove the header {name}: take it out of remove_headers_config.")
    custom = {header["header"].lower() for header in fields.get("custom_headers_config") or []}
    for name in sorted(removed & custom):
        raise RefusalError(f"The header {name} is both set and removed: take it out of one of the two lists.")
    cors = fields.get("cors_config")
    if cors and cors.get("access_control_allow_credentials") and "*" in (cors["access_control_allow_origins"] or []):
        raise RefusalError(
            "Browsers refuse credentials together with the origin *: name the origins in access_control_allow_origins."
        )
