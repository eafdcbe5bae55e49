"""What was measured, as tables, as a drawing, and as one line for machines."""

from __future__ import annotations

import html
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from .census import Census, differences

SLIPWAY, TERRAFORM = "Slipway", "Terraform"
VERBS = ("create", "create under waits", "converge", "plan", "plan a change", "destroy")
BAR = 44


@dataclass(frozen=True)
class Growth:
    """One run while the account held so many environments. Seconds."""

    environments: int
    verb: str
    tool: str
    wall: float
    cpu: float


@dataclass(frozen=True)
class Chain:
    """A creation under waits: the bound and what it is made of.

    `asked` says by kind when the first slow resource was asked for, in seconds after the start.
    """

    seconds: float
    path: list[str]
    asked: dict[str, float]
    calls: int


@dataclass
class Measured:
    """All figures. Keys are verb, tool and the number of the pair; values are seconds of wall and CPU."""

    runs: dict[tuple[str, str, int], tuple[float, float]] = field(default_factory=dict)
    chains: dict[tuple[str, int], Chain] = field(default_factory=dict)
    waits: Mapping[str, float] = field(default_factory=dict)
    growth: list[Growth] = field(default_factory=list)
    censuses: Mapping[str, Census] = field(default_factory=dict)
    leftovers: dict[str, list[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def add(self, verb: str, tool: str, number: int, wall: float, cpu: float) -> None:
        self.runs[verb, tool, number] = (wall, cpu)

    def add_chain(self, tool: str, number: int, chain: Chain) -> None:
        self.chains[tool, number] = chain

    def has(self, verb: str, tool: str) -> bool:
        return any(key[:2] == (verb, tool) for key in self.runs)

    def median(self, verb: str, tool: str, which: int) -> float | None:
        """Seconds; `which` is 0 for wall, 1 for CPU. None when nothing was measured."""
        values = [run[which] for key, run in self.runs.items() if key[:2] == (verb, tool)]
        return statistics.median(values) if values else None

    def ratio(self, verb: str, which: int) -> float | None:
        """The median of the pairs' ratios Slipway ÷ Terraform."""
        ratios = [
            run[which] / self.runs[verb, TERRAFORM, number][which]
            for (name, tool, number), run in self.runs.items()
            if name == verb and tool == SLIPWAY and (verb, TERRAFORM, number) in self.runs
        ]
        return statistics.median(ratios) if ratios else None

    def chain_ratio(self, tool: str) -> float | None:
        """The median of creation under waits ÷ the longest chain."""
        ratios = [
            self.runs["create under waits", name, number][0] / chain.seconds
            for (name, number), chain in self.chains.items()
            if name == tool
        ]
        return statistics.median(ratios) if ratios else None

    def words(self, verb: str, number: int) -> str:
        """One pair, in a line."""
        said = []
        for tool in (TERRAFORM, SLIPWAY):
            run = self.runs.get((verb, tool, number))
            said.append(f"{tool} {run[0]:.1f} s, CPU {run[1]:.1f} s" if run else f"{tool} absent")
        return "; ".join(said)

    def as_data(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "runs": [
                {"verb": verb, "tool": tool, "pair": number, "wall": run[0], "cpu": run[1]}
                for (verb, tool, number), run in self.runs.items()
            ],
            "chains": [{"tool": tool, "pair": number, **vars(chain)} for (tool, number), chain in self.chains.items()],
            "waits": dict(self.waits),
            "growth": [vars(one) for one in self.growth],
            "resources": {
                tool: {kind: sum(names.values()) for kind, names in sorted(census.items())}
                for tool, census in self.censuses.items()
            },
            "leftovers": self.leftovers,
            "remarks": self.remarks,
        }


def _number(value: float | None, form: str = "{:.2f}") -> str:
    return form.format(value) if value is not None else "absent"


def last_line(measured: Measured) -> str:
    """Ratios to Terraform; `create` to the longest chain."""
    words = {
        "noop_wall": measured.ratio("converge", 0),
        "noop_cpu": measured.ratio("converge", 1),
        "plan": measured.ratio("plan", 0),
        "create": measured.chain_ratio(SLIPWAY),
        "destroy": measured.ratio("destroy", 0),
    }
    return " ".join(f"{name}={_number(value)}" for name, value in words.items())


def tables(console: Console, measured: Measured) -> None:
    """Everything that a person wants to see."""
    _same_stack(console, measured)
    table = Table(title="Medians, seconds", title_justify="left")
    table.add_column("")
    for name in ("Terraform wall", "Slipway wall", "ratio", "Terraform CPU", "Slipway CPU", "ratio"):
        table.add_column(name, justify="right")
    for verb in VERBS:
        row = [verb]
        for which in (0, 1):
            for tool in (TERRAFORM, SLIPWAY):
                row.append(_number(measured.median(verb, tool, which), "{:.1f}"))
            row.append(_number(measured.ratio(verb, which)))
        if measured.has(verb, SLIPWAY) or measured.has(verb, TERRAFORM):
            table.add_row(*row)
    console.print(table)
    for verb, tool, wall, cpu in _bars(measured):
        longest = max(bar[2] for bar in _bars(measured) if bar[0] == verb)
        console.print(f"{verb:>20} {tool:<10} {'█' * max(1, round(BAR * wall / longest))} {wall:.1f} s (CPU {cpu:.1f})")
    _chain_table(console, measured)
    _growth_table(console, measured)
    for tool, left in measured.leftovers.items():
        console.print(f"{tool} left after destroy: {', '.join(left) or 'nothing'}")
    for remark in dict.fromkeys(measured.remarks):
        console.print(f"Remark: {remark}.")


def _same_stack(console: Console, measured: Measured) -> None:
    if not measured.censuses:
        return
    slipway, terraform = measured.censuses[SLIPWAY], measured.censuses[TERRAFORM]
    table = Table(title="What each account holds after `create`, asked through the API", title_justify="left")
    for name in ("kind", SLIPWAY, TERRAFORM):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for kind in sorted(slipway.keys() | terraform.keys()):
        counts = [sum(census.get(kind, {}).values()) for census in (slipway, terraform)]
        table.add_row(kind, *map(str, counts), style="bold red" if counts[0] != counts[1] else "")
    table.add_section()
    table.add_row("all", *(str(sum(sum(n.values()) for n in census.values())) for census in (slipway, terraform)))
    console.print(table)
    found = differences(slipway, terraform)
    for kind, name, more in found:
        console.print(
            f"Only {TERRAFORM if more > 0 else SLIPWAY}: {kind} {name}" + (f" ({abs(more)})" if abs(more) > 1 else "")
        )
    if not found:
        console.print("Both hold the same, name by name.")


def _chain_table(console: Console, measured: Measured) -> None:
    if not measured.chains:
        return
    waits = ", ".join(f"{kind} {seconds:g}" for kind, seconds in measured.waits.items())
    table = Table(title=f"Create under simulated waits ({waits} s)", title_justify="left")
    table.add_column("")
    for name in ("wall, s", "longest chain, s", "above it, s", "ratio", "calls"):
        table.add_column(name, justify="right")
    table.add_column("asked for, seconds after the start")
    for (tool, number), chain in sorted(measured.chains.items(), reverse=True):
        wall = measured.runs["create under waits", tool, number][0]
        asked = ", ".join(f"{kind} {at:.0f}" for kind, at in sorted(chain.asked.items(), key=lambda item: item[1]))
        table.add_row(
            tool,
            f"{wall:.1f}",
            f"{chain.seconds:.1f}",
            f"{wall - chain.seconds:.1f}",
            f"{wall / chain.seconds:.2f}",
            str(chain.calls),
            asked,
        )
    console.print(table)
    console.print(f"The longest chain: {' → '.join(next(iter(measured.chains.values())).path)}")


def _growth_table(console: Console, measured: Measured) -> None:
    if not measured.growth:
        return
    table = Table(title="One environment, in an account that holds more and more of them", title_justify="left")
    for name in (
        "environments",
        "",
        "Terraform wall",
        "Slipway wall",
        "ratio",
        "Terraform CPU",
        "Slipway CPU",
        "ratio",
    ):
        table.add_column(name, justify="left" if not name else "right")
    found = {(one.environments, one.verb, one.tool): one for one in measured.growth}
    for count, verb in dict.fromkeys((one.environments, one.verb) for one in measured.growth):
        peer, own = found.get((count, verb, TERRAFORM)), found.get((count, verb, SLIPWAY))
        if peer is None or own is None:
            continue
        table.add_row(
            *(str(count), verb, f"{peer.wall:.1f}", f"{own.wall:.1f}", f"{own.wall / peer.wall:.2f}"),
            *(f"{peer.cpu:.1f}", f"{own.cpu:.1f}", f"{own.cpu / peer.cpu:.2f}"),
        )
    console.print(table)


def _bars(measured: Measured) -> Iterator[tuple[str, str, float, float]]:
    for verb in VERBS:
        for tool in (TERRAFORM, SLIPWAY):
            wall, cpu = measured.median(verb, tool, 0), measured.median(verb, tool, 1)
            if wall is not None and cpu is not None:
                yield verb, tool, wall, cpu


def drawing(measured: Measured) -> str:
    """An SVG: a bar for each verb and tool, the CPU as its dark part."""
    bars = list(_bars(measured))
    longest = max((max(wall, cpu) for _, _, wall, cpu in bars), default=1.0)
    colours = {SLIPWAY: ("#9ecae1", "#2171b5"), TERRAFORM: ("#c7b9e2", "#6a51a3")}
    lines, y, before = [], 40, ""
    for verb, tool, wall, cpu in bars:
        if verb != before:
            y += 14
            lines.append(f'<text x="12" y="{y + 14}" font-weight="bold">{html.escape(verb)}</text>')
            before = verb
        light, dark = colours[tool]
        lines.append(f'<text x="168" y="{y + 14}">{tool}</text>')
        lines.append(f'<rect x="250" y="{y + 1}" width="{500 * wall / longest:.1f}" height="9" fill="{light}"/>')
        lines.append(f'<rect x="250" y="{y + 11}" width="{500 * cpu / longest:.1f}" height="5" fill="{dark}"/>')
        end = 258 + 500 * max(wall, cpu) / longest
        lines.append(f'<text x="{end:.1f}" y="{y + 14}">{wall:.1f} s, CPU {cpu:.1f} s</text>')
        y += 20
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="920" height="{y + 20}"'
        ' font-family="sans-serif" font-size="12">\n'
        '<rect width="100%" height="100%" fill="white"/>\n'
        '<text x="12" y="24" font-size="15">Slipway and Terraform: the same stack, the same emulator (medians)</text>\n'
        + "\n".join(lines)
        + "\n</svg>\n"
    )
