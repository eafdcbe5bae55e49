"""Slipway and Terraform build the same stack, side by side in one run.

usage: python -m benchmarks.provisioning [--quick] [--pairs 3] [--environments 1,2,4,8] [--waits …] [--out DIR]

Each tool has an emulated account of its own, in a process of its own. A pair runs every verb with both tools, in an
order that chance decides, and ratios are taken within the pair, so that what else the machine does touches both alike.
CPU is the tool's own with all of its children (Ansible's warm process, Terraform's provider); the account's is not in
it.

create         from an empty account to the whole stack, as fast as the emulator answers; and once, by both tools at
               the same time, with waits as long as AWS's usually are (some eleven minutes)
converge       a run that finds nothing to do
plan           what a run would do, when there is nothing
plan a change  the same with another retention of one log group
destroy        back to an empty account

Before figures are believed, both accounts are asked what they hold, and the differences are printed.

Last line, for machines: medians of the ratios Slipway ÷ Terraform; `create` is Slipway's time under simulated waits ÷
the longest chain of resources that AWS makes one wait for. What was not measured is `absent`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from rich.console import Console

from . import census, report
from .account import account
from .report import Chain, Growth, Measured
from .tools import Environment, Run, Slipway, Terraform, Tool, ToolError, adopt_orphans
from .waits import WAITS, Proxy, longest_chain

FIRST = Environment(0)
#: Terraform spends most of a creation in pauses of its own.
CREATIONS_AT_ONCE = 4
#: What each has to find, where it is not for the verb to change everything.
CHANGES = {"converge": False, "plan": False, "plan a change": True}
VERBS = ("create", "converge", "plan", "plan a change", "destroy")


def main(words: Sequence[str]) -> int:
    """Measure and print; 1 when a tool failed, 2 when something is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.provisioning",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="one pair, no growth")
    parser.add_argument("--pairs", type=int, default=3, help="how often both are run (3)")
    parser.add_argument(
        "--environments", type=_numbers, default=[1, 2, 4, 8], help="how many an account holds (1,2,4,8)"
    )
    parser.add_argument(
        "--waits", type=_waits, default=dict(WAITS), help=f"seconds ({_written(WAITS)}); `none`: no waits"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(".benchmarks"), help="figures.json and figures.svg (.benchmarks)"
    )
    options = parser.parse_args(words)
    if options.quick:
        options.pairs, options.environments = 1, []
    console = Console(highlight=False)
    adopt_orphans()
    measured = Measured()
    with tempfile.TemporaryDirectory(prefix="slipway-benchmark-", ignore_cleanup_errors=True) as name:
        work = Path(name)
        try:
            terraform = Terraform(work)
            tools: list[Tool] = [Slipway(work), terraform]
        except ToolError as error:
            console.print(str(error))
            return 2
        console.print(
            f"{options.pairs} pairs, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f},"
            f" Terraform {terraform.version()}"
        )
        failed = 0
        try:
            _pairs(console, tools, options.pairs, measured)
            if options.waits:
                _under_waits(console, tools, options.waits, measured)
        except ToolError as error:
            console.print(str(error), markup=False)
            return 1
        try:
            if options.environments:
                _growth(console, tools, options.environments, measured)
        except ToolError as error:
            # What was measured in the hour before is not lost with it.
            console.print(str(error), markup=False)
            failed = 1
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "figures.json").write_text(json.dumps(measured.as_data(), indent=2) + "\n")
    (options.out / "figures.svg").write_text(report.drawing(measured))
    report.tables(console, measured)
    console.print(f"\n{options.out / 'figures.json'}, {options.out / 'figures.svg'}\n")
    print(report.last_line(measured))
    return failed


def _numbers(text: str) -> list[int]:
    return sorted(int(word) for word in text.split(",") if word)


def _waits(text: str) -> dict[str, float]:
    if text == "none":
        return {}
    given = {word.partition("=")[0]: float(word.partition("=")[2]) for word in text.split(",")}
    if unknown := given.keys() - WAITS.keys():
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: there is {', '.join(WAITS)}")
    return given


def _written(waits: Mapping[str, float]) -> str:
    return ",".join(f"{name}={seconds:g}" for name, seconds in waits.items())


def _in_any_order(tools: Sequence[Tool]) -> list[Tool]:
    return random.sample(list(tools), len(tools))


