"""A playbook that says that it only looks is run again in check mode."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import context  # type: ignore[import-untyped]
from ansible.module_utils.common.collections import ImmutableDict  # type: ignore[import-untyped]
from ansible_collections.slipway.aws.plugins.callback import dry_run


def playbook(**variables: Any) -> Any:
    play = SimpleNamespace(vars=variables)
    return SimpleNamespace(get_plays=lambda: [play, SimpleNamespace(vars={})])


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    commands: list[tuple[list[str], dict[str, str]]] = []

    def run(command: list[str], *, env: dict[str, str], **_more: Any) -> Any:
        commands.append((command, env))
        return subprocess.CompletedProcess(command, 2)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(sys, "argv", ["ansible-playbook", "plan.yml", "-i", "x"])
    return commands


def start(monkeypatch: pytest.MonkeyPatch, playbook: Any, *, check: bool, books: int = 1) -> None:
    monkeypatch.setattr(context, "CLIARGS", ImmutableDict(check=check, args=("plan.yml",) * books))
    dry_run.CallbackModule().v2_playbook_on_start(playbook)


def test_other_playbooks_run_as_they_are(monkeypatch: pytest.MonkeyPatch, started: list[Any]) -> None:
    start(monkeypatch, playbook(), check=False, books=2)
    assert started == []


@pytest.mark.parametrize("check", [False, True])
def test_it_is_run_again_and_its_status_is_that_of_the_run(
    monkeypatch: pytest.MonkeyPatch, started: list[Any], check: bool
) -> None:
    with pytest.raises(SystemExit) as ended:
        start(monkeypatch, playbook(slipway_dry_run="slipway.aws.plan"), check=check)
    assert ended.value.code == 2
    ((command, environment),) = started
    assert command == [sys.executable, "ansible-playbook", "plan.yml", "-i", "x", "--check", "--diff"]
    assert environment["ANSIBLE_STDOUT_CALLBACK"] == "slipway.aws.plan"


def test_the_dry_run_itself_goes_on(monkeypatch: pytest.MonkeyPatch, started: list[Any]) -> None:
    monkeypatch.setattr("ansible.constants.DEFAULT_STDOUT_CALLBACK", "slipway.aws.plan")
    start(monkeypatch, playbook(slipway_dry_run="slipway.aws.plan"), check=True)
    assert started == []


def test_it_is_run_alone(monkeypatch: pytest.MonkeyPatch, started: list[Any]) -> None:
    with pytest.raises(SystemExit) as ended:
        start(monkeypatch, playbook(slipway_dry_run="slipway.aws.plan"), check=False, books=2)
    assert ended.value.code == 1
    assert started == []
