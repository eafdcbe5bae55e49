"""What every playbook has in common."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

PLAYBOOKS = sorted((Path(__file__).parents[2] / "playbooks").glob("*.yml"))
#: These look and change nothing, or are parts of one that asked.
LOOK = {"preflight", "plan", "verify", "survey", "record"}


@pytest.mark.parametrize("playbook", [path for path in PLAYBOOKS if path.stem not in LOOK], ids=lambda path: path.stem)
def test_what_changes_an_account_first_asks_whether_it_is_the_right_one(playbook: Path) -> None:
    plays = yaml.safe_load(playbook.read_text())
    if playbook.stem == "destroy":
        # Before that it asks whether the environment is the right one, which needs no call.
        question = plays.pop(0)
        assert question["hosts"] == "localhost"
        assert [list(task)[1] for task in question["tasks"]] == ["ansible.builtin.assert"]
    assert plays[0]["ansible.builtin.import_playbook"] == "preflight.yml"


@pytest.mark.parametrize(
    ("playbook", "bakes"), [("site.yml", True), ("playbooks/bake.yml", True), ("playbooks/provision.yml", False)]
)
def test_a_builder_that_nobody_could_reach_is_refused_before_the_first_change(playbook: str, bakes: bool) -> None:
    """The environments that are shipped have no agent pinned: only a run that bakes is refused for it."""
    project = PLAYBOOKS[0].parents[1]
    run = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "inventories/staging/layers.yml", playbook],
        cwd=project,
        env={name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode != 0
    assert "[account-unknown]" in run.stdout, run.stdout + run.stderr
    assert ("[agent-unpinned]" in run.stdout) == bakes, run.stdout


def test_a_wave_is_played_by_the_layers_that_it_gives_something_to() -> None:
    plays = yaml.safe_load((Path(__file__).parents[2] / "playbooks" / "provision.yml").read_text())
    waves = [play for play in plays if "wave" in play.get("vars", {})]
    assert waves
    for play in waves:
        layers = play["vars"]["wave"].keys() | play["vars"].get("builds_on_it", {}).keys()
        assert sorted(play["hosts"].split(":")) == sorted([*layers, "!settled"])


def test_a_plan_refuses_everything_but_a_dry_run_before_it_does_anything() -> None:
    plays = yaml.safe_load((PLAYBOOKS[0].parent / "plan.yml").read_text())
    assert plays[0]["vars"]["slipway_dry_run"] == "slipway.aws.plan"
    assert plays[0]["any_errors_fatal"]
    task = plays[0]["tasks"][0]
    assert task["ansible.builtin.assert"]["that"] == "ansible_check_mode"
    assert task["tags"] == ["always"]
    assert plays[1]["ansible.builtin.import_playbook"] == "provision.yml"


def test_every_layer_that_is_laid_is_removed() -> None:
    def roles(name: str, default: str) -> dict[str, set[str]]:
        plays = yaml.safe_load((PLAYBOOKS[0].parent / f"{name}.yml").read_text())
        found: dict[str, set[str]] = {}
        for play in plays:
            for waves in ("wave", "builds_on_it"):
                for layer in play.get("vars", {}).get(waves, {}).values():
                    for stage in layer:
                        found.setdefault(stage["role"], set()).add(stage.get("stage", default))
        return found

    removed = roles("destroy", "absent")
    assert set(roles("provision", "main")) <= set(removed)
    # Each stage that a role has for its end is used.
    directory = PLAYBOOKS[0].parent.parent / "roles"
    for role, stages in removed.items():
        assert {path.stem for path in (directory / role / "tasks").glob("absent*.yml")} == {
            stage for stage in stages if stage.startswith("absent")
        }
        assert all((directory / role / "tasks" / f"{stage}.yml").is_file() for stage in stages)
