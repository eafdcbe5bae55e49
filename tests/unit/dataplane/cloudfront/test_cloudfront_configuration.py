from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.dataplane.cloudfront.configuration import (
    BucketState,
    Certificate,
    HeaderRule,
    Invalidation,
    Selection,
    alias_refusal,
    bucket_of,
    covers,
    decode,
    encode,
    is_public,
)
from tests.unit.dataplane.cloudfront.cloudfront_support import (
    BLOCKED,
    BUCKET,
    BUCKET_POLICY,
    CERTIFICATE_ARN,
    FUNCTION_ARN,
    ORIGIN,
    SITE,
    behavior,
    config,
    configuration,
    items,
    made,
    parts,
)

ISSUED: dict[str, Any] = {"Status": "ISSUED", "DomainName": SITE, "SubjectAlternativeNames": [SITE]}


def test_it_survives_json() -> None:
    one = made(
        config(
            OriginGroups=items(
                {
                    "Id": "both",
                    "FailoverCriteria": {"StatusCodes": items(500, 502)},
                    "Members": items({"OriginId": "frontend"}, {"OriginId": "backend"}),
                }
            ),
            CustomErrorResponses=items({"ErrorCode": 503, "ResponsePagePath": "/busy.html", "ResponseCode": "503"}),
        ),
        parts(invalidations=(Invalidation("I1", ("/*",)),)),
        Certificate("a.pem", "a.key"),
    )
    original = configuration(one)
    assert decode(encode(original)) == original


def test_the_default_behaviour_stands_last() -> None:
    one = made()
    assert [each.path_pattern for each in one.behaviors] == ["/api/*", "/static/*", "*"]
    assert one.behaviors[-1].viewer_request == FUNCTION_ARN
    assert one.behaviors[0].viewer_request is None
    assert one.behaviors[0].cache.disables_caching
    assert one.behaviors[0].origin_request.headers == Selection("allViewer")


@pytest.mark.parametrize("field", ["CachePolicyId", "OriginRequestPolicyId", "ResponseHeadersPolicyId"])
def test_a_policy_that_does_not_exist_is_not_ignored(field: str) -> None:
    broken = behavior("backend", "optimized") | {field: "gone"}
    with pytest.raises(KeyError, match="gone"):
        made(config(DefaultCacheBehavior=broken))


def test_a_function_that_was_never_published_is_not_ignored() -> None:
    with pytest.raises(KeyError, match="spa"):
        made(known=parts(functions={}))


def test_security_headers_are_spelled_out() -> None:
    policy = made().behaviors[-1].response_headers
    assert HeaderRule("Strict-Transport-Security", "max-age=31536000; includeSubDomains", True) in policy.set
    assert HeaderRule("X-Content-Type-Options", "nosniff", True) in policy.set
    assert HeaderRule("X-Frame-Options", "DENY", False) in policy.set
    assert policy.remove == ("server",)


def test_forwarded_values_are_both_cache_key_and_request() -> None:
    legacy = {
        "TargetOriginId": "backend",
        "ViewerProtocolPolicy": "allow-all",
        "MinTTL": 5,
        "ForwardedValues": {
            "QueryString": True,
            "QueryStringCacheKeys": items("page"),
            "Cookies": {"Forward": "whitelist", "WhitelistedNames": items("session")},
            "Headers": items("Accept-Language"),
        },
    }
    found = made(config(DefaultCacheBehavior=legacy)).behaviors[-1]
    assert found.cache.min_ttl == 5
    assert found.cache.query_strings == Selection("whitelist", ("page",))
    assert found.origin_request.query_strings == Selection("all")
    assert found.cache.headers == found.origin_request.headers == Selection("whitelist", ("accept-language",))
    assert found.cache.cookies == Selection("whitelist", ("session",))
    assert found.allowed_methods == ("GET", "HEAD")


