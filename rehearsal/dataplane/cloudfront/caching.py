"""What is kept, under which key and how long.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/controlling-the-cache-key.html
"""

from __future__ import annotations

import email.utils
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from rehearsal.dataplane.cloudfront.configuration import (
    DEFAULT_ERROR_TTL,
    CachePolicy,
    ErrorResponse,
    Invalidation,
    Selection,
)
from rehearsal.dataplane.cloudfront.messages import Headers, Request, Response, changed, joined

#: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html
ERRORS_ALWAYS_KEPT = frozenset({404, 414, 500, 501, 502, 503, 504})
ERRORS_KEPT_WHEN_THE_ORIGIN_SAYS_SO = frozenset({400, 403, 405, 412, 415})
STATUSES_KEPT = frozenset({200, 203, 204, 300, 301, 302, 307, 308, 410})


def selects(selection: Selection, name: str) -> bool:
    """Whether a selection of a policy includes the header, cookie or query string."""
    match selection.behavior:
        case "none":
            return False
        case "whitelist":
            return name in selection.names
        case "allExcept":
            return name not in selection.names
        case _:
            return True


def normalized_accept_encoding(policy: CachePolicy, accept_encoding: str | None) -> str:
    """What of Accept-Encoding enters the cache key and goes to the origin: `br,gzip`, `gzip`, `br` or
    nothing.
    """
    accepted = {
        coding
        for part in (accept_encoding or "").lower().split(",")
        for coding, _, parameters in [part.strip().partition(";")]
        if not re.fullmatch(r"\s*q=0(\.0*)?\s*", parameters)
    }
    offered = [("br", policy.brotli), ("gzip", policy.gzip)]
    return ",".join(coding for coding, enabled in offered if enabled and coding in accepted)


@dataclass(frozen=True)
class Key:
    """What identifies an object in the cache."""

    distribution: str
    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    cookies: tuple[tuple[str, str], ...]
    encoding: str


def key_of(distribution: str, policy: CachePolicy, request: Request, path: str) -> Key:
    """The cache key of a request for `path`: HEAD shares GET's."""
    return Key(
        distribution=distribution,
        method="GET" if request.method == "HEAD" else request.method,
        path=path,
        query="&".join(
            pair for pair in request.query.split("&") if pair and selects(policy.query_strings, pair.partition("=")[0])
        ),
        headers=tuple(
            sorted(
                (name, value)
                for name, value in request.headers
                if name not in ("cookie", "accept-encoding") and selects(policy.headers, name)
            )
        ),
        cookies=tuple(cookie for cookie in request.cookies if selects(policy.cookies, cookie[0])),
        encoding=normalized_accept_encoding(policy, request.header("accept-encoding")),
    )


def directives(cache_control: str | None) -> Mapping[str, str]:
    """The directives of a Cache-Control header; those without a value have an empty one."""
    found = {}
    for part in (cache_control or "").split(","):
        name, _, value = part.strip().partition("=")
        if name:
            found[name.lower()] = value.strip('" ')
    return found


