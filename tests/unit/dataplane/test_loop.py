"""The loop of the data plane."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from rehearsal.certificates import CertificateAuthority
from rehearsal.dataplane.context import Context
from rehearsal.dataplane.loop import Loop
from rehearsal.engine import Container, Engine
from rehearsal.settings import Settings


class NoContainers(Engine):
    def containers(self) -> dict[str, Container]:
        return {}


class Counting:
    def __init__(self) -> None:
        self.rounds = 0

    def reconcile(self) -> None:
        self.rounds += 1


class Failing:
    def __init__(self) -> None:
        self.error: Exception | None = ValueError("no such subnet")

    def reconcile(self) -> None:
        if self.error:
            raise self.error


@pytest.fixture
def context(tmp_path: Path) -> Context:
    settings = Settings(project=tmp_path, emulator_port=1, site_port=2, metadata_port=3)
    return Context(settings, NoContainers(tmp_path), CertificateAuthority(tmp_path), appliance_image="")


def test_one_controller_s_failure_does_not_keep_the_others_from_their_work(context: Context) -> None:
    counting = Counting()
    loop = Loop(context, [Failing(), counting])
    loop.round()
    loop.round()
    assert counting.rounds == 2


def test_a_failure_is_told_once_and_so_is_its_end(context: Context, caplog: pytest.LogCaptureFixture) -> None:
    failing = Failing()
    loop = Loop(context, [failing])
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            loop.round()
        failing.error = None
        loop.round()
    messages = [record.getMessage() for record in caplog.records]
    assert len([m for m in messages if "failed" in m]) == 1
    assert len([m for m in messages if "works again" in m]) == 1
