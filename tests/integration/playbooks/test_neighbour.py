"""Two environments of one account, whose names begin alike: what is done to one is nothing to the other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.provisioning import census

from .account import Account, Ran

NEIGHBOUR: dict[str, Any] = {
    "slipway_environment": "rehearsal2",
    "slipway_vpc_cidr": "10.30.0.0/16",
    "slipway_dns_zone": "slipway2.localhost",
    "slipway_site_domain": "app.slipway2.localhost",
}


def run(account: Account, playbook: str, **variables: Any) -> Ran:
    return account.run(f"playbooks/{playbook}.yml", variables=variables, environment={"AWS_MAX_ATTEMPTS": "1"})


@pytest.fixture(scope="module")
def alone(account: Account) -> census.Census:
    """What the account holds while the environment is the only one."""
    made = run(account, "provision")
    assert made.status == 0, made.output[-4000:]
    return census.take(account.emulator.endpoint)


@pytest.fixture(scope="module")
def beside(account: Account, alone: census.Census) -> Account:
    """The account with another one in it."""
    made = run(account, "provision", **NEIGHBOUR)
    assert made.status == 0, made.output[-4000:]
    both = census.take(account.emulator.endpoint)
    assert sum(both["VPC"].values()) == 2 * sum(alone["VPC"].values())
    return account


def test_the_first_one_has_nothing_to_do_and_costs_one_look(beside: Account) -> None:
    again = run(beside, "provision")
    assert again.status == 0, again.output[-4000:]
    assert (again.changed, again.converged) == (0, set())


@pytest.mark.parametrize("variables", [{}, NEIGHBOUR], ids=["first", "second"])
def test_neither_is_drift_to_the_other(beside: Account, tmp_path: Path, variables: dict[str, Any]) -> None:
    report = tmp_path / "drift.json"
    looked = run(beside, "drift", aws_survey_report_path=str(report), **variables)
    assert json.loads(report.read_text())["drift"] == []
    assert looked.status == 0, looked.output[-4000:]


def test_the_end_of_one_is_not_the_others(beside: Account, alone: census.Census) -> None:
    ended = run(beside, "destroy", **NEIGHBOUR, destroy="rehearsal2", destroy_releases=True)
    assert ended.status == 0, ended.output[-4000:]
    left = census.take(beside.emulator.endpoint)
    # Its own keys stay, which its last snapshot needs.
    assert [name for _, name, _ in census.differences(alone, left) if "rehearsal2" not in name] == []
    looked = run(beside, "drift")
    assert looked.status == 0, looked.output[-4000:]
