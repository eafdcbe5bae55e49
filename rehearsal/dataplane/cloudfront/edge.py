"""The edge itself: a viewer's request goes in, an answer comes out.

Order of events: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HowCloudFrontWorks.html
Not here: WebSocket, Lambda@Edge, signed URLs, geographic restrictions, WAF, field-level encryption, HTTP/3.
"""

from __future__ import annotations

import asyncio
import email.utils
import logging
import re
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from botocore.credentials import ReadOnlyCredentials

from rehearsal.dataplane.cloudfront import function, s3
from rehearsal.dataplane.cloudfront.caching import Cache, Entry, Key, key_of, lifetime
from rehearsal.dataplane.cloudfront.compression import compressed
from rehearsal.dataplane.cloudfront.configuration import Behavior, Configuration, Distribution, Origin
from rehearsal.dataplane.cloudfront.errors import EdgeError
from rehearsal.dataplane.cloudfront.headers import (
    forwarded_query,
    forwards_host,
    from_origin,
    origin_headers,
    via,
    with_policy,
)
from rehearsal.dataplane.cloudfront.matching import behavior_for, distribution_for, host_name
from rehearsal.dataplane.cloudfront.messages import Headers, Request, Response, changed, joined
from rehearsal.dataplane.cloudfront.origin import UNRESOLVED, Endpoint, OriginClient

log = logging.getLogger(__name__)

#: The location that X-Amz-Cf-Pop tells: no real one begins so.
POP = "LOC50-R1"
CACHE_BYTES = 128 * 1024 * 1024
#: Objects up to this size are kept; CloudFront keeps up to 50 GB.
LARGEST_KEPT = 16 * 1024 * 1024
#: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
LONGEST_URL = 8192

_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"})

Body = AsyncIterator[bytes]


@dataclass(frozen=True)
class Answer:
    """What goes to the viewer; a body that is not in memory comes from `stream`."""

    status: int
    headers: Headers
    body: bytes = b""
    stream: Body | None = None
    reason: str = ""


@dataclass(frozen=True)
class _Found:
    """An object on its way to the viewer, and where it was found (the first word of X-Cache)."""

    response: Response
    found: str
    stream: Body | None = None
    age: int | None = None


