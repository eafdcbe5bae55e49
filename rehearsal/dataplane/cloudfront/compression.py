"""Compressing what CloudFront would compress.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html
"""

from __future__ import annotations

import gzip
from dataclasses import replace

import brotli  # type: ignore[import-untyped]

from rehearsal.dataplane.cloudfront.messages import Response, changed

SMALLEST = 1_000
LARGEST = 10_000_000

CONTENT_TYPES = frozenset(
    [
        "application/dash+xml",
        "application/eot",
        "application/font",
        "application/font-sfnt",
        "application/javascript",
        "application/json",
        "application/opentype",
        "application/otf",
        "application/pdf",
        "application/pkcs7-mime",
        "application/protobuf",
        "application/rss+xml",
        "application/truetype",
        "application/ttf",
        "application/vnd.apple.mpegurl",
        "application/vnd.mapbox-vector-tile",
        "application/vnd.ms-fontobject",
        "application/wasm",
        "application/xhtml+xml",
        "application/xml",
        "application/x-font-opentype",
        "application/x-font-truetype",
        "application/x-font-ttf",
        "application/x-httpd-cgi",
        "application/x-javascript",
        "application/x-mpegurl",
        "application/x-opentype",
        "application/x-otf",
        "application/x-perl",
        "application/x-ttf",
        "font/eot",
        "font/opentype",
        "font/otf",
        "font/ttf",
        "image/svg+xml",
        "text/css",
        "text/csv",
        "text/html",
        "text/javascript",
        "text/js",
        "text/plain",
        "text/richtext",
        "text/tab-separated-values",
        "text/xml",
        "text/x-component",
        "text/x-java-source",
        "text/x-script",
        "vnd.apple.mpegurl",
    ]
)


def is_compressible(response: Response) -> bool:
    """Whether status, type and size of a whole response let CloudFront compress it."""
    content_type = (response.header("content-type") or "").partition(";")[0].strip().lower()
    return (
        response.status in (200, 403, 404)
        and response.header("content-encoding") is None
        and response.header("content-length") is not None
        and SMALLEST <= len(response.body) <= LARGEST
        and content_type in CONTENT_TYPES
    )


def compressed(response: Response, accept_encoding: str) -> Response:
    """The response in the best coding of a normalised Accept-Encoding (`br,gzip`, `gzip`, `br` or nothing).

    A strong ETag becomes a weak one, because the bytes are other ones than the origin's.
    """
    if not accept_encoding or not is_compressible(response):
        return response
    coding = accept_encoding.partition(",")[0]
    if coding == "br":
        # Quality 5 is where the time for a script of some 100 kB stays in the order of a millisecond.
        body = brotli.compress(response.body, quality=5)
    else:
        body = gzip.compress(response.body, compresslevel=6, mtime=0)
    etag = response.header("etag")
    return replace(
        response,
        body=body,
        headers=changed(
            response.headers,
            ("content-encoding", coding),
            ("content-length", str(len(body))),
            ("vary", _with_accept_encoding(response.header("vary"))),
            ("etag", f"W/{etag}" if etag and not etag.startswith("W/") else etag),
        ),
    )


def _with_accept_encoding(vary: str | None) -> str:
    if vary is None:
        return "Accept-Encoding"
    listed = [each.strip().lower() for each in vary.split(",")]
    return vary if "accept-encoding" in listed or "*" in listed else f"{vary}, Accept-Encoding"