def _pairs(console: Console, tools: Sequence[Tool], pairs: int, measured: Measured) -> None:
    """Every verb on accounts that are empty when a pair begins."""
    for number in range(pairs):
        with contextlib.ExitStack() as accounts:
            endpoints = {tool.name: accounts.enter_context(account()) for tool in tools}
            for tool in tools:
                tool.forget(FIRST)
                tool.prepare(FIRST, endpoints[tool.name])
            for verb in VERBS:
                for tool in _in_any_order(tools):
                    run: Run = getattr(tool, verb.replace(" ", "_"))(FIRST, endpoints[tool.name])
                    measured.add(verb, tool.name, number, run.wall, run.cpu)
                    if run.changes != CHANGES.get(verb, run.changes):
                        words = "something" if run.changes else "nothing"
                        measured.remarks.append(
                            f"{tool.name} found {words} to do: {verb} of a stack that was just made"
                        )
                if verb == "create" and number == 0:
                    measured.censuses = {tool.name: census.take(endpoints[tool.name]) for tool in tools}
                console.print(f"pair {number + 1}, {verb}: {measured.words(verb, number)}")
            for tool in tools:
                left = census.differences({}, census.take(endpoints[tool.name]))
                measured.leftovers[tool.name] = [f"{kind} {name}" for kind, name, _ in left]


def _processes(count: int) -> ProcessPoolExecutor:
    """For runs at the same time: each adopts and awaits what its own run leaves, and nobody else's."""
    return ProcessPoolExecutor(count, multiprocessing.get_context("fork"), adopt_orphans)


def _under_waits(console: Console, tools: Sequence[Tool], waits: dict[str, float], measured: Measured) -> None:
    """Create, through proxies that hold resources in their pending state.

    Once, and by both tools at the same time, each in a process and an account of its own: it takes as long as AWS
    does, of which either is busy for a minute, and in that minute the other one makes it slower and not faster.
    """
    measured.waits = waits
    with _processes(len(tools)) as pool:
        made = pool.map(_create_under_waits, tools, [waits] * len(tools))
        for tool, (wall, cpu, chain) in zip(tools, made, strict=True):
            measured.add("create under waits", tool.name, 0, wall, cpu)
            measured.add_chain(tool.name, 0, chain)
    console.print(f"create under waits: {measured.words('create under waits', 0)}")


def _create_under_waits(tool: Tool, waits: dict[str, float]) -> tuple[float, float, Chain]:
    """Seconds until everything is ready, those of CPU, and the longest chain."""
    with account() as endpoint:
        proxy = Proxy(endpoint, waits)
        try:
            tool.forget(FIRST)
            tool.prepare(FIRST, proxy.endpoint)
            run = tool.create(FIRST, proxy.endpoint)
            # One tool awaits what another leaves to a later playbook: both are done when AWS is.
            whole = max(run.wall, proxy.waits.all_ready() - run.began)
            time.sleep(max(0.0, run.began + whole - time.monotonic()))
        finally:
            proxy.stop()
        chain, path = longest_chain(waits, proxy.median_latency())
        asked = {kind: at - run.began for kind, at in proxy.waits.kinds().items()}
        return whole, run.cpu, Chain(chain, path, asked, proxy.calls())


def _growth(console: Console, tools: Sequence[Tool], counts: Sequence[int], measured: Measured) -> None:
    """The first environment is converged and planned while the account holds more and more others."""
    with contextlib.ExitStack() as accounts:
        endpoints = {tool.name: accounts.enter_context(account()) for tool in tools}
        for tool in tools:
            tool.forget(FIRST)
        made = 0
        for count in counts:
            # Nobody measures how they are made.
            more = [(tool, Environment(number)) for number in range(made, count) for tool in tools]
            for tool, environment in more:
                tool.prepare(environment, endpoints[tool.name])
            with _processes(CREATIONS_AT_ONCE) as pool:
                for created in [
                    pool.submit(tool.create, environment, endpoints[tool.name]) for tool, environment in more
                ]:
                    created.result()
            made = count
            console.print(f"{made} environments", style="dim")
            for verb in ("converge", "plan"):
                for tool in _in_any_order(tools):
                    run = getattr(tool, verb)(FIRST, endpoints[tool.name])
                    measured.growth.append(Growth(count, verb, tool.name, run.wall, run.cpu))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
