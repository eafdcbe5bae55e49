"""Which distribution and which cache behaviour a request belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from rehearsal.dataplane.cloudfront.configuration import Behavior, Configuration, Distribution, covers

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def host_name(host: str) -> str:
    """A Host header without its port, in lower case."""
    return re.sub(r":\d*$", "", host.strip()).lower()


def distribution_for(configuration: Configuration, host: str) -> Distribution | None:
    """The enabled distribution that answers for a Host header.

    An exact alias or CloudFront name wins over a wildcard alias.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/CNAMEs.html
    """
    name = host_name(host)
    enabled = [each for each in configuration.distributions if each.enabled]
    for each in enabled:
        if name == each.domain_name.lower() or name in each.aliases:
            return each
    for each in enabled:
        if any(alias.startswith("*.") and covers(alias, name) for alias in each.aliases):
            return each
    return None


def normalized(path: str) -> str:
    """The path that path patterns are compared with (RFC 3986, 6.2.2): escapes and dot segments resolved.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html
    """

    def unescape(match: re.Match[str]) -> str:
        character = chr(int(match[1], 16))
        return character if character in _UNRESERVED else match[0].upper()

    segments: list[str] = []
    parts = re.sub(r"%([0-9A-Fa-f]{2})", unescape, path).split("/")[1:]
    for position, segment in enumerate(parts):
        last = position == len(parts) - 1
        if segment == "..":
            if segments:
                segments.pop()
            if last:
                segments.append("")
        elif segment == ".":
            if last:
                segments.append("")
        else:
            segments.append(segment)
    return "/" + "/".join(segments)


@lru_cache(maxsize=1024)
def _pattern(pattern: str) -> re.Pattern[str]:
    """`*` is any number of characters, `?` exactly one; case counts; the leading slash may be left out."""
    rooted = pattern if pattern.startswith(("/", "*")) else "/" + pattern
    return re.compile(
        "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in rooted), re.DOTALL
    )


def matches(pattern: str, path: str) -> bool:
    """Whether a path pattern fits a normalised path."""
    return _pattern(pattern).fullmatch(path) is not None


def behavior_for(behaviors: Iterable[Behavior], path: str) -> Behavior:
    """The first behaviour whose pattern fits the raw path; the default one (`*`) stands last and fits all."""
    comparable = normalized(path)
    return next(each for each in behaviors if matches(each.path_pattern, comparable))
