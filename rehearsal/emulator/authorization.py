"""Who may call what: each request is decided by IAM's policies and those of the resource.

* Users and their access keys, among them the operator of the rehearsal, and the sessions of roles that STS handed
  out. An unknown key, a wrong session token and an expired session get AWS's own answers.
* Action *and* resource: the ARN is derived for the services that a host calls (`_RESOURCES`); an action without an
  entry there is decided for the resource `*`.
* Bucket, queue, topic, secret and key policies, permissions boundaries, session policies, trust policies.
* The rehearsal's transport is plain HTTP on this machine and counts as secure, as AWS's HTTPS does:
  `aws:SecureTransport` is always true.
* Signatures are not verified: whoever knows a key's id passes for its owner. Reaching the emulator takes an account
  on this machine or a host of the rehearsal.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from xml.sax.saxutils import escape

from moto.core.exceptions import ServiceException
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from moto.iam.models import AccessKey, IAMBackend, Role, User, iam_backends
from moto.kms.models import kms_backends
from moto.s3.models import FakeKey, s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from moto.ssm.models import ssm_backends
from moto.sts.models import AssumedRole, sts_backends

from rehearsal import policy
from rehearsal.emulator import operator
from rehearsal.emulator.api_request import ApiRequest, Credential
from rehearsal.settings import ACCOUNT_ID

log = logging.getLogger(__name__)

OPERATOR_NAME = "rehearsal-operator"
_PARTITION = "aws"
_EXPIRED_SESSIONS_KEPT_SECONDS = 3600.0


# -- answers -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Refusal:
    """A complete HTTP answer that takes the place of the service's."""

    status: str
    body: bytes
    content_type: str
    headers: Sequence[tuple[str, str]] = ()


class RefusedError(Exception):
    """The request is refused: an error code as services with the Query protocol name it, and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


#: Query's code -> protocol or service -> (code, HTTP status). Others answer Query's code with 403.
_CODES: Mapping[str, Mapping[str, tuple[str, int]]] = {
    "AccessDenied": {
        "ec2": ("UnauthorizedOperation", 403),
        "json": ("AccessDeniedException", 400),
        "rest-json": ("AccessDeniedException", 403),
    },
    "InvalidClientTokenId": {
        "ec2": ("AuthFailure", 401),
        "s3": ("InvalidAccessKeyId", 403),
        "json": ("UnrecognizedClientException", 400),
        "rest-json": ("UnrecognizedClientException", 403),
    },
    "ExpiredToken": {
        "ec2": ("RequestExpired", 400),
        "s3": ("ExpiredToken", 400),
        "json": ("ExpiredTokenException", 400),
        "rest-json": ("ExpiredTokenException", 403),
    },
    "MissingAuthenticationToken": {
        "s3": ("AccessDenied", 403),
        "json": ("MissingAuthenticationTokenException", 400),
        "rest-json": ("MissingAuthenticationTokenException", 403),
    },
}
_MESSAGES = {
    "UnauthorizedOperation": "You are not authorized to perform this operation. {}",
    "AuthFailure": "AWS was not able to validate the provided access credentials",
    "InvalidAccessKeyId": "The AWS Access Key Id you provided does not exist in our records.",
    "RequestExpired": "Request has expired.",
}


class _AnyError(ServiceException):
    """moto takes the service of an error from its module's name; this one has none."""


def error_response(request: ApiRequest, status: int, code: str, message: str) -> Refusal:
    """An error in the form of the request's service and protocol.

    https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
    """
    line = f"{status} {HTTPStatus(status).phrase}"
    if request.service in ("s3", ""):
        error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n{error}'
        return Refusal(line, body.encode(), "application/xml")
    if request.operation is None or not request.protocol:
        body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error></ErrorResponse>"
        return Refusal(line, body.encode(), "text/xml")
    model = get_service_model(request.service)
    serializer = get_serializer_class(model.service_name, request.protocol)(operation_model=request.operation)
    answer = serializer.serialize(_AnyError(code, message))
    content = answer["body"]
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    content_type = headers.pop("content-type", "text/xml")
    headers.pop("content-length", None)
    return Refusal(
        line,
        content.encode() if isinstance(content, str) else bytes(content),
        content_type,
        tuple(headers.items()),
    )


