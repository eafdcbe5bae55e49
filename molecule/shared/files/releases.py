"""Releases of the probe application, and an account that holds them.

    releases.py build DIRECTORY RELEASE…     trees and packed archives below DIRECTORY
    releases.py account DIRECTORY RELEASE…   the same, uploaded to the account that boto3's variables name

`broken` cannot be imported, `sick` is not well, the archive of `damaged` is not the one that was built. One program and
not forty tasks: each of them would import the SDK anew.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import boto3

SHARED = Path(__file__).resolve().parent
PROJECT = SHARED.parents[2]
PACKER = PROJECT / "roles" / "release" / "files" / "release_archive.py"

BUCKET = "slipway-molecule-releases"
NAME = "slipway-molecule"
#: Everything that could end a quoted value, or begin another variable; 24 characters.
AWKWARD = 'a "b" $c `d` \\e\nEVIL=1 é'


def gunicorn(directory: Path) -> Path:
    """The Gunicorn that the application ships, installed once."""
    place = directory / "gunicorn"
    if not place.exists():
        wanted = re.search(r"gunicorn==[0-9.]+", (PROJECT / "django_app" / "pyproject.toml").read_text())
        assert wanted is not None, "django_app/pyproject.toml names no version of gunicorn"  # noqa: S101
        uv = Path(sys.executable).parent / "uv"
        command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", place, wanted[0]]
        subprocess.run(command, check=True)
    return place


def build(directory: Path, release: str) -> Path:
    """Build and pack one release; returns the directory of the archive and its manifest."""
    tree, packed = directory / release, directory / f"{release}-packed"
    for place in (tree, packed):
        shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(SHARED / "application", tree, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(gunicorn(directory), tree / "site-packages", dirs_exist_ok=True)
    for version in (tree / "app/probe/version.py", tree / "site-packages/late/version.py"):
        version.write_text(f'VERSION = "{release}"\n')
    if release == "broken":
        (tree / "app/probe/version.py").write_text("raise RuntimeError('this release cannot be imported')\n")
    command = [sys.executable, PACKER, "pack", "--id", release, "--tree", tree, "--output", packed]
    subprocess.run(command, check=True)
    if release == "damaged":
        with (packed / "backend.tar.gz").open("ab") as archive:
            archive.write(b"\0")
    return packed


def fill(directory: Path, releases: list[str]) -> None:
    """The account: the releases, the pointer at the first of them, variables, and a secret."""
    region = os.environ["AWS_REGION"]
    s3, ssm, secrets = (boto3.client(service, region_name=region) for service in ("s3", "ssm", "secretsmanager"))
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": region})
    for release in releases:
        packed = build(directory, release)
        for name in ("backend.tar.gz", "manifest.json"):
            s3.put_object(Bucket=BUCKET, Key=f"releases/{release}/{name}", Body=(packed / name).read_bytes())
    secret = {"username": "application", "password": AWKWARD}
    arn = secrets.create_secret(Name=f"{NAME}/database", SecretString=json.dumps(secret))["ARN"]
    parameters = {
        "release/current": releases[0],
        "application/MOTTO": "first line\nEVIL=yes",
        "application/DATABASE_HOST": "db.example.com",
        "application-secrets/DATABASE_PASSWORD": f"{arn}:password::",
        "control/BELL": "ding\a",
    }
    for name, value in parameters.items():
        ssm.put_parameter(Name=f"/{NAME}/{name}", Value=value, Type="String", Overwrite=True)


def main() -> None:
    verb, directory, releases = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    directory.mkdir(parents=True, exist_ok=True)
    if verb == "account":
        fill(directory, releases)
        return
    for release in releases:
        build(directory, release)


if __name__ == "__main__":
    main()