class Edge:
    """All distributions of a configuration with one cache. Used in one event loop."""

    def __init__(self, configuration: Configuration, credentials: ReadOnlyCredentials) -> None:
        self._configuration = configuration
        self._credentials = credentials
        self._origins = OriginClient()
        self._cache = Cache(CACHE_BYTES)
        self._collapsed: dict[Key, asyncio.Event] = {}
        self.apply(configuration)

    def apply(self, configuration: Configuration) -> None:
        """Obey another configuration from now on and carry out its new invalidations.

        Requests under way end as they began.
        """
        self._configuration = configuration
        self._origins.forget_authorities()
        for each in configuration.distributions:
            if gone := self._cache.invalidate(each.id, each.invalidations):
                log.info("distribution %s: %d objects left the cache", each.id, gone)

    def close(self) -> None:
        """Close the idle connections to origins."""
        self._origins.close()

    async def answer(self, request: Request, body: Body | None) -> Answer:
        """Serve a viewer. `body` is None when the request has none."""
        request = replace(request, id=secrets.token_urlsafe(42))
        distribution = distribution_for(self._configuration, request.host)
        if distribution is None:
            page = EdgeError(403, "Bad request. No enabled distribution answers for this host name.")
            return self._finished(None, request, _Found(page.response(request.id), "Error"))
        try:
            found = await self._serve(distribution, request, body)
        except EdgeError as error:
            found = _Found(error.response(request.id), error.cache)
        return self._finished(distribution, request, found)

    async def _serve(self, distribution: Distribution, request: Request, body: Body | None) -> _Found:
        behavior = behavior_for(distribution.behaviors, request.path)
        if redirect := self._redirect(behavior, request):
            return _Found(redirect, "Redirect")
        _check(behavior, request, body)
        viewer_path = request.path
        functions = {each.arn: each for each in distribution.functions}
        if behavior.viewer_request:
            made = function.viewer_request(functions[behavior.viewer_request], distribution, request)
            if isinstance(made, Response):
                headers = with_policy(behavior.response_headers, request, made.headers)
                return _Found(replace(made, headers=headers), "FunctionGeneratedResponse")
            request = made
        if request.path == "/" and distribution.default_root_object:
            request = replace(request, path="/" + distribution.default_root_object)
        found = await self._object(distribution, behavior, request, viewer_path, body)
        origin_failed = found.response.status >= 400
        if origin_failed:
            found = await self._with_error_page(distribution, request, found)
        response = found.response
        headers = with_policy(behavior.response_headers, request, response.headers)
        response = replace(response, headers=headers)
        if behavior.viewer_response and not origin_failed:
            live = functions[behavior.viewer_response]
            response = function.viewer_response(live, distribution, request, response)
            if response.body:
                return replace(found, response=response, stream=None)
        return replace(found, response=response)

    def _redirect(self, behavior: Behavior, request: Request) -> Response | None:
        """Raises EdgeError 403 for plain HTTP where the behaviour wants HTTPS."""
        if request.scheme == "https" or behavior.viewer_protocol_policy == "allow-all":
            return None
        if behavior.viewer_protocol_policy == "https-only" or request.http_version == "1.0":
            raise EdgeError(403, "Bad request. This distribution answers over HTTPS only.")
        port = self._configuration.https_port
        authority = host_name(request.host) + ("" if port == 443 else f":{port}")
        query = f"?{request.query}" if request.query else ""
        status = 301 if request.method in ("GET", "HEAD") else 307
        return Response(
            status,
            [
                ("server", "CloudFront"),
                ("content-length", "0"),
                ("location", f"https://{authority}{request.path}{query}"),
            ],
        )

    async def _with_error_page(self, distribution: Distribution, request: Request, found: _Found) -> _Found:
        """The distribution's own page for an error, where it has one that can be fetched."""
        wanted = next((each for each in distribution.error_responses if each.code == found.response.status), None)
        found = replace(found, found="Error")
        if wanted is None or not wanted.page:
            return found
        behavior = behavior_for(distribution.behaviors, wanted.page)
        page_request = replace(
            request,
            method="GET",
            path=wanted.page,
            query="",
            headers=changed(request.headers, ("range", None), ("content-length", None)),
        )
        try:
            page = await self._object(distribution, behavior, page_request, wanted.page, None)
        except EdgeError:
            return found
        if page.response.status != 200:
            return found
        status = wanted.response_code or found.response.status
        return replace(page, response=replace(page.response, status=status, reason=""), found="Error")

    async def _object(
        self,
        distribution: Distribution,
        behavior: Behavior,
        request: Request,
        viewer_path: str,
        body: Body | None,
    ) -> _Found:
        """The object from the cache or the origin; an error of the origin is an object too."""
        keepable = request.method in behavior.cached_methods and body is None
        if not keepable:
            return await self._pass(distribution, behavior, request, body)
        key = key_of(distribution.id, behavior.cache, request, request.path)
        entry = self._cache.get(key)
        if entry is not None and entry.fresh(time.time()):
            return self._hit(entry, request, "Hit")
        if behavior.cache.disables_caching or (request.method == "HEAD" and entry is None):
            return await self._pass(distribution, behavior, request, None, key, viewer_path)
        if entry is None and request.header("range"):
            return await self._pass(distribution, behavior, request, None)
        if leader := self._collapsed.get(key):
            # Requests for the same object wait for the first one instead of asking the origin too.
            arrived = time.time()
            await leader.wait()
            entry = self._cache.get(key)
            if entry is not None and entry.stored_at >= arrived:
                return self._hit(entry, request, "Hit")
            return await self._fetch(distribution, behavior, request, key, viewer_path, entry)
        self._collapsed[key] = done = asyncio.Event()
        try:
            return await self._fetch(distribution, behavior, request, key, viewer_path, entry)
        finally:
            del self._collapsed[key]
            done.set()

    async def _fetch(
        self,
        distribution: Distribution,
        behavior: Behavior,
        request: Request,
        key: Key,
        viewer_path: str,
        stale: Entry | None,
    ) -> _Found:
        """Ask the origin for an object that may be kept, with the validators of the one that is kept already."""
        conditions = stale.validators if stale else []
        asked = replace(request, method="GET" if request.method == "HEAD" else request.method)
        try:
            response, stream = await self._ask(distribution, behavior, asked, None, conditions)
        except EdgeError as error:
            response, stream = error.response(request.id), None
        now = time.time()
        if response.status >= 500 and stale is not None and stale.serves_stale(now):
            await _drop(stream)
            return self._hit(stale, request, "Hit")
        if response.status == 304 and stale is not None:
            seconds = lifetime(behavior.cache, _merged(stale.response, response), distribution.error_responses, now)
            entry = stale.refreshed(response.headers, now, seconds or 0)
            self._cache.put(key, entry)
            return self._hit(entry, request, "RefreshHit", age=False)
        seconds = lifetime(behavior.cache, response, distribution.error_responses, now)
        if seconds is None:
            self._cache.remove(key)
            return _Found(response, "Miss", stream)
        length = response.header("content-length")
        if stream is not None:
            if length is not None and int(length) > LARGEST_KEPT:
                return _Found(response, "Miss", stream)
            read, rest = await _read(stream, LARGEST_KEPT)
            if rest is not None:
                return _Found(response, "Miss", _chained(read, rest))
            response = replace(response, body=read)
        etag = response.header("etag")
        if behavior.compress:
            response = compressed(response, key.encoding)
        entry = Entry(response, viewer_path, now, seconds, etag)
        self._cache.put(key, entry)
        return self._hit(entry, request, "Miss", age=False)

    async def _pass(
        self,
        distribution: Distribution,
        behavior: Behavior,
        request: Request,
        body: Body | None,
        key: Key | None = None,
        viewer_path: str = "",
    ) -> _Found:
        """Ask the origin without a word from the cache. With a `key`, an error may be kept."""
        try:
            response, stream = await self._ask(distribution, behavior, request, body, None)
        except EdgeError as error:
            response, stream = error.response(request.id), None
        if key is not None and response.status >= 400 and request.method != "HEAD":
            now = time.time()
            seconds = lifetime(behavior.cache, response, distribution.error_responses, now)
            if seconds:
                if stream is not None:
                    read, rest = await _read(stream, LARGEST_KEPT)
                    if rest is not None:
                        return _Found(response, "Miss", _chained(read, rest))
                    response = replace(response, body=read)
                self._cache.put(key, Entry(response, viewer_path, now, seconds))
                return _Found(response, "Miss")
        return _Found(response, "Miss", stream)

    def _hit(self, entry: Entry, request: Request, found: str, *, age: bool = True) -> _Found:
        seconds = entry.age(time.time()) if age else None
        return _Found(_selected(entry.response, request), found, age=seconds)

    async def _ask(
        self,
        distribution: Distribution,
        behavior: Behavior,
        request: Request,
        body: Body | None,
        conditions: Headers | None,
    ) -> tuple[Response, Body | None]:
        """The origin's answer, or that of the next member of its group.

        `conditions` are the edge's own; None lets the viewer's pass. Raises EdgeError when nobody answered.
        """
        group = next((each for each in distribution.origin_groups if each.id == behavior.target), None)
        origins = {each.id: each for each in distribution.origins}
        members = group.members if group and request.method in ("GET", "HEAD", "OPTIONS") else ()
        targets = members or (group.members[:1] if group else (behavior.target,))
        for position, target in enumerate(targets):
            last = position == len(targets) - 1
            try:
                response, stream = await self._ask_one(
                    distribution, behavior, origins[target], request, body, conditions
                )
            except EdgeError as error:
                if last or group is None or error.status not in group.status_codes:
                    raise
                continue
            if last or group is None or response.status not in group.status_codes:
                return response, stream
            await _drop(stream)
        raise EdgeError(502, UNRESOLVED)

    async def _ask_one(
        self,
        distribution: Distribution,
        behavior: Behavior,
        origin: Origin,
        request: Request,
        body: Body | None,
        conditions: Headers | None,
    ) -> tuple[Response, Body | None]:
        if origin.bucket is not None:
            return await self._ask_bucket(distribution, origin, request, conditions)
        headers = origin_headers(distribution, behavior, origin, request, conditions=conditions is None)
        headers += conditions or []
        query = forwarded_query(behavior, request)
        target = origin.path + request.path + (f"?{query}" if query else "")
        endpoint = self._endpoint(origin, behavior, request)
        answer = await self._origins.send(endpoint, request.method, target, headers, body)
        received = from_origin(answer.headers, bucket=False)
        return Response(answer.status, received, b"", answer.reason), _closing(answer.body, answer.close)

    async def _ask_bucket(
        self, distribution: Distribution, origin: Origin, request: Request, conditions: Headers | None
    ) -> tuple[Response, Body | None]:
        bucket = origin.bucket
        assert bucket is not None  # noqa: S101
        key = s3.key_of(origin, request.path)
        allowed = s3.permission(distribution, bucket, key)
        if refused := s3.refusal(bucket, allowed, request.method, key):
            return refused, None
        passed = conditions
        if passed is None:
            names = {"range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"}
            if request.header("if-none-match"):
                names.discard("if-modified-since")
            passed = [(name, value) for name, value in request.headers if name in names]
        target, headers = s3.signed_request(
            self._configuration.s3_endpoint,
            self._configuration.region,
            self._credentials,
            bucket.name,
            origin.path + request.path,
            request.method,
            passed,
        )
        url = urlsplit(self._configuration.s3_endpoint)
        endpoint = Endpoint(
            addresses=(url.hostname or "",),
            port=url.port or 80,
            tls=False,
            attempts=origin.connection_attempts,
            connect_timeout=origin.connection_timeout,
        )
        answer = await self._origins.send(endpoint, request.method, target, headers)
        if answer.status == 404 and not allowed.list:
            answer.close()
            return s3.access_denied(), None
        received = from_origin(answer.headers, bucket=True)
        return Response(answer.status, received, b"", answer.reason), _closing(answer.body, answer.close)

    def _endpoint(self, origin: Origin, behavior: Behavior, request: Request) -> Endpoint:
        """Raises EdgeError 502 when the origin's name has no address."""
        server = origin.server
        assert server is not None  # noqa: S101
        if not server.addresses:
            log.warning("origin %s: %s", origin.id, server.unresolved)
            raise EdgeError(502, UNRESOLVED)
        tls = server.protocol_policy == "https-only" or (
            server.protocol_policy == "match-viewer" and request.scheme == "https"
        )
        name = host_name(request.host) if forwards_host(behavior) else origin.domain_name
        return Endpoint(
            addresses=server.addresses,
            port=server.https_port if tls else server.http_port,
            tls=tls,
            server_name=name,
            names=tuple(dict.fromkeys((name, origin.domain_name))),
            tls_versions=server.tls_versions,
            authority=self._configuration.authority,
            attempts=origin.connection_attempts,
            connect_timeout=origin.connection_timeout,
            read_timeout=server.read_timeout,
            keepalive=server.keepalive_timeout,
        )

    def _finished(self, distribution: Distribution | None, request: Request, found: _Found) -> Answer:
        """The answer with the headers that CloudFront adds to every one."""
        response = found.response
        marks: list[tuple[str, str | None]] = [
            ("x-cache", f"{found.found} from cloudfront"),
            ("x-amz-cf-pop", POP),
            ("x-amz-cf-id", request.id),
        ]
        if distribution is not None:
            earlier = joined(response.headers, "via")
            own = via("1.1", distribution)
            marks.append(("via", f"{earlier}, {own}" if earlier else own))
        if found.age is not None:
            marks.append(("age", str(found.age)))
        if joined(response.headers, "date") is None:
            marks.append(("date", email.utils.formatdate(usegmt=True)))
        if found.stream is None and joined(response.headers, "content-length") is None:
            marks.append(("content-length", str(len(response.body))))
        headers = changed(response.headers, *marks)
        if request.method == "HEAD":
            return Answer(response.status, headers, b"", None, response.reason)
        return Answer(response.status, headers, response.body, found.stream, response.reason)


