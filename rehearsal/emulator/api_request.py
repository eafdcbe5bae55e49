"""What a request to the emulated account asks for: service, action, parameters, and who signed it.

The action is found as AWS's own clients put it on the wire, from botocore's service models, for each of their
protocols: https://smithy.io/2.0/aws/protocols/index.html
"""

from __future__ import annotations

import io
import logging
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from botocore.exceptions import BotoCoreError
from moto.core.model import OperationModel
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from werkzeug.exceptions import HTTPException

log = logging.getLogger(__name__)

Environ = dict[str, Any]

#: Name in a signature -> botocore's name of the service, where the two differ.
_SERVICE_OF_SIGNATURE = {
    "elasticloadbalancing": "elbv2",
    "monitoring": "cloudwatch",
    "email": "ses",
    "tagging": "resourcegroupstaggingapi",
    "eventbridge": "events",
    "states": "stepfunctions",
    "cognito-idp": "cognito-idp",
}
#: Classic Load Balancing and its successor share one name; the API version tells them apart.
_ELB_CLASSIC_VERSION = "2012-06-01"

_READING = re.compile(
    r"(Describe|List|Get|Head|Lookup|Query|Scan|Select|Search|Simulate|Test|Validate|Estimate|Preview|"
    r"BatchGet|Filter|Count|Check|Decrypt|Encrypt|ReEncrypt|GenerateDataKey|GenerateRandom|Sign|Verify)"
)
#: Telemetry: it changes nothing that anybody reacts to, and comes every minute. Nor does a message that is hidden for a
#: while: an account that forgets it delivers the message once more, as any standard queue may.
_KNOWN_READERS = {
    "PutMetricData",
    "PutLogEvents",
    "PutTraceSegments",
    "ReceiveMessage",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
}
#: Only SNS is asked at its own address by whoever has no signature: links that it has sent.
_SNS_HOST = re.compile(r"sns\.([a-z0-9-]+)\.amazonaws\.com(:\d+)?")
_SIGV4 = re.compile(r"AWS4-HMAC-SHA256\s+Credential=([^/,\s]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request")


@dataclass(frozen=True)
class Credential:
    """The unverified claim of a request: which key, for which region and service (the name in the signature)."""

    access_key_id: str
    region: str
    signing_name: str
    session_token: str = ""
    #: A signature in the URL carries its own end of life, in epoch seconds.
    expires: float | None = None


@dataclass(frozen=True)
class ApiRequest:
    """A request to one of AWS's APIs."""

    #: botocore's name of the service ("elbv2"); empty when the request is none of AWS's.
    service: str
    region: str
    #: The operation's name ("DescribeInstances"); empty when it could not be found.
    action: str
    parameters: dict[str, Any] = field(default_factory=dict)
    credential: Credential | None = None
    headers: dict[str, str] = field(default_factory=dict)
    source_address: str = ""
    operation: OperationModel | None = None
    protocol: str = ""

    @property
    def changes_something(self) -> bool:
        """Whether the account may be another one after this request."""
        if self.action in _KNOWN_READERS:
            return False
        return not _READING.match(self.action)


def buffer_body(environ: Environ) -> None:
    """Read the whole body now, so that a slow client holds nobody up while the account is locked."""
    source = environ.get("wsgi.input")
    if source is None:
        return
    length = environ.get("CONTENT_LENGTH")
    if length:
        body = source.read(int(length))
    elif environ.get("wsgi.input_terminated"):
        body = source.read()
        environ["CONTENT_LENGTH"] = str(len(body))
    else:
        body = b""
    environ["wsgi.input"] = io.BytesIO(body)


