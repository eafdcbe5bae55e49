"""The data plane's loop: one controller after the other, whenever the account changed and every other second."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from rehearsal.dataplane.context import Context

log = logging.getLogger(__name__)

#: Bodies die without the account changing, so the loop also looks by itself.
IDLE_SECONDS = 2.0
#: Ansible's calls come in bursts; a round in between each of two would only be repeated.
SETTLE_SECONDS = 0.2


class Controller(Protocol):
    """Brings one kind of resource and its bodies together."""

    def reconcile(self) -> None:
        """Compare and act; safe to repeat; what takes longer than a second goes to a worker."""


class Loop:
    """Runs the controllers until it is stopped."""

    def __init__(self, context: Context, controllers: Sequence[Controller]) -> None:
        self._context = context
        self._controllers = controllers
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._failing: dict[str, str] = {}
        context.wake = self._wake.set

    def stop(self) -> None:
        """End after the round that is under way."""
        self._stop.set()
        self._wake.set()

    def run(self) -> None:
        """Run until `stop` is called."""
        while not self._stop.is_set():
            if self._wake.wait(IDLE_SECONDS):
                time.sleep(SETTLE_SECONDS)
                self._wake.clear()
            if not self._stop.is_set():
                self.round()

    def round(self) -> None:
        """Let each controller look once. One that fails does not keep the others from their work."""
        try:
            self._context.containers = self._context.engine.containers()
        except Exception:
            log.exception("the container engine does not answer")
            return
        for controller in self._controllers:
            name = type(controller).__name__
            try:
                controller.reconcile()
                if self._failing.pop(name, None):
                    log.info("%s works again", name)
            except Exception as error:
                # The same failure comes every round: its story is told once.
                story = f"{type(error).__name__}: {error}"
                if self._failing.get(name) != story:
                    log.exception("%s failed and is tried again every round", name)
                self._failing[name] = story