def _refusal(request: ApiRequest, error: RefusedError) -> Refusal:
    forms = _CODES.get(error.code, {})
    protocol = "rest-json" if "cbor" in request.protocol else request.protocol
    code, status = forms.get(request.service) or forms.get(protocol) or (error.code, 403)
    message = _MESSAGES.get(code, "{}").format(error.message)
    return error_response(request, status, code, message)


# -- who -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Caller:
    """Who signed, and the policies that speak of him."""

    principal: policy.Principal
    identity: tuple[policy.Policy, ...] = ()
    boundary: policy.Policy | None = None
    session: policy.Policy | None = None
    context: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How AWS's messages call the caller."""
        return self.principal.session_arn or self.principal.arn or "anonymous"


ANONYMOUS = Caller(policy.Principal())


def create_operator() -> None:
    """Let the account have the operator: a user with AdministratorAccess and the known access key."""
    backend = _iam()
    if OPERATOR_NAME not in backend.users:
        backend.create_user(_REGION, OPERATOR_NAME)
        backend.attach_user_policy(f"arn:{_PARTITION}:iam::aws:policy/AdministratorAccess", OPERATOR_NAME)
    user = backend.get_user(OPERATOR_NAME)
    if not any(key.access_key_id == operator.ACCESS_KEY_ID for key in user.access_keys):
        key = AccessKey(  # type: ignore[abstract]
            user_name=OPERATOR_NAME, prefix="AKIA", account_id=ACCOUNT_ID
        )
        key.access_key_id, key.secret_access_key = operator.ACCESS_KEY_ID, operator.SECRET_ACCESS_KEY
        user.access_keys.append(key)
        backend.access_keys[key.access_key_id] = key


_REGION = "us-east-1"


def _iam() -> IAMBackend:
    return iam_backends[ACCOUNT_ID][_PARTITION]


def caller_of(credential: Credential | None, now: datetime | None = None) -> Caller:
    """Who a request's credential belongs to.

    Raises RefusedError for an unknown or inactive key, a wrong session token, and an expired session or URL.
    """
    if credential is None:
        return ANONYMOUS
    now = now or datetime.now(UTC)
    if credential.expires is not None and now.timestamp() > credential.expires:
        raise RefusedError("AccessDenied", "Request has expired")
    for user in _iam().users.values():
        for key in user.access_keys:
            if key.access_key_id == credential.access_key_id and key.status == "Active":
                return _user(user)
    for session in sts_backends[ACCOUNT_ID][_PARTITION].assumed_roles:
        if session.access_key_id == credential.access_key_id:
            if credential.session_token != session.session_token:
                break
            if session.expiration.replace(tzinfo=UTC) <= now:
                raise RefusedError("ExpiredToken", "The security token included in the request is expired")
            return _session(session)
    raise RefusedError("InvalidClientTokenId", "The security token included in the request is invalid.")


def _user(user: User) -> Caller:
    backend = _iam()
    documents = [*_inline(user.policies), *_managed(user.managed_policies)]
    for group in backend.get_groups_for_user(user.name):
        documents += [*_inline(group.policies), *_managed(group.managed_policies)]
    return Caller(
        policy.Principal(arn=user.arn, account=ACCOUNT_ID),
        tuple(documents),
        boundary=_boundary(getattr(user, "permissions_boundary_arn", None)),
        context={"aws:username": user.name, "aws:userid": user.id, "aws:PrincipalType": "User"},
    )


