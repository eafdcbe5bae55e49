"""CloudFront Functions, run in QuickJS.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-functions.html

Each run gets a context of its own, because a function of CloudFront keeps no state between requests. Not here: the
modules `crypto`, `buffer`, `querystring` and `cloudfront` (key-value stores). QuickJS also accepts today's JavaScript
under `cloudfront-js-1.0`, which CloudFront refuses.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import quickjs  # type: ignore[import-untyped]

from rehearsal.dataplane.cloudfront.configuration import Distribution, Function
from rehearsal.dataplane.cloudfront.errors import EdgeError
from rehearsal.dataplane.cloudfront.messages import Headers, Request, Response, changed, parse_pair

log = logging.getLogger(__name__)

#: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
LARGEST_CODE = 10 * 1024
MEMORY = 2 * 1024 * 1024
LARGEST_BODY = 40 * 1024
#: Seconds of this process's processor time. CloudFront stops a function after about a millisecond of its own
#: processors; here what a busy host takes from a virtual machine counts too, and must not become a visitor's 503.
TIME = 1.0

_DISALLOWED = frozenset(
    {
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "trailer",
        "upgrade",
        "x-cache",
        "x-forwarded-proto",
        "x-real-ip",
    }
)
_DISALLOWED_PREFIXES = ("x-accel-", "x-amz-cf-", "x-edge-")
#: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
_READ_ONLY_IN_REQUEST = frozenset({"content-length", "host", "transfer-encoding", "via"})
_READ_ONLY_IN_RESPONSE = frozenset({"warning", "via"})

#: Removes what CloudFront's runtime does not have, and gives it a console.
_PRELUDE = """
var __log = [];
globalThis.console = { log: function () {
    __log.push(Array.prototype.map.call(arguments, function (each) {
        return typeof each === 'string' ? each : JSON.stringify(each);
    }).join(' '));
} };
globalThis.console.error = globalThis.console.log;
globalThis.eval = undefined;
globalThis.Function = undefined;
"""

_CALL = """
var __output, __error;
(function () {
    function fail(error) { __error = error && error.stack ? error + '\\n' + error.stack : String(error); }
    function succeed(value) { __output = JSON.stringify(value); }
    try {
        var result = handler(JSON.parse(__event));
        if (result && typeof result.then === 'function') { result.then(succeed, fail); } else { succeed(result); }
    } catch (error) { fail(error); }
})();
"""


def execution_error(function: Function, reason: str) -> EdgeError:
    """The function threw or overran its limits."""
    log.error("function %s: %s", function.name, reason)
    return EdgeError(
        503,
        "The CloudFront function associated with the CloudFront distribution is invalid or could not run.",
        "FunctionExecutionError",
    )


def validation_error(function: Function, reason: str) -> EdgeError:
    """The function returned something that CloudFront refuses."""
    log.error("function %s returned what is not allowed: %s", function.name, reason)
    return EdgeError(
        502,
        "The CloudFront function associated with the CloudFront distribution returned an invalid result.",
        "FunctionValidationError",
    )


def run(function: Function, event: Mapping[str, Any]) -> dict[str, Any]:
    """Call the function's handler.

    Raises EdgeError when the code is too long, throws, needs too much time or memory, or returns no object.
    """
    if len(function.code.encode()) > LARGEST_CODE:
        raise execution_error(function, f"the code is longer than {LARGEST_CODE} bytes")
    context = quickjs.Context()
    context.set_memory_limit(MEMORY)
    context.set_time_limit(TIME)
    try:
        context.eval(_PRELUDE)
        context.eval(function.code)
        context.set("__event", json.dumps(event))
        context.eval(_CALL)
        while context.execute_pending_job():
            pass
        output, error = context.get("__output"), context.get("__error")
        for line in json.loads(context.eval("JSON.stringify(__log)")):
            log.info("function %s: %s", function.name, line)
    except (quickjs.JSException, quickjs.StackOverflow) as problem:
        raise execution_error(function, str(problem)) from problem
    if error is not None:
        raise execution_error(function, str(error))
    result = json.loads(output) if isinstance(output, str) else None
    if not isinstance(result, dict):
        raise validation_error(function, f"the handler returned {result!r}, not an object")
    return result


def viewer_request(function: Function, distribution: Distribution, request: Request) -> Request | Response:
    """Run a function on viewer-request: the request to go on with, or the response that it made.

    Raises EdgeError as `run` does, and when the result breaks a rule of CloudFront.
    """
    sent = request_event(request)
    result = run(function, _event(distribution, "viewer-request", request, {"request": sent}))
    if "statusCode" in result:
        response = _response(function, result, Response(200, [("server", "CloudFront")]))
        return response.with_headers(("content-length", str(len(response.body))))
    return _request(function, result, sent, request)


def viewer_response(function: Function, distribution: Distribution, request: Request, response: Response) -> Response:
    """Run a function on viewer-response. Raises EdgeError as `viewer_request` does.

    A body in the result replaces the origin's; without one that body stays.
    """
    sent = response_event(response)
    parts = {"request": request_event(request), "response": sent}
    event = _event(distribution, "viewer-response", request, parts)
    result = run(function, event)
    if "statusCode" not in result:
        raise validation_error(function, "the response has no statusCode")
    for name in _READ_ONLY_IN_RESPONSE:
        if result.get("headers", {}).get(name) != sent["headers"].get(name):
            raise validation_error(function, f"header {name} is read-only")
    return _response(function, result, response)


def _event(distribution: Distribution, kind: str, request: Request, parts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "version": "1.0",
        "context": {
            "distributionDomainName": distribution.domain_name,
            "distributionId": distribution.id,
            "eventType": kind,
            "requestId": request.id,
        },
        "viewer": {"ip": request.client[0]},
        **parts,
    }


def request_event(request: Request) -> dict[str, Any]:
    """The `request` object of an event.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
    """
    return {
        "method": request.method,
        "uri": request.path,
        "querystring": _multi(request.query_pairs),
        "headers": _multi(_exposed(request.headers)),
        "cookies": _multi(request.cookies),
    }


def response_event(response: Response) -> dict[str, Any]:
    """The `response` object of an event."""
    cookies: dict[str, Any] = {}
    for name, value in response.headers:
        if name == "set-cookie":
            pair, _, attributes = value.partition(";")
            key, content = parse_pair(pair.strip())
            cookies[key] = {"value": content, "attributes": attributes.strip()}
    return {
        "statusCode": response.status,
        "statusDescription": response.reason or _phrase(response.status),
        "headers": _multi(_exposed(response.headers)),
        "cookies": cookies,
    }


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _allowed(name: str) -> bool:
    return name not in _DISALLOWED and not name.startswith(_DISALLOWED_PREFIXES)


def _exposed(headers: Headers) -> Headers:
    return [(name, value) for name, value in headers if name not in ("cookie", "set-cookie") and _allowed(name)]


def _multi(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Values by name; a name that comes again has all of its values in `multiValue`, the first in `value` too."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name not in found:
            found[name] = {"value": value}
        else:
            found[name].setdefault("multiValue", [{"value": found[name]["value"]}]).append({"value": value})
    return found


def _flat(function: Function, what: str, mapping: Any) -> list[tuple[str, str]]:
    """The inverse of `_multi`. Raises EdgeError when it is not such a mapping."""
    if not isinstance(mapping, dict):
        raise validation_error(function, f"{what} is not an object")
    pairs = []
    for name, entry in mapping.items():
        values = (entry.get("multiValue") or [entry]) if isinstance(entry, dict) else [None]
        for each in values:
            value = each.get("value") if isinstance(each, dict) else None
            if not isinstance(value, str | int | float | bool):
                raise validation_error(function, f"{what} {name!r} has no value")
            text = str(value).lower() if isinstance(value, bool) else str(value)
            if any(character in text or character in name for character in "\r\n\0"):
                raise validation_error(function, f"{what} {name!r} has a control character")
            pairs.append((name, text))
    return pairs


def _headers(function: Function, mapping: Any) -> Headers:
    pairs = _flat(function, "header", mapping)
    for name, value in pairs:
        if name != name.lower():
            raise validation_error(function, f"header {name!r} is not in lower case")
        if not _allowed(name):
            raise validation_error(function, f"header {name!r} is not for functions")
        if not (name.isascii() and value.isascii()):
            raise validation_error(function, f"header {name!r} is not ASCII")
    return pairs


def _request(function: Function, result: Mapping[str, Any], sent: Mapping[str, Any], request: Request) -> Request:
    uri = result.get("uri")
    if result.get("method") != request.method:
        raise validation_error(function, "the method cannot be changed")
    if not isinstance(uri, str) or not uri.startswith("/") or not uri.isprintable() or " " in uri:
        raise validation_error(function, f"uri {uri!r} is not a path")
    headers, cookies = result.get("headers", {}), result.get("cookies", {})
    for name in _READ_ONLY_IN_REQUEST:
        if isinstance(headers, dict) and headers.get(name) != sent["headers"].get(name):
            raise validation_error(function, f"header {name} is read-only")
    query = request.query
    if (changed_query := result.get("querystring", {})) != sent["querystring"]:
        pairs = _flat(function, "query string", changed_query)
        query = "&".join(f"{name}={value}" if value else name for name, value in pairs)
    hidden = [pair for pair in request.headers if not _allowed(pair[0])]
    crumbs = "; ".join(f"{name}={value}" for name, value in _flat(function, "cookie", cookies))
    return replace(
        request,
        path=uri,
        query=query,
        headers=hidden + _headers(function, headers) + ([("cookie", crumbs)] if crumbs else []),
    )


def _response(function: Function, result: Mapping[str, Any], response: Response) -> Response:
    status = result["statusCode"]
    if isinstance(status, float) and status.is_integer():
        status = int(status)
    if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 599:
        raise validation_error(function, f"statusCode {status!r} is not an HTTP status")
    hidden = [pair for pair in response.headers if not _allowed(pair[0])]
    headers = hidden + _headers(function, result.get("headers", {}))
    headers += _set_cookies(function, result.get("cookies", {}))
    reason = result.get("statusDescription")
    body = response.body
    if "body" in result:
        body = _body(function, result["body"])
        headers = changed(headers, ("content-length", str(len(body))), ("content-encoding", None))
    if status == response.status and "server" not in dict(headers) and "server" in dict(response.headers):
        headers.append(("server", dict(response.headers)["server"]))
    return Response(status, headers, body, reason if isinstance(reason, str) else _phrase(status))


def _set_cookies(function: Function, cookies: Any) -> Headers:
    if not isinstance(cookies, dict):
        raise validation_error(function, "cookies is not an object")
    lines = []
    for name, entry in cookies.items():
        values = (entry.get("multiValue") or [entry]) if isinstance(entry, dict) else [{}]
        pairs = _flat(function, "cookie", {name: {"multiValue": values}})
        for (_, value), each in zip(pairs, values, strict=True):
            attributes = str(each.get("attributes") or "")
            if any(character in attributes for character in "\r\n\0"):
                raise validation_error(function, f"cookie {name!r} has a control character")
            lines.append(("set-cookie", f"{name}={value}" + (f"; {attributes}" if attributes else "")))
    return lines


def _body(function: Function, body: Any) -> bytes:
    """A string, or {encoding: text|base64, data}."""
    encoding, data = ("text", body) if isinstance(body, str) else ("", None)
    if isinstance(body, dict):
        encoding, data = body.get("encoding", "text"), body.get("data")
    if not isinstance(data, str) or encoding not in ("text", "base64"):
        raise validation_error(function, "the body is neither a string nor {encoding, data}")
    try:
        content = data.encode() if encoding == "text" else base64.b64decode(data, validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise validation_error(function, f"the body cannot be decoded: {error}") from error
    if len(content) > LARGEST_BODY:
        raise validation_error(function, f"the body is longer than {LARGEST_BODY} bytes")
    return content