@pytest.mark.parametrize(
    ("arn", "certificate", "says"),
    [
        (CERTIFICATE_ARN, ISSUED, ""),
        (CERTIFICATE_ARN, {**ISSUED, "Status": "PENDING_VALIDATION"}, "PENDING_VALIDATION, not ISSUED"),
        (CERTIFICATE_ARN, None, "does not exist"),
        (CERTIFICATE_ARN, {"Status": "ISSUED", "DomainName": "*.slipway.localhost"}, ""),
        (CERTIFICATE_ARN, {"Status": "ISSUED", "DomainName": "*.localhost"}, "speaks for *.localhost"),
        (CERTIFICATE_ARN.replace("us-east-1", "eu-west-1"), ISSUED, "from us-east-1 alone"),
        (None, ISSUED, "no ACM certificate"),
    ],
)
def test_an_alias_is_served_only_with_a_certificate_for_it(
    arn: str | None, certificate: dict[str, Any] | None, says: str
) -> None:
    viewer = {"ACMCertificateArn": arn} if arn else {"CloudFrontDefaultCertificate": True}
    reason = alias_refusal(SITE, config(ViewerCertificate=viewer), certificate)
    assert says in reason
    assert bool(says) == bool(reason)


def test_a_refused_alias_is_no_alias() -> None:
    one = made(known=parts(certificate={**ISSUED, "Status": "EXPIRED"}))
    assert one.aliases == ()
    assert "EXPIRED" in one.refused[SITE]


@pytest.mark.parametrize(
    ("name", "host", "expected"),
    [
        ("a.localhost", "A.localhost", True),
        ("*.a.localhost", "b.a.localhost", True),
        ("*.a.localhost", "a.localhost", False),
        ("*.a.localhost", "c.b.a.localhost", False),
        ("a.localhost", "b.localhost", False),
    ],
)
def test_a_certificate_covers(name: str, host: str, expected: bool) -> None:
    assert covers(name, host) is expected


@pytest.mark.parametrize(
    ("domain_name", "bucket"),
    [
        ("assets.s3.eu-west-1.amazonaws.com", "assets"),
        ("assets.s3.amazonaws.com", "assets"),
        ("my.assets.s3.dualstack.eu-west-1.amazonaws.com", "my.assets"),
        ("assets.s3-website-eu-west-1.amazonaws.com", None),
        ("assets.s3-website.eu-central-1.amazonaws.com", None),
        (ORIGIN, None),
    ],
)
def test_the_bucket_of_a_domain_name(domain_name: str, bucket: str | None) -> None:
    assert bucket_of(domain_name) == bucket


def statement(**parts_of_it: Any) -> str:
    return json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", **parts_of_it}]})


@pytest.mark.parametrize(
    ("policy", "public"),
    [
        (None, False),
        (BUCKET_POLICY, False),
        (statement(), True),
        (statement(Principal={"AWS": "*"}), True),
        (statement(Principal={"AWS": ["arn:aws:iam::1:root", "*"]}), True),
        (statement(Effect="Deny"), False),
        (statement(Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}), False),
        (statement(Condition={"Bool": {"aws:SecureTransport": "true"}}), True),
    ],
)
def test_what_s3_calls_public(policy: str | None, public: bool) -> None:
    assert is_public(policy) is public


def test_a_blocked_bucket_is_marked_and_a_missing_one_too() -> None:
    bucket = made(known=parts(buckets={BUCKET: BucketState(statement(), BLOCKED)})).origins[0].bucket
    assert bucket is not None
    assert bucket.blocked
    missing = made(known=parts(buckets={})).origins[0].bucket
    assert missing is not None
    assert not missing.exists


def test_an_origin_without_an_address_says_why() -> None:
    server = made(known=parts(addresses={ORIGIN: "zone x has no record y"})).origins[1].server
    assert server is not None
    assert server.addresses == ()
    assert server.unresolved == "zone x has no record y"