def _session(session: AssumedRole) -> Caller:
    role = _role(session.role_arn)
    tags = {f"aws:PrincipalTag/{key}": value for key, value in _tags(role).items()}
    return Caller(
        policy.Principal(arn=role.arn, account=ACCOUNT_ID, session_arn=session.arn),
        (*_inline(role.policies), *_managed(role.managed_policies)),
        boundary=_boundary(role.permissions_boundary_arn),
        session=policy.parse(session.policy, "session policy") if session.policy else None,
        context={"aws:userid": session.user_id, "aws:PrincipalType": "AssumedRole", **tags},
    )


def _role(arn: str) -> Role:
    for role in _iam().roles.values():
        if role.arn == arn:
            return role
    raise RefusedError("InvalidClientTokenId", "The security token included in the request is invalid.")


def _tags(role: Role) -> dict[str, str]:
    tags = role.tags.values() if isinstance(role.tags, dict) else role.tags or []
    return {tag["Key"]: tag["Value"] for tag in tags}


@lru_cache(maxsize=512)
def _parsed(document: str, name: str) -> policy.Policy:
    return policy.parse(document, name)


def _inline(policies: Mapping[str, Any]) -> Iterator[policy.Policy]:
    for name, document in policies.items():
        yield _parsed(document, name)


def _managed(policies: Mapping[str, Any]) -> Iterator[policy.Policy]:
    for attached in policies.values():
        version = next((one for one in attached.versions if one.is_default), attached.versions[-1])
        yield _parsed(version.document, attached.name)


def _boundary(arn: str | None) -> policy.Policy | None:
    if not arn:
        return None
    return next(iter(_managed({arn: _iam().get_policy(arn)})))


def forget_expired_sessions(now: datetime | None = None) -> None:
    """Drop sessions that ended an hour ago; a host makes a new one each hour."""
    now = now or datetime.now(UTC)
    backend = sts_backends[ACCOUNT_ID][_PARTITION]
    kept = []
    for session in backend.assumed_roles:
        if (now - session.expiration.replace(tzinfo=UTC)).total_seconds() < _EXPIRED_SESSIONS_KEPT_SECONDS:
            kept.append(session)
        else:
            _iam().access_keys.pop(session.access_key_id, None)
    backend.assumed_roles[:] = kept


# -- what ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Attempt:
    """One action on one resource that a request needs."""

    action: str
    resource: str = "*"
    context: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    #: The policies of the resource itself.
    policies: tuple[policy.Policy, ...] = ()
    #: A KMS key's policy, without which nobody may use the key.
    key_policy: str | None = None
    #: A role's trust policy.
    trust_policy: Any = None


def attempts(request: ApiRequest) -> list[Attempt]:
    """The actions that a request needs permission for; all of them.

    https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
    """
    prefix = _PREFIXES.get(request.service, request.credential.signing_name if request.credential else request.service)
    derive = _RESOURCES.get(request.service)
    if derive is not None:
        return derive(request)
    return [Attempt(f"{prefix}:{request.action}")]


#: Where the prefix of IAM's actions is not the name in the signature.
_PREFIXES = {"cloudwatch": "cloudwatch", "ses": "ses", "resourcegroupstaggingapi": "tag", "stepfunctions": "states"}


def _arn(service: str, request: ApiRequest, resource: str) -> str:
    return f"arn:{_PARTITION}:{service}:{request.region}:{ACCOUNT_ID}:{resource}"


# S3 -- https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html

_S3_BUCKET_ACTIONS = {
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "HeadBucket": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "PutBucketCors": "PutBucketCORS",
    "DeleteBucketCors": "PutBucketCORS",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "PutBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
}
_S3_OBJECT_ACTIONS = {
    "HeadObject": "GetObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "ListParts": "ListMultipartUploadParts",
}