def _check(behavior: Behavior, request: Request, body: Body | None) -> None:
    """Refuse what CloudFront refuses before it looks anywhere. Raises EdgeError."""
    if len(request.path) + len(request.query) + 1 > LONGEST_URL:
        raise EdgeError(414, "Bad request. The URL is longer than 8192 bytes.")
    if request.method not in _METHODS:
        raise EdgeError(405, f"CloudFront does not know the method {request.method}.")
    if request.method not in behavior.allowed_methods:
        raise EdgeError(
            403,
            "This distribution is not configured to allow the HTTP request method that was used for this request. "
            f"It supports {', '.join(sorted(behavior.allowed_methods))}.",
        )
    if request.method == "GET" and body is not None:
        raise EdgeError(403, "Bad request. A GET request cannot have a body.")


def _merged(kept: Response, confirmation: Response) -> Response:
    """The kept response with the freshness that a 304 tells."""
    updates = {name for name, _ in confirmation.headers if name in ("cache-control", "expires", "date")}
    headers = [(name, value) for name, value in kept.headers if name not in updates]
    return replace(kept, headers=headers + [pair for pair in confirmation.headers if pair[0] in updates])


def _selected(response: Response, request: Request) -> Response:
    """What of a kept response the viewer's conditional and range headers ask for (RFC 9110, 13 and 14)."""
    if response.status != 200:
        return response
    if _not_modified(response, request):
        kept = ("cache-control", "date", "etag", "expires", "last-modified", "server", "vary")
        return Response(304, [pair for pair in response.headers if pair[0] in kept])
    wanted = request.header("range")
    if wanted is None or request.method != "GET":
        return response
    if_range = request.header("if-range")
    if if_range is not None and if_range not in (response.header("etag"), response.header("last-modified")):
        return response
    return _range(response, wanted)


