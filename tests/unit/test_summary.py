"""`make test` runs every part once, and its summary names the tests that failed, below everything else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.__main__ import STAGES, failures, groups

TESTS = """
import pytest

@pytest.fixture
def broken():
    raise OSError("no disk")

def test_good():
    pass

def test_bad():
    assert 1 == 2, "one is not two"

def test_never_begun(broken):
    pass
"""


def test_failed_and_broken_tests_are_named(tmp_path: Path) -> None:
    """Of three tests the failed one and the one whose fixture failed, each with its reason."""
    (tmp_path / "test_three.py").write_text(TESTS)
    report = tmp_path / "three.xml"
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}", "test_three.py"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    bad, never_begun = failures(report)
    assert bad.startswith("test_three::test_bad: AssertionError: one is not two")
    assert never_begun.startswith("test_three::test_never_begun: ")
    assert "no disk" in never_begun


def test_a_report_that_was_never_finished_names_none(tmp_path: Path) -> None:
    """A killed run leaves no report, or half of one; the summary is printed all the same."""
    assert failures(tmp_path / "none.xml") == []
    (tmp_path / "half.xml").write_text("<testsuites><testsuite><testcase")
    assert failures(tmp_path / "half.xml") == []


@pytest.mark.parametrize(
    "parts", [list(STAGES), ["molecule"], ["lint"], ["audit", "unit", "molecule"], ["unit", "end-to-end"]]
)
def test_every_part_runs_once(parts: list[str]) -> None:
    assert sorted(part for lanes in groups(parts) for lane in lanes for part in lane) == sorted(parts)


def test_what_waits_for_its_hosts_has_company() -> None:
    assert groups(["audit", "unit", "molecule"]) == [[["molecule"], ["audit"]], [["unit"]]]
    assert groups(["molecule"]) == [[["molecule"]]]
