"""CloudFront: configurations are kept whole, changes need the present ETag, functions have stages.

moto takes a configuration apart and forgets what it does not know. Here a configuration is completed with CloudFront's
defaults and kept as it came.
"""

from __future__ import annotations

import copy
import secrets
import string
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.cloudfront import urls
from moto.cloudfront.models import CloudFrontBackend
from moto.cloudfront.responses import CloudFrontResponse
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow

from rehearsal.emulator import account
from rehearsal.emulator.corrections import cloudfront_managed as managed

from .registry import correct
from .spreading import is_news

Config = dict[str, Any]

#: Route 53's zone of all distributions.
#: https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html
HOSTED_ZONE_ID = "Z2FDTNDATAQYW2"

for _path in (
    "function/(?P<function_name>[^/]+)/publish",
    "function/(?P<function_name>[^/]+)/test",
    "response-headers-policy",
    "response-headers-policy/(?P<policy_id>[^/]+)",
    "response-headers-policy/(?P<policy_id>[^/]+)/config",
    "cache-policy",
    "cache-policy/(?P<policy_id>[^/]+)",
    "cache-policy/(?P<policy_id>[^/]+)/config",
    "origin-request-policy",
    "origin-request-policy/(?P<policy_id>[^/]+)",
    "origin-request-policy/(?P<policy_id>[^/]+)/config",
):
    urls.url_paths[f"{{0}}/2020-05-31/{_path}$"] = CloudFrontResponse.dispatch


class CloudFrontError(ServiceException):
    """An error of CloudFront, by the name that its API model gives it."""


def _new_id(length: int = 14) -> str:
    return "E" + "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(length - 1))


def _check_etag(given: str | None, present: str) -> None:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_UpdateDistribution.html"""
    if not given:
        raise CloudFrontError("InvalidIfMatchVersion", "The If-Match version is missing or not valid for the resource.")
    if given != present:
        raise CloudFrontError(
            "PreconditionFailed",
            "The request failed because it didn't meet the preconditions in one or more request-header fields.",
        )


def _listed(names: Iterable[Any] | None) -> Config:
    items = list(names or [])
    return {"Quantity": len(items), "Items": items} if items else {"Quantity": 0}


def _collection(config: Config, name: str) -> list[Any]:
    """The items of a `{Quantity, Items}` member.

    Raises CloudFrontError when the quantity is not that of the items.
    """
    part = config.get(name) or {}
    items = list(part.get("Items") or [])
    if int(part.get("Quantity", len(items))) != len(items):
        raise CloudFrontError(
            "InconsistentQuantities", f"The value of Quantity and the size of Items don't match in {name}."
        )
    return items


def _page(
    response: CloudFrontResponse, name: str, items: list[Any], key: Callable[[Any], str], *, truncates: bool = True
) -> ActionResult:
    """One page of a list."""
    marker = response._get_param("Marker") or ""
    limit = response._get_int_param("MaxItems", 100)
    keys = [key(item) for item in items]
    start = keys.index(marker) + 1 if marker in keys else 0
    page = items[start : start + limit]
    more = start + limit < len(items)
    body: Config = {"MaxItems": limit, "Quantity": len(page), "Items": page or None}
    if more:
        body["NextMarker"] = keys[start + limit - 1]
    if truncates:
        body |= {"Marker": marker, "IsTruncated": more}
    return ActionResult({name: body})


# -- distributions -------------------------------------------------------------------------------------------


@dataclass
class Distribution:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_Distribution.html"""

    account_id: str
    config: Config
    id: str = field(default_factory=_new_id)
    etag: str = field(default_factory=_new_id)
    domain_name: str = field(
        default_factory=lambda: (
            "d" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(13)) + ".cloudfront.net"
        )
    )
    status: str = "InProgress"
    last_modified: datetime = field(default_factory=utcnow)

    @property
    def arn(self) -> str:
        """The ARN."""
        return f"arn:aws:cloudfront::{self.account_id}:distribution/{self.id}"

    @property
    def location(self) -> str:
        """The URL that a creation answers with."""
        return f"https://cloudfront.amazonaws.com/2020-05-31/distribution/{self.id}"

    def described(self, invalidations: int) -> Config:
        """The API's own form."""
        return {
            "Id": self.id,
            "ARN": self.arn,
            "Status": self.status,
            "LastModifiedTime": self.last_modified,
            "InProgressInvalidationBatches": invalidations,
            "DomainName": self.domain_name,
            "ActiveTrustedSigners": {"Enabled": False, "Quantity": 0},
            "ActiveTrustedKeyGroups": {"Enabled": False, "Quantity": 0},
            "DistributionConfig": self.config,
            "AliasICPRecordals": [
                {"CNAME": name, "ICPRecordalStatus": "APPROVED"} for name in self.config["Aliases"].get("Items", [])
            ],
        }

    def summary(self) -> Config:
        """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_DistributionSummary.html"""
        config = {
            name: value
            for name, value in self.config.items()
            if name not in ("CallerReference", "DefaultRootObject", "Logging")
        }
        return {
            "Id": self.id,
            "ARN": self.arn,
            "ETag": self.etag,
            "Status": self.status,
            "LastModifiedTime": self.last_modified,
            "DomainName": self.domain_name,
            "AliasICPRecordals": [],
            **config,
        }


def distributions(backend: CloudFrontBackend) -> dict[str, Distribution]:
    """The account's distributions, in moto's own dictionary, where its tags look for them."""
    found: dict[str, Any] = backend.distributions
    return found


