"""Distributions for tests, in the shapes of the CloudFront API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rehearsal.dataplane.cloudfront.configuration import (
    BucketState,
    Certificate,
    Configuration,
    Distribution,
    Function,
    Parts,
    distribution,
)
from rehearsal.dataplane.cloudfront.messages import Headers, Request

SITE = "app.slipway.localhost"
ORIGIN = "origin.app.slipway.localhost"
DOMAIN = "d111111abcdef8.cloudfront.net"
BUCKET = "slipway-frontend"
IDENTIFIER = "E1EXAMPLE"
ARN = f"arn:aws:cloudfront::123456789012:distribution/{IDENTIFIER}"
CERTIFICATE_ARN = "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222"
FUNCTION_ARN = "arn:aws:cloudfront::123456789012:function/spa"

ALL_METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE")

OPTIMIZED = {
    "Name": "optimized",
    "MinTTL": 0,
    "DefaultTTL": 3600,
    "MaxTTL": 86400,
    "ParametersInCacheKeyAndForwardedToOrigin": {
        "EnableAcceptEncodingGzip": True,
        "EnableAcceptEncodingBrotli": True,
        "HeadersConfig": {"HeaderBehavior": "none"},
        "CookiesConfig": {"CookieBehavior": "none"},
        "QueryStringsConfig": {"QueryStringBehavior": "none"},
    },
}
DISABLED = {
    "Name": "disabled",
    "MinTTL": 0,
    "DefaultTTL": 0,
    "MaxTTL": 0,
    "ParametersInCacheKeyAndForwardedToOrigin": {
        "EnableAcceptEncodingGzip": False,
        "EnableAcceptEncodingBrotli": False,
        "HeadersConfig": {"HeaderBehavior": "none"},
        "CookiesConfig": {"CookieBehavior": "none"},
        "QueryStringsConfig": {"QueryStringBehavior": "none"},
    },
}
ALL_VIEWER = {
    "Name": "all viewer",
    "HeadersConfig": {"HeaderBehavior": "allViewer"},
    "CookiesConfig": {"CookieBehavior": "all"},
    "QueryStringsConfig": {"QueryStringBehavior": "all"},
}
SECURITY = {
    "Name": "security",
    "SecurityHeadersConfig": {
        "StrictTransportSecurity": {
            "Override": True,
            "IncludeSubdomains": True,
            "Preload": False,
            "AccessControlMaxAgeSec": 31536000,
        },
        "ContentTypeOptions": {"Override": True},
        "FrameOptions": {"Override": False, "FrameOption": "DENY"},
    },
    "CustomHeadersConfig": {
        "Quantity": 1,
        "Items": [{"Header": "X-Robots-Tag", "Value": "noindex", "Override": True}],
    },
    "RemoveHeadersConfig": {"Quantity": 1, "Items": [{"Header": "Server"}]},
}
SPA = """
function handler(event) {
    var request = event.request;
    if (request.uri.lastIndexOf('.') < request.uri.lastIndexOf('/') || request.uri === '/') {
        request.uri = '/index.html';
    }
    return request;
}
"""
BUCKET_POLICY = """{
    "Version": "2012-10-17",
    "Statement": [{
        "Sid": "CloudFront", "Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject", "Resource": "arn:aws:s3:::slipway-frontend/*",
        "Condition": {"StringEquals": {"AWS:SourceArn": "%s"}}
    }]
}"""
BLOCKED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


def items(*values: Any) -> dict[str, Any]:
    """A list as CloudFront writes it."""
    return {"Quantity": len(values), "Items": list(values)} if values else {"Quantity": 0}


def behavior(target: str, policy: str, *, methods: Sequence[str] = ALL_METHODS, **extra: Any) -> dict[str, Any]:
    """A cache behaviour."""
    return {
        "TargetOriginId": target,
        "ViewerProtocolPolicy": "redirect-to-https",
        "AllowedMethods": {**items(*methods), "CachedMethods": items("GET", "HEAD")},
        "Compress": True,
        "CachePolicyId": policy,
        **extra,
    }


def config(**changes: Any) -> dict[str, Any]:
    """A DistributionConfig: the React build in S3, the API behind a custom origin."""
    function = items({"EventType": "viewer-request", "FunctionARN": FUNCTION_ARN})
    return {
        "CallerReference": "1",
        "Comment": "",
        "Enabled": True,
        "Aliases": items(SITE),
        "DefaultRootObject": "index.html",
        "HttpVersion": "http2",
        "ViewerCertificate": {
            "ACMCertificateArn": CERTIFICATE_ARN,
            "SSLSupportMethod": "sni-only",
            "MinimumProtocolVersion": "TLSv1.2_2021",
        },
        "Origins": items(
            {
                "Id": "frontend",
                "DomainName": f"{BUCKET}.s3.eu-west-1.amazonaws.com",
                "OriginPath": "",
                "CustomHeaders": items(),
                "S3OriginConfig": {"OriginAccessIdentity": ""},
                "OriginAccessControlId": "oac",
            },
            {
                "Id": "backend",
                "DomainName": ORIGIN,
                "OriginPath": "",
                "CustomHeaders": items({"HeaderName": "X-Origin-Secret", "HeaderValue": "s3cret"}),
                "ConnectionAttempts": 1,
                "ConnectionTimeout": 1,
                "CustomOriginConfig": {
                    "HTTPPort": 80,
                    "HTTPSPort": 443,
                    "OriginProtocolPolicy": "https-only",
                    "OriginSslProtocols": items("TLSv1.2"),
                    "OriginReadTimeout": 1,
                    "OriginKeepaliveTimeout": 5,
                },
            },
        ),
        "DefaultCacheBehavior": behavior(
            "frontend",
            "optimized",
            methods=("GET", "HEAD"),
            FunctionAssociations=function,
            ResponseHeadersPolicyId="security",
        ),
        "CacheBehaviors": items(
            {"PathPattern": "/api/*", **behavior("backend", "disabled", OriginRequestPolicyId="all-viewer")},
            {"PathPattern": "/static/*", **behavior("backend", "optimized", methods=("GET", "HEAD"))},
        ),
        "CustomErrorResponses": items(),
        **changes,
    }


def parts(**changes: Any) -> Parts:
    """What the configuration of `config` refers to."""
    found = Parts(
        cache_policies={"optimized": OPTIMIZED, "disabled": DISABLED},
        origin_request_policies={"all-viewer": ALL_VIEWER},
        response_headers_policies={"security": SECURITY},
        origin_access_controls={"oac": {"SigningBehavior": "always", "SigningProtocol": "sigv4"}},
        functions={FUNCTION_ARN: Function(FUNCTION_ARN, "spa", "cloudfront-js-2.0", SPA)},
        buckets={BUCKET: BucketState(BUCKET_POLICY % ARN, BLOCKED)},
        addresses={ORIGIN: ("127.0.0.1",)},
        certificate={"Status": "ISSUED", "DomainName": SITE, "SubjectAlternativeNames": [SITE]},
    )
    return replace(found, **changes)


def summary(distribution_config: Mapping[str, Any]) -> dict[str, Any]:
    """GetDistribution's `Distribution`."""
    return {
        "Id": IDENTIFIER,
        "ARN": ARN,
        "DomainName": DOMAIN,
        "Status": "InProgress",
        "DistributionConfig": distribution_config,
    }


def made(
    distribution_config: Mapping[str, Any] | None = None,
    known: Parts | None = None,
    certificate: Certificate | None = None,
) -> Distribution:
    """The distribution of a configuration."""
    return distribution(summary(distribution_config or config()), known or parts(), certificate)


def configuration(*distributions: Distribution, **changes: Any) -> Configuration:
    """A configuration of the front with files that do not exist."""
    found = Configuration(
        distributions=distributions,
        certificate=Certificate("cert.pem", "key.pem"),
        authority="ca.pem",
        s3_endpoint="http://127.0.0.1:1",
        region="eu-west-1",
        https_port=8443,
    )
    return replace(found, **changes)


def request(path: str = "/", method: str = "GET", headers: Headers | None = None, **changes: Any) -> Request:
    """A viewer's request; the path may have a query string."""
    raw, _, query = path.partition("?")
    found = Request(method, SITE, raw, query, [("host", SITE), *(headers or [])], id="request-id")
    return replace(found, **changes)
