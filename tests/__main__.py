"""`make test`: the checks of the project, with a summary at the end.

usage: python -m tests [PART]...
parts: lint, unit, laboratory, modules, requests, audit, playbooks, molecule, end-to-end
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from xml.etree import ElementTree

from rich.table import Table

from rehearsal.console import console, say
from rehearsal.settings import Settings
from tests import services

PROJECT = Path(__file__).parent.parent
RESULTS = PROJECT / ".test-results"
BIN = Path(sys.prefix) / "bin"
#: How much of a failing stage's output is repeated below it.
TAIL_LINES = 60
#: How many failed tests the summary names, and how much it says of each: whoever sees only the end of the output
#: (continuous integration cuts off what stands above it) shall know what to look for.
NAMED_FAILURES, FAILURE_WIDTH = 20, 400
#: A test that hangs ends alone, with the stacks of its threads, and not the whole run with it.
TEST_SECONDS = 1800

Environment = Mapping[str, str]


@dataclass(frozen=True)
class Stage:
    """One command of one part of the tests."""

    name: str
    command: Sequence[str]
    directory: Path = PROJECT
    #: Gives the command what it needs (a database) for as long as it runs, as environment variables.
    needs: Callable[[], AbstractContextManager[Environment]] = field(default=lambda: nullcontext({}))


def _python(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *words)


def _npm(script: str) -> tuple[str, ...]:
    return ("npm", "run", "--silent", script)


def _pytest(*words: str, name: str, processes: int = 1) -> tuple[str, ...]:
    """pytest; with several processes each of them takes whole files, whose tests build on each other."""
    side_by_side = ("-n", str(processes), "--dist", "loadfile") if processes > 1 else ()
    return _python(
        "pytest", "-q", f"--timeout={TEST_SECONDS}", f"--junit-xml={RESULTS / name}.xml", *side_by_side, *words
    )


DJANGO = PROJECT / "django_app"
REACT = PROJECT / "react_app"

STAGES: dict[str, tuple[Stage, ...]] = {
    "lint": (
        Stage("ruff", (str(BIN / "ruff"), "check", ".")),
        Stage("ruff format", (str(BIN / "ruff"), "format", "--check", ".")),
        Stage("mypy", _python("mypy", "audit", "rehearsal", "plugins", "roles", "tests", "benchmarks", "tools")),
        Stage("mypy django_app", _python("mypy", "."), DJANGO),
        Stage("ansible-lint", (str(BIN / "ansible-lint"), "-q")),
        Stage("tsc", _npm("typecheck"), REACT),
        Stage("eslint", _npm("lint"), REACT),
    ),
    "unit": (
        Stage("unit", _pytest("tests/unit", name="unit", processes=2)),
        Stage("django", _pytest(name="django"), DJANGO, services.database_and_cache),
        Stage("vitest", _npm("test"), REACT),
    ),
    "laboratory": (Stage("laboratory", _pytest("tests/unit/dataplane", name="laboratory"), needs=services.laboratory),),
    "modules": (
        Stage("modules", _pytest("tests/integration/modules", "tests/integration/roles", name="modules", processes=3)),
    ),
    "requests": (Stage("requests", _pytest("tests/integration/audit", name="requests")),),
    # Of the same runs, so after them.
    "audit": (Stage("audit", _python("audit", "prowler")),),
    "playbooks": (Stage("playbooks", _pytest("tests/integration/playbooks", name="playbooks", processes=2)),),
    "molecule": (
        Stage("molecule", (str(BIN / "molecule"), "test", "--all", "--report"), needs=services.machine_image),
    ),
    "end-to-end": (Stage("rehearsal", _pytest("tests/rehearsal", name="rehearsal"), needs=services.rehearsal),),
}


#: A part that waits for its hosts most of the time, and those that run beside it meanwhile: each keeps one core busy,
#: and touches neither containers nor what the other builds.
PATIENT, BESIDE = "molecule", ("lint", "requests", "audit")


@dataclass(frozen=True)
class Outcome:
    """How a stage ended."""

    stage: Stage
    passed: bool
    seconds: float


def log_of(stage: Stage) -> Path:
    """The file that takes a stage's whole output."""
    return RESULTS / f"{stage.name.replace(' ', '-')}.log"


def report_of(stage: Stage) -> Path:
    """The file in which a stage of pytest writes what became of each test (JUnit's XML)."""
    return RESULTS / f"{stage.name}.xml"