def find_distribution(backend: CloudFrontBackend, name: str) -> Distribution:
    """Raises NoSuchDistribution."""
    if name not in distributions(backend):
        raise CloudFrontError("NoSuchDistribution", "The specified distribution does not exist.")
    return distributions(backend)[name]


def _with_defaults(config: Config) -> Config:
    """A configuration with CloudFront's defaults for what it does not say.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_DistributionConfig.html
    """
    full = copy.deepcopy(config)
    full["Aliases"] = _listed(_collection(full, "Aliases"))
    full["Origins"] = _listed(_origin_with_defaults(origin) for origin in _collection(full, "Origins"))
    full["OriginGroups"] = _listed(_collection(full, "OriginGroups"))
    full["DefaultCacheBehavior"] = _behavior_with_defaults(full.get("DefaultCacheBehavior") or {})
    full["CacheBehaviors"] = _listed(_behavior_with_defaults(one) for one in _collection(full, "CacheBehaviors"))
    full["CustomErrorResponses"] = _listed(
        {"ResponsePagePath": "", "ResponseCode": "", "ErrorCachingMinTTL": 10, **one}
        for one in _collection(full, "CustomErrorResponses")
    )
    full["Logging"] = {
        "Enabled": False,
        "IncludeCookies": False,
        "Bucket": "",
        "Prefix": "",
        **(full.get("Logging") or {}),
    }
    restriction = (full.get("Restrictions") or {}).get("GeoRestriction") or {"RestrictionType": "none"}
    full["Restrictions"] = {
        "GeoRestriction": {
            "RestrictionType": restriction["RestrictionType"],
            **_listed(restriction.get("Items")),
        }
    }
    full["ViewerCertificate"] = _certificate_with_defaults(full.get("ViewerCertificate") or {})
    for name, default in (
        ("DefaultRootObject", ""),
        ("Comment", ""),
        ("PriceClass", "PriceClass_All"),
        ("WebACLId", ""),
        ("HttpVersion", "http2"),
        ("IsIPV6Enabled", True),
        ("ContinuousDeploymentPolicyId", ""),
        ("Staging", False),
    ):
        if full.get(name) is None:
            full[name] = default
    return full


def _origin_with_defaults(origin: Config) -> Config:
    full = {
        "OriginPath": "",
        "ConnectionAttempts": 3,
        "ConnectionTimeout": 10,
        "OriginAccessControlId": "",
        "OriginShield": {"Enabled": False},
        **{name: value for name, value in origin.items() if value is not None},
    }
    full["CustomHeaders"] = _listed(_collection(full, "CustomHeaders"))
    if "S3OriginConfig" in full:
        full["S3OriginConfig"] = {
            "OriginAccessIdentity": "",
            "OriginReadTimeout": 30,
            **{name: value for name, value in (full["S3OriginConfig"] or {}).items() if value is not None},
        }
    if "CustomOriginConfig" in full:
        custom = {"OriginReadTimeout": 30, "OriginKeepaliveTimeout": 5, "IpAddressType": "ipv4"} | full[
            "CustomOriginConfig"
        ]
        protocols = (custom.get("OriginSslProtocols") or {}).get("Items") or ["TLSv1", "SSLv3"]
        custom["OriginSslProtocols"] = _listed(protocols)
        full["CustomOriginConfig"] = custom
    return full


def _behavior_with_defaults(behavior: Config) -> Config:
    full = {name: value for name, value in behavior.items() if value is not None}
    methods = full.get("AllowedMethods") or {}
    cached = (methods.get("CachedMethods") or {}).get("Items") or ["HEAD", "GET"]
    full["AllowedMethods"] = {
        **_listed(methods.get("Items") or ["HEAD", "GET"]),
        "CachedMethods": _listed(cached),
    }
    for name in ("TrustedSigners", "TrustedKeyGroups"):
        items = (full.get(name) or {}).get("Items") or []
        full[name] = {"Enabled": bool(items), **_listed(items)}
    full["LambdaFunctionAssociations"] = _listed(_collection(full, "LambdaFunctionAssociations"))
    full["FunctionAssociations"] = _listed(_collection(full, "FunctionAssociations"))
    full.setdefault("SmoothStreaming", False)
    full.setdefault("Compress", False)
    full.setdefault("FieldLevelEncryptionId", "")
    full["GrpcConfig"] = {"Enabled": False, **(full.get("GrpcConfig") or {})}
    if "CachePolicyId" not in full and "ForwardedValues" in full:
        full.setdefault("MinTTL", 0)
        full.setdefault("DefaultTTL", 86400)
        full.setdefault("MaxTTL", 31536000)
    return full


