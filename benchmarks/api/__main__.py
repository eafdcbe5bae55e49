"""What the API costs: the cached summary against a bare Gunicorn, and lists of few rows against lists of many.

usage: python -m benchmarks.api [--rounds 7] [--seconds 4] [--times 30] [--only serving|lists]

The first part runs on a host of the running rehearsal and sends nothing beyond that host's loopback; the second makes
a PostgreSQL of its own. All figures are medians of ratios within a round. Ends with 1 when a target is missed.

Last line, for machines: `summary` is answers a second ÷ those of the bare Gunicorn (at least 0.85), `direct` the same
when nginx keeps nothing, `lists` the worst ratio of time of 10⁵ rows to 10² (at most 1.3), `queries` flat or not.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys

from rich.console import Console
from rich.table import Table

from benchmarks.api import lists, serving
from benchmarks.page.__main__ import find_site

LEAST_RATE = 0.85
MOST_TIME = 1.3


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api")
    parser.add_argument("--rounds", type=int, default=7, choices=range(1, 31), metavar="1-30")
    parser.add_argument("--seconds", type=int, default=4, choices=range(1, 31), metavar="1-30")
    parser.add_argument("--times", type=int, default=30, choices=range(3, 301), metavar="3-300")
    parser.add_argument("--only", choices=("serving", "lists"))
    options = parser.parse_args()
    console = Console()
    said: list[str] = []
    good = True
    if options.only != "lists":
        good = _serving(console, said, options.rounds, options.seconds)
    if options.only != "serving":
        good = _lists(console, said, options.times) and good
    print(" ".join(said))
    return 0 if good else 1


def _serving(console: Console, said: list[str], rounds: int, seconds: int) -> bool:
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed: rehearsal/bootstrap tests installs it.")
    _, context, site = find_site()
    rates = serving.measure(context, site, rounds=rounds, seconds=seconds)
    table = Table(title="answers a second, on one host", title_justify="left", header_style="bold")
    for heading in ("who", "median", "least", "most", "÷ bare"):
        table.add_column(heading, justify="left" if heading == "who" else "right")
    for name, values in (
        ("a bare Gunicorn, an empty view", rates.bare),
        ("the summary, as the balancer asks", rates.served),
        ("the summary, through to Gunicorn each time", rates.direct),
    ):
        ratio = rates.ratio(values, rates.bare)
        figures = (f"{statistics.median(values):.0f}", f"{min(values):.0f}", f"{max(values):.0f}")
        table.add_row(name, *figures, f"{ratio:.2f}")
    console.print(table)
    ratio = rates.ratio(rates.served, rates.bare)
    said += [f"summary={ratio:.2f}", f"direct={rates.ratio(rates.direct, rates.bare):.2f}"]
    return ratio >= LEAST_RATE


def _lists(console: Console, said: list[str], times: int) -> bool:
    rows = lists.measure(times=times)
    table = Table(title="lists without a cache", title_justify="left", header_style="bold")
    for heading in ("path", "queries", f"ms of {lists.FEW}", f"ms of {lists.MANY}", "ratio"):
        table.add_column(heading, justify="left" if heading == "path" else "right")
    for row in rows:
        queries = f"{row.queries[0]}" if row.queries[0] == row.queries[1] else f"{row.queries[0]} → {row.queries[1]}"
        few, many = statistics.median(row.few), statistics.median(row.many)
        table.add_row(row.path, queries, f"{few:.1f}", f"{many:.1f}", f"{row.ratio:.2f}")
    console.print(table)
    worst = max(row.ratio for row in rows)
    flat = all(one == other for one, other in (row.queries for row in rows))
    said += [f"lists={worst:.2f}", f"queries={'flat' if flat else 'grow'}"]
    return flat and worst <= MOST_TIME


if __name__ == "__main__":
    sys.exit(main())
