"""What the front obeys: distributions and the policies, functions and origins they name, as frozen values.

Pure: shapes of the CloudFront API (https://docs.aws.amazon.com/cloudfront/latest/APIReference/) go in, a
`Configuration` comes out, and it survives a round trip through JSON. Times are seconds.
"""

from __future__ import annotations

import dataclasses
import json
import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html
DEFAULT_CONNECTION_ATTEMPTS = 3
DEFAULT_CONNECTION_TIMEOUT = 10
DEFAULT_READ_TIMEOUT = 30
DEFAULT_KEEPALIVE_TIMEOUT = 5

#: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/custom-error-pages-expiration.html
DEFAULT_ERROR_TTL = 10


@dataclass(frozen=True)
class Selection:
    """Which headers, cookies or query strings are meant.

    `behavior` is AWS's word: none, whitelist, allExcept, all, allViewer, allViewerAndWhitelistCloudFront.
    """

    behavior: str = "none"
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class CachePolicy:
    """What identifies an object in the cache, and how long it may stay there."""

    min_ttl: int = 0
    default_ttl: int = 86_400
    max_ttl: int = 31_536_000
    gzip: bool = False
    brotli: bool = False
    headers: Selection = Selection()
    cookies: Selection = Selection()
    query_strings: Selection = Selection()

    @property
    def disables_caching(self) -> bool:
        """Whether nothing is ever kept: all three times are zero, as in the managed CachingDisabled."""
        return self.min_ttl == self.default_ttl == self.max_ttl == 0


@dataclass(frozen=True)
class OriginRequestPolicy:
    """What of the viewer's request the origin gets besides the cache key."""

    headers: Selection = Selection()
    cookies: Selection = Selection()
    query_strings: Selection = Selection()


@dataclass(frozen=True)
class HeaderRule:
    """A header that every response gets; `override` says whether it replaces what the origin sent."""

    name: str
    value: str
    override: bool


@dataclass(frozen=True)
class Cors:
    """Cross-origin resource sharing of a response headers policy."""

    allow_origins: tuple[str, ...]
    allow_methods: tuple[str, ...]
    allow_headers: tuple[str, ...]
    expose_headers: tuple[str, ...]
    allow_credentials: bool
    max_age: int | None
    override: bool


@dataclass(frozen=True)
class ResponseHeadersPolicy:
    """What is added to and taken from every response."""

    set: tuple[HeaderRule, ...] = ()
    remove: tuple[str, ...] = ()
    cors: Cors | None = None


@dataclass(frozen=True)
class Function:
    """A CloudFront function's LIVE stage."""

    arn: str
    name: str
    runtime: str
    code: str


@dataclass(frozen=True)
class Behavior:
    """How requests whose path matches `path_pattern` are treated; the default behaviour's pattern is `*`."""

    path_pattern: str
    target: str
    viewer_protocol_policy: str
    allowed_methods: tuple[str, ...]
    cached_methods: tuple[str, ...]
    compress: bool
    cache: CachePolicy
    origin_request: OriginRequestPolicy = OriginRequestPolicy()
    response_headers: ResponseHeadersPolicy = ResponseHeadersPolicy()
    viewer_request: str | None = None
    viewer_response: str | None = None


@dataclass(frozen=True)
class Bucket:
    """An S3 origin: the bucket as its owner set it up when the configuration was made.

    `policy` is the bucket policy's JSON. `blocked` tells that RestrictPublicBuckets holds back a public
    policy.
    """

    name: str
    exists: bool
    #: OAC's SigningBehavior (always, no-override, never), or none when there is no origin access control.
    signing: str
    policy: str | None
    blocked: bool


@dataclass(frozen=True)
class Server:
    """A custom origin: how its server is spoken to."""

    protocol_policy: str
    http_port: int
    https_port: int
    tls_versions: tuple[str, ...]
    read_timeout: float
    keepalive_timeout: float
    #: Addresses of the domain name, or why it has none.
    addresses: tuple[str, ...]
    unresolved: str = ""


