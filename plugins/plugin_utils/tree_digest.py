"""A digest of what lies in a directory. Pure but for reading the files."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

# What tools leave behind and nobody ships.
EXCLUDES = (
    ".DS_Store",
    ".git",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".venv",
    "*.pyc",
    "*.swp",
    "*~",
    "__pycache__",
    "node_modules",
)


def is_excluded(relative: str, excludes: Sequence[str]) -> bool:
    """Whether a pattern matches the name or, when the pattern has a slash, the path from the top."""
    name = relative.rsplit("/", 1)[-1]
    return any(fnmatch.fnmatchcase(relative if "/" in pattern else name, pattern) for pattern in excludes)


def files(top: Path, excludes: Sequence[str] = EXCLUDES) -> Iterator[tuple[str, Path]]:
    """``(path from the top, file)`` of every file and symbolic link, links not followed, sorted by path.

    An excluded directory is not entered. An empty directory says nothing, as in git.
    """
    if top.is_symlink() or not top.is_dir():
        yield "", top
        return
    found: list[tuple[str, Path]] = []
    for directory, subdirectories, names in os.walk(top):
        prefix = Path(directory).relative_to(top).as_posix()

        def place(name: str, prefix: str = prefix) -> str:
            return name if prefix == "." else f"{prefix}/{name}"

        subdirectories[:] = [name for name in subdirectories if not is_excluded(place(name), excludes)]
        links = [name for name in subdirectories if (Path(directory) / name).is_symlink()]
        found.extend(
            (place(name), Path(directory) / name) for name in [*names, *links] if not is_excluded(place(name), excludes)
        )
    yield from sorted(found)


def tree_digest(top: Path, excludes: Sequence[str] = EXCLUDES) -> str:
    """SHA-256, in hex, over the relative names, the owner's x bits and the contents of all files.

    Independent of where the tree lies, of times, owners and other mode bits. Raises FileNotFoundError.
    """
    digest = hashlib.sha256()
    for relative, path in files(top, excludes):
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            kind, content = b"l", os.fsencode(path.readlink())
        elif stat.S_ISREG(mode):
            kind, content = b"x" if mode & stat.S_IXUSR else b"f", path.read_bytes()
        else:
            # Sockets and pipes have no content to ship.
            continue
        name = os.fsencode(relative)
        # Lengths in front, so that no content can pass for the beginning of the next file.
        digest.update(b"%s %d %d\n%s%s" % (kind, len(name), len(content), name, content))
    return digest.hexdigest()
