"""Prowler against an environment in an emulated account: every failed check that applies is told."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.table import Table
from rich.text import Text

from audit.account import PROJECT, Account
from rehearsal.console import console

EXCEPTIONS = Path(__file__).with_name("prowler-exceptions.yml")
#: Prowler pins some eighty packages of its own, boto3 among them.
_LOCK = Path(__file__).with_name("prowler")
_ENVIRONMENT = PROJECT / ".cache" / "prowler"
#: The services of the stack. Of the others an account has nothing, or the check is of the account, not of the stack.
SERVICES = (
    *("acm", "autoscaling", "backup", "cloudfront", "cloudwatch", "ec2", "elasticache", "elbv2", "iam", "kms", "rds"),
    *("route53", "s3", "secretsmanager", "sns", "ssm", "vpc", "wafv2"),
)
REGIONS = ("eu-west-1", "us-east-1")
SECONDS = 1800


class ProwlerError(RuntimeError):
    """Prowler could not be installed, or did not come to an end."""


@dataclass(frozen=True)
class Result:
    """One check of one resource."""

    check: str
    status: str
    severity: str
    resource: str
    region: str
    words: str


def install() -> Path:
    """Prowler's program, from its own locked environment.

    Raises ProwlerError when uv cannot install it.
    """
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(_ENVIRONMENT), "UV_SYSTEM_CERTS": "1"}
    environment.pop("VIRTUAL_ENV", None)
    uv = PROJECT / ".venv" / "bin" / "uv"
    done = subprocess.run(
        [str(uv), "sync", "--frozen", "--quiet"],
        cwd=_LOCK,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ProwlerError(f"uv could not install Prowler:\n{done.stderr[-2000:]}")
    return _ENVIRONMENT / "bin" / "prowler"


def run(account: Account, program: Path) -> list[Result]:
    """All checks of the services of the stack.

    Raises ProwlerError when it leaves no results: it ends with 3 when a check failed, and with 0 when none did.
    """
    with tempfile.TemporaryDirectory() as directory:
        command = [str(program), "aws", "--no-banner", "--no-color", "--output-formats", "json-ocsf"]
        command += ["--output-directory", directory, "--output-filename", "results"]
        command += ["--region", *REGIONS, "--service", *SERVICES]
        done = subprocess.run(
            command,
            env={**account.variables(), "AWS_MAX_ATTEMPTS": "1", "HOME": directory},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        found = Path(directory, "results.ocsf.json")
        if done.returncode not in (0, 3) or not found.exists():
            raise ProwlerError(f"Prowler ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
        return read(json.loads(found.read_text()))


def read(findings: Iterable[Mapping[str, Any]]) -> list[Result]:
    """Prowler's output in the Open Cybersecurity Schema Framework (`json-ocsf`)."""
    return [
        Result(
            check=finding["metadata"]["event_code"],
            status=finding["status_code"],
            severity=finding["severity"],
            resource=finding["resources"][0]["uid"],
            region=finding["resources"][0].get("region", ""),
            words=finding["status_detail"],
        )
        for finding in findings
    ]


def exceptions(path: Path = EXCEPTIONS) -> list[dict[str, str]]:
    """The exceptions: `check`, `resource` (a part of its ARN, empty for all), `reason`."""
    listed: list[dict[str, str]] = yaml.safe_load(path.read_text()) or []
    return listed


def reason_for(result: Result, listed: Iterable[Mapping[str, str]]) -> str | None:
    """Why a failed check is no fault, or None."""
    for one in listed:
        if one["check"] == result.check and one["resource"] in result.resource:
            return one["reason"]
    return None


def report(results: Iterable[Result], listed: list[dict[str, str]]) -> int:
    """Print the table; 1 when a check failed without a reason, or a reason has nothing to excuse any more."""
    results = list(results)
    table = Table(title="Prowler", box=None)
    for heading in ("result", "severity", "check", "resource"):
        table.add_column(heading, overflow="fold")
    counted: dict[str, int] = defaultdict(int)
    used: set[str] = set()
    for result in sorted(results, key=lambda one: (one.check, one.resource)):
        if result.status != "FAIL":
            counted[result.status.lower()] += 1
            continue
        reason = reason_for(result, listed)
        counted["failed" if reason is None else "excused"] += 1
        if reason is not None:
            used.add(f"{result.check} {reason}")
        else:
            table.add_row(
                "[red]failed[/red]", result.severity, result.check, Text(f"{result.resource}: {result.words}")
            )
    unused = [one for one in listed if f"{one['check']} {one['reason']}" not in used]
    for one in unused:
        table.add_row(
            "[yellow]unused[/yellow]", "", one["check"], f"exception for {one['resource'] or 'all'}: remove it"
        )
    if table.row_count:
        console.print(table)
    console.print("Prowler: " + ", ".join(f"{number} {name}" for name, number in sorted(counted.items())))
    return 1 if counted["failed"] or unused or not counted["pass"] else 0
