"""The policies that CloudFront itself provides, with the ids that AWS documents.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-response-headers-policies.html
"""

from __future__ import annotations

from typing import Any

Config = dict[str, Any]


def _items(names: list[str]) -> Config:
    return {"Quantity": len(names), "Items": names}


def _cache(
    name: str,
    ttls: tuple[int, int, int],
    *,
    compressed: bool,
    headers: list[str] | None = None,
    cookies: str = "none",
    queries: str = "none",
    query_names: list[str] | None = None,
) -> Config:
    query: Config = {"QueryStringBehavior": queries}
    if query_names:
        query["QueryStrings"] = _items(query_names)
    header: Config = {"HeaderBehavior": "whitelist" if headers else "none"}
    if headers:
        header["Headers"] = _items(headers)
    return {
        "Comment": "",
        "Name": f"Managed-{name}",
        "MinTTL": ttls[0],
        "DefaultTTL": ttls[1],
        "MaxTTL": ttls[2],
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": compressed,
            "EnableAcceptEncodingBrotli": compressed,
            "HeadersConfig": header,
            "CookiesConfig": {"CookieBehavior": cookies},
            "QueryStringsConfig": query,
        },
    }


_YEAR, _DAY = 31536000, 86400

CACHE_POLICIES: dict[str, Config] = {
    "658327ea-f89d-4fab-a63d-7e88639e58f6": _cache("CachingOptimized", (1, _DAY, _YEAR), compressed=True),
    "b2884449-e4de-46a7-ac36-70bc7f1ddd6d": _cache(
        "CachingOptimizedForUncompressedObjects", (1, _DAY, _YEAR), compressed=False
    ),
    "4135ea2d-6df8-44a3-9df3-4b5a84be39ad": _cache("CachingDisabled", (0, 0, 0), compressed=False),
    "83da9c7e-98b4-4e11-a168-04f0df8e2c65": _cache(
        "UseOriginCacheControlHeaders",
        (0, 0, _YEAR),
        compressed=True,
        headers=["Host", "Origin", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"],
        cookies="all",
    ),
    "4cc15a8a-d715-48a4-82b8-cc0b614638fe": _cache(
        "UseOriginCacheControlHeaders-QueryStrings",
        (0, 0, _YEAR),
        compressed=True,
        headers=["Host", "Origin", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"],
        cookies="all",
        queries="all",
    ),
    "2e54312d-136d-493c-8eb9-b001f22f67d2": _cache(
        "Amplify",
        (2, 2, 600),
        compressed=True,
        headers=["Authorization", "CloudFront-Viewer-Country", "Host"],
        cookies="all",
        queries="all",
    ),
}

_CLOUDFRONT_HEADERS_2022_06 = [
    "CloudFront-Forwarded-Proto",
    "CloudFront-Is-Android-Viewer",
    "CloudFront-Is-Desktop-Viewer",
    "CloudFront-Is-IOS-Viewer",
    "CloudFront-Is-Mobile-Viewer",
    "CloudFront-Is-SmartTV-Viewer",
    "CloudFront-Is-Tablet-Viewer",
    "CloudFront-Viewer-Address",
    "CloudFront-Viewer-ASN",
    "CloudFront-Viewer-City",
    "CloudFront-Viewer-Country",
    "CloudFront-Viewer-Country-Name",
    "CloudFront-Viewer-Country-Region",
    "CloudFront-Viewer-Country-Region-Name",
    "CloudFront-Viewer-Http-Version",
    "CloudFront-Viewer-Latitude",
    "CloudFront-Viewer-Longitude",
    "CloudFront-Viewer-Metro-Code",
    "CloudFront-Viewer-Postal-Code",
    "CloudFront-Viewer-Time-Zone",
    "CloudFront-Viewer-TLS",
]


def _origin(
    name: str, headers: str, names: list[str] | None = None, *, cookies: str = "none", queries: str = "none"
) -> Config:
    header: Config = {"HeaderBehavior": headers}
    if names:
        header["Headers"] = _items(names)
    return {
        "Comment": "",
        "Name": f"Managed-{name}",
        "HeadersConfig": header,
        "CookiesConfig": {"CookieBehavior": cookies},
        "QueryStringsConfig": {"QueryStringBehavior": queries},
    }


ORIGIN_REQUEST_POLICIES: dict[str, Config] = {
    "216adef6-5c7f-47e4-b989-5492eafa07d3": _origin("AllViewer", "allViewer", cookies="all", queries="all"),
    "33f36d7e-f396-46d9-90e0-52428a34d9dc": _origin(
        "AllViewerAndCloudFrontHeaders-2022-06",
        "allViewerAndWhitelistCloudFront",
        _CLOUDFRONT_HEADERS_2022_06,
        cookies="all",
        queries="all",
    ),
    "b689b0a8-53d0-40ab-baf2-68738e2966ac": _origin(
        "AllViewerExceptHostHeader", "allExcept", ["Host"], cookies="all", queries="all"
    ),
    "59781a5b-3903-41f3-afcb-af62929ccde1": _origin("CORS-CustomOrigin", "whitelist", ["Origin"]),
    "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf": _origin(
        "CORS-S3Origin",
        "whitelist",
        ["Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method"],
    ),
    "bf0718e1-ba1e-49d1-88b1-f726733018ae": _origin("HostHeaderOnly", "whitelist", ["Host"]),
    "acba4595-bd28-49b8-b9fe-13317c0390fa": _origin("UserAgentRefererHeaders", "whitelist", ["User-Agent", "Referer"]),
}


def _cors(methods: list[str], *, override: bool, expose: bool) -> Config:
    config: Config = {
        "AccessControlAllowOrigins": _items(["*"]),
        "AccessControlAllowHeaders": _items(["*"]),
        "AccessControlAllowMethods": _items(methods),
        "AccessControlAllowCredentials": False,
        "OriginOverride": override,
    }
    if expose:
        config["AccessControlExposeHeaders"] = _items(["*"])
    return config


_SECURITY: Config = {
    "XSSProtection": {"Override": False, "Protection": True, "ModeBlock": True},
    "FrameOptions": {"Override": False, "FrameOption": "SAMEORIGIN"},
    "ReferrerPolicy": {"Override": False, "ReferrerPolicy": "strict-origin-when-cross-origin"},
    "ContentTypeOptions": {"Override": True},
    "StrictTransportSecurity": {"Override": False, "AccessControlMaxAgeSec": _YEAR},
}
_SIMPLE = ["GET", "HEAD"]
_PREFLIGHT = ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"]


def _response(name: str, comment: str, **parts: Config) -> Config:
    return {"Name": f"Managed-{name}", "Comment": comment, **parts}


RESPONSE_HEADERS_POLICIES: dict[str, Config] = {
    "60669652-455b-4ae9-85a4-c4c02393f86c": _response(
        "SimpleCORS",
        "Allows all origins for simple CORS requests",
        CorsConfig=_cors(_SIMPLE, override=False, expose=False),
    ),
    "5cc3b908-e619-4b99-88e5-2cf7f45965bd": _response(
        "CORS-With-Preflight",
        "Allows all origins for CORS requests, including preflight requests",
        CorsConfig=_cors(_PREFLIGHT, override=False, expose=True),
    ),
    "67f7725c-6f97-4210-82d7-5512b31e9d03": _response(
        "SecurityHeadersPolicy",
        "Adds a set of security headers to every response",
        SecurityHeadersConfig=_SECURITY,
    ),
    "e61eb60c-9c35-4d20-a928-2b84e02af89c": _response(
        "CORS-and-SecurityHeadersPolicy",
        "Allows all origins for simple CORS requests and adds security headers",
        CorsConfig=_cors(_SIMPLE, override=False, expose=False),
        SecurityHeadersConfig=_SECURITY,
    ),
    "eaab4381-ed33-4a86-88ca-d9558dc6cd63": _response(
        "CORS-with-preflight-and-SecurityHeadersPolicy",
        "Allows all origins for CORS requests, including preflight requests, and adds security headers",
        CorsConfig=_cors(_PREFLIGHT, override=False, expose=True),
        SecurityHeadersConfig=_SECURITY,
    ),
}
