"""What the engine knows better than podman."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.engine import Engine, _report_unseen_ends


def test_a_container_that_died_with_its_monitor_is_reported_to_podman(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    listed = [
        {"Id": "gone", "State": "running", "Pid": ended.pid},
        {"Id": "alive", "State": "running", "Pid": os.getpid()},
        {"Id": "never", "State": "created", "Pid": 0},
        {"Id": "known", "State": "exited", "Pid": ended.pid},
    ]
    assert _report_unseen_ends(listed, tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"gone": "137"}
    assert not _report_unseen_ends(listed[1:], tmp_path)


def test_whoever_may_not_write_there_leaves_it_to_root(tmp_path: Path) -> None:
    listed = [{"Id": "gone", "State": "running", "Pid": 2**22 + 1}]
    assert not _report_unseen_ends(listed, tmp_path / "absent")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts something")
def test_what_a_killed_build_has_mounted_is_taken_off(tmp_path: Path) -> None:
    """As `mmdebstrap` leaves it below the directory in which it was at work."""
    place = tmp_path / "machine-killed" / "root" / "proc"
    place.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", str(place)], check=True)
    try:
        Engine(tmp_path).destroy()
        assert str(place) not in Path("/proc/self/mountinfo").read_text()
    finally:
        subprocess.run(["umount", "-l", str(place)], capture_output=True)
