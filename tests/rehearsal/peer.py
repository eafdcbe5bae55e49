"""Stands for a server on the internet: answers GET, and keeps what is POSTed as lines of JSON in /tmp/received.

Runs in a container of its own beside the hosts, with the standard library alone.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

RECEIVED = Path("/tmp/received")  # noqa: S108 (a container's own)
_writing = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        self._answer(200, b"well\n")

    do_HEAD = do_GET  # noqa: N815 (named by http.server)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        with _writing, RECEIVED.open("a") as file:
            file.write(json.dumps({"path": self.path, "headers": headers, "body": body}) + "\n")
        self._answer(204, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", 80), Handler).serve_forever()  # noqa: S104 (the container's network alone)
