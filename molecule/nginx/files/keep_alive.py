"""Prove that the server keeps an idle connection for FIRST seconds and closes it before SECOND.

keep_alive.py FIRST SECOND
"""

from __future__ import annotations

import contextlib
import socket
import sys

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def answer(connection: socket.socket) -> bytes:
    connection.sendall(REQUEST)
    return connection.recv(65536)


first, second = float(sys.argv[1]), float(sys.argv[2])
with socket.create_connection(("127.0.0.1", 80), timeout=5) as connection:
    assert answer(connection).startswith(b"HTTP/1.1 200"), "no first answer"  # noqa: S101
    connection.settimeout(first)
    with contextlib.suppress(TimeoutError):
        assert connection.recv(1), f"closed before {first} s"  # noqa: S101
    connection.settimeout(second - first)
    # An empty read is the end of the connection; a time-out here fails the test.
    assert connection.recv(1) == b"", "unasked data"  # noqa: S101
