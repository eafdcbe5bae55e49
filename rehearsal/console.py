"""How the rehearsal speaks to the person who runs it."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

from rich.console import Console

#: How wide a line may be where no terminal says it: a table in a log should not be folded at 80 characters.
LOG_COLUMNS = 120


def _width(stream: TextIO) -> int | None:
    return None if stream.isatty() else LOG_COLUMNS


console = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True, width=_width(sys.stderr))
#: What scripts read: nothing but the answer.
output = Console(file=sys.stdout, highlight=False, emoji=False, soft_wrap=True)


def say(text: str) -> None:
    """Announce a step."""
    console.print(f"[bold]==>[/bold] {text}")


class Step:
    """Announces a step that takes a while, and how long it took."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __enter__(self) -> Step:
        self._began = time.monotonic()
        self._status = console.status(self._text)
        if console.is_terminal:
            self._status.start()
        else:
            say(self._text)
        return self

    def update(self, text: str) -> None:
        """Say what the step is at."""
        if console.is_terminal:
            self._status.update(text)
        else:
            say(text)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()
        if error is None and console.is_terminal:
            say(f"{self._text} [dim]({time.monotonic() - self._began:.0f} s)[/dim]")
