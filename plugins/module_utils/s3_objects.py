"""Objects of a bucket: what a directory shall look like there, what has to go, and the calls that do it.

The first half is pure. The second half is the only place that calls S3.
"""

from __future__ import annotations

import fnmatch
import hashlib
import mimetypes
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.slipway.aws.plugins.module_utils.aws import Api
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields, RefusalError

#: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
DELETE_AT_ONCE = 1000

#: What browsers want and the controller's own table may lack or hold otherwise.
CONTENT_TYPES = {
    ".avif": "image/avif",
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
}


@dataclass(frozen=True)
class Wanted:
    """One object as it shall be. `sha256` (hex) is kept as its metadata: an ETag depends on the encryption."""

    key: str
    path: Path
    sha256: str
    content_type: str
    cache_control: str


def content_type(name: str) -> str:
    """The Content-Type of a file name, with the character set for text."""
    suffix = Path(name).suffix.lower()
    kind = CONTENT_TYPES.get(suffix) or mimetypes.guess_type(name, strict=False)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") or kind == "application/json" else kind


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of the shell patterns matches the whole relative name and none of those after `!` does."""
    found = False
    for pattern in patterns:
        taken_out = pattern.startswith("!")
        if fnmatch.fnmatchcase(name, pattern.removeprefix("!")):
            if taken_out:
                return False
            found = True
    return found


def plan(source: Path, prefix: str, rules: Sequence[Mapping[str, Any]]) -> list[Wanted]:
    """The objects that the directory shall become, in the order in which they are uploaded.

    A rule is {patterns, cache_control}. A file belongs to the first rule that matches, and rules are uploaded one
    after the other: what refers to other files belongs to the last.
    Raises RefusalError when there is no file, and for a file that no rule matches.
    """
    names = sorted(path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file())
    if not names:
        raise RefusalError(f"There is no file to publish in {source}: build first.")
    order: list[list[Wanted]] = [[] for _ in rules]
    for name in names:
        for number, rule in enumerate(rules):
            if matches(name, rule["patterns"]):
                path = source / name
                order[number].append(
                    Wanted(
                        key=prefix + name,
                        path=path,
                        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                        content_type=content_type(name),
                        cache_control=rule["cache_control"],
                    )
                )
                break
        else:
            raise RefusalError(f"No rule says how {name} is published: add a rule whose patterns match it.")
    return [wanted for group in order for wanted in group]


def is_same(wanted: Wanted, head: Mapping[str, Any] | None) -> bool:
    """Whether the answer of HeadObject (None for an object that is not there) is the object that is wanted."""
    return head is not None and (
        head.get("Metadata", {}).get("sha256"),
        head.get("ContentType"),
        head.get("CacheControl", ""),
    ) == (wanted.sha256, wanted.content_type, wanted.cache_control)


def groups_to_remove(
    objects: Iterable[Mapping[str, Any]], prefix: str, *, keep: int, protect: Collection[str]
) -> dict[str, list[str]]:
    """The groups (first part of the key after the prefix) that go, each with its keys.

    Groups are ordered by the time of their newest object; the `keep` newest and the protected ones stay.
    """
    keys: dict[str, list[str]] = {}
    newest: dict[str, datetime] = {}
    for item in objects:
        group, slash, _ = item["Key"].removeprefix(prefix).partition("/")
        if not slash:
            continue
        keys.setdefault(group, []).append(item["Key"])
        newest[group] = max(newest.get(group, item["LastModified"]), item["LastModified"])
    by_age = sorted(newest, key=lambda group: newest[group], reverse=True)
    return {group: sorted(keys[group]) for group in by_age[keep:] if group not in protect}


class S3Api(Api):
    """The calls on one bucket."""

    def __init__(self, client: Any, bucket: str) -> None:
        super().__init__(client)
        self.bucket = bucket

    def objects(self, prefix: str) -> list[Fields]:
        """Every object below the prefix: {Key, LastModified, Size, ETag, …}."""
        return self.pages(
            f"list {self.bucket}/{prefix}", "list_objects_v2", "Contents", Bucket=self.bucket, Prefix=prefix
        )

    def head(self, key: str) -> Fields | None:
        """HeadObject, or None when there is no such object."""
        return self.call_if_exists(
            f"look at {self.bucket}/{key}",
            "head_object",
            missing=("404", "NoSuchKey", "NotFound"),
            Bucket=self.bucket,
            Key=key,
        )

    def read(self, key: str) -> bytes:
        """The contents of an object."""
        answer = self.call(f"read {self.bucket}/{key}", "get_object", Bucket=self.bucket, Key=key)
        contents: bytes = answer["Body"].read()
        return contents

    def put(self, wanted: Wanted) -> None:
        """Write one object with its headers."""
        headers = {"CacheControl": wanted.cache_control} if wanted.cache_control else {}
        self.call(
            f"write {self.bucket}/{wanted.key}",
            "put_object",
            Bucket=self.bucket,
            Key=wanted.key,
            Body=wanted.path.read_bytes(),
            ContentType=wanted.content_type,
            Metadata={"sha256": wanted.sha256},
            **headers,
        )

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects. Raises RefusalError when S3 keeps one of them."""
        for start in range(0, len(keys), DELETE_AT_ONCE):
            batch = [{"Key": key} for key in keys[start : start + DELETE_AT_ONCE]]
            answer = self.call(
                f"remove objects of {self.bucket}",
                "delete_objects",
                Bucket=self.bucket,
                Delete={"Objects": batch, "Quiet": True},
            )
            if errors := answer.get("Errors"):
                first = errors[0]
                raise RefusalError(
                    f"S3 did not remove {len(errors)} objects of {self.bucket}, "
                    f"the first of them {first.get('Key')}: {first.get('Message')}."
                )