def _s3(request: ApiRequest) -> list[Attempt]:
    bucket, key = request.parameters.get("Bucket"), request.parameters.get("Key")
    if not bucket:
        return [Attempt("s3:ListAllMyBuckets" if request.action == "ListBuckets" else f"s3:{request.action}")]
    policies = _bucket_policies(bucket)
    arn = f"arn:{_PARTITION}:s3:::{bucket}"
    context: dict[str, str | Sequence[str]] = {}
    for name, parameter in (("s3:prefix", "Prefix"), ("s3:delimiter", "Delimiter"), ("s3:max-keys", "MaxKeys")):
        if parameter in request.parameters:
            context[name] = str(request.parameters[parameter])
    for name in (
        "x-amz-acl",
        "x-amz-server-side-encryption",
        "x-amz-server-side-encryption-aws-kms-key-id",
        "x-amz-storage-class",
        "x-amz-content-sha256",
    ):
        if name in request.headers:
            context[f"s3:{name}"] = request.headers[name]
    if request.action == "DeleteObjects":
        objects = request.parameters.get("Delete", {}).get("Objects", [])
        return [
            Attempt(
                "s3:DeleteObjectVersion" if entry.get("VersionId") else "s3:DeleteObject",
                f"{arn}/{entry.get('Key')}",
                context,
                policies,
            )
            for entry in objects
        ]
    if not key:
        action = _S3_BUCKET_ACTIONS.get(request.action, request.action)
        return [Attempt(f"s3:{action}", arn, context, policies)]
    action = _S3_OBJECT_ACTIONS.get(request.action, request.action)
    if request.parameters.get("VersionId") and action in ("GetObject", "DeleteObject"):
        action += "Version"
    wanted = [Attempt(f"s3:{action}", f"{arn}/{key}", context, policies)]
    if request.headers.get("x-amz-tagging"):
        wanted.append(Attempt("s3:PutObjectTagging", f"{arn}/{key}", context, policies))
    if request.headers.get("x-amz-acl"):
        wanted.append(Attempt("s3:PutObjectAcl", f"{arn}/{key}", context, policies))
    source = request.parameters.get("CopySource")
    if isinstance(source, str):
        path = source.lstrip("/").split("?")[0]
        wanted.append(
            Attempt("s3:GetObject", f"arn:{_PARTITION}:s3:::{path}", context, _bucket_policies(path.split("/")[0]))
        )
    stored = _stored_object(bucket, key)
    if action == "GetObject" and stored is None:
        # Whoever may not list a bucket does not learn that an object is missing.
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        wanted.append(Attempt("s3:ListBucket", arn, context, policies))
    if action == "GetObject" and isinstance(stored, FakeKey) and stored.encryption == "aws:kms" and stored.kms_key_id:
        wanted += _use_of_key(request, "kms:Decrypt", stored.kms_key_id, "s3")
    return wanted


def _stored_object(bucket: str, key: str) -> Any:
    stored = s3_backends[ACCOUNT_ID][_PARTITION].buckets.get(bucket)
    return None if stored is None else stored.keys.get(key)


def bucket_policy(bucket: str) -> str | None:
    """The policy document of a bucket, for the data plane's own readers (CloudFront)."""
    stored = s3_backends[ACCOUNT_ID][_PARTITION].buckets.get(bucket)
    if stored is None or not stored.policy:
        return None
    return stored.policy.decode() if isinstance(stored.policy, bytes) else str(stored.policy)


def _bucket_policies(bucket: str) -> tuple[policy.Policy, ...]:
    document = bucket_policy(bucket)
    return (_parsed(document, f"bucket policy of {bucket}"),) if document else ()


# KMS -- https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html


def _kms(request: ApiRequest) -> list[Attempt]:
    key_id = request.parameters.get("KeyId") or request.parameters.get("TargetKeyId")
    blob = request.parameters.get("CiphertextBlob")
    if not key_id and isinstance(blob, bytes):
        # moto writes the key's id before the ciphertext, as AWS does in its own, opaque way.
        key_id = blob[:36].decode("ascii", "replace")
    context: dict[str, str | Sequence[str]] = {
        f"kms:EncryptionContext:{name}": value
        for name, value in (request.parameters.get("EncryptionContext") or {}).items()
    }
    if not key_id:
        return [Attempt(f"kms:{request.action}")]
    return [_on_key(request, f"kms:{request.action}", str(key_id), context)]


