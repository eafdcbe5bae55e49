"""A plan as people and machines read it."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from ansible_collections.slipway.aws.plugins.plugin_utils import prices
from ansible_collections.slipway.aws.plugins.plugin_utils.plan import (
    CHANGE,
    CREATE,
    DELETE,
    REPLACE,
    SAME,
    UNKNOWN,
    Entry,
    counts,
    status,
)
from rich.console import Console
from rich.table import Table
from rich.text import Text

#: Characters of a line that goes to a file or a pipe.
WIDTH = 140
_MARKS = {CREATE: ("+", "green"), CHANGE: ("~", "yellow"), REPLACE: ("±", "magenta"), DELETE: ("-", "red")}
_UNKNOWN_MARK = ("?", "cyan")
_LONGEST_VALUE = 60
FAILED, CHANGES = 1, 2
#: How many changes by hand are named.
_NAMED = 12


@dataclass(frozen=True)
class Report:
    """A plan and what stands above and below it."""

    environment: str
    region: str
    entries: Sequence[Entry]
    #: What a month of the whole environment costs; None where nothing costs anything.
    total: prices.Total | None
    failed: bool
    #: What somebody has changed by hand since the last run, as the survey says it.
    drift: Sequence[Mapping[str, Any]] = ()
    #: Why the survey could not see what was changed there, by layer.
    unread: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """0: nothing to do; 1: the run failed; 2: something is not as it should be, or nobody can say so."""
        return FAILED if self.failed else CHANGES if self.drift or self.unread else status(self.entries)

    @property
    def changes(self) -> list[Entry]:
        """What is not as it should be."""
        return [entry for entry in self.entries if entry.action != SAME]

    @property
    def uncompared(self) -> list[Entry]:
        """What is there, of which check mode compares nothing."""
        return [entry for entry in self.entries if entry.action == SAME and entry.reason]

    def as_dict(self) -> dict[str, Any]:
        """The whole plan, also what stays."""
        return {
            "environment": self.environment,
            "region": self.region,
            "status": self.status,
            "failed": self.failed,
            "counts": counts(self.entries),
            "price": {
                **self.difference().as_dict(),
                "environment_usd_per_month": None if self.total is None else self.total.as_dict(),
            },
            "minutes_at_least": max((entry.minutes for entry in self.changes), default=0),
            "entries": [entry.as_dict() for entry in self.entries],
            "drift": [{name: one.get(name) for name in ("layer", "kind", "resource", "field")} for one in self.drift],
            "unread": {layer: list(reasons) for layer, reasons in self.unread.items()},
        }

    def difference(self) -> prices.Total:
        """What a month costs more."""
        known = [entry.price for entry in self.changes if entry.price is not None]
        unknown = tuple(f"{entry.kind} {entry.name}" for entry in self.changes if entry.price is None)
        return prices.Total(round(sum(known), 2), unknown)


def width(stream: TextIO) -> int:
    """How wide a table may be: as the terminal, or WIDTH where there is none."""
    if stream.isatty() or os.environ.get("COLUMNS"):
        return shutil.get_terminal_size((WIDTH, 24)).columns
    return WIDTH


def shown(value: Any) -> str:
    """A value in one short line."""
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, default=str, sort_keys=True)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _what(entry: Entry) -> Text:
    lines = [
        f"{one.name}: {shown(one.before)} → {shown(one.after)}" if one.told else "fields that the module does not tell"
        for one in entry.fields
        if entry.action in (CHANGE, REPLACE, UNKNOWN)
    ]
    if entry.reason:
        lines.append(entry.reason)
    return Text("\n".join(lines))


def money(amount: float | None) -> str:
    """A difference of a month's price."""
    if amount is None:
        return "not known"
    return f"{amount:+.2f}" if round(amount, 2) else "0"


