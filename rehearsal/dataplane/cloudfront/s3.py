"""An S3 bucket as origin: what S3 would let CloudFront do, and the signed request to the emulated S3.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html

Not here: object ACLs (buckets of today have none), and everything but GET and HEAD.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from rehearsal import policy
from rehearsal.dataplane.cloudfront.configuration import Bucket, Distribution, Origin
from rehearsal.dataplane.cloudfront.errors import s3_error
from rehearsal.dataplane.cloudfront.messages import Headers, Response

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Permission:
    """What the bucket lets the distribution do with one key."""

    get: bool
    list: bool


def permission(distribution: Distribution, bucket: Bucket, key: str) -> Permission:
    """Ask the bucket policy. A policy that cannot be understood permits nothing."""
    if bucket.policy is None:
        return Permission(get=False, list=False)
    signed = bucket.signing in ("always", "no-override")
    if not signed and bucket.blocked:
        return Permission(get=False, list=False)
    principal = policy.Principal(service="cloudfront.amazonaws.com") if signed else policy.Principal()
    context = {"aws:SecureTransport": "true"}
    if signed:
        context |= {"aws:SourceArn": distribution.arn, "aws:SourceAccount": distribution.arn.split(":")[4]}
    arn = f"arn:aws:s3:::{bucket.name}"
    try:
        document = policy.parse(bucket.policy, f"policy of bucket {bucket.name}")
        get, listing = (
            policy.evaluate(policy.Request(principal, action, resource, context), resource=[document]).allowed
            for action, resource in (("s3:GetObject", f"{arn}/{key}"), ("s3:ListBucket", arn))
        )
    except ValueError as error:
        log.error("policy of bucket %s: %s", bucket.name, error)
        return Permission(get=False, list=False)
    return Permission(get=get, list=listing)


def key_of(origin: Origin, path: str) -> str:
    """The object's key for a raw path: the origin path goes before it, escapes are resolved."""
    return unquote(origin.path + path).removeprefix("/")


def refusal(bucket: Bucket, allowed: Permission, method: str, key: str) -> Response | None:
    """What S3 answers before it looks for the object; None when it would look."""
    if not bucket.exists:
        message = "The specified bucket does not exist"
        return s3_error(404, "NoSuchBucket", message, BucketName=bucket.name)
    if method not in ("GET", "HEAD") or not (allowed.list if key == "" else allowed.get):
        return access_denied()
    return None


def access_denied() -> Response:
    """S3's answer to whoever may not: also for a missing key when the caller may not list the bucket."""
    return s3_error(403, "AccessDenied", "Access Denied")


def signed_request(
    endpoint: str, region: str, credentials: ReadOnlyCredentials, bucket: str, path: str, method: str, headers: Headers
) -> tuple[str, Headers]:
    """The target and the headers of a path-style request to the emulated S3, signed with its operator's key."""
    target = f"/{bucket}{path}"
    request = AWSRequest(method, endpoint.rstrip("/") + target, headers=dict(headers))
    S3SigV4Auth(credentials, "s3", region).add_auth(request)
    host = urlsplit(endpoint).netloc
    signed: Headers = [("host", host)]
    signed += [(name.lower(), value) for name, value in request.headers.items() if name.lower() != "host"]
    return target, signed