def _on_key(request: ApiRequest, action: str, key_id: str, context: Mapping[str, str | Sequence[str]]) -> Attempt:
    key = _key(request, key_id)
    if key is None:
        return Attempt(action, _arn("kms", request, f"key/{key_id.rsplit('/', 1)[-1]}"), context)
    return Attempt(action, key.arn, context, key_policy=key.policy)


def _key(request: ApiRequest, key_id: str) -> Any:
    """moto's key of an id, an ARN or an alias, or None; moto stumbles over an alias that nobody has."""
    backend = kms_backends[ACCOUNT_ID][request.region]
    try:
        return backend.keys[backend.any_id_to_key_id(key_id)]
    except (AttributeError, KeyError, TypeError):
        return None


def _use_of_key(request: ApiRequest, action: str, key_id: str, service: str) -> list[Attempt]:
    """What a service does with the caller's permissions when the data is encrypted with the customer's key."""
    if key_id.startswith("alias/aws/") or key_id in ("", "default_kms_key_id"):
        return []
    key = _key(request, key_id)
    if key is None:
        return []
    if any(alias.startswith("alias/aws/") for alias in key.aliases):
        return []
    via = {"kms:ViaService": f"{service}.{request.region}.amazonaws.com", "kms:CallerAccount": ACCOUNT_ID}
    return [Attempt(action, key.arn, via, key_policy=key.policy)]


# Parameter Store -- https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html


def _ssm(request: ApiRequest) -> list[Attempt]:
    names = _strings(request.parameters, "Name", "Names", "Path")
    if "Parameter" not in request.action or not names:
        return [Attempt(f"ssm:{request.action}")]
    found = []
    for name in names:
        plain = name.split(":parameter/", 1)[-1] if name.startswith("arn:") else name
        if request.action != "GetParametersByPath":
            plain = plain.split(":")[0]  # "name:version" and "name:label"
        found.append(
            Attempt(
                f"ssm:{request.action}",
                _arn("ssm", request, f"parameter/{plain.lstrip('/')}"),
                _resource_tags(_parameter_tags(request, plain)),
            )
        )
        if request.parameters.get("WithDecryption"):
            for parameter in _parameters(request, plain):
                if parameter.parameter_type == "SecureString" and parameter.keyid:
                    found += _use_of_key(request, "kms:Decrypt", parameter.keyid, "ssm")
    return found


def _parameters(request: ApiRequest, name: str) -> list[Any]:
    store = ssm_backends[ACCOUNT_ID][request.region]._parameters
    if request.action == "GetParametersByPath":
        path = name.rstrip("/") + "/"
        return [versions[-1] for key, versions in list(store.items()) if key.startswith(path) and versions]
    versions = store.get(name) if name in store else []
    return [versions[-1]] if versions else []


def _parameter_tags(request: ApiRequest, name: str) -> dict[str, str]:
    if request.action == "GetParametersByPath":
        return {}
    tags = ssm_backends[ACCOUNT_ID][request.region]._resource_tags
    return dict(tags["Parameter"][name]) if name in tags.get("Parameter", ()) else {}


# Secrets Manager -- https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html


