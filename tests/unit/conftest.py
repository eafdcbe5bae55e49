"""What tests of several folders need."""

from __future__ import annotations

import pytest


@pytest.fixture
def buckets_by_path(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every client addresses buckets by path.

    moto reads its settings once a process, and the emulated account tells it not to look for buckets in host names.
    """
    configuration = tmp_path_factory.mktemp("aws") / "config"
    configuration.write_text("[default]\ns3 =\n  addressing_style = path\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(configuration))