def _certificate_with_defaults(given: Config) -> Config:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_ViewerCertificate.html"""
    arn, iam = given.get("ACMCertificateArn"), given.get("IAMCertificateId")
    if not arn and not iam:
        return {
            "CloudFrontDefaultCertificate": True,
            "SSLSupportMethod": "vip",
            "MinimumProtocolVersion": "TLSv1",
            "CertificateSource": "cloudfront",
        }
    return {
        "CloudFrontDefaultCertificate": False,
        **({"ACMCertificateArn": arn} if arn else {"IAMCertificateId": iam}),
        "SSLSupportMethod": given.get("SSLSupportMethod"),
        "MinimumProtocolVersion": given.get("MinimumProtocolVersion") or "TLSv1",
        "Certificate": arn or iam,
        "CertificateSource": "acm" if arn else "iam",
    }


def _check(backend: CloudFrontBackend, config: Config, own_id: str = "") -> None:
    """What CloudFront refuses.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_CreateDistribution.html#API_CreateDistribution_Errors
    """
    origins = {origin["Id"]: origin for origin in config["Origins"].get("Items", [])}
    if not origins:
        raise CloudFrontError("MissingBody", "A distribution needs at least one origin.")
    for origin in origins.values():
        _check_origin(backend, origin)
    groups = {group["Id"] for group in config["OriginGroups"].get("Items", [])}
    behaviors = [config["DefaultCacheBehavior"], *config["CacheBehaviors"].get("Items", [])]
    for behavior in behaviors:
        if behavior.get("TargetOriginId") not in {*origins, *groups}:
            raise CloudFrontError("NoSuchOrigin", "One or more of your origins or origin groups do not exist.")
        _check_behavior(backend, behavior)
    patterns = [behavior.get("PathPattern") for behavior in config["CacheBehaviors"].get("Items", [])]
    if len(set(patterns)) < len(patterns) or None in patterns:
        raise CloudFrontError("InvalidArgument", "The path patterns of the cache behaviors must be given and differ.")
    for response in config["CustomErrorResponses"].get("Items", []):
        if bool(response["ResponsePagePath"]) != bool(response["ResponseCode"]):
            raise CloudFrontError(
                "InvalidArgument", "ResponseCode and ResponsePagePath must both be specified or both be omitted."
            )
        if response["ResponsePagePath"] and not str(response["ResponsePagePath"]).startswith("/"):
            raise CloudFrontError("InvalidArgument", "The ResponsePagePath must begin with a slash.")
    if str(config["DefaultRootObject"]).startswith("/"):
        raise CloudFrontError("InvalidDefaultRootObject", "The default root object must not begin with a slash.")
    _check_aliases(backend, config, own_id)
    _check_spread(backend, config)


def _check_spread(backend: CloudFrontBackend, config: Config) -> None:
    """Certificates and web ACLs are made elsewhere: the first request that names one comes before word of it.

    On AWS that lasts for seconds to a minute.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_CreateDistribution.html#API_CreateDistribution_Errors
    """
    from moto.acm.models import acm_backends
    from moto.wafv2.models import GLOBAL_REGION, wafv2_backends

    arn = config["ViewerCertificate"].get("ACMCertificateArn")
    certificate = acm_backends[backend.account_id]["us-east-1"]._certificates[arn] if arn else None
    acl_arn = config["WebACLId"]
    acl = wafv2_backends[backend.account_id][GLOBAL_REGION].wacls.get(acl_arn) if acl_arn else None
    if acl_arn and acl is None:
        raise CloudFrontError("InvalidWebACLId", _NO_WEB_ACL)
    fresh = [one for one in (certificate, acl) if one is not None and is_news(one)]
    if certificate in fresh:
        raise CloudFrontError("InvalidViewerCertificate", _NO_CERTIFICATE)
    if fresh:
        raise CloudFrontError("InvalidWebACLId", _NO_WEB_ACL)


_NO_WEB_ACL = "Web ACL is not accessible by the requester."
_NO_CERTIFICATE = (
    "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid, or doesn't include a valid "
    "certificate chain."
)


def _check_origin(backend: CloudFrontBackend, origin: Config) -> None:
    control = origin["OriginAccessControlId"]
    if control and control not in controls(backend):
        raise CloudFrontError("InvalidOriginAccessControl", f"The origin access control {control} does not exist.")
    if ("S3OriginConfig" in origin) == ("CustomOriginConfig" in origin):
        raise CloudFrontError(
            "InvalidOrigin", "An origin needs either S3OriginConfig or CustomOriginConfig, and not both."
        )
    if "S3OriginConfig" in origin:
        if not str(origin["DomainName"]).endswith("amazonaws.com"):
            raise CloudFrontError(
                "InvalidArgument", "The parameter Origin DomainName does not refer to a valid S3 bucket."
            )
        if control and origin["S3OriginConfig"]["OriginAccessIdentity"]:
            raise CloudFrontError(
                "InvalidArgument", "An origin cannot have an origin access identity and an origin access control."
            )
    elif not 1 <= int(origin["CustomOriginConfig"]["OriginReadTimeout"]) <= 120:
        raise CloudFrontError("InvalidOriginReadTimeout", "The read timeout must be 1 to 120 seconds.")


def _check_behavior(backend: CloudFrontBackend, behavior: Config) -> None:
    cache = behavior.get("CachePolicyId")
    if not cache and "ForwardedValues" not in behavior:
        raise CloudFrontError(
            "InvalidArgument", "The parameter ForwardedValues is required when there is no CachePolicyId."
        )
    if cache and ("ForwardedValues" in behavior or any(n in behavior for n in ("MinTTL", "DefaultTTL", "MaxTTL"))):
        raise CloudFrontError(
            "InvalidArgument",
            "The parameters ForwardedValues and TTLs cannot be used when a cache policy is associated to the cache "
            "behavior.",
        )
    for sort, parameter in (
        (CACHE, "CachePolicyId"),
        (ORIGIN_REQUEST, "OriginRequestPolicyId"),
        (RESPONSE_HEADERS, "ResponseHeadersPolicyId"),
    ):
        if behavior.get(parameter):
            sort.find(backend, behavior[parameter])
    for association in behavior["FunctionAssociations"].get("Items", []):
        _check_function(backend, association)
    events = [one["EventType"] for one in behavior["FunctionAssociations"].get("Items", [])]
    if len(set(events)) < len(events):
        raise CloudFrontError("InvalidFunctionAssociation", "An event type may have one function only.")


def _check_function(backend: CloudFrontBackend, association: Config) -> None:
    arn = association["FunctionARN"]
    function = next((one for one in functions(backend).values() if one.arn == arn), None)
    if function is None or function.live is None:
        raise CloudFrontError(
            "InvalidFunctionAssociation",
            f"The function {arn} does not exist, or was not published.",
        )
    if association["EventType"] not in ("viewer-request", "viewer-response"):
        raise CloudFrontError(
            "InvalidFunctionAssociation", "CloudFront Functions run at viewer-request and viewer-response."
        )


def _check_aliases(backend: CloudFrontBackend, config: Config, own_id: str) -> None:
    from moto.acm.models import acm_backends

    aliases = config["Aliases"].get("Items", [])
    arn = config["ViewerCertificate"].get("ACMCertificateArn")
    if aliases and config["ViewerCertificate"]["CloudFrontDefaultCertificate"]:
        raise CloudFrontError(
            "InvalidViewerCertificate",
            "To add an alternate domain name (CNAME) to a CloudFront distribution, you must attach a trusted "
            "certificate that validates your authorization to use the domain name.",
        )
    if arn:
        region = arn.split(":")[3]
        certificate = acm_backends[backend.account_id]["us-east-1"]._certificates.get(arn)
        if region != "us-east-1" or certificate is None:
            raise CloudFrontError("InvalidViewerCertificate", _NO_CERTIFICATE)
        certificate.check()
        if certificate.status != "ISSUED":
            raise CloudFrontError("InvalidViewerCertificate", f"The certificate {arn} is not issued.")
        if not config["ViewerCertificate"]["SSLSupportMethod"]:
            raise CloudFrontError("InvalidViewerCertificate", "SSLSupportMethod must be given with a certificate.")
        names = certificate.__dict__.get("slipway_names") or certificate.sans
        for alias in aliases:
            if not any(_covers(name, alias) for name in names):
                raise CloudFrontError(
                    "InvalidViewerCertificate",
                    f"The certificate that is attached to your distribution doesn't cover the alternate domain name "
                    f"(CNAME) {alias}.",
                )
    for other in distributions(backend).values():
        taken = set(aliases) & set(other.config["Aliases"].get("Items", []))
        if other.id != own_id and taken:
            raise CloudFrontError(
                "CNAMEAlreadyExists",
                "One or more of the CNAMEs you provided are already associated with a different resource: "
                f"{min(taken)}",
            )


def _covers(name: str, alias: str) -> bool:
    if name.startswith("*."):
        return alias.partition(".")[2].lower() == name[2:].lower()
    return name.lower() == alias.lower()


def _in_progress(distribution: Distribution) -> None:
    distribution.status = "InProgress" if account.data_plane.attached else "Deployed"
    distribution.last_modified = utcnow()


def _create(self: CloudFrontResponse, given: Config, tags: list[dict[str, str]]) -> ActionResult:
    backend = self.backend
    reference = given.get("CallerReference")
    for other in distributions(backend).values():
        if other.config["CallerReference"] == reference:
            raise CloudFrontError(
                "DistributionAlreadyExists",
                "The caller reference that you are using to create a distribution is associated with another "
                f"distribution. Already exists: {other.id}",
            )
    config = _with_defaults(given)
    _check(backend, config)
    distribution = Distribution(backend.account_id, config)
    _in_progress(distribution)
    distributions(backend)[distribution.id] = distribution
    backend.tagger.tag_resource(distribution.arn, tags)
    return _distribution_result(backend, distribution, with_location=True)


def _distribution_result(
    backend: CloudFrontBackend, distribution: Distribution, *, with_location: bool = False
) -> ActionResult:
    running = sum(one.status == "InProgress" for one in invalidations(backend, distribution.id))
    result: Config = {"Distribution": distribution.described(running), "ETag": distribution.etag}
    if with_location:
        result["Location"] = distribution.location
    return ActionResult(result)


@correct(CloudFrontResponse, "create_distribution")
def create_distribution(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_CreateDistribution.html"""
    return _create(self, self._get_param("DistributionConfig", {}), [])


