"""What s3_publish and s3_prune decide, and what they leave in a bucket."""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder  # type: ignore[import-untyped]
from moto import mock_aws

if not any(isinstance(finder, _AnsibleCollectionFinder) for finder in sys.meta_path):
    _AnsibleCollectionFinder(paths=[str(Path(__file__).parents[2] / "collections")])._install()

from ansible_collections.slipway.aws.plugins.module_utils import s3_objects
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import RefusalError
from ansible_collections.slipway.aws.plugins.modules import s3_publish

BUCKET, ARCHIVE = "site", "archive"
RULES = [
    {"patterns": ["assets/*"], "cache_control": "public, max-age=31536000, immutable"},
    {"patterns": ["*", "!index.html", "!config.json"], "cache_control": "public, max-age=3600"},
    {"patterns": ["config.json"], "cache_control": "no-cache"},
    {"patterns": ["index.html"], "cache_control": "no-cache"},
]


def write(directory: Path, *names: str) -> Path:
    for name in names:
        place = directory / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(name)
    return directory


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, buckets_by_path: None) -> Iterator[Any]:  # noqa: ARG001
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        for bucket in (BUCKET, ARCHIVE):
            client.create_bucket(Bucket=bucket)
        yield client


def publish(s3: Any, source: Path, *, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
    params = {
        "source": str(source),
        "prefix": "",
        "rules": RULES,
        "purge_prefixes": [],
        "manifests_prefix": "frontends/",
        **changes,
    }
    site, archive = s3_objects.S3Api(s3, BUCKET), s3_objects.S3Api(s3, ARCHIVE)
    return s3_publish.publish(site, archive, params, check_mode=check_mode)


def keys(s3: Any, bucket: str = BUCKET) -> list[str]:
    return [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def put_manifest(s3: Any, build: str, *files: str) -> None:
    s3.put_object(Bucket=ARCHIVE, Key=f"frontends/{build}/manifest.json", Body=json.dumps({"files": files}))


def test_the_page_is_written_after_everything_it_refers_to(tmp_path: Path) -> None:
    write(tmp_path, "index.html", "assets/z.js", "assets/a.css", "favicon.svg", "config.json")

    order = [wanted.key for wanted in s3_objects.plan(tmp_path, "", RULES)]

    assert order == ["assets/a.css", "assets/z.js", "favicon.svg", "config.json", "index.html"]


def test_a_file_without_a_rule_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "index.html", "robots.txt")

    with pytest.raises(RefusalError, match=r"robots\.txt"):
        s3_objects.plan(tmp_path, "", RULES[2:])


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match="no file to publish"):
        s3_objects.plan(tmp_path, "", RULES)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.js.map", "application/json; charset=utf-8"),
        ("A.HTML", "text/html; charset=utf-8"),
        ("a.svg", "image/svg+xml"),
        ("a.woff2", "font/woff2"),
        ("LICENSE", "application/octet-stream"),
    ],
)
def test_a_browser_is_told_what_it_gets(name: str, expected: str) -> None:
    assert s3_objects.content_type(name) == expected


def test_published_once_it_is_not_published_again(s3: Any, tmp_path: Path) -> None:
    write(tmp_path, "index.html", "assets/a.js")

    first, second = publish(s3, tmp_path), publish(s3, tmp_path)

    assert (first["changed"], first["written"]) == (True, ["assets/a.js", "index.html"])
    assert (second["changed"], second["written"]) == (False, [])
    head = s3.head_object(Bucket=BUCKET, Key="index.html")
    assert (head["CacheControl"], head["ContentType"]) == ("no-cache", "text/html; charset=utf-8")


def test_another_header_is_a_change_and_so_is_another_content(s3: Any, tmp_path: Path) -> None:
    write(tmp_path, "index.html", "assets/a.js")
    publish(s3, tmp_path)
    (tmp_path / "index.html").write_text("other text")
    s3.put_object(Bucket=BUCKET, Key="assets/a.js", Body=b"assets/a.js")

    assert publish(s3, tmp_path)["written"] == ["assets/a.js", "index.html"]


def test_check_mode_says_it_and_does_nothing(s3: Any, tmp_path: Path) -> None:
    write(tmp_path, "index.html")

    assert publish(s3, tmp_path, check_mode=True) == {"changed": True, "written": ["index.html"], "removed": []}
    assert keys(s3) == []


def test_what_an_older_page_refers_to_stays_and_what_no_page_refers_to_goes(s3: Any, tmp_path: Path) -> None:
    for name in ("assets/older.js", "assets/gone.js", "somebody-elses.txt"):
        s3.put_object(Bucket=BUCKET, Key=name, Body=b"x")
    put_manifest(s3, "older", "index.html", "assets/older.js")
    write(tmp_path, "index.html", "assets/new.js")

    result = publish(s3, tmp_path, purge_prefixes=["assets/"])

    assert result["removed"] == ["assets/gone.js"]
    assert keys(s3) == ["assets/new.js", "assets/older.js", "index.html", "somebody-elses.txt"]


def test_a_manifest_that_cannot_be_read_removes_nothing(s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key="assets/older.js", Body=b"x")
    s3.put_object(Bucket=ARCHIVE, Key="frontends/older/manifest.json", Body=b'{"files": "all"}')
    write(tmp_path, "index.html")

    with pytest.raises(RefusalError, match="frontends/older"):
        publish(s3, tmp_path, purge_prefixes=["assets/"])

    assert "assets/older.js" in keys(s3)


def item(key: str, day: int) -> dict[str, Any]:
    return {"Key": key, "LastModified": datetime.datetime(2026, 1, day, tzinfo=datetime.UTC)}


def test_the_newest_groups_stay_and_so_do_the_protected_ones() -> None:
    objects = [
        item("releases/a/backend.tar.gz", 1),
        item("releases/a/manifest.json", 1),
        item("releases/b/manifest.json", 2),
        item("releases/c/manifest.json", 3),
        # An old group that something was added to is new.
        item("releases/d/backend.tar.gz", 1),
        item("releases/d/manifest.json", 4),
        item("releases/README", 1),
    ]

    assert s3_objects.groups_to_remove(objects, "releases/", keep=2, protect={"b"}) == {
        "a": ["releases/a/backend.tar.gz", "releases/a/manifest.json"]
    }


def test_more_objects_than_one_request_takes_are_removed(s3: Any) -> None:
    for number in range(3):
        s3.put_object(Bucket=BUCKET, Key=f"k{number}", Body=b"")
    api = s3_objects.S3Api(s3, BUCKET)

    api.delete([f"k{number}" for number in range(2100)])

    assert keys(s3) == []