def _secretsmanager(request: ApiRequest) -> list[Attempt]:
    names = _strings(request.parameters, "SecretId", "SecretIdList")
    if not names:
        return [Attempt(f"secretsmanager:{request.action}")]
    found = []
    if request.action == "BatchGetSecretValue":
        found.append(Attempt("secretsmanager:BatchGetSecretValue"))
    action = "GetSecretValue" if request.action == "BatchGetSecretValue" else request.action
    backend = secretsmanager_backends[ACCOUNT_ID][request.region]
    for name in names:
        secret: Any = backend.secrets.get(name) if name in backend.secrets else None
        if secret is None:
            secret = next((s for s in backend.secrets.values() if s.arn == name), None)
        if secret is None:
            arn = name if name.startswith("arn:") else _arn("secretsmanager", request, f"secret:{name}")
            found.append(Attempt(f"secretsmanager:{action}", arn))
            continue
        context: dict[str, str | Sequence[str]] = {
            "secretsmanager:SecretId": secret.arn,
            "secretsmanager:Name": secret.name,
            "secretsmanager:VersionStage": str(request.parameters.get("VersionStage") or "AWSCURRENT"),
            **_resource_tags({tag["Key"]: tag["Value"] for tag in secret.tags or []}),
        }
        document = getattr(secret, "policy", None)
        policies = (_parsed(document, f"policy of {secret.name}"),) if document else ()
        found.append(Attempt(f"secretsmanager:{action}", secret.arn, context, policies))
        if action == "GetSecretValue" and secret.kms_key_id:
            found += _use_of_key(request, "kms:Decrypt", secret.kms_key_id, "secretsmanager")
    return found


# CloudWatch Logs and CloudWatch


def _logs(request: ApiRequest) -> list[Attempt]:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html"""
    arn = request.parameters.get("logGroupIdentifier") or request.parameters.get("resourceArn")
    if isinstance(arn, str) and arn.startswith("arn:"):
        return [Attempt(f"logs:{request.action}", arn)]
    name = request.parameters.get("logGroupName") or request.parameters.get("logGroupNamePrefix") or ""
    stream = request.parameters.get("logStreamName") or ""
    return [Attempt(f"logs:{request.action}", _arn("logs", request, f"log-group:{name}:log-stream:{stream}"))]


def _cloudwatch(request: ApiRequest) -> list[Attempt]:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html"""
    action, parameters = f"cloudwatch:{request.action}", request.parameters
    if request.action == "PutMetricData":
        return [Attempt(action, "*", {"cloudwatch:namespace": str(parameters.get("Namespace", ""))})]
    names = _strings(parameters, "AlarmName", "AlarmNames")
    if names:
        return [Attempt(action, _arn("cloudwatch", request, f"alarm:{name}")) for name in names]
    return [Attempt(action)]


# queues and topics


def _sqs(request: ApiRequest) -> list[Attempt]:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html"""
    name = str(request.parameters.get("QueueUrl") or request.parameters.get("QueueName") or "").rsplit("/", 1)[-1]
    if not name:
        return [Attempt(f"sqs:{request.action}")]
    queue: Any = sqs_backends[ACCOUNT_ID][request.region].queues.get(name)
    document = getattr(queue, "policy", None)
    policies = (_parsed(document, f"policy of {name}"),) if document else ()
    action = request.action.removesuffix("Batch") if request.action.endswith("Batch") else request.action
    return [Attempt(f"sqs:{action}", _arn("sqs", request, name), policies=policies)]


def _sns(request: ApiRequest) -> list[Attempt]:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html"""
    arns = _strings(request.parameters, "TopicArn", "TargetArn", "ResourceArn")
    if not arns and request.parameters.get("Name"):
        arns = [_arn("sns", request, str(request.parameters["Name"]))]
    if not arns:
        return [Attempt(f"sns:{request.action}")]
    found = []
    for arn in arns:
        topic: Any = sns_backends[ACCOUNT_ID][request.region].topics.get(arn)
        document = getattr(topic, "policy", None)
        policies = (_parsed(document, f"policy of {arn}"),) if document else ()
        found.append(Attempt(f"sns:{request.action.removesuffix('Batch')}", arn, policies=policies))
    return found


# identity


def _sts(request: ApiRequest) -> list[Attempt]:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""
    if request.action != "AssumeRole":
        # Nobody needs, and no policy can take away, the permission to ask who he is.
        return []
    forget_expired_sessions()
    arn = str(request.parameters.get("RoleArn", ""))
    role = next((role for role in _iam().roles.values() if role.arn == arn), None)
    return [Attempt("sts:AssumeRole", arn, trust_policy=role.assume_role_policy_document if role else None)]


