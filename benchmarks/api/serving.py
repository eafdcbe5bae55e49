"""How many answers a second: the cached summary as the balancer asks for it, and a bare Gunicorn with an empty view.

Both run on one host of the rehearsal, with the same numbers of workers and threads, and are asked by wrk over the
host's own loopback, in turn. `direct` is the summary with a cookie, which nginx passes on to Gunicorn each time: it
pays for a second server on the way, a connection of its own (nginx keeps none to the application) and the log, of which
the bare one has nothing.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from rehearsal.dataplane.context import Context
from rehearsal.engine import EngineError, sudo

BARE: Final = Path(__file__).with_name("bare.py")
PORT: Final = 8099
UNIT: Final = "benchmark-bare"
CONNECTIONS: Final = 16
START_SECONDS: Final = 60


@dataclass(frozen=True)
class Rates:
    """Answers a second, one of each in a round."""

    bare: list[float]
    served: list[float]
    direct: list[float]

    @staticmethod
    def ratio(ours: list[float], theirs: list[float]) -> float:
        """The median of the ratios within a round."""
        return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


def measure(context: Context, site: str, *, rounds: int, seconds: int) -> Rates:
    """Ask in turn, each for so many seconds, in a new order each round.

    Raises RuntimeError when an answer is an error.
    """
    group = context.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"][0]
    host = next(one["InstanceId"] for one in group["Instances"] if one["LifecycleState"] == "InService")
    headers = {"Host": urlsplit(site).netloc, "X-Forwarded-Proto": "https"}
    summary = "http://127.0.0.1/api/summary/"
    found: dict[str, list[float]] = {"bare": [], "served": [], "direct": []}
    with _bare(context, host) as bare:
        asked: dict[str, tuple[str, Mapping[str, str]]] = {
            "bare": (bare, {}),
            "served": (summary, headers),
            "direct": (summary, {**headers, "Cookie": "somebody=1"}),
        }
        pid = context.engine.containers()[host].pid
        for name in asked:
            _wrk(pid, *asked[name], seconds=1)
        for number in range(rounds):
            names = list(asked) if number % 2 == 0 else list(reversed(asked))
            for name in names:
                found[name].append(_wrk(pid, *asked[name], seconds=seconds))
    return Rates(**found)


@contextmanager
def _bare(context: Context, host: str) -> Iterator[str]:
    """The bare worker set, for as long as the block runs; its URL within the host."""
    engine = context.engine
    written = engine.run("exec", host, "cat", "/etc/gunicorn/gunicorn.conf.py")
    number = {name: _number(written, name) for name in ("workers", "threads", "keepalive")}
    engine.run("exec", "-i", host, "sh", "-c", "cat >/run/bare.py", stdin=BARE.read_text())
    command = [
        *("systemd-run", "--quiet", f"--unit={UNIT}", "--uid=application", "--working-directory=/run"),
        "--setenv=PYTHONPATH=/srv/application/current/site-packages",
        *("python3", "-m", "gunicorn", "--worker-class=gthread", "--worker-tmp-dir=/dev/shm"),
        *(f"--workers={number['workers']}", f"--threads={number['threads']}"),
        *(f"--keep-alive={number['keepalive']}", "--preload", "--no-control-socket", f"--bind=127.0.0.1:{PORT}"),
        "bare:application",
    ]
    engine.run("exec", host, *command)
    try:
        _await(context, host)
        yield f"http://127.0.0.1:{PORT}/"
    finally:
        engine.run("exec", host, "systemctl", "stop", UNIT, timeout=60)
        engine.run("exec", host, "rm", "-f", "/run/bare.py")


def _number(written: str, name: str) -> int:
    match = re.search(rf"^{name} = (\d+)$", written, re.MULTILINE)
    if match is None:
        raise RuntimeError(f"the configuration of Gunicorn on the host has no {name}")
    return int(match[1])


def _await(context: Context, host: str) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            context.engine.run("exec", host, "curl", "-sf", "-o", "/dev/null", f"http://127.0.0.1:{PORT}/")
            return
        except EngineError:
            if time.monotonic() > end:
                raise
            time.sleep(0.3)


def _wrk(pid: int, url: str, headers: Mapping[str, str], *, seconds: int) -> float:
    """Answers a second. wrk is this machine's, in the network of the host."""
    words: list[Any] = [f"--header={name}: {value}" for name, value in headers.items()]
    command = [*sudo(), "nsenter", f"--net=/proc/{pid}/ns/net", "wrk", "--threads=1", f"--connections={CONNECTIONS}"]
    done = subprocess.run(
        [*command, f"--duration={seconds}s", *words, url], capture_output=True, text=True, check=True, timeout=60
    )
    if wrong := re.search(r"(Non-2xx or 3xx responses|Socket errors): .+", done.stdout):
        raise RuntimeError(f"{url}: {wrong[0]}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if rate is None:
        raise RuntimeError(f"{url}: {done.stdout}")
    return float(rate[1])
