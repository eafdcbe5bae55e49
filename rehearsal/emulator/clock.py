"""The account's sense of time: what AWS does by itself, some seconds after it was asked.

A draining target is let go when its delay is over; an Auto Scaling group replaces what died. The thread sleeps
without end while nothing waits for the time to pass.
"""

from __future__ import annotations

import logging
import threading

from rehearsal.emulator import account

log = logging.getLogger(__name__)

_TICK_SECONDS = 1.0


class Clock:
    """Moves things on after each change, and once a second while something waits."""

    def __init__(self) -> None:
        self._woken = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="emulator-clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a clock that never ran may be stopped too."""
        self._stopping = True
        self._woken.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def changed(self, service: str, _action: str) -> None:
        """A listener of the account: look again soon, unless it was the clock itself that changed something."""
        if service != "clock":
            self._woken.set()

    def _run(self) -> None:
        # moto is slow to import, and its settings must be made first.
        from rehearsal.emulator.corrections.autoscaling import advance_all

        self._woken.set()
        waits = True
        while not self._stopping:
            self._woken.wait(_TICK_SECONDS if waits else None)
            self._woken.clear()
            if self._stopping:
                return
            try:
                with account.LOCK:
                    changed, waits = advance_all()
            except Exception:
                log.exception("the clock stumbled")
                changed, waits = False, True
            if changed:
                account.announce("clock", "Tick")