def _seconds(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def origin_lifetime(headers: Headers, now: float) -> int | None:
    """How many seconds the origin gives the object: s-maxage, else max-age, else Expires; None when it is
    silent.
    """
    said = directives(joined(headers, "cache-control"))
    for name in ("s-maxage", "max-age"):
        if (seconds := _seconds(said.get(name))) is not None:
            return seconds
    expires = joined(headers, "expires")
    if expires is None:
        return None
    try:
        return max(0, round(email.utils.parsedate_to_datetime(expires).timestamp() - now))
    except ValueError:
        # RFC 9111, 5.3: an invalid date, `0` above all, lies in the past.
        return 0


def lifetime(policy: CachePolicy, response: Response, errors: Iterable[ErrorResponse], now: float) -> int | None:
    """How many seconds a response stays fresh; 0 asks the origin each time, None keeps nothing.

    CloudFront's documents leave open whether an error is kept under a policy that disables caching. Here it
    is kept only where a custom error response of the distribution says how long.
    """
    if response.status >= 400 and response.status != 410:
        return _error_lifetime(policy, response, errors, now)
    if response.status not in STATUSES_KEPT or policy.disables_caching:
        return None
    said = directives(response.header("cache-control"))
    if "no-store" in said or "private" in said:
        return policy.min_ttl or None
    if "no-cache" in said:
        return policy.min_ttl
    given = origin_lifetime(response.headers, now)
    if given is None:
        return max(policy.default_ttl, policy.min_ttl)
    return min(max(given, policy.min_ttl), policy.max_ttl)


def _error_lifetime(policy: CachePolicy, response: Response, errors: Iterable[ErrorResponse], now: float) -> int | None:
    configured = next((each.min_ttl for each in errors if each.code == response.status), None)
    given = origin_lifetime(response.headers, now)
    if response.status == 416:
        return None
    if configured is None:
        if policy.disables_caching:
            return None
        if response.status in ERRORS_ALWAYS_KEPT:
            configured = DEFAULT_ERROR_TTL
        elif response.status in ERRORS_KEPT_WHEN_THE_ORIGIN_SAYS_SO and given:
            configured = 0
        else:
            return None
    return max(configured, 0 if policy.disables_caching else given or 0) or None


@dataclass(frozen=True)
class Entry:
    """A kept response. `viewer_path` is what the viewer asked for before a function or a root object changed
    it.
    """

    response: Response
    viewer_path: str
    stored_at: float
    lifetime: float
    etag: str | None = None

    def age(self, now: float) -> int:
        """Seconds since the origin confirmed it."""
        return max(0, int(now - self.stored_at))

    def fresh(self, now: float) -> bool:
        """Whether it may be served without asking the origin."""
        return now - self.stored_at < self.lifetime

    @property
    def validators(self) -> Headers:
        """The headers that ask the origin whether it has changed; empty when it gave no validator."""
        if self.etag:
            # With an entity tag the date would be ignored (RFC 9110, 13.1.3); not every origin knows that.
            return [("if-none-match", self.etag)]
        modified = self.response.header("last-modified")
        return [("if-modified-since", modified)] if modified else []

    def serves_stale(self, now: float) -> bool:
        """Whether it may stand in for an origin that fails: by default yes, within stale-if-error where
        given.

        https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html
        """
        said = directives(self.response.header("cache-control"))
        if self.response.status >= 400 or {"no-cache", "must-revalidate", "proxy-revalidate"} & said.keys():
            return False
        limit = _seconds(said.get("stale-if-error"))
        return limit is None or now - self.stored_at < self.lifetime + limit

    def refreshed(self, confirmation: Headers, now: float, lifetime: float) -> Entry:
        """The entry after the origin answered 304: its header fields replace the kept ones (RFC 9111,
        3.2).
        """
        updates = [(name, value) for name, value in confirmation if name in _UPDATED_BY_304]
        names = {name for name, _ in updates}
        headers = changed(self.response.headers, *((name, None) for name in names)) + updates
        return replace(self, response=replace(self.response, headers=headers), stored_at=now, lifetime=lifetime)


_UPDATED_BY_304 = frozenset({"cache-control", "date", "expires", "last-modified", "vary"})


class Cache:
    """The objects of all distributions, least recently used ones leaving first when `capacity` bytes are
    full.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[Key, Entry] = OrderedDict()
        self._bytes = 0
        self._applied: set[str] = set()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Entry | None:
        """The object, fresh or not."""
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: Key, entry: Entry) -> None:
        """Keep an object; one that is larger than a quarter of the whole cache is not kept."""
        self.remove(key)
        size = self._size(entry)
        if size > self._capacity // 4:
            return
        self._entries[key] = entry
        self._bytes += size
        while self._bytes > self._capacity:
            _, evicted = self._entries.popitem(last=False)
            self._bytes -= self._size(evicted)

    def remove(self, key: Key) -> None:
        """Forget an object."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= self._size(entry)

    def invalidate(self, distribution: str, invalidations: Sequence[Invalidation]) -> int:
        """Carry out the invalidations that were not carried out before; the number of objects that left."""
        patterns = [
            path
            for invalidation in invalidations
            if invalidation.id not in self._applied
            for path in invalidation.paths
        ]
        self._applied.update(invalidation.id for invalidation in invalidations)
        gone = [
            key
            for key, entry in self._entries.items()
            if key.distribution == distribution and any(invalidates(each, key, entry) for each in patterns)
        ]
        for key in gone:
            self.remove(key)
        return len(gone)

    @staticmethod
    def _size(entry: Entry) -> int:
        # Headers and bookkeeping of a small object weigh about a kilobyte.
        return len(entry.response.body) + 1024


def invalidates(pattern: str, key: Key, entry: Entry) -> bool:
    """Whether an invalidation path names the object, by the path it has or the one that the viewer asked for.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html
    """
    rooted = pattern if pattern.startswith("/") else "/" + pattern
    query = f"?{key.query}" if key.query else ""
    for path in (key.path, entry.viewer_path):
        if rooted.endswith("*"):
            if (path + query).startswith(rooted[:-1]):
                return True
        elif path + query == rooted:
            return True
    return False
