"""The artefact of a release: copy what is shipped, pack it, describe it.

    release_archive.py copy --from DIR --to DIR [--exclude PATTERN]…
    release_archive.py pack --id ID --tree DIR --output DIR [--frontend-prefix PREFIX] [--migrations FILE]

`pack` writes `backend.tar.gz` and `manifest.json` into the output directory. The archive is deterministic: the same
files give the same bytes, on every machine and whenever they are packed. Exit code 1 and one sentence on standard
error when the input cannot be shipped.
"""

from __future__ import annotations

import argparse
import datetime
import fnmatch
import gzip
import hashlib
import json
import shutil
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

ARCHIVE = "backend.tar.gz"
MANIFEST = "manifest.json"

#: 1980-01-01, the oldest time that every archive format can hold.
MODIFIED = 315_532_800


class InputError(Exception):
    """The input cannot be shipped; the text says which file and why."""


def is_excluded(path: PurePosixPath, patterns: Sequence[str]) -> bool:
    """Whether a part of the relative path, or the path itself, matches one of the shell patterns."""
    candidates = [*path.parts, str(path)]
    return any(fnmatch.fnmatchcase(candidate, pattern) for candidate in candidates for pattern in patterns)


def walk(directory: Path) -> Iterator[tuple[PurePosixPath, Path]]:
    """Every directory, file and link below `directory` with its relative path, in one order for all machines."""
    for path in sorted(directory.rglob("*"), key=lambda found: found.relative_to(directory).as_posix()):
        yield PurePosixPath(path.relative_to(directory).as_posix()), path


def shipped(source: Path, exclude: Sequence[str]) -> list[tuple[PurePosixPath, Path]]:
    """The files and links that are shipped.

    Raises InputError when there are none: an archive without an application would only fail on the hosts.
    """
    found = [(rel, path) for rel, path in walk(source) if not is_excluded(rel, exclude)]
    files = [(rel, path) for rel, path in found if path.is_symlink() or not path.is_dir()]
    if not files:
        raise InputError(f"There is nothing to ship in {source}.")
    return files


def copy_tree(source: Path, target: Path, exclude: Sequence[str]) -> int:
    """Make `target` a copy of `source` without what is excluded, and return the number of files.

    Raises InputError like `shipped`.
    """
    files = shipped(source, exclude)
    if target.exists():
        shutil.rmtree(target)
    for relative, path in files:
        place = target / relative
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place, follow_symlinks=False)
    return len(files)


def tar_member(relative: PurePosixPath, path: Path) -> tarfile.TarInfo:
    """The header of one file: no owner, no time, and of the mode only whether it can be executed.

    Raises InputError for a link that leaves the tree and for anything but files, directories and links.
    """
    member = tarfile.TarInfo(str(relative))
    member.mtime = MODIFIED
    if path.is_symlink():
        target = path.readlink()
        depth = 0
        for part in (*relative.parent.parts, *target.parts):
            depth += -1 if part == ".." else 1
            if target.is_absolute() or depth < 0:
                raise InputError(f"{relative} is a link that leaves the release: {target}.")
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, target.as_posix(), 0o777
    elif path.is_dir():
        member.type, member.mode = tarfile.DIRTYPE, 0o755
    elif path.is_file():
        member.size = path.stat().st_size
        member.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
    else:
        raise InputError(f"{relative} is neither a file nor a directory nor a link.")
    return member


def pack_tree(tree: Path, archive: Path) -> None:
    """Write everything below `tree` as a gzipped tar. Raises InputError like `tar_member`."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=MODIFIED, compresslevel=6) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for relative, path in walk(tree):
            member = tar_member(relative, path)
            if member.isreg():
                with path.open("rb") as file:
                    tar.addfile(member, file)
            else:
                tar.addfile(member)


def manifest(
    release: str, archive: Path, *, frontend_prefix: str, migrations: Mapping[str, str], created: datetime.datetime
) -> dict[str, Any]:
    """The description of a release that hosts and operators read. `bytes` is the size of the archive."""
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "id": release,
        "backend": {
            "key": f"releases/{release}/{ARCHIVE}",
            "sha256": digest,
            "bytes": archive.stat().st_size,
        },
        "frontend": {"prefix": frontend_prefix},
        "migrations": dict(migrations),
        "created": created.astimezone(datetime.UTC).isoformat(timespec="seconds"),
    }


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make the artefact of a release.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    copy = verbs.add_parser("copy", help="copy the application without what is excluded")
    copy.add_argument("--from", dest="source", type=Path, required=True)
    copy.add_argument("--to", dest="target", type=Path, required=True)
    copy.add_argument("--exclude", action="append", default=[], metavar="PATTERN")
    pack = verbs.add_parser("pack", help="pack a tree and write its manifest")
    pack.add_argument("--id", required=True)
    pack.add_argument("--tree", type=Path, required=True)
    pack.add_argument("--output", type=Path, required=True)
    pack.add_argument("--frontend-prefix", default="")
    pack.add_argument("--migrations", type=Path, help="JSON object of the last migration of each application")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    options = _parse(arguments)
    try:
        if options.verb == "copy":
            print(copy_tree(options.source, options.target, options.exclude))
            return 0
        options.output.mkdir(parents=True, exist_ok=True)
        archive: Path = options.output / ARCHIVE
        pack_tree(options.tree, archive)
        described = manifest(
            options.id,
            archive,
            frontend_prefix=options.frontend_prefix,
            migrations=json.loads(options.migrations.read_text()) if options.migrations else {},
            created=datetime.datetime.now(datetime.UTC),
        )
        (options.output / MANIFEST).write_text(json.dumps(described, indent=2, sort_keys=True) + "\n")
    except (InputError, OSError, ValueError) as error:
        print(f"release_archive: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