def _iam_resources(request: ApiRequest) -> list[Attempt]:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html"""
    for parameter, sort in (("RoleName", "role"), ("InstanceProfileName", "instance-profile"), ("UserName", "user")):
        if name := request.parameters.get(parameter):
            return [Attempt(f"iam:{request.action}", f"arn:{_PARTITION}:iam::{ACCOUNT_ID}:{sort}/{name}")]
    if arn := request.parameters.get("PolicyArn"):
        return [Attempt(f"iam:{request.action}", str(arn))]
    return [Attempt(f"iam:{request.action}")]


# compute


def _ec2(request: ApiRequest) -> list[Attempt]:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html"""
    action = f"ec2:{request.action}"
    if request.action.startswith("Describe"):
        return [Attempt(action)]
    ids = _strings(request.parameters, "InstanceId", "InstanceIds")
    if not ids and request.action in ("CreateTags", "DeleteTags"):
        ids = [name for name in _strings(request.parameters, "Resources") if name.startswith("i-")]
    if ids:
        return [Attempt(action, _arn("ec2", request, f"instance/{name}")) for name in ids]
    return [Attempt(action)]


def _autoscaling(request: ApiRequest) -> list[Attempt]:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2autoscaling.html"""
    from moto.autoscaling.models import autoscaling_backends

    action = f"autoscaling:{request.action}"
    if request.action.startswith("Describe"):
        return [Attempt(action)]
    groups = autoscaling_backends[ACCOUNT_ID][request.region].autoscaling_groups
    name = request.parameters.get("AutoScalingGroupName")
    instance_id = request.parameters.get("InstanceId")
    for group in groups.values():
        if group.name == name or any(state.instance.id == instance_id for state in group.instance_states):
            return [Attempt(action, group.arn)]
    if name:
        return [Attempt(action, _arn("autoscaling", request, f"autoScalingGroup:*:autoScalingGroupName/{name}"))]
    return [Attempt(action)]


def _elbv2(request: ApiRequest) -> list[Attempt]:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html"""
    action = f"elasticloadbalancing:{request.action}"
    if request.action.startswith("Describe"):
        return [Attempt(action)]
    arns = _strings(request.parameters, "TargetGroupArn", "LoadBalancerArn", "ListenerArn", "RuleArn", "ResourceArns")
    return [Attempt(action, arn) for arn in arns] or [Attempt(action)]