@dataclass(frozen=True)
class Origin:
    """Where objects come from: exactly one of `bucket` and `server` is set."""

    id: str
    domain_name: str
    path: str
    custom_headers: tuple[tuple[str, str], ...]
    connection_attempts: int
    connection_timeout: float
    bucket: Bucket | None = None
    server: Server | None = None


@dataclass(frozen=True)
class OriginGroup:
    """Origins in the order in which they are tried; the statuses make the next one be tried."""

    id: str
    members: tuple[str, ...]
    status_codes: tuple[int, ...]


@dataclass(frozen=True)
class ErrorResponse:
    """What a viewer gets instead of an error of the origin, and how long the error is remembered."""

    code: int
    min_ttl: int
    page: str = ""
    response_code: int = 0


@dataclass(frozen=True)
class Invalidation:
    """Paths (`*` at the end matches anything) that left the cache when it was made."""

    id: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Certificate:
    """PEM files on this machine."""

    cert: str
    key: str


@dataclass(frozen=True)
class Distribution:
    """One distribution. `refused` maps an alias that is not served to the reason."""

    id: str
    arn: str
    domain_name: str
    enabled: bool
    aliases: tuple[str, ...]
    refused: Mapping[str, str]
    http2: bool
    minimum_protocol: str
    default_root_object: str
    behaviors: tuple[Behavior, ...]
    origins: tuple[Origin, ...]
    origin_groups: tuple[OriginGroup, ...]
    error_responses: tuple[ErrorResponse, ...]
    functions: tuple[Function, ...]
    invalidations: tuple[Invalidation, ...] = ()
    #: For the aliases; the CloudFront name uses the configuration's own.
    certificate: Certificate | None = None


@dataclass(frozen=True)
class Configuration:
    """Everything that the front knows of the account."""

    distributions: tuple[Distribution, ...]
    #: Stands for `*.cloudfront.net`; a viewer that names no known alias gets it, as in AWS.
    certificate: Certificate
    #: The authority that origins' certificates are verified with.
    authority: str
    s3_endpoint: str
    region: str
    #: Where `redirect-to-https` sends viewers, because nobody may have port 443 here.
    https_port: int


def encode(configuration: Configuration) -> str:
    """JSON of a configuration: the same text for the same configuration."""
    return json.dumps(dataclasses.asdict(configuration), indent=1, sort_keys=True)


def decode(text: str) -> Configuration:
    """The configuration that `encode` wrote. Raises ValueError, KeyError or TypeError for another text."""
    return typing.cast(Configuration, _build(Configuration, json.loads(text)))