def _not_modified(response: Response, request: Request) -> bool:
    tags = request.header("if-none-match")
    if tags is not None:
        etag = (response.header("etag") or "").removeprefix("W/")
        return tags.strip() == "*" or etag in [tag.strip().removeprefix("W/") for tag in tags.split(",")]
    since, modified = request.header("if-modified-since"), response.header("last-modified")
    if since is None or modified is None:
        return False
    try:
        return email.utils.parsedate_to_datetime(modified) <= email.utils.parsedate_to_datetime(since)
    except (ValueError, TypeError):
        return False


def _range(response: Response, wanted: str) -> Response:
    """One range of the body; several ranges, which may be answered whole, are."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted.strip())
    size = len(response.body)
    if not match or match[0] == "bytes=-":
        return response
    if match[1]:
        first, last = int(match[1]), min(int(match[2] or size - 1), size - 1)
        if match[2] and int(match[2]) < int(match[1]):
            return response
    else:
        first, last = max(0, size - int(match[2])), size - 1
    if first >= size or last < first:
        return Response(416, [("server", "CloudFront"), ("content-range", f"bytes */{size}")])
    part = response.body[first : last + 1]
    headers = changed(
        response.headers,
        ("content-range", f"bytes {first}-{last}/{size}"),
        ("content-length", str(len(part))),
    )
    return Response(206, headers, part)


async def _read(stream: Body, limit: int) -> tuple[bytes, Body | None]:
    """Up to `limit` bytes, and the rest of the stream when there is more.

    Raises EdgeError 502 when the origin breaks off: half an object must not be kept.
    """
    read = bytearray()
    try:
        async for chunk in stream:
            read += chunk
            if len(read) > limit:
                return bytes(read), stream
    except Exception as error:
        raise EdgeError(502, "CloudFront got an incomplete response from the origin.") from error
    return bytes(read), None


async def _chained(beginning: bytes, rest: Body) -> Body:
    try:
        yield beginning
        async for chunk in rest:
            yield chunk
    finally:
        await _drop(rest)


async def _closing(stream: Body, close: object) -> Body:
    """The stream, with the connection closed when somebody stops reading it early."""
    try:
        async for chunk in stream:
            yield chunk
    finally:
        if callable(close):
            close()


async def _drop(stream: Body | None) -> None:
    """Stop reading a stream."""
    closing = getattr(stream, "aclose", None)
    if closing is not None:
        await closing()