def _cloudfront(request: ApiRequest) -> list[Attempt]:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfront.html"""
    action = f"cloudfront:{request.action}"
    name = request.parameters.get("DistributionId") or (
        request.parameters.get("Id") if "Distribution" in request.action else None
    )
    if name:
        return [Attempt(action, f"arn:{_PARTITION}:cloudfront::{ACCOUNT_ID}:distribution/{name}")]
    return [Attempt(action)]


_RESOURCES: Mapping[str, Callable[[ApiRequest], list[Attempt]]] = {
    "s3": _s3,
    "kms": _kms,
    "ssm": _ssm,
    "secretsmanager": _secretsmanager,
    "logs": _logs,
    "cloudwatch": _cloudwatch,
    "sqs": _sqs,
    "sns": _sns,
    "sts": _sts,
    "iam": _iam_resources,
    "ec2": _ec2,
    "autoscaling": _autoscaling,
    "elbv2": _elbv2,
    "cloudfront": _cloudfront,
}


def _strings(parameters: Mapping[str, Any], *names: str) -> list[str]:
    found: list[str] = []
    for name in names:
        value = parameters.get(name)
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, list):
            found += [entry for entry in value if isinstance(entry, str)]
    return found


def _resource_tags(tags: Mapping[str, str]) -> dict[str, str]:
    return {f"aws:ResourceTag/{key}": value for key, value in tags.items()}


# -- the decision --------------------------------------------------------------------------------------------


#: What the links in messages of SNS ask for.
_LINKS = {("sns", "ConfirmSubscription"), ("sns", "Unsubscribe")}


def refuse(request: ApiRequest) -> Refusal | None:
    """The answer to a request that may not go on, or None. Call it with the account locked."""
    try:
        caller = caller_of(request.credential)
        if caller is ANONYMOUS and (request.service, request.action) in _LINKS:
            # The token is the permission: https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html
            return None
        if caller is ANONYMOUS and request.service != "s3" and not request.action.startswith("AssumeRoleWith"):
            raise RefusedError("MissingAuthenticationToken", "Request is missing Authentication Token")
        for attempt in attempts(request):
            _check(request, caller, attempt)
    except RefusedError as error:
        log.info("%s:%s refused: %s", request.service, request.action, error.message)
        return _refusal(request, error)
    except (policy.MalformedPolicyError, policy.UnsupportedPolicyError) as error:
        log.warning("%s:%s refused, because a policy cannot be understood: %s", request.service, request.action, error)
        return error_response(request, 501, "NotImplemented", f"The rehearsal does not understand a policy: {error}")
    return None


def _context(request: ApiRequest, caller: Caller, attempt: Attempt) -> dict[str, str | Sequence[str]]:
    now = datetime.now(UTC)
    context: dict[str, str | Sequence[str]] = {
        "aws:SecureTransport": "true",
        "aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:SourceIp": request.source_address,
        "aws:RequestedRegion": request.region,
        "aws:ResourceAccount": ACCOUNT_ID,
        "aws:ViaAWSService": "false",
        "aws:PrincipalIsAWSService": "false",
        **caller.context,
        **attempt.context,
    }
    if caller.principal.arn:
        context |= {"aws:PrincipalArn": caller.principal.arn, "aws:PrincipalAccount": ACCOUNT_ID}
    if "user-agent" in request.headers:
        context["aws:UserAgent"] = request.headers["user-agent"]
    return context


def _check(request: ApiRequest, caller: Caller, attempt: Attempt) -> None:
    asked = policy.Request(caller.principal, attempt.action, attempt.resource, _context(request, caller, attempt))
    decision = policy.evaluate(
        asked, caller.identity, attempt.policies, boundary=caller.boundary, session=caller.session
    )
    if attempt.key_policy:
        decision = _both(decision, policy.trusts(attempt.key_policy, asked))
    if attempt.trust_policy and caller.principal.arn != _operator_arn():
        decision = _both(decision, policy.trusts(attempt.trust_policy, asked))
    log.debug("%s %s on %s: %s", caller.name, attempt.action, attempt.resource, decision)
    if not decision.allowed:
        raise RefusedError("AccessDenied", explain(caller, attempt, decision))


def _operator_arn() -> str:
    """The operator stands for EC2 too, which assumes the roles of instance profiles; trust policies do not bind him."""
    return f"arn:{_PARTITION}:iam::{ACCOUNT_ID}:user/{OPERATOR_NAME}"


def _both(identity: policy.Decision, resource: policy.Decision) -> policy.Decision:
    """A key's or role's policy must allow; if it names the whole account, the identity's policies must too."""
    if identity.effect is policy.Effect.EXPLICIT_DENY:
        return identity
    if not resource.allowed or resource.by != "account":
        return resource
    return identity


def explain(caller: Caller, attempt: Attempt, decision: policy.Decision) -> str:
    """AWS's own sentence.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    if caller is ANONYMOUS:
        return "Access Denied"
    sort = {
        "identity": "identity-based policy",
        "resource": "resource-based policy",
        "boundary": "permissions boundary",
        "session": "session policy",
    }[decision.by if decision.by != "account" else "resource"]
    where = "" if attempt.resource == "*" else f" on resource: {attempt.resource}"
    sentence = f"User: {caller.name} is not authorized to perform: {attempt.action}{where}"
    if decision.effect is policy.Effect.EXPLICIT_DENY:
        article = "an" if sort.startswith("identity") else "a"
        return f"{sentence} with an explicit deny in {article} {sort}"
    return f"{sentence} because no {sort} allows the {attempt.action} action"
