"""Wait until a log group of the small AWS holds a line, and print all of its lines as JSON.

usage: events.py GROUP LINE
"""

from __future__ import annotations

import json
import sys
import time

import boto3


def lines(group: str) -> list[str]:
    """All lines of a group, in their order."""
    pages = boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    return [event["message"] for page in pages for event in page["events"]]


def main(group: str, wanted: str) -> None:
    deadline = time.monotonic() + 30
    while wanted not in (found := lines(group)) and time.monotonic() < deadline:
        time.sleep(0.5)
    print(json.dumps(found))
    if wanted not in found:
        sys.exit(f"{group} does not hold {wanted!r}")


main(*sys.argv[1:])
