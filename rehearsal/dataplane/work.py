"""Work that takes longer than a round of the data plane may."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

log = logging.getLogger(__name__)


class Workers:
    """Runs one job a key at a time, in the background.

    A job that fails is logged and may be started again by the next round.
    """

    def __init__(self, wake: Callable[[], None], size: int = 4) -> None:
        self._wake = wake
        self._pool = ThreadPoolExecutor(max_workers=size, thread_name_prefix="work")
        self._running: dict[str, Future[None]] = {}

    def busy(self, key: str) -> bool:
        """Whether a job of this key has not ended yet."""
        job = self._running.get(key)
        return job is not None and not job.done()

    def start(self, key: str, job: Callable[..., object], *arguments: object) -> None:
        """Start the job with these arguments unless one of the same key is still at work."""
        if not self.busy(key):
            self._running[key] = self._pool.submit(self._run, key, job, *arguments)

    def _run(self, key: str, job: Callable[..., object], *arguments: object) -> None:
        try:
            job(*arguments)
        except Exception:
            log.exception("%s failed and is tried again", key)
        finally:
            self._wake()

    def stop(self) -> None:
        """Wait for the running jobs and take no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)
