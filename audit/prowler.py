"""Prowler against an environment, in an emulated account or in yours: what it objects to and nobody has excused."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table
from rich.text import Text

from audit.account import PROJECT, Account
from audit.recording import Call
from rehearsal.console import console
from rehearsal.emulator.server import NOT_IMPLEMENTED
from rehearsal.settings import REGION

EXCEPTIONS = Path(__file__).with_name("prowler-exceptions.yml")
#: Prowler pins some eighty packages of its own, boto3 among them.
_LOCK = Path(__file__).with_name("prowler")
_ENVIRONMENT = PROJECT / ".cache" / "prowler"
#: botocore's service -> Prowler's, where they differ. None: Prowler has no check of it.
_NAMES: dict[str, tuple[str, ...]] = {
    "budgets": (),
    "ec2": ("ec2", "vpc"),
    "events": ("eventbridge",),
    "lambda": ("awslambda",),
    "logs": ("cloudwatch",),
    "scheduler": (),
    "sts": (),
    "xray": (),
}
#: The services of the stack. Of the others an account has nothing, or the check is of the account, not of the stack.
SERVICES = (
    *("acm", "autoscaling", "backup", "cloudfront", "cloudwatch", "ec2", "elasticache", "elbv2", "iam", "kms", "rds"),
    *("route53", "s3", "secretsmanager", "sns", "sqs", "ssm", "vpc", "wafv2"),
)
EDGE_REGION = "us-east-1"
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
    #: Its tags, as `Name:value`.
    tags: tuple[str, ...] = ()

    @property
    def told_by(self) -> str:
        """Everything by which an exception may know the resource."""
        return " ".join((self.resource, self.region, self.words, *self.tags))


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


def forgotten(calls: Iterable[Call]) -> list[str]:
    """Services that a run asked something of and that nobody audits."""
    asked = {name for call in calls for name in _NAMES.get(call.service, (call.service,))}
    return sorted(asked - set(SERVICES))


def run(
    variables: Mapping[str, str], program: Path, regions: Iterable[str], tags: Mapping[str, str] | None = None
) -> list[Result]:
    """All checks of the services of the stack, in the account of the variables; only of what carries all of the tags.

    Raises ProwlerError when it leaves no results: it ends with 3 when a check failed, and with 0 when none did.
    """
    with tempfile.TemporaryDirectory() as directory:
        command = [str(program), "aws", "--no-banner", "--no-color", "--output-formats", "json-ocsf"]
        command += ["--output-directory", directory, "--output-filename", "results"]
        command += ["--region", *regions, "--service", *SERVICES]
        if tags:
            command += ["--resource-tag", *(f"{name}={value}" for name, value in tags.items())]
        done = subprocess.run(
            command,
            env=dict(variables),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode == 0 and "There are no findings in Account" in done.stdout:
            return []
        found = Path(directory, "results.ocsf.json")
        if done.returncode not in (0, 3) or not found.exists():
            raise ProwlerError(f"Prowler ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
        return read(json.loads(found.read_text()))


@dataclass(frozen=True)
class Place:
    """Where an environment is, and by what its resources are known there."""

    account: str
    regions: Sequence[str]
    tags: Mapping[str, str]


def place_of(environment: str) -> Place:
    """What the environment's file says, as a playbook would read it.

    Raises ProwlerError when there is no such environment, or when its values cannot be read.
    """
    # Only the layers' file: the dynamic inventory would ask AWS for hosts.
    inventory = PROJECT / "inventories" / environment / "layers.yml"
    if not inventory.exists():
        known = ", ".join(sorted(path.parent.name for path in PROJECT.glob("inventories/*/layers.yml")))
        raise ProwlerError(f"There is no environment {environment} in inventories/: {known} are there.")
    words = "{{ {'account': slipway_account_id, 'region': slipway_region, 'tags': slipway_tags} }}"
    command = [str(Path(sys.executable).with_name("ansible")), "localhost", "-i", str(inventory)]
    command += ["--playbook-dir", str(PROJECT), "-m", "ansible.builtin.debug", "-a", f"msg={words}"]
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env={**os.environ, "ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "ANSIBLE_NOCOLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        said = json.loads(done.stdout[done.stdout.index("{") :])["msg"]
    except (ValueError, KeyError) as error:
        raise ProwlerError(f"{inventory} cannot be read:\n{done.stdout[-1000:]}{done.stderr[-1000:]}") from error
    # What CloudFront takes is in us-east-1, wherever the rest is.
    regions = tuple(dict.fromkeys((said["region"], EDGE_REGION)))
    return Place(said["account"], regions, {name: said["tags"][name] for name in ("Project", "Environment")})


def own(environment: str, program: Path, caller: Callable[[], str] | None = None) -> list[Result]:
    """All checks of what carries the environment's tags, in the account of the process's own credentials.

    Raises ProwlerError when those belong to another account, and when nothing carries the tags.
    """
    place = place_of(environment)
    account = (caller or _caller)()
    if account != place.account:
        raise ProwlerError(
            f"Your credentials belong to account {account}, and {environment} is in {place.account or 'none yet'} "
            f"(slipway_account_id in inventories/{environment}). Choose others, with AWS_PROFILE for example."
        )
    results = run(os.environ, program, place.regions, place.tags)
    if not results:
        words = " and ".join(f"{name}={value}" for name, value in place.tags.items())
        raise ProwlerError(
            f"Nothing in account {account} carries the tags {words} in {' or '.join(place.regions)}: site.yml has made "
            f"nothing of {environment} there yet."
        )
    return results


def _caller() -> str:
    untyped: Any = boto3
    try:
        # Any region will do, and whoever has none configured is not asked for one.
        identity = untyped.client("sts", region_name=EDGE_REGION).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise ProwlerError(f"AWS does not say whose credentials these are: {error}") from error
    account: str = identity["Account"]
    return account


class Unanswered(logging.Handler):
    """What was asked and the emulated account does not know, each once: of that Prowler can say nothing."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.questions: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the question, or print what is not one."""
        if record.msg == NOT_IMPLEMENTED and isinstance(record.args, tuple):
            self.questions.add("{}:{}".format(*record.args))
        elif record.levelno >= logging.ERROR:
            console.print(self.format(record), markup=False)


