"""The requests of a whole run of each environment. Each is made once: it takes a minute."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from audit.account import account
from audit.recording import Call


@cache
def _calls(environment: str) -> tuple[Call, ...]:
    with account(environment) as made:
        assert made.recording.unknown == []
        return tuple(made.recording)


@pytest.fixture(scope="session")
def calls() -> Callable[[str], tuple[Call, ...]]:
    """`calls("production")`: what the playbooks ask of an empty account."""
    return _calls