@correct(CloudFrontResponse, "create_distribution_with_tags")
def create_distribution_with_tags(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_CreateDistributionWithTags.html"""
    return _create(
        self,
        self._get_param("DistributionConfigWithTags.DistributionConfig", {}),
        self._get_param("DistributionConfigWithTags.Tags.Items", []) or [],
    )


@correct(CloudFrontResponse, "get_distribution")
def get_distribution(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_GetDistribution.html"""
    return _distribution_result(self.backend, find_distribution(self.backend, self._get_param("Id")))


@correct(CloudFrontResponse, "get_distribution_config")
def get_distribution_config(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_GetDistributionConfig.html"""
    distribution = find_distribution(self.backend, self._get_param("Id"))
    return ActionResult({"DistributionConfig": distribution.config, "ETag": distribution.etag})


@correct(CloudFrontResponse, "update_distribution")
def update_distribution(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_UpdateDistribution.html"""
    distribution = find_distribution(self.backend, self._get_param("Id"))
    _check_etag(self._get_param("IfMatch"), distribution.etag)
    config = _with_defaults(self._get_param("DistributionConfig", {}))
    if config.get("CallerReference") != distribution.config["CallerReference"]:
        raise CloudFrontError(
            "IllegalUpdate", "The update contains modifications that are not allowed: CallerReference."
        )
    _check(self.backend, config, distribution.id)
    distribution.config, distribution.etag = config, _new_id()
    _in_progress(distribution)
    return _distribution_result(self.backend, distribution)


@correct(CloudFrontResponse, "delete_distribution")
def delete_distribution(self: CloudFrontResponse) -> ActionResult:
    """Only a distribution that is disabled everywhere can be deleted.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_DeleteDistribution.html
    """
    distribution = find_distribution(self.backend, self._get_param("Id"))
    _check_etag(self._get_param("IfMatch"), distribution.etag)
    if distribution.config.get("Enabled") or distribution.status != "Deployed":
        raise CloudFrontError(
            "DistributionNotDisabled", "The distribution you are trying to delete has not been disabled."
        )
    del distributions(self.backend)[distribution.id]
    self.backend.invalidations.pop(distribution.id, None)
    self.backend.tagger.delete_all_tags_for_resource(distribution.arn)
    return EmptyResult()


@correct(CloudFrontResponse, "list_distributions")
def list_distributions(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_ListDistributions.html"""
    found = [one.summary() for one in distributions(self.backend).values()]
    return _page(self, "DistributionList", found, lambda item: str(item["Id"]))


# -- invalidations -------------------------------------------------------------------------------------------


@dataclass
class Invalidation:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_Invalidation.html"""

    paths: list[str]
    caller_reference: str
    status: str
    id: str = field(default_factory=lambda: _new_id().replace("E", "I", 1))
    created: datetime = field(default_factory=utcnow)

    def described(self) -> Config:
        """The API's own form."""
        return {
            "Id": self.id,
            "Status": self.status,
            "CreateTime": self.created,
            "InvalidationBatch": {"Paths": _listed(self.paths), "CallerReference": self.caller_reference},
        }


def invalidations(backend: CloudFrontBackend, distribution_id: str) -> list[Invalidation]:
    """A distribution's invalidations, the oldest first."""
    found: list[Any] = backend.invalidations.setdefault(distribution_id, [])
    return found


@correct(CloudFrontResponse, "create_invalidation")
def create_invalidation(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_CreateInvalidation.html"""
    distribution = find_distribution(self.backend, self._get_param("DistributionId"))
    batch = self._get_param("InvalidationBatch", {})
    paths, reference = _collection(batch, "Paths"), batch.get("CallerReference")
    if not paths or any(not str(path).startswith("/") for path in paths):
        raise CloudFrontError("InvalidArgument", "Your request contains one or more invalid invalidation paths.")
    known = next(
        (one for one in invalidations(self.backend, distribution.id) if one.caller_reference == reference), None
    )
    if known is not None and known.paths != paths:
        raise CloudFrontError(
            "InvalidArgument", "The caller reference is associated with another batch of this distribution."
        )
    if known is None:
        known = Invalidation(paths, reference, "InProgress" if account.data_plane.attached else "Completed")
        invalidations(self.backend, distribution.id).append(known)
    return ActionResult(
        {"Invalidation": known.described(), "Location": f"{distribution.location}/invalidation/{known.id}"}
    )


@correct(CloudFrontResponse, "get_invalidation")
def get_invalidation(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_GetInvalidation.html"""
    distribution = find_distribution(self.backend, self._get_param("DistributionId"))
    for one in invalidations(self.backend, distribution.id):
        if one.id == self._get_param("Id"):
            return ActionResult({"Invalidation": one.described()})
    raise CloudFrontError("NoSuchInvalidation", "The specified invalidation does not exist.")


@correct(CloudFrontResponse, "list_invalidations")
def list_invalidations(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_ListInvalidations.html"""
    distribution = find_distribution(self.backend, self._get_param("DistributionId"))
    found = [
        {"Id": one.id, "CreateTime": one.created, "Status": one.status}
        for one in reversed(invalidations(self.backend, distribution.id))
    ]
    return _page(self, "InvalidationList", found, lambda item: str(item["Id"]))


# -- origin access control -----------------------------------------------------------------------------------


@dataclass
class OriginAccessControl:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_OriginAccessControlConfig.html"""

    config: Config
    id: str = field(default_factory=_new_id)
    etag: str = field(default_factory=_new_id)

    def result(self) -> ActionResult:
        """The answer of most operations."""
        return ActionResult(
            {
                "OriginAccessControl": {"Id": self.id, "OriginAccessControlConfig": self.config},
                "ETag": self.etag,
                "Location": f"https://cloudfront.amazonaws.com/2020-05-31/origin-access-control/{self.id}",
            }
        )


def controls(backend: CloudFrontBackend) -> dict[str, OriginAccessControl]:
    """The account's origin access controls."""
    found: dict[str, Any] = backend.origin_access_controls
    return found


def _find_control(self: CloudFrontResponse) -> OriginAccessControl:
    name = self._get_param("Id")
    if name not in controls(self.backend):
        raise CloudFrontError("NoSuchOriginAccessControl", "The origin access control does not exist.")
    return controls(self.backend)[name]


def _control_config(self: CloudFrontResponse, own_id: str = "") -> Config:
    config: Config = {"Description": "", **self._get_param("OriginAccessControlConfig", {})}
    for one in controls(self.backend).values():
        if one.id != own_id and one.config["Name"] == config.get("Name"):
            raise CloudFrontError(
                "OriginAccessControlAlreadyExists",
                "An origin access control with the same parameters already exists.",
            )
    return config


@correct(CloudFrontResponse, "create_origin_access_control")
def create_origin_access_control(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_CreateOriginAccessControl.html"""
    control = OriginAccessControl(_control_config(self))
    controls(self.backend)[control.id] = control
    return control.result()


@correct(CloudFrontResponse, "get_origin_access_control")
def get_origin_access_control(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_GetOriginAccessControl.html"""
    return _find_control(self).result()


@correct(CloudFrontResponse, "get_origin_access_control_config")
def get_origin_access_control_config(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_GetOriginAccessControlConfig.html"""
    control = _find_control(self)
    return ActionResult({"OriginAccessControlConfig": control.config, "ETag": control.etag})


@correct(CloudFrontResponse, "update_origin_access_control")
def update_origin_access_control(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_UpdateOriginAccessControl.html"""
    control = _find_control(self)
    _check_etag(self._get_param("IfMatch"), control.etag)
    control.config, control.etag = _control_config(self, control.id), _new_id()
    return control.result()


@correct(CloudFrontResponse, "delete_origin_access_control")
def delete_origin_access_control(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_DeleteOriginAccessControl.html"""
    control = _find_control(self)
    _check_etag(self._get_param("IfMatch"), control.etag)
    for distribution in distributions(self.backend).values():
        if any(one["OriginAccessControlId"] == control.id for one in distribution.config["Origins"].get("Items", [])):
            raise CloudFrontError(
                "OriginAccessControlInUse",
                "Cannot delete the origin access control because it's in use by one or more distributions.",
            )
    del controls(self.backend)[control.id]
    return EmptyResult()


@correct(CloudFrontResponse, "list_origin_access_controls")
def list_origin_access_controls(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_ListOriginAccessControls.html"""
    found = [{"Id": one.id, **one.config} for one in controls(self.backend).values()]
    return _page(self, "OriginAccessControlList", found, lambda item: str(item["Id"]))


# -- functions -----------------------------------------------------------------------------------------------


@dataclass
class Stage:
    """A function's code and configuration in one of its stages."""

    config: Config
    code: bytes
    etag: str = field(default_factory=_new_id)
    modified: datetime = field(default_factory=utcnow)


@dataclass
class Function:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-functions.html"""

    name: str
    account_id: str
    development: Stage
    live: Stage | None = None
    created: datetime = field(default_factory=utcnow)

    @property
    def arn(self) -> str:
        """The ARN, which does not name a stage."""
        return f"arn:aws:cloudfront::{self.account_id}:function/{self.name}"

    def stage(self, name: str | None) -> Stage:
        """Raises NoSuchFunctionExists when the function was never published and LIVE is asked for."""
        if name in (None, "", "DEVELOPMENT"):
            return self.development
        if self.live is None:
            raise _no_function()
        return self.live

    def summary(self, name: str | None = None) -> Config:
        """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_FunctionSummary.html"""
        stage = self.stage(name)
        published = self.live is not None and self.live.code == self.development.code
        status = "UNASSOCIATED" if name == "LIVE" or published else "UNPUBLISHED"
        return {
            "Name": self.name,
            "Status": status,
            "FunctionConfig": stage.config,
            "FunctionMetadata": {
                "FunctionARN": self.arn,
                "Stage": name or "DEVELOPMENT",
                "CreatedTime": self.created,
                "LastModifiedTime": stage.modified,
            },
        }


def _no_function() -> CloudFrontError:
    return CloudFrontError("NoSuchFunctionExists", "The specified function does not exist.")


def functions(backend: CloudFrontBackend) -> dict[str, Function]:
    """The account's functions, by name."""
    found: dict[str, Any] = backend.functions
    return found


def _find_function(self: CloudFrontResponse) -> Function:
    name = self._get_param("Name")
    if name not in functions(self.backend):
        raise _no_function()
    return functions(self.backend)[name]


_MAXIMUM_CODE_BYTES = 10 * 1024


def _stage_of(self: CloudFrontResponse) -> Stage:
    config, code = self._get_param("FunctionConfig", {}), self._get_param("FunctionCode") or b""
    code = code.encode() if isinstance(code, str) else bytes(code)
    if len(code) > _MAXIMUM_CODE_BYTES:
        raise CloudFrontError("FunctionSizeLimitExceeded", "The function exceeds the maximum size of 10 KB.")
    if config.get("Runtime") not in ("cloudfront-js-1.0", "cloudfront-js-2.0"):
        raise CloudFrontError("InvalidArgument", f"The runtime {config.get('Runtime')} is not valid.")
    return Stage({"Comment": "", **config}, code)


@correct(CloudFrontResponse, "create_function")
def create_function(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_CreateFunction.html"""
    name, backend = self._get_param("Name"), self.backend
    if name in functions(backend):
        raise CloudFrontError(
            "FunctionAlreadyExists", "A function with the same name already exists in this AWS account."
        )
    function = Function(name, backend.account_id, _stage_of(self))
    functions(backend)[name] = function
    backend.tagger.tag_resource(function.arn, self._get_param("Tags.Items", []) or [])
    return ActionResult(
        {
            "FunctionSummary": function.summary(),
            "Location": f"https://cloudfront.amazonaws.com/2020-05-31/function/{function.arn}",
            "ETag": function.development.etag,
        }
    )


@correct(CloudFrontResponse, "describe_function")
def describe_function(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_DescribeFunction.html"""
    function, stage = _find_function(self), self._get_param("Stage")
    return ActionResult({"FunctionSummary": function.summary(stage), "ETag": function.stage(stage).etag})


@correct(CloudFrontResponse, "get_function")
def get_function(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_GetFunction.html"""
    stage = _find_function(self).stage(self._get_param("Stage"))
    return ActionResult({"FunctionCode": stage.code, "ETag": stage.etag, "ContentType": "application/octet-stream"})


@correct(CloudFrontResponse, "update_function")
def update_function(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_UpdateFunction.html"""
    function = _find_function(self)
    _check_etag(self._get_param("IfMatch"), function.development.etag)
    function.development = _stage_of(self)
    return ActionResult({"FunctionSummary": function.summary(), "ETag": function.development.etag})


@correct(CloudFrontResponse, "publish_function")
def publish_function(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_PublishFunction.html"""
    function = _find_function(self)
    _check_etag(self._get_param("IfMatch"), function.development.etag)
    function.live = Stage(dict(function.development.config), function.development.code)
    for distribution in distributions(self.backend).values():
        if function.arn in _associated(distribution.config):
            _in_progress(distribution)
    return ActionResult({"FunctionSummary": function.summary("LIVE")})


@correct(CloudFrontResponse, "delete_function")
def delete_function(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_DeleteFunction.html"""
    function = _find_function(self)
    _check_etag(self._get_param("IfMatch"), function.development.etag)
    if any(function.arn in _associated(one.config) for one in distributions(self.backend).values()):
        raise CloudFrontError(
            "FunctionInUse", "Cannot delete the function because it's attached to one or more cache behaviors."
        )
    del functions(self.backend)[function.name]
    return EmptyResult()


def _associated(config: Config) -> set[str]:
    return {
        one["FunctionARN"]
        for behavior in _behaviors(config)
        for one in behavior["FunctionAssociations"].get("Items", [])
    }


def _behaviors(config: Config) -> Iterator[Config]:
    yield config["DefaultCacheBehavior"]
    yield from config["CacheBehaviors"].get("Items", [])


@correct(CloudFrontResponse, "list_functions")
def list_functions(self: CloudFrontResponse) -> ActionResult:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_ListFunctions.html"""
    wanted = self._get_param("Stage")
    found = [
        function.summary(stage)
        for function in functions(self.backend).values()
        for stage in ("DEVELOPMENT", "LIVE")
        if (not wanted or stage == wanted) and (stage == "DEVELOPMENT" or function.live is not None)
    ]
    return _page(
        self,
        "FunctionList",
        found,
        lambda item: f"{item['Name']}/{item['FunctionMetadata']['Stage']}",
        truncates=False,
    )


# -- policies ------------------------------------------------------------------------------------------------


@dataclass
class PolicySort:
    """One of the three sorts of policies, whose operations are alike.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_CreateResponseHeadersPolicy.html
    https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_CreateCachePolicy.html
    https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_CreateOriginRequestPolicy.html
    """

    name: str
    plural: str
    parameter: str
    path: str
    provided: dict[str, Config]
    complete: Callable[[Config], Config]

    def own(self, backend: CloudFrontBackend) -> dict[str, CustomPolicy]:
        """The account's own policies."""
        found: dict[str, CustomPolicy] = backend.__dict__.setdefault(f"slipway_{self.name}", {})
        return found

    def find(self, backend: CloudFrontBackend, name: str) -> CustomPolicy:
        """A policy of AWS's or of the account's own; raises the sort's NoSuch… error."""
        if name in self.provided:
            return CustomPolicy(self.provided[name], id=name, etag="E23ZP02F085DFQ", managed=True)
        if name not in self.own(backend):
            raise CloudFrontError(f"NoSuch{self.name}", f"The {self.path} does not exist.")
        return self.own(backend)[name]

    def body(self, policy: CustomPolicy) -> Config:
        """The API's own form."""
        return {"Id": policy.id, "LastModifiedTime": policy.modified, f"{self.name}Config": policy.config}

    def result(self, policy: CustomPolicy) -> ActionResult:
        """The answer of most operations."""
        return ActionResult(
            {
                self.name: self.body(policy),
                "ETag": policy.etag,
                "Location": f"https://cloudfront.amazonaws.com/2020-05-31/{self.path}/{policy.id}",
            }
        )


@dataclass
class CustomPolicy:
    """A policy's configuration with what CloudFront adds."""

    config: Config
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    etag: str = field(default_factory=_new_id)
    modified: datetime = field(default_factory=utcnow)
    managed: bool = False


def _complete_response_headers(config: Config) -> Config:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_ResponseHeadersPolicyConfig.html"""
    full = copy.deepcopy(config)
    full.setdefault("Comment", "")
    for name in ("CustomHeadersConfig", "RemoveHeadersConfig"):
        if name in full:
            full[name] = _listed(_collection(full, name))
    custom = [str(one["Header"]).lower() for one in (full.get("CustomHeadersConfig") or {}).get("Items", [])]
    security_names = {
        "strict-transport-security",
        "content-security-policy",
        "x-content-type-options",
        "x-frame-options",
        "referrer-policy",
        "x-xss-protection",
    }
    if security_names & set(custom):
        raise CloudFrontError(
            "InvalidArgument",
            "A security header belongs into SecurityHeadersConfig, not into CustomHeadersConfig.",
        )
    if not any(
        full.get(name)
        for name in (
            "CorsConfig",
            "SecurityHeadersConfig",
            "ServerTimingHeadersConfig",
            "CustomHeadersConfig",
            "RemoveHeadersConfig",
        )
    ):
        raise CloudFrontError("InvalidArgument", "A response headers policy needs at least one configuration.")
    return full


def _complete_plain(config: Config) -> Config:
    return {"Comment": "", **copy.deepcopy(config)}


RESPONSE_HEADERS = PolicySort(
    "ResponseHeadersPolicy",
    "ResponseHeadersPolicies",
    "ResponseHeadersPolicyId",
    "response-headers-policy",
    managed.RESPONSE_HEADERS_POLICIES,
    _complete_response_headers,
)
CACHE = PolicySort(
    "CachePolicy", "CachePolicies", "CachePolicyId", "cache-policy", managed.CACHE_POLICIES, _complete_plain
)
ORIGIN_REQUEST = PolicySort(
    "OriginRequestPolicy",
    "OriginRequestPolicies",
    "OriginRequestPolicyId",
    "origin-request-policy",
    managed.ORIGIN_REQUEST_POLICIES,
    _complete_plain,
)


def _add_operations(sort: PolicySort, word: str, words: str) -> None:
    """Let the API have the six operations of a sort of policy."""

    def config_of(self: CloudFrontResponse, own_id: str = "") -> Config:
        config = sort.complete(self._get_param(f"{sort.name}Config", {}))
        taken = {one.config["Name"]: one.id for one in sort.own(self.backend).values()}
        if taken.get(config.get("Name", ""), own_id) != own_id:
            raise CloudFrontError(f"{sort.name}AlreadyExists", f"A {sort.path} with this name already exists.")
        return config

    def changeable(self: CloudFrontResponse) -> CustomPolicy:
        policy = sort.find(self.backend, self._get_param("Id"))
        if policy.managed:
            raise CloudFrontError("IllegalUpdate", "AWS's own policies cannot be changed.")
        _check_etag(self._get_param("IfMatch"), policy.etag)
        return policy

    @correct(CloudFrontResponse, f"create_{word}")
    def create(self: CloudFrontResponse) -> ActionResult:
        policy = CustomPolicy(config_of(self))
        sort.own(self.backend)[policy.id] = policy
        return sort.result(policy)

    @correct(CloudFrontResponse, f"get_{word}")
    def get(self: CloudFrontResponse) -> ActionResult:
        return sort.result(sort.find(self.backend, self._get_param("Id")))

    @correct(CloudFrontResponse, f"get_{word}_config")
    def get_config(self: CloudFrontResponse) -> ActionResult:
        policy = sort.find(self.backend, self._get_param("Id"))
        return ActionResult({f"{sort.name}Config": policy.config, "ETag": policy.etag})

    @correct(CloudFrontResponse, f"update_{word}")
    def update(self: CloudFrontResponse) -> ActionResult:
        policy = changeable(self)
        policy.config, policy.etag, policy.modified = config_of(self, policy.id), _new_id(), utcnow()
        for distribution in distributions(self.backend).values():
            if any(one.get(sort.parameter) == policy.id for one in _behaviors(distribution.config)):
                _in_progress(distribution)
        return sort.result(policy)

    @correct(CloudFrontResponse, f"delete_{word}")
    def delete(self: CloudFrontResponse) -> ActionResult:
        policy = changeable(self)
        for distribution in distributions(self.backend).values():
            if any(one.get(sort.parameter) == policy.id for one in _behaviors(distribution.config)):
                raise CloudFrontError(
                    f"{sort.name}InUse",
                    f"Cannot delete the {sort.path} because it is attached to one or more cache behaviors.",
                )
        del sort.own(self.backend)[policy.id]
        return EmptyResult()

    @correct(CloudFrontResponse, f"list_{words}")
    def list_all(self: CloudFrontResponse) -> ActionResult:
        wanted = self._get_param("Type")
        provided = [sort.find(self.backend, name) for name in sort.provided]
        found = [*provided, *sort.own(self.backend).values()]
        items = [
            {"Type": "managed" if one.managed else "custom", sort.name: sort.body(one)}
            for one in found
            if not wanted or wanted == ("managed" if one.managed else "custom")
        ]
        return _page(self, f"{sort.name}List", items, lambda item: str(item[sort.name]["Id"]), truncates=False)


_add_operations(RESPONSE_HEADERS, "response_headers_policy", "response_headers_policies")
_add_operations(CACHE, "cache_policy", "cache_policies")
_add_operations(ORIGIN_REQUEST, "origin_request_policy", "origin_request_policies")


@correct(CloudFrontResponse, "list_tags_for_resource")
def list_tags_for_resource(self: CloudFrontResponse) -> ActionResult:
    """An unknown resource is an error.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_ListTagsForResource.html
    """
    arn, backend = self._get_param("Resource"), self.backend
    known = {one.arn for one in distributions(backend).values()} | {one.arn for one in functions(backend).values()}
    if arn not in known | {one.arn for one in backend.key_value_stores.values()}:
        raise CloudFrontError("NoSuchResource", f"A resource that was specified is not valid: {arn}")
    return ActionResult({"Tags": {"Items": backend.list_tags_for_resource(arn)["Tags"]}})
