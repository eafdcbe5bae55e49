"""Careless hands: whatever somebody changes in a stack is found and named, and nothing else. A run puts back what its
layers look after; what nobody looks after goes on to be named."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from audit import deployer
from audit.recording import Recording

from .account import Account, Ran
from .hand import CHANGES, Change

RECORD = {"Bucket": "slipway-rehearsal-123456789012-releases", "Key": "stack/survey.json"}
#: Instances too: no hosts, but all that is asked of the account for them.
WHOLE = ("playbooks/provision.yml", "audit/launch.yml")
#: (layer, type, field)
Found = set[tuple[str, str, str]]
#: An instance in a field.
NAMED_BY_AWS = re.compile(r"\bi-[0-9a-f]{17}\b")


@dataclass(frozen=True)
class Told:
    """What drift said: after the deeds, after the run that followed, and then against the record of before."""

    drift: Found
    after: Found
    remains: Found
    warned: str
    #: Permissions that the second and third of these had to have.
    needed: frozenset[str]


def run(account: Account, *playbooks: str, **variables: Any) -> Ran:
    first, *more = playbooks
    return account.run(first, *more, variables=variables, environment={"AWS_MAX_ATTEMPTS": "1"})


def _drift(account: Account, path: Path) -> Found:
    ran = run(account, "playbooks/drift.yml", aws_survey_report_path=str(path))
    report = json.loads(path.read_text())
    assert report["unread"] == {}, report["unread"]
    assert (ran.status != 0) == bool(report["drift"]), ran.output[-3000:]
    assert account.writes == set()
    return {
        (one["layer"], one["resource"].split(" ")[0], NAMED_BY_AWS.sub("*", one["field"])) for one in report["drift"]
    }


def _permissions(account: Account) -> frozenset[str]:
    """What the last run was allowed."""
    recording = Recording()
    for request in account.requests:
        recording(request)
    return frozenset(action for call in recording for action in deployer.actions_of(call))


def _where(changes: Iterable[Change], *, remains: bool = False) -> Found:
    return {(one.layer, *where) for one in changes for where in (one.remains if remains else one.found)}


@pytest.fixture(scope="module")
def told(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """All of it is done to one stack, and one run mends it."""
    path = tmp_path_factory.mktemp("hand") / "drift.json"
    made = run(account, *WHOLE)
    assert made.status == 0, made.output[-4000:]
    assert _drift(account, path) == set()
    s3 = account.client("s3")
    before = s3.get_object(**RECORD)["Body"].read()
    for change in CHANGES:
        change.deed(account)
    found = _drift(account, path)
    mended = run(account, *WHOLE)
    assert mended.status == 0, mended.output[-6000:]
    needed = _permissions(account)
    after = _drift(account, path)
    needed |= _permissions(account)
    s3.put_object(**RECORD, Body=before)
    return Told(found, after, _drift(account, path), mended.words, needed)


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_it_is_found_and_named(told: Told, change: Change) -> None:
    assert _where([change]) <= told.drift


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_it_is_put_back_or_goes_on_to_be_named(told: Told, change: Change) -> None:
    others = _where((one for one in CHANGES if one is not change), remains=True)
    assert _where([change]) & (told.remains - others) == _where([change], remains=True) - others
    if change.left:
        assert _where([change]) <= told.after


def test_nothing_else_is_named(told: Told) -> None:
    assert told.drift - _where(CHANGES) == set()
    assert told.after - _where(one for one in CHANGES if one.left) == set()


def test_the_run_says_what_it_leaves(told: Told) -> None:
    assert told.warned.count("[not-put-back]") == sum(one.left for one in CHANGES)


def test_a_deployer_may_put_it_back(told: Told) -> None:
    """But for roles and policies of IAM, which only an administrator writes."""
    missing = told.needed - deployer.allowed(deployer.FILE.read_text()).keys()
    assert {action for action in missing if not action.startswith("iam:")} == set()
