"""The requests of whole runs of each environment. They are made once: it takes minutes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from audit.account import deployments
from audit.recording import Call

_calls = cache(deployments)


@pytest.fixture(scope="session")
def calls() -> Callable[[str], tuple[Call, ...]]:
    """`calls("production")`: what the playbooks ask of an empty account."""
    return _calls
