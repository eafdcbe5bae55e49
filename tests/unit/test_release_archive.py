"""The artefact of a release: what is in it, and that the same files give the same bytes."""

from __future__ import annotations

import datetime
import importlib.util
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path, PurePosixPath
from types import ModuleType

import pytest

PROGRAM = Path(__file__).parents[2] / "roles" / "release" / "files" / "release_archive.py"


def load() -> ModuleType:
    specification = importlib.util.spec_from_file_location("release_archive", PROGRAM)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


archive = load()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with what belongs in a release and what does not."""
    source = tmp_path / "project"
    for name, text in {
        "manage.py": "print()",
        "config/settings.py": "DEBUG = False",
        "config/__pycache__/settings.cpython-313.pyc": "x",
        "tests/test_settings.py": "x",
        "status/tests/test_models.py": "x",
        "db.sqlite3": "x",
        ".env": "SECRET=1",
    }.items():
        place = source / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    (source / "manage.py").chmod(0o755)
    return source


EXCLUDE = ["tests", "*.pyc", "__pycache__", ".env", "*.sqlite3"]


def names(path: Path) -> list[str]:
    with tarfile.open(path) as file:
        return file.getnames()


def test_what_is_excluded_is_not_copied_wherever_it_lies(project: Path, tmp_path: Path) -> None:
    assert archive.copy_tree(project, tmp_path / "app", EXCLUDE) == 2
    assert sorted(path.name for path in (tmp_path / "app").rglob("*") if path.is_file()) == ["manage.py", "settings.py"]


def test_a_second_copy_holds_nothing_of_the_first(project: Path, tmp_path: Path) -> None:
    archive.copy_tree(project, tmp_path / "app", EXCLUDE)
    (project / "config/settings.py").unlink()
    archive.copy_tree(project, tmp_path / "app", EXCLUDE)

    assert not (tmp_path / "app/config/settings.py").exists()


def test_a_pattern_with_a_slash_is_a_path() -> None:
    assert archive.is_excluded(PurePosixPath("docs/build"), ["docs/build"])
    assert not archive.is_excluded(PurePosixPath("app/docs/build"), ["docs/build"])


def test_nothing_to_ship_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(archive.InputError, match="nothing to ship"):
        archive.copy_tree(tmp_path / "empty", tmp_path / "app", [])


def test_the_same_files_give_the_same_bytes_whoever_wrote_them_when(tmp_path: Path) -> None:
    trees = []
    for number, order in enumerate((["b", "a"], ["a", "b"])):
        tree = tmp_path / str(number)
        tree.mkdir()
        for name in order:
            (tree / name).write_text(name)
            os.utime(tree / name, (number * 1000, number * 1000))
            (tree / name).chmod(0o600 if number else 0o644)
        trees.append(tree)

    for tree in trees:
        archive.pack_tree(tree, tree.with_suffix(".tar.gz"))

    assert trees[0].with_suffix(".tar.gz").read_bytes() == trees[1].with_suffix(".tar.gz").read_bytes()


def test_a_program_stays_one_and_nobody_owns_anything(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/run").write_text("#!/bin/sh")
    (tmp_path / "tree/run").chmod(0o700)
    (tmp_path / "tree/data").write_text("x")

    archive.pack_tree(tmp_path / "tree", tmp_path / "a.tar.gz")

    with tarfile.open(tmp_path / "a.tar.gz") as file:
        members = {member.name: member for member in file.getmembers()}
    assert (members["run"].mode, members["data"].mode) == (0o755, 0o644)
    assert {(member.uid, member.gid, member.uname) for member in members.values()} == {(0, 0, "")}


def test_a_link_inside_the_release_is_kept(tmp_path: Path) -> None:
    (tmp_path / "tree/lib").mkdir(parents=True)
    (tmp_path / "tree/lib/a").write_text("x")
    (tmp_path / "tree/b").symlink_to("lib/a")

    archive.pack_tree(tmp_path / "tree", tmp_path / "a.tar.gz")

    with tarfile.open(tmp_path / "a.tar.gz") as file:
        assert file.getmember("b").linkname == "lib/a"


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "lib/../../outside"])
def test_a_link_that_leaves_the_release_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/link").symlink_to(target)

    with pytest.raises(archive.InputError, match="leaves the release"):
        archive.pack_tree(tmp_path / "tree", tmp_path / "a.tar.gz")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    os.mkfifo(tmp_path / "tree/pipe")

    with pytest.raises(archive.InputError, match="neither a file"):
        archive.pack_tree(tmp_path / "tree", tmp_path / "a.tar.gz")


def test_the_manifest_says_what_a_host_has_to_find(tmp_path: Path) -> None:
    (tmp_path / "backend.tar.gz").write_bytes(b"hello")

    described = archive.manifest(
        "4f2a",
        tmp_path / "backend.tar.gz",
        frontend_prefix="frontends/9c1b/",
        migrations={"status": "0002_incident"},
        created=datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
    )

    assert described == {
        "id": "4f2a",
        "backend": {
            "key": "releases/4f2a/backend.tar.gz",
            "sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
            "bytes": 5,
        },
        "frontend": {"prefix": "frontends/9c1b/"},
        "migrations": {"status": "0002_incident"},
        "created": "2026-01-02T03:04:05+00:00",
    }


def test_the_program_packs_a_tree_and_says_one_sentence_when_it_cannot(project: Path, tmp_path: Path) -> None:
    def call(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, PROGRAM, *words], capture_output=True, text=True, check=False)

    done = call("pack", "--id", "4f2a", "--tree", project, "--output", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert "manage.py" in names(tmp_path / "out/backend.tar.gz")
    assert json.loads((tmp_path / "out/manifest.json").read_text())["id"] == "4f2a"

    refused = call("copy", "--from", tmp_path / "nowhere", "--to", tmp_path / "app")
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