def text(report: Report, *, width: int) -> str:
    """The plan for people."""
    out = io.StringIO()
    # Colours where the environment allows them (NO_COLOR, FORCE_COLOR, TERM) and stdout is a terminal.
    console = Console(file=out, width=width, highlight=False, soft_wrap=False, color_system=_colours())
    table = Table(title=_title(report), title_justify="left", header_style="bold", expand=False, pad_edge=False)
    table.add_column("")
    table.add_column("resource", overflow="fold", ratio=None, max_width=44)
    table.add_column("what", overflow="fold")
    table.add_column("who feels it", overflow="fold", max_width=34)
    table.add_column("$/month", justify="right", no_wrap=True)
    table.add_column("min", justify="right", no_wrap=True)
    layer = None
    for entry in report.changes:
        if entry.layer != layer:
            if layer is not None:
                table.add_section()
            layer = entry.layer
            table.add_row("", Text(layer, style="bold"), "", "", "", "")
        mark, style = _MARKS.get(entry.action, _UNKNOWN_MARK)
        where = f" ({entry.region})" if entry.region else ""
        table.add_row(
            Text(mark, style=style),
            Text(f"{entry.kind} {entry.name}{where}", style=style),
            _what(entry),
            Text(entry.interruption),
            money(entry.price),
            str(entry.minutes or ""),
        )
    if report.changes:
        console.print(table)
    else:
        console.print(_title(report))
    for line in _footer(report):
        console.print(Text(line))
    return out.getvalue()


def _colours() -> Any:
    return "standard" if os.isatty(1) and not os.environ.get("NO_COLOR") else None


def _title(report: Report) -> str:
    return f"Plan of {report.environment or 'the environment'} in {report.region or 'an unknown region'}"


def _footer(report: Report) -> list[str]:
    if report.failed:
        return ["The run failed, see above: what stands here is not all. Nothing was written."]
    found = counts(report.entries)
    lines = []
    if report.drift:
        lines.append(_by_hand(report.drift))
    lines += [
        f"Not seen whether somebody changed the layer {layer}: {'; '.join(reasons)}"
        for layer, reasons in report.unread.items()
    ]
    if not report.changes:
        lines.append(f"Nothing {'else ' if report.drift else ''}to do: {found[SAME]} resources are as they should be.")
    else:
        verbs = {CREATE: "create", CHANGE: "change", REPLACE: "replace", DELETE: "delete", UNKNOWN: "are unknown"}
        said = [f"{found[action]} to {verb}" for action, verb in verbs.items() if found[action] and action != UNKNOWN]
        said += [f"{found[UNKNOWN]} unknown"] if found[UNKNOWN] else []
        lines.append(f"{', '.join(said)}; {found[SAME]} stay. The slowest takes about {_minutes(report)}.")
        difference = report.difference()
        more = f", without {len(difference.unknown)} whose price is not known" if difference.unknown else ""
        lines.append(f"A month costs {difference.known:+.2f} USD{more}.")
    if report.uncompared:
        names = ", ".join(f"{entry.kind} {entry.name}" for entry in report.uncompared)
        lines.append(f"Not compared, because its module has no check mode: {names}.")
    if report.total is None:
        lines.append("The account is emulated: nothing costs anything.")
    else:
        more = f", and {len(report.total.unknown)} resources whose price is not known" if report.total.unknown else ""
        lines.append(f"The whole environment costs {report.total.known:.2f} USD a month without traffic{more}.")
    lines.append("Nothing was written.")
    return lines


def _by_hand(drift: Sequence[Mapping[str, Any]]) -> str:
    places = [f"{one['resource']} {one.get('field') or one['kind']}" for one in drift]
    more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
    return (
        f"Changed by hand since the last run: {', '.join(places[:_NAMED])}{more}. A run puts back what its layers look "
        "after, which not every module foretells; playbooks/drift.yml says what each is and was."
    )


def _minutes(report: Report) -> str:
    slowest = max((entry.minutes for entry in report.changes), default=0)
    return f"{slowest} minutes" if slowest > 1 else "a minute" if slowest else "seconds"
