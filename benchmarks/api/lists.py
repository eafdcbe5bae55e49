"""Whether a list with a hundred rows behind it costs what one with a hundred thousand does.

Two processes ask the same paths of the application in turn, each of a database of its own in one server, without a
cache: so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

from tests import services

PROJECT: Final = Path(__file__).parents[2]
FEW: Final = 100
MANY: Final = 100_000


@dataclass(frozen=True)
class Row:
    """One path: milliseconds of its answers in turn, and queries, of few rows and of many."""

    path: str
    few: Sequence[float]
    many: Sequence[float]
    queries: tuple[int, int]

    @property
    def ratio(self) -> float:
        """The median of the ratios of neighbours."""
        return statistics.median(many / few for few, many in zip(self.few, self.many, strict=True))


class Asker:
    """A process of django_app/tools/ask_lists.py."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._input, self._output = cast(IO[str], process.stdin), cast(IO[str], process.stdout)
        self.paths: list[str] = self._answer()

    def _answer(self) -> Any:
        line = self._output.readline()
        if not line:
            raise RuntimeError(f"ask_lists ended with {self._process.wait()}: its words are above")
        return json.loads(line)

    def ask(self, path: str) -> dict[str, Any]:
        self._input.write(f"{path}\n")
        self._input.flush()
        answer: dict[str, Any] = self._answer()
        return answer


@contextmanager
def _asker(rows: int, environment: Mapping[str, str]) -> Iterator[Asker]:
    with subprocess.Popen(
        [sys.executable, "-m", "tools.ask_lists", str(rows)],
        cwd=PROJECT / "django_app",
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Asker(process)
        cast(IO[str], process.stdin).close()


def measure(*, times: int) -> list[Row]:
    """Each path so many times, few and many in turn."""
    with (
        services.database_and_cache() as environment,
        _asker(FEW, environment) as few,
        _asker(MANY, environment) as many,
    ):
        return [_row(few, many, each, other, times) for each, other in zip(few.paths, many.paths, strict=True)]


def _row(few: Asker, many: Asker, path: str, other: str, times: int) -> Row:
    pairs = []
    for number in range(times + 2):
        pair = (few.ask(path), many.ask(other)) if number % 2 else (many.ask(other), few.ask(path))[::-1]
        if pair[0]["rows"] != pair[1]["rows"]:
            raise RuntimeError(f"{path} answers {pair[0]['rows']} rows of few, and {pair[1]['rows']} of many")
        # The first ones compile and connect.
        if number >= 2:
            pairs.append(pair)
    return Row(
        path.split("?before=")[0] + ("?before=…" if "?before=" in path else ""),
        [one["milliseconds"] for one, _ in pairs],
        [one["milliseconds"] for _, one in pairs],
        (max(one["queries"] for one, _ in pairs), max(one["queries"] for _, one in pairs)),
    )