def parse(environ: Environ) -> ApiRequest:
    """Understand a request whose body was buffered; it is left as it was found."""
    credential = _credential(environ)
    service = _service(environ, credential)
    region = credential.region if credential else _region_of_link(environ)
    headers = {
        key[5:].replace("_", "-").lower(): str(value) for key, value in environ.items() if key.startswith("HTTP_")
    }
    source = str(environ.get("REMOTE_ADDR", ""))
    operation, parameters, protocol = _operation(environ, service) if service else (None, {}, "")
    return ApiRequest(
        service=service,
        region=region,
        action=str(operation.name) if operation else "",
        parameters=parameters,
        credential=credential,
        headers=headers,
        source_address=source,
        operation=operation,
        protocol=protocol,
    )


def _credential(environ: Environ) -> Credential | None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html"""
    header = environ.get("HTTP_AUTHORIZATION", "")
    token = environ.get("HTTP_X_AMZ_SECURITY_TOKEN", "")
    if match := _SIGV4.match(header):
        return Credential(match[1], match[3], match[4].lower(), token)
    if match := re.match(r"AWS ([^:\s]+):", header):
        return Credential(match[1], "us-east-1", "s3", token)
    query = {key.lower(): values[0] for key, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
    if "x-amz-credential" in query:
        parts = query["x-amz-credential"].split("/")
        if len(parts) == 5:
            return Credential(
                parts[0], parts[2], parts[3].lower(), query.get("x-amz-security-token", ""), _end_of_url(query)
            )
    if "awsaccesskeyid" in query:
        expires = query.get("expires", "")
        return Credential(
            query["awsaccesskeyid"],
            "us-east-1",
            "s3",
            query.get("x-amz-security-token", ""),
            float(expires) if expires.isdigit() else None,
        )
    return None


def _end_of_url(query: dict[str, str]) -> float | None:
    try:
        signed = datetime.strptime(query["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return signed.timestamp() + float(query["x-amz-expires"])
    except (KeyError, ValueError):
        return None


def _service(environ: Environ, credential: Credential | None) -> str:
    if credential is None:
        # Only S3 (a public object), STS (a federated identity) and SNS (a link) are asked without a signature.
        if _region_of_link(environ):
            return "sns"
        return "sts" if _form_value(environ, "Action").startswith("AssumeRoleWith") else "s3"
    name = _SERVICE_OF_SIGNATURE.get(credential.signing_name, credential.signing_name)
    if name == "elbv2" and _form_value(environ, "Version") == _ELB_CLASSIC_VERSION:
        return "elb"
    return name


def _region_of_link(environ: Environ) -> str:
    match = _SNS_HOST.fullmatch(str(environ.get("HTTP_HOST", "")))
    return match[1] if match else ""


def _form_value(environ: Environ, name: str) -> str:
    if not str(environ.get("CONTENT_TYPE", "")).startswith("application/x-www-form-urlencoded"):
        values = parse_qs(environ.get("QUERY_STRING", ""))
    else:
        body = environ["wsgi.input"].getvalue()
        values = parse_qs(body.decode("utf-8", "replace"))
    return str(values.get(name, [""])[0])


def _copy(environ: Environ) -> Environ:
    return {**environ, "wsgi.input": io.BytesIO(environ["wsgi.input"].getvalue())}


def _operation(environ: Environ, service: str) -> tuple[OperationModel | None, dict[str, Any], str]:
    try:
        request = Request(_copy(environ))
        model = get_service_model(service)
        operation, uri_parameters = get_service_router(service).match(request)
        protocol = determine_request_protocol(model, request.content_type)
    except (HTTPException, NotImplementedError, BotoCoreError):
        return None, {}, ""
    try:
        parameters = PROTOCOL_PARSERS[protocol](operation, map_type=dict).parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                # An object's content is no parameter that anybody decides by, and may be large.
                "body": b"" if service == "s3" and "streaming" in str(operation.name).lower() else request.data,
                "url_path": request.path,
                "url_params": uri_parameters,
            }
        )
    except (RequestParserError, ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        log.debug("the parameters of %s:%s are unclear: %s", service, operation.name, error)
        parameters = dict(uri_parameters)
    return operation, {**uri_parameters, **parameters}, protocol
