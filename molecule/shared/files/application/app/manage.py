"""Stands for Django's manage.py: prints what it was asked and who asks, as JSON.

`manage.py work 5%` is background work: it writes what it is into /tmp/work, and ends five seconds after SIGTERM.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

if sys.argv[1:2] == ["work"]:
    from probe.version import VERSION

    if VERSION == "lazy":
        sys.exit("This release does no work.")
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
    me = {"code": VERSION, "release": os.environ.get("RELEASE_ID"), "arguments": sys.argv[2:], "user": os.getuid()}
    Path("/tmp/work").write_text(json.dumps(me))  # noqa: S108 (its own, PrivateTmp)
    print("working", flush=True)
    while not stopping:
        time.sleep(0.1)
    time.sleep(5)
    print("the last task is done", flush=True)
    sys.exit(0)

print(
    json.dumps(
        {
            "arguments": sys.argv[1:],
            "user": os.getuid(),
            "release": os.environ.get("RELEASE_ID"),
            "secret_length": len(os.environ.get("DATABASE_PASSWORD", "")),
            "path": sys.path,
        }
    )
)
sys.exit(3 if "fail" in sys.argv else 0)
