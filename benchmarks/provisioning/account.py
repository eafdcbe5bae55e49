"""An emulated account in a process of its own, whose work is in nobody's figures."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).parents[2]

_PROGRAM = """
import sys
from rehearsal.emulator.server import Emulator
emulator = Emulator(0)
emulator.start()
print(emulator.endpoint, flush=True)
sys.stdin.read()
emulator.stop()
"""


@contextmanager
def account() -> Iterator[str]:
    """The URL of an empty account; it is gone afterwards."""
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdout is None or not (endpoint := process.stdout.readline().strip()):
            raise RuntimeError("the emulated account did not start")
        try:
            yield endpoint
        finally:
            if process.stdin is not None:
                process.stdin.close()
