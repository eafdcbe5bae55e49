"""The deployer's policies are the ones that whole runs ask for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from audit import deployer
from audit.account import ENVIRONMENTS
from audit.recording import Call

pytestmark = pytest.mark.timeout(1800)


def test_the_policies_are_up_to_date(calls: Callable[[str], tuple[Call, ...]]) -> None:
    recorded = [call for environment in ENVIRONMENTS for call in calls(environment)]
    assert deployer.FILE.read_text() == deployer.rendered(recorded), "run make deployer-policy"
