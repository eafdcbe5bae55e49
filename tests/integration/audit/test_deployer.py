"""The deployer's policies are the ones that whole runs ask for."""

from __future__ import annotations

import pytest

from audit import deployer, resources
from audit.account import ENVIRONMENTS
from audit.recordings import Recordings

pytestmark = pytest.mark.timeout(1800)


def test_the_policies_are_up_to_date(recorded: Recordings) -> None:
    wanted = deployer.rendered(call for calls in recorded.values() for call in calls)
    there = deployer.FILE.read_text()
    if there != wanted:
        said = "\n".join(deployer.differences(there, wanted))
        pytest.fail(f"run `make deployer-policy`, read what it changes and commit it:\n{said}", pytrace=False)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_deployer_may_ask_for_all_of_it(environment: str, recorded: Recordings) -> None:
    """Each request with the resources that it names, which an action alone does not say."""
    assert resources.refused(recorded[environment], environment) == []
