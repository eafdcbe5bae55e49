"""Requests and responses as they travel through the front, and the small facts of HTTP about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

#: Names are lower-case; a name may come more than once. Text is Latin-1, as on the wire.
Headers = list[tuple[str, str]]

#: RFC 9110, 7.6.1, and what CloudFront removes besides.
#: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


@dataclass(frozen=True)
class Request:
    """A viewer's request. `path` and `query` (without `?`) are raw, as the viewer wrote them."""

    method: str
    host: str
    path: str
    query: str
    headers: Headers
    scheme: str = "https"
    http_version: str = "2.0"
    client: tuple[str, int] = ("127.0.0.1", 0)
    id: str = ""

    def header(self, name: str) -> str | None:
        """The value of a header; several lines are joined by a comma (RFC 9110, 5.2)."""
        return joined(self.headers, name)

    @property
    def cookies(self) -> list[tuple[str, str]]:
        """The cookies in the order in which the viewer sent them."""
        pairs = []
        for name, value in self.headers:
            if name == "cookie":
                for cookie in value.split(";"):
                    key, _, content = cookie.strip().partition("=")
                    if key:
                        pairs.append((key, content))
        return pairs

    @property
    def query_pairs(self) -> list[tuple[str, str]]:
        """Names and values of the query string as written; a name without `=` has an empty value."""
        return [parse_pair(pair) for pair in self.query.split("&") if pair]


def parse_pair(pair: str) -> tuple[str, str]:
    """`a=b` as a name and a value."""
    name, _, value = pair.partition("=")
    return name, value


@dataclass(frozen=True)
class Response:
    """A complete answer, its body in memory."""

    status: int
    headers: Headers
    body: bytes = b""
    reason: str = field(default="", compare=False)

    def header(self, name: str) -> str | None:
        """The value of a header; several lines are joined by a comma."""
        return joined(self.headers, name)

    def with_headers(self, *changes: tuple[str, str | None]) -> Self:
        """The same answer with headers replaced, or removed where the value is None."""
        return replace(self, headers=changed(self.headers, *changes))


def joined(headers: Headers, name: str) -> str | None:
    """All lines of a header as one value, or None when there is none."""
    values = [value for key, value in headers if key == name]
    return ", ".join(values) if values else None


def changed(headers: Headers, *changes: tuple[str, str | None]) -> Headers:
    """A copy with headers replaced, or removed where the value is None."""
    names = {name for name, _ in changes}
    kept = [(name, value) for name, value in headers if name not in names]
    return kept + [(name, value) for name, value in changes if value is not None]


def without(headers: Headers, names: Iterable[str]) -> Headers:
    """A copy without the headers of these names."""
    unwanted = frozenset(names)
    return [(name, value) for name, value in headers if name not in unwanted]


def end_to_end(headers: Headers) -> Headers:
    """A copy without the headers that speak of one connection only, `Connection`'s own list included."""
    listed = {token.strip().lower() for token in (joined(headers, "connection") or "").split(",")}
    return without(headers, HOP_BY_HOP | listed)
