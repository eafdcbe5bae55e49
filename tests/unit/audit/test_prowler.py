"""What becomes of Prowler's results."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from audit import prowler
from audit.prowler import ProwlerError, Result, exceptions, forgotten, judge, read, report
from audit.recording import Call
from rehearsal.emulator.server import NOT_IMPLEMENTED


def result(check: str, status: str, resource: str = "arn:aws:s3:::slipway-production-1-logs") -> Result:
    return Result(check, status, "high", resource, "eu-west-1", "words")


def exception(check: str, resource: str = "") -> dict[str, str]:
    return {"check": check, "resource": resource, "reason": "a reason"}


def test_a_failed_check_fails() -> None:
    verdict = judge([result("a", "PASS"), result("b", "FAIL"), result("c", "MANUAL")], [])
    assert [one.check for one in verdict.failed] == ["b"]
    assert not verdict.good


def test_an_exception_excuses_its_own_check_and_resource_alone() -> None:
    results = [result("a", "PASS"), result("b", "FAIL"), result("b", "FAIL", "arn:aws:s3:::other"), result("c", "FAIL")]
    verdict = judge(results, [exception("b", "-logs")])
    assert [one.resource for one, _ in verdict.excused] == ["arn:aws:s3:::slipway-production-1-logs"]
    assert [(one.check, one.resource[-5:]) for one in verdict.failed] == [("b", "other"), ("c", "-logs")]
    assert verdict.unused == []


def test_an_exception_that_excuses_nothing_is_an_error() -> None:
    listed = [exception("b"), exception("a"), exception("b", "-logs")]
    verdict = judge([result("a", "PASS"), result("b", "FAIL")], listed)
    assert list(verdict.unused) == listed[1:]
    assert not verdict.good


def test_all_is_good_when_all_is_excused() -> None:
    assert judge([result("a", "PASS"), result("b", "FAIL")], [exception("b")]).good


def test_nothing_checked_is_not_good() -> None:
    assert not judge([], []).good


def test_the_report_names_what_failed_and_what_excuses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    report(
        judge(
            [result("s3_a", "PASS"), result("s3_b", "FAIL"), result("ec2_c", "FAIL")],
            [exception("ec2_c"), exception("d")],
        )
    )
    said = capsys.readouterr().err
    assert "s3_b" in said
    assert "a reason" in said
    assert "d of anything excuses nothing" in said


def test_prowlers_output_is_read() -> None:
    finding = {
        "metadata": {"event_code": "s3_bucket_default_encryption"},
        "status_code": "PASS",
        "severity": "Medium",
        "status_detail": "is encrypted",
        "resources": [{"uid": "arn:aws:s3:::a", "region": "eu-west-1"}],
    }
    expected = Result("s3_bucket_default_encryption", "PASS", "Medium", "arn:aws:s3:::a", "eu-west-1", "is encrypted")
    assert read([finding]) == [expected]


def test_a_service_that_nobody_audits_is_named() -> None:
    calls = [Call(name, "Describe", "eu-west-1", {}, writes=False) for name in ("ec2", "logs", "budgets", "kinesis")]
    assert forgotten(calls) == ["kinesis"]


def test_every_exception_has_a_reason_and_stands_once() -> None:
    listed = exceptions()
    for one in listed:
        assert set(one) == {"check", "resource", "reason"}
        assert len(one["reason"]) > 30
    assert len({(one["check"], one["resource"]) for one in listed}) == len(listed)
    assert [one["check"] for one in listed] == sorted(one["check"] for one in listed)


def test_an_environment_is_looked_for_where_its_file_says() -> None:
    place = prowler.place_of("staging")
    # The account is a placeholder until somebody has one.
    assert (place.account, place.regions) == ("", ("eu-west-1", "us-east-1"))
    assert place.tags == {"Project": "slipway", "Environment": "staging"}


def test_an_environment_that_nobody_has_is_refused_with_those_that_are_there() -> None:
    with pytest.raises(ProwlerError, match=r"no environment stagging .* production, rehearsal, staging"):
        prowler.place_of("stagging")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Stands for Prowler: it finds nothing, and writes down that it was asked."""
    path = tmp_path / "prowler"
    path.write_text(
        '#!/bin/sh\necho asked >> "$0.log"\n'
        'while [ "$1" != --output-directory ]; do shift; done\necho "[]" > "$2/results.ocsf.json"\n'
    )
    path.chmod(0o755)
    return path


def test_credentials_of_another_account_are_refused_before_anything_is_asked(program: Path) -> None:
    with pytest.raises(ProwlerError, match=r"belong to account 999999999999, and rehearsal is in 123456789012 "):
        prowler.own("rehearsal", program, lambda: "999999999999")
    assert not Path(f"{program}.log").exists()


def test_an_account_in_which_nothing_carries_the_tags_is_not_called_good(program: Path) -> None:
    with pytest.raises(ProwlerError, match=r"Nothing in account 123456789012 carries the tags Project=slipway and"):
        prowler.own("rehearsal", program, lambda: "123456789012")
    assert Path(f"{program}.log").read_text() == "asked\n"


def test_what_the_account_does_not_know_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("rehearsal.emulator.server")
    with prowler.listening() as heard:
        for _ in range(2):
            log.warning(NOT_IMPLEMENTED, "ec2", "GetImageBlockPublicAccessState", "moto's words")
        log.error("broken")
    assert heard.questions == {"ec2:GetImageBlockPublicAccessState"}
    assert capsys.readouterr().err.split() == ["broken"]