def _build(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType or origin is typing.Union:
        return _build(next(each for each in arguments if each is not type(None)), value)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return tuple(_build(arguments[0], each) for each in value)
        return tuple(_build(each, part) for each, part in zip(arguments, value, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return dict(value)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return typing.cast(Any, kind)(**{name: _build(hints[name], each) for name, each in value.items()})
    return value


# From here on: the API's shapes.


@dataclass(frozen=True)
class Parts:
    """What a distribution refers to by id or ARN, in the shapes of the API, and what the account says of
    it.
    """

    #: id -> CachePolicyConfig, OriginRequestPolicyConfig, ResponseHeadersPolicyConfig,
    #: OriginAccessControlConfig
    cache_policies: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    origin_request_policies: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    response_headers_policies: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    origin_access_controls: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    #: ARN -> function
    functions: Mapping[str, Function] = dataclasses.field(default_factory=dict)
    #: bucket name -> what S3 says of it; absent when there is no such bucket
    buckets: Mapping[str, BucketState] = dataclasses.field(default_factory=dict)
    #: origin domain name -> its addresses, or the reason why there are none
    addresses: Mapping[str, tuple[str, ...] | str] = dataclasses.field(default_factory=dict)
    #: DescribeCertificate's Certificate of the viewer certificate, when it exists in us-east-1
    certificate: Mapping[str, Any] | None = None
    invalidations: Sequence[Invalidation] = ()


@dataclass(frozen=True)
class BucketState:
    """A bucket's policy (JSON) and its PublicAccessBlockConfiguration."""

    policy: str | None
    public_access_block: Mapping[str, bool]


def distribution(summary: Mapping[str, Any], parts: Parts, certificate: Certificate | None) -> Distribution:
    """A distribution from GetDistribution's `Distribution`; `certificate` lies ready for its aliases.

    Raises KeyError when a policy or function that it names is not among the parts.
    """
    config = summary["DistributionConfig"]
    aliases = _items(config.get("Aliases"))
    refused = {alias: reason for alias in aliases if (reason := alias_refusal(alias, config, parts.certificate))}
    viewer_certificate = config.get("ViewerCertificate", {})
    behaviors = [_behavior(each, each["PathPattern"], parts) for each in _items(config.get("CacheBehaviors"))]
    behaviors.append(_behavior(config["DefaultCacheBehavior"], "*", parts))
    used = {arn for each in behaviors for arn in (each.viewer_request, each.viewer_response) if arn}
    return Distribution(
        id=summary["Id"],
        arn=summary["ARN"],
        domain_name=summary["DomainName"],
        enabled=bool(config["Enabled"]),
        aliases=tuple(alias.lower() for alias in aliases if alias not in refused),
        refused=refused,
        http2=config.get("HttpVersion", "http2").lower() in ("http2", "http2and3"),
        minimum_protocol=viewer_certificate.get("MinimumProtocolVersion", "TLSv1"),
        default_root_object=config.get("DefaultRootObject", "") or "",
        behaviors=tuple(behaviors),
        origins=tuple(_origin(each, parts) for each in _items(config["Origins"])),
        origin_groups=tuple(_origin_group(each) for each in _items(config.get("OriginGroups"))),
        error_responses=tuple(_error_response(each) for each in _items(config.get("CustomErrorResponses"))),
        functions=tuple(parts.functions[arn] for arn in sorted(used)),
        invalidations=tuple(parts.invalidations),
        certificate=certificate,
    )


def alias_refusal(alias: str, config: Mapping[str, Any], certificate: Mapping[str, Any] | None) -> str:
    """Why CloudFront would not serve the alias, or an empty string.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html
    """
    arn = config.get("ViewerCertificate", {}).get("ACMCertificateArn")
    if not arn:
        return "the distribution has no ACM certificate, and the default one speaks for *.cloudfront.net alone"
    if arn.split(":")[3] != "us-east-1":
        return f"certificate {arn} is in {arn.split(':')[3]}: CloudFront takes certificates from us-east-1 alone"
    if certificate is None:
        return f"certificate {arn} does not exist"
    if certificate.get("Status") != "ISSUED":
        return f"certificate {arn} is {certificate.get('Status')}, not ISSUED"
    names = [certificate["DomainName"], *certificate.get("SubjectAlternativeNames", [])]
    if not any(covers(name, alias) for name in names):
        return f"certificate {arn} speaks for {', '.join(sorted(set(names)))} and not for {alias}"
    return ""


def covers(certificate_name: str, host: str) -> bool:
    """Whether a certificate's name speaks for the host: equal, or `*.` and exactly one label more (RFC
    6125).
    """
    certificate_name, host = certificate_name.lower(), host.lower()
    if certificate_name.startswith("*."):
        return host == certificate_name or host.partition(".")[2] == certificate_name[2:]
    return certificate_name == host


def bucket_of(domain_name: str) -> str | None:
    """The bucket of an S3 REST endpoint's name, or None for any other origin (website endpoints among them).

    https://docs.aws.amazon.com/general/latest/gr/s3.html
    """
    match = re.fullmatch(r"(.+)\.s3(?:\.dualstack)?(?:[.-](?!website)[a-z0-9-]+)?\.amazonaws\.com", domain_name)
    return match[1] if match else None


def is_public(policy: str | None) -> bool:
    """Whether S3 calls the bucket policy public: it allows everybody without a condition that names somebody.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    fixed = {
        "aws:sourcearn", "aws:sourceaccount", "aws:sourceip", "aws:sourcevpc", "aws:sourcevpce",
        "aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:userid",
        "s3:dataaccesspointarn", "s3:dataaccesspointaccount",
    }  # fmt: skip
    statements = json.loads(policy)["Statement"] if policy else []
    for statement in [statements] if isinstance(statements, dict) else statements:
        principal = statement.get("Principal")
        everybody = principal == "*" or (
            isinstance(principal, dict)
            and any("*" in ([p] if isinstance(p, str) else p) for kind, p in principal.items() if kind == "AWS")
        )
        keys = {key.lower() for tests in statement.get("Condition", {}).values() for key in tests}
        if statement["Effect"] == "Allow" and everybody and not keys & fixed:
            return True
    return False


def _items(listing: Mapping[str, Any] | None) -> list[Any]:
    """CloudFront writes a list as {Quantity, Items}, and leaves Items out of an empty one."""
    return list((listing or {}).get("Items") or [])


def _behavior(behavior: Mapping[str, Any], path_pattern: str, parts: Parts) -> Behavior:
    methods = behavior.get("AllowedMethods") or {}
    cache_policy_id = behavior.get("CachePolicyId")
    if cache_policy_id:
        cache = cache_policy(parts.cache_policies[cache_policy_id])
        origin_request = OriginRequestPolicy()
        if policy_id := behavior.get("OriginRequestPolicyId"):
            origin_request = origin_request_policy(parts.origin_request_policies[policy_id])
    else:
        cache = _legacy_cache_policy(behavior)
        origin_request = _legacy_origin_request_policy(behavior)
    response_headers = ResponseHeadersPolicy()
    if policy_id := behavior.get("ResponseHeadersPolicyId"):
        response_headers = response_headers_policy(parts.response_headers_policies[policy_id])
    functions = {each["EventType"]: each["FunctionARN"] for each in _items(behavior.get("FunctionAssociations"))}
    for arn in functions.values():
        # An association whose function is gone must be seen here, not when the first viewer comes.
        parts.functions[arn]
    return Behavior(
        path_pattern=path_pattern,
        target=behavior["TargetOriginId"],
        viewer_protocol_policy=behavior["ViewerProtocolPolicy"],
        allowed_methods=tuple(_items(methods) or ["GET", "HEAD"]),
        cached_methods=tuple(_items(methods.get("CachedMethods")) or ["GET", "HEAD"]),
        compress=bool(behavior.get("Compress", False)),
        cache=cache,
        origin_request=origin_request,
        response_headers=response_headers,
        viewer_request=functions.get("viewer-request"),
        viewer_response=functions.get("viewer-response"),
    )


def cache_policy(config: Mapping[str, Any]) -> CachePolicy:
    """From a CachePolicyConfig."""
    parameters = config.get("ParametersInCacheKeyAndForwardedToOrigin") or {}
    return CachePolicy(
        min_ttl=int(config["MinTTL"]),
        default_ttl=int(config.get("DefaultTTL", 86_400)),
        max_ttl=int(config.get("MaxTTL", 31_536_000)),
        gzip=bool(parameters.get("EnableAcceptEncodingGzip", False)),
        brotli=bool(parameters.get("EnableAcceptEncodingBrotli", False)),
        headers=_selection(parameters.get("HeadersConfig"), "Header"),
        cookies=_selection(parameters.get("CookiesConfig"), "Cookie"),
        query_strings=_selection(parameters.get("QueryStringsConfig"), "QueryString"),
    )


def origin_request_policy(config: Mapping[str, Any]) -> OriginRequestPolicy:
    """From an OriginRequestPolicyConfig."""
    return OriginRequestPolicy(
        headers=_selection(config.get("HeadersConfig"), "Header"),
        cookies=_selection(config.get("CookiesConfig"), "Cookie"),
        query_strings=_selection(config.get("QueryStringsConfig"), "QueryString"),
    )


def _selection(config: Mapping[str, Any] | None, kind: str) -> Selection:
    """From HeadersConfig, CookiesConfig or QueryStringsConfig; header names become lower-case."""
    if not config:
        return Selection()
    names = _items(config.get(f"{kind}s"))
    if kind == "Header":
        names = [name.lower() for name in names]
    return Selection(config[f"{kind}Behavior"], tuple(sorted(names)))


def _legacy_cache_policy(behavior: Mapping[str, Any]) -> CachePolicy:
    """ForwardedValues: what is forwarded is the cache key.

    https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ForwardedValues.html
    """
    forwarded = behavior.get("ForwardedValues") or {}
    keys = _items(forwarded.get("QueryStringCacheKeys"))
    query_strings = Selection("whitelist", tuple(sorted(keys))) if keys else Selection("all")
    return CachePolicy(
        min_ttl=int(behavior.get("MinTTL", 0)),
        default_ttl=int(behavior.get("DefaultTTL", 86_400)),
        max_ttl=int(behavior.get("MaxTTL", 31_536_000)),
        gzip=bool(behavior.get("Compress", False)),
        headers=_legacy_headers(forwarded),
        cookies=_legacy_cookies(forwarded),
        query_strings=query_strings if forwarded.get("QueryString") else Selection(),
    )


def _legacy_origin_request_policy(behavior: Mapping[str, Any]) -> OriginRequestPolicy:
    forwarded = behavior.get("ForwardedValues") or {}
    return OriginRequestPolicy(
        headers=_legacy_headers(forwarded),
        cookies=_legacy_cookies(forwarded),
        query_strings=Selection("all") if forwarded.get("QueryString") else Selection(),
    )


def _legacy_headers(forwarded: Mapping[str, Any]) -> Selection:
    names = tuple(sorted(name.lower() for name in _items(forwarded.get("Headers"))))
    if "*" in names:
        return Selection("allViewer")
    return Selection("whitelist", names) if names else Selection()


def _legacy_cookies(forwarded: Mapping[str, Any]) -> Selection:
    cookies = forwarded.get("Cookies") or {}
    return Selection(cookies.get("Forward", "none"), tuple(sorted(_items(cookies.get("WhitelistedNames")))))


def response_headers_policy(config: Mapping[str, Any]) -> ResponseHeadersPolicy:
    """From a ResponseHeadersPolicyConfig.

    https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ResponseHeadersPolicyConfig.html
    """
    security = config.get("SecurityHeadersConfig") or {}
    rules = [
        HeaderRule(name, value(security[key]), bool(security[key]["Override"]))
        for key, name, value in _SECURITY_HEADERS
        if security.get(key)
    ]
    rules += [
        HeaderRule(each["Header"], each["Value"], bool(each["Override"]))
        for each in _items(config.get("CustomHeadersConfig"))
    ]
    cors = config.get("CorsConfig")
    return ResponseHeadersPolicy(
        set=tuple(rules),
        remove=tuple(each["Header"].lower() for each in _items(config.get("RemoveHeadersConfig"))),
        cors=_cors(cors) if cors else None,
    )


def _strict_transport_security(config: Mapping[str, Any]) -> str:
    value = f"max-age={config['AccessControlMaxAgeSec']}"
    if config.get("IncludeSubdomains"):
        value += "; includeSubDomains"
    if config.get("Preload"):
        value += "; preload"
    return value


def _xss_protection(config: Mapping[str, Any]) -> str:
    if not config["Protection"]:
        return "0"
    value = "1; mode=block" if config.get("ModeBlock") else "1"
    return f"{value}; report={config['ReportUri']}" if config.get("ReportUri") else value


_SECURITY_HEADERS: tuple[tuple[str, str, Any], ...] = (
    ("XSSProtection", "X-XSS-Protection", _xss_protection),
    ("FrameOptions", "X-Frame-Options", lambda config: config["FrameOption"]),
    ("ReferrerPolicy", "Referrer-Policy", lambda config: config["ReferrerPolicy"]),
    ("ContentSecurityPolicy", "Content-Security-Policy", lambda config: config["ContentSecurityPolicy"]),
    ("ContentTypeOptions", "X-Content-Type-Options", lambda config: "nosniff"),  # noqa: ARG005
    ("StrictTransportSecurity", "Strict-Transport-Security", _strict_transport_security),
)


def _cors(config: Mapping[str, Any]) -> Cors:
    max_age = config.get("AccessControlMaxAgeSec")
    return Cors(
        allow_origins=tuple(_items(config["AccessControlAllowOrigins"])),
        allow_methods=tuple(_items(config["AccessControlAllowMethods"])),
        allow_headers=tuple(_items(config["AccessControlAllowHeaders"])),
        expose_headers=tuple(_items(config.get("AccessControlExposeHeaders"))),
        allow_credentials=bool(config["AccessControlAllowCredentials"]),
        max_age=int(max_age) if max_age is not None else None,
        override=bool(config["OriginOverride"]),
    )


def _origin(origin: Mapping[str, Any], parts: Parts) -> Origin:
    domain_name = origin["DomainName"]
    bucket_name = bucket_of(domain_name)
    custom = origin.get("CustomOriginConfig")
    bucket: Bucket | None = None
    server: Server | None = None
    if bucket_name and not custom:
        bucket = _bucket(bucket_name, origin, parts)
    else:
        server = _server(domain_name, custom or {}, parts)
    return Origin(
        id=origin["Id"],
        domain_name=domain_name,
        path=origin.get("OriginPath", "") or "",
        custom_headers=tuple((each["HeaderName"], each["HeaderValue"]) for each in _items(origin.get("CustomHeaders"))),
        connection_attempts=int(origin.get("ConnectionAttempts") or DEFAULT_CONNECTION_ATTEMPTS),
        connection_timeout=float(origin.get("ConnectionTimeout") or DEFAULT_CONNECTION_TIMEOUT),
        bucket=bucket,
        server=server,
    )


def _bucket(name: str, origin: Mapping[str, Any], parts: Parts) -> Bucket:
    state = parts.buckets.get(name)
    signing = "none"
    if control_id := origin.get("OriginAccessControlId"):
        signing = parts.origin_access_controls[control_id]["SigningBehavior"]
    return Bucket(
        name=name,
        exists=state is not None,
        signing=signing,
        policy=state.policy if state else None,
        blocked=bool(state and state.public_access_block.get("RestrictPublicBuckets") and is_public(state.policy)),
    )


def _server(domain_name: str, custom: Mapping[str, Any], parts: Parts) -> Server:
    found = parts.addresses.get(domain_name, f"{domain_name} was not looked up")
    return Server(
        protocol_policy=custom.get("OriginProtocolPolicy", "https-only"),
        http_port=int(custom.get("HTTPPort", 80)),
        https_port=int(custom.get("HTTPSPort", 443)),
        tls_versions=tuple(_items(custom.get("OriginSslProtocols")) or ["TLSv1.2"]),
        read_timeout=float(custom.get("OriginReadTimeout") or DEFAULT_READ_TIMEOUT),
        keepalive_timeout=float(custom.get("OriginKeepaliveTimeout") or DEFAULT_KEEPALIVE_TIMEOUT),
        addresses=() if isinstance(found, str) else found,
        unresolved=found if isinstance(found, str) else "",
    )


def _origin_group(group: Mapping[str, Any]) -> OriginGroup:
    return OriginGroup(
        id=group["Id"],
        members=tuple(each["OriginId"] for each in _items(group["Members"])),
        status_codes=tuple(int(each) for each in _items(group["FailoverCriteria"]["StatusCodes"])),
    )


def _error_response(response: Mapping[str, Any]) -> ErrorResponse:
    ttl = response.get("ErrorCachingMinTTL")
    return ErrorResponse(
        code=int(response["ErrorCode"]),
        min_ttl=DEFAULT_ERROR_TTL if ttl is None else int(ttl),
        page=response.get("ResponsePagePath", "") or "",
        response_code=int(response.get("ResponseCode") or 0),
    )
