"""What every playbook has in common."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

PLAYBOOKS = sorted((Path(__file__).parents[2] / "playbooks").glob("*.yml"))
#: These look and change nothing, or are parts of one that asked.
LOOK = {"preflight", "verify", "survey", "record"}


@pytest.mark.parametrize("playbook", [path for path in PLAYBOOKS if path.stem not in LOOK], ids=lambda path: path.stem)
def test_what_changes_an_account_first_asks_whether_it_is_the_right_one(playbook: Path) -> None:
    first = yaml.safe_load(playbook.read_text())[0]
    assert first["ansible.builtin.import_playbook"] == "preflight.yml"
