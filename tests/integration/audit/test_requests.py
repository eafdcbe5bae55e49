"""Every request of a whole run, as AWS would judge it. What the emulator accepts proves nothing here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from audit import cloudformation, limits, service_model
from audit.account import ENVIRONMENTS
from audit.recording import Call

Calls = Callable[[str], tuple[Call, ...]]

pytestmark = [pytest.mark.timeout(1800), pytest.mark.parametrize("environment", ENVIRONMENTS)]


def test_every_writing_operation_is_mapped_or_listed(
    environment: str, calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    written = Counter(call.name for call in calls(environment) if call.writes)
    with capsys.disabled():
        print(f"\n{environment}: {len(calls(environment))} different requests, {sum(written.values())} of them write")
        for name, number in sorted(written.items()):
            how = "schema" if name in cloudformation.MAPPED else f"model only: {cloudformation.UNMAPPED.get(name)}"
            print(f"  {number:4} {name:45} {how}")
    assert sum(written.values()) > 100
    assert sorted(set(written) - set(cloudformation.MAPPED) - set(cloudformation.UNMAPPED)) == []


def test_requests_fit_the_service_model(environment: str, calls: Calls) -> None:
    assert sorted({found for call in calls(environment) for found in service_model.violations(call)}) == []
    assert sorted({found for call in calls(environment) for found in service_model.unreadable_patterns(call)}) == []


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
def test_requests_fit_the_schemas_of_the_resources(environment: str, region: str, calls: Calls) -> None:
    written = [call for call in calls(environment) if call.writes]
    assert cloudformation.template([call for call in written if call.region == region])["Resources"]
    assert [str(finding) for finding in cloudformation.findings(written, region)] == []


def test_requests_keep_the_documented_limits(environment: str, calls: Calls) -> None:
    assert limits.violations(calls(environment)) == []