@contextmanager
def listening() -> Iterator[Unanswered]:
    """Instead of a warning for every question."""
    heard = Unanswered()
    root = logging.getLogger()
    root.addHandler(heard)
    try:
        yield heard
    finally:
        root.removeHandler(heard)


def emulated(account: Account, calls: Iterable[Call], program: Path) -> list[Result]:
    """All checks of everything in an emulated account, which the calls have filled.

    Raises ProwlerError.
    """
    if names := forgotten(calls):
        raise ProwlerError(f"the stack uses {', '.join(names)}, which audit/prowler.py neither audits nor leaves out")
    with tempfile.TemporaryDirectory() as home, listening() as heard:
        results = run({**account.variables(), "AWS_MAX_ATTEMPTS": "1", "HOME": home}, program, (REGION, EDGE_REGION))
    console.print(
        f"Not known to the emulated account, so not checked: {', '.join(sorted(heard.questions))}", markup=False
    )
    return results


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
            tags=tuple(finding["resources"][0].get("labels") or ()),
        )
        for finding in findings
    ]


def exceptions(path: Path = EXCEPTIONS) -> list[dict[str, str]]:
    """The exceptions: `check`, `resource` (a part of what tells it, empty for all), `reason`."""
    listed: list[dict[str, str]] = yaml.safe_load(path.read_text()) or []
    return listed


def excused_by(result: Result, listed: Iterable[Mapping[str, str]]) -> Mapping[str, str] | None:
    """The exception that says why a failed check is no fault."""
    for one in listed:
        if one["check"] == result.check and one["resource"] in result.told_by:
            return one
    return None


@dataclass(frozen=True)
class Verdict:
    """What is left of Prowler's results when the exceptions have been heard."""

    passed: Sequence[Result]
    excused: Sequence[tuple[Result, str]]
    failed: Sequence[Result]
    #: Exceptions that excuse nothing.
    unused: Sequence[Mapping[str, str]]

    @property
    def good(self) -> bool:
        """Nothing failed without a reason, and every reason has something to excuse. Nothing checked is not good."""
        return bool(self.passed) and not self.failed and not self.unused


def judge(results: Iterable[Result], listed: Sequence[Mapping[str, str]]) -> Verdict:
    """Hold the results against the exceptions."""
    passed, excused, failed = [], [], []
    used: list[Mapping[str, str]] = []
    for result in sorted(results, key=lambda one: (one.check, one.resource, one.region)):
        if result.status == "PASS":
            passed.append(result)
        elif result.status == "FAIL":
            exception = excused_by(result, listed)
            if exception is None:
                failed.append(result)
            else:
                excused.append((result, exception["reason"]))
                used.append(exception)
    return Verdict(passed, excused, failed, [one for one in listed if not any(one is other for other in used)])


def report(verdict: Verdict, *, unused: bool = True) -> None:
    """Print what was found; `unused`: also which exceptions excuse nothing."""
    if verdict.excused:
        table = Table(title="Excused", title_justify="left", header_style="bold")
        table.add_column("results", justify="right")
        for heading in ("checks", "reason"):
            table.add_column(heading, overflow="fold")
        reasons: dict[str, list[str]] = defaultdict(list)
        for result, reason in verdict.excused:
            reasons[reason].append(result.check)
        for reason, checks in reasons.items():
            table.add_row(str(len(checks)), "\n".join(dict.fromkeys(checks)), Text(reason))
        console.print(table)
    if verdict.failed:
        table = Table(title="Failed", title_justify="left", header_style="bold")
        for heading in ("severity", "check", "resource"):
            table.add_column(heading, overflow="fold")
        for result in verdict.failed:
            table.add_row(result.severity, result.check, Text(f"{result.resource} ({result.region}): {result.words}"))
        console.print(table)
    for one in verdict.unused if unused else ():
        console.print(
            f"{EXCEPTIONS.name}: {one['check']} of {one['resource'] or 'anything'} excuses nothing", markup=False
        )
    table = Table(title="Prowler", title_justify="left", header_style="bold")
    table.add_column("service")
    for heading in ("passed", "excused", "failed"):
        table.add_column(heading, justify="right")
    columns = (verdict.passed, [result for result, _ in verdict.excused], verdict.failed)
    counts = [Counter(result.check.split("_")[0] for result in column) for column in columns]
    for service in sorted(set().union(*counts)):
        table.add_row(service, *(str(count[service]) for count in counts))
    table.add_section()
    table.add_row("all", *(str(len(column)) for column in columns))
    console.print(table)