def run(stage: Stage, inherited: Environment) -> Outcome:
    """Run a stage; its whole output goes to a file, and to the terminal when it fails."""
    log = log_of(stage)
    report_of(stage).unlink(missing_ok=True)
    began = time.monotonic()
    say(f"{stage.name} [dim]({log.relative_to(PROJECT)})[/dim]")
    try:
        with stage.needs() as given, log.open("wb") as stream:
            command = subprocess.Popen(
                stage.command,
                cwd=stage.directory,
                env={**inherited, **given},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
            passed = _wait(command, stage.name) == 0
    except Exception as error:
        log.write_text(f"{type(error).__name__}: {error}\n")
        passed = False
    if not passed:
        lines = log.read_text(errors="replace").splitlines()
        console.print("\n".join(lines[-TAIL_LINES:]), markup=False)
    return Outcome(stage, passed, time.monotonic() - began)


def _wait(command: subprocess.Popen[bytes], name: str) -> int:
    """Wait, and say every minute that it still runs."""
    began = time.monotonic()
    while True:
        try:
            return command.wait(timeout=60)
        except subprocess.TimeoutExpired:
            console.print(f"    [dim]{name}: {(time.monotonic() - began) / 60:.0f} min[/dim]")


def failures(report: Path) -> list[str]:
    """The tests that a JUnit report calls failed, a line each: its name, and the begin of what it says of itself.

    A report that is missing or cut off (the run was killed) names none.
    """
    try:
        cases = ElementTree.parse(report).iter("testcase")  # noqa: S314 - written by our own pytest
    except (OSError, ElementTree.ParseError):
        return []
    return [
        f"{case.get('classname')}::{case.get('name')}: {' '.join((found.get('message') or '').split())}"
        for case in cases
        for found in case
        if found.tag in {"failure", "error"}
    ]


def groups(parts: Sequence[str]) -> list[list[list[str]]]:
    """One after the other: groups of lanes that run side by side, each of parts that follow each other."""
    beside = [part for part in parts if part in BESIDE]
    if PATIENT not in parts or not beside:
        return [[[part]] for part in parts]
    return [[[PATIENT], beside], *([[part]] for part in parts if part != PATIENT and part not in beside)]


def run_lane(parts: Sequence[str], inherited: Environment, interrupted: Event) -> list[Outcome]:
    """Run the stages of these parts; after an interruption no further one."""
    stages = (stage for part in parts for stage in STAGES[part])
    return [run(stage, inherited) for stage in stages if not interrupted.is_set()]


def main(parts: Sequence[str]) -> int:
    """Run the named parts; when none is named all of them."""
    if unknown := [part for part in parts if part not in STAGES]:
        console.print(f"unknown: {', '.join(unknown)}\n{__doc__}")
        return 2
    RESULTS.mkdir(exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    inherited["PATH"] = f"{BIN}:{inherited.get('PATH', '')}"
    inherited["NO_COLOR"] = "1"
    outcomes: list[Outcome] = []
    for lanes in groups(list(parts or STAGES)):
        interrupted = Event()
        with ThreadPoolExecutor(len(lanes)) as side_by_side:
            running = [side_by_side.submit(run_lane, lane, inherited, interrupted) for lane in lanes]
            try:
                outcomes += [outcome for lane in running for outcome in lane.result()]
            except KeyboardInterrupt:
                interrupted.set()
                raise
    table = Table(title="make test", title_justify="left", header_style="bold")
    table.add_column("stage")
    table.add_column("result")
    table.add_column("seconds", justify="right")
    for outcome in outcomes:
        result = "[green]passed[/green]" if outcome.passed else "[red]failed[/red]"
        table.add_row(outcome.stage.name, result, f"{outcome.seconds:.0f}")
    console.print(table)
    for outcome in outcomes:
        if not outcome.passed:
            log = log_of(outcome.stage).read_text(errors="replace").splitlines()
            for line in failures(report_of(outcome.stage))[:NAMED_FAILURES] or log[-3:]:
                console.print(f"{outcome.stage.name}: {line[:FAILURE_WIDTH]}", markup=False, soft_wrap=True)
    failed = sum(1 for outcome in outcomes if not outcome.passed)
    console.print(f"{len(outcomes) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    settings = Settings.from_environment(PROJECT)
    sys.exit(main(sys.argv[1:]))
