"""One empty account for all tests of a file: they build on each other in their order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .account import Account, emulated_account


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with emulated_account(tmp_path_factory.mktemp("account")) as account:
        yield account
