"""Which headers reach the origin, and which come back to the viewer.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html
"""

from __future__ import annotations

from rehearsal.dataplane.cloudfront.caching import normalized_accept_encoding, selects
from rehearsal.dataplane.cloudfront.configuration import (
    Behavior,
    Cors,
    Distribution,
    Origin,
    ResponseHeadersPolicy,
)
from rehearsal.dataplane.cloudfront.messages import Headers, Request, changed, end_to_end, joined, without

#: Never passed on as the viewer wrote them, whatever a policy says.
_REMOVED = frozenset({"cookie", "expect", "via", "x-amz-cf-id", "x-forwarded-for", "x-forwarded-proto", "x-real-ip"})
#: They describe the request itself; no policy is needed for them to pass.
_CONTENT = ("content-type", "content-length", "content-encoding", "content-language")
_CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range")


def forwarded_query(behavior: Behavior, request: Request) -> str:
    """The query string for the origin: what the cache key or the origin request policy includes."""
    policies = (behavior.cache.query_strings, behavior.origin_request.query_strings)
    return "&".join(
        pair
        for pair in request.query.split("&")
        if pair and any(selects(policy, pair.partition("=")[0]) for policy in policies)
    )


def forwards_host(behavior: Behavior) -> bool:
    """Whether the origin sees the viewer's Host header instead of its own domain name."""
    return _forwards(behavior, "host")


def _forwards(behavior: Behavior, name: str) -> bool:
    return selects(behavior.cache.headers, name) or selects(behavior.origin_request.headers, name)


def edge_headers(request: Request) -> dict[str, str]:
    """What CloudFront can tell of the viewer. Country and device are absent: nothing here knows them.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/adding-cloudfront-headers.html
    """
    address, port = request.client
    return {
        "cloudfront-forwarded-proto": request.scheme,
        "cloudfront-viewer-address": f"{address}:{port}",
        "cloudfront-viewer-http-version": request.http_version,
    }


def origin_headers(
    distribution: Distribution, behavior: Behavior, origin: Origin, request: Request, *, conditions: bool
) -> Headers:
    """The headers of the request to a custom origin, `Host` first.

    `conditions` lets the viewer's conditional and range headers pass, for an object that is not kept here.
    """
    viewer = end_to_end(request.headers)
    host = request.host if forwards_host(behavior) else origin.domain_name
    named = {
        *behavior.cache.headers.names,
        *(behavior.origin_request.headers.names if behavior.origin_request.headers.behavior != "allExcept" else ()),
    }
    headers: Headers = [("host", host)]
    for name, value in viewer:
        if name in _REMOVED or name == "host" or name in _CONDITIONS or name.startswith("cloudfront-"):
            continue
        if name == "accept-encoding" and (behavior.cache.gzip or behavior.cache.brotli):
            continue
        if name in _CONTENT or _passes(behavior, request, name):
            headers.append((name, value))
    if conditions:
        headers += [(name, value) for name, value in viewer if name in _CONDITIONS]
    if coding := normalized_accept_encoding(behavior.cache, request.header("accept-encoding")):
        headers.append(("accept-encoding", coding))
    headers += [(name, value) for name, value in edge_headers(request).items() if name in named]
    if joined(headers, "user-agent") is None:
        headers.append(("user-agent", "Amazon CloudFront"))
    if cookies := _forwarded_cookies(behavior, request):
        headers.append(("cookie", cookies))
    chain = [value for value in (request.header("x-forwarded-for"), request.client[0]) if value]
    headers.append(("x-forwarded-for", ", ".join(chain)))
    headers.append(("via", via(request.http_version, distribution)))
    headers.append(("x-amz-cf-id", request.id))
    return changed(headers, *((name.lower(), value) for name, value in origin.custom_headers))


def _passes(behavior: Behavior, request: Request, name: str) -> bool:
    if name == "authorization":
        # GET and HEAD lose it unless it is part of the cache key or all of the viewer's headers are forwarded.
        everything = behavior.origin_request.headers.behavior.startswith(("allViewer", "allExcept"))
        if request.method not in ("GET", "HEAD", "OPTIONS") or selects(behavior.cache.headers, name):
            return True
        return everything and selects(behavior.origin_request.headers, name)
    return _forwards(behavior, name)


def _forwarded_cookies(behavior: Behavior, request: Request) -> str:
    policies = (behavior.cache.cookies, behavior.origin_request.cookies)
    return "; ".join(
        f"{name}={value}" for name, value in request.cookies if any(selects(policy, name) for policy in policies)
    )


def via(version: str, distribution: Distribution) -> str:
    """The Via value of this hop (RFC 9110, 7.6.3)."""
    return f"{version} {distribution.domain_name} (CloudFront)"


def from_origin(headers: Headers, *, bucket: bool) -> Headers:
    """An origin's response headers without those of its connection and, for S3, of its own bookkeeping."""
    kept = end_to_end(headers)
    return without(kept, {"x-amz-request-id", "x-amz-id-2"}) if bucket else kept


def with_policy(policy: ResponseHeadersPolicy, request: Request, headers: Headers) -> Headers:
    """The headers after the response headers policy.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-response-headers-policies.html
    """
    result = without(headers, policy.remove)
    if policy.cors:
        result = _with_cors(policy.cors, request, result)
    for rule in policy.set:
        name = rule.name.lower()
        if rule.override or joined(result, name) is None:
            result = changed(result, (name, rule.value))
    return result


_CORS_HEADERS = (
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
)
_ALL_METHODS = ("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS")


def _with_cors(cors: Cors, request: Request, headers: Headers) -> Headers:
    asking = request.header("origin")
    if not asking:
        return headers
    present = any(joined(headers, name) is not None for name in _CORS_HEADERS)
    if present and not cors.override:
        return headers
    allowed = "*" if "*" in cors.allow_origins else _origin_allowed(cors, asking)
    if allowed is None:
        return headers
    values: list[tuple[str, str | None]] = [("access-control-allow-origin", allowed)]
    if cors.allow_credentials:
        values.append(("access-control-allow-credentials", "true"))
    if request.method == "OPTIONS" and request.header("access-control-request-method"):
        methods = _ALL_METHODS if "ALL" in cors.allow_methods else cors.allow_methods
        values.append(("access-control-allow-methods", ", ".join(methods)))
        values.append(("access-control-allow-headers", ", ".join(cors.allow_headers)))
        if cors.max_age is not None:
            values.append(("access-control-max-age", str(cors.max_age)))
    elif cors.expose_headers:
        values.append(("access-control-expose-headers", ", ".join(cors.expose_headers)))
    result = changed(without(headers, _CORS_HEADERS), *values)
    return result if allowed == "*" else changed(result, ("vary", _vary_origin(joined(result, "vary"))))


def _origin_allowed(cors: Cors, asking: str) -> str | None:
    """The asking origin when the policy lists it; `*.` in a listed one stands for any subdomain."""
    scheme, _, host = asking.rpartition("://")
    for listed in cors.allow_origins:
        listed_scheme, _, pattern = listed.rpartition("://")
        if listed_scheme and listed_scheme != scheme:
            continue
        if host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:])):
            return asking
    return None


def _vary_origin(vary: str | None) -> str:
    if vary is None:
        return "Origin"
    return vary if "origin" in vary.lower() else f"{vary}, Origin"
