"""Ask a web server all the time while something happens to it, and count what a user would have seen.

    requests_during.py --seconds 8 --threads 4 [--slow 3] [--socket PATH | --port PORT]

Prints JSON: {"answers": {"200": n}, "errors": [...], "releases": [...], "slow": n, "longest": seconds}. Bounded: it
stops after `--seconds` (at most 60) and by then holds no connection. `--slow S` adds one thread whose requests take S
seconds each: they are in flight whenever a service stops.
"""

from __future__ import annotations

import argparse
import http.client
import json
import socket
import threading
import time
from collections import Counter


class _UnixConnection(http.client.HTTPConnection):
    path = ""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Tally:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.deadline = time.monotonic() + min(options.seconds, 60)
        self.answers: Counter[str] = Counter()
        self.errors: list[str] = []
        self.releases: Counter[str] = Counter()
        self.longest = 0.0
        self.slow = 0
        self._lock = threading.Lock()

    def _connection(self) -> http.client.HTTPConnection:
        if self.options.socket:
            connection = _UnixConnection("localhost", timeout=30)
            connection.path = self.options.socket
            return connection
        return http.client.HTTPConnection("127.0.0.1", self.options.port, timeout=30)

    def ask(self, path: str, *, slow: bool) -> None:
        started = time.monotonic()
        connection = self._connection()
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            with self._lock:
                self.answers[str(answer.status)] += 1
                if answer.status == 200:
                    self.releases[str(json.loads(body).get("release"))] += 1
                    self.slow += slow
                if not slow:
                    self.longest = max(self.longest, time.monotonic() - started)
        except (OSError, http.client.HTTPException, ValueError) as error:
            with self._lock:
                self.errors.append(f"{path}: {error!r}")
        finally:
            connection.close()

    def run(self, path: str, *, slow: bool) -> None:
        while time.monotonic() < self.deadline:
            self.ask(path, slow=slow)
            time.sleep(0.01)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--slow", type=float, default=0)
    parser.add_argument("--socket", default="")
    parser.add_argument("--port", type=int, default=80)
    tally = Tally(parser.parse_args())
    work = [("/release", False)] * tally.options.threads
    if tally.options.slow:
        work.append((f"/slow?{tally.options.slow}", True))
    threads = [threading.Thread(target=tally.run, args=(path,), kwargs={"slow": slow}) for path, slow in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(
        json.dumps(
            {
                "answers": tally.answers,
                "errors": tally.errors[:5],
                "releases": tally.releases,
                "slow": tally.slow,
                "longest": round(tally.longest, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
