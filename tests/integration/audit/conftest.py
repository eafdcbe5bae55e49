"""The requests of whole runs of each environment. They are made once: it takes minutes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from audit.recording import Call
from audit.recordings import Recordings, recordings


@pytest.fixture(scope="session")
def recorded() -> Recordings:
    """What the playbooks ask of an empty account, for each environment."""
    return recordings()


@pytest.fixture(scope="session")
def calls(recorded: Recordings) -> Callable[[str], tuple[Call, ...]]:
    """`calls("production")`."""
    return recorded.__getitem__
