"""A WSGI application that tells what a deployment did to it.

/healthz            200 `alive`; 500 in a release whose version is `sick`
/release            the release id of the environment, the release of the code, and one that is imported only now
/environment        the names and lengths of the environment's variables, and the value of MOTTO
/headers            the request headers as JSON
/slow?SECONDS       answers after that many seconds
/file?PATH          whether PATH can be written
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from probe.version import VERSION

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


def _release() -> dict[str, Any]:
    # Imported by the first request that asks, which may come long after `current` has moved on.
    from late.version import VERSION as LATE

    return {"release": os.environ.get("RELEASE_ID"), "code": VERSION, "late": LATE, "pid": os.getpid()}


def _environment() -> dict[str, Any]:
    lengths = {name: len(value) for name, value in os.environ.items()}
    return {"lengths": lengths, "motto": os.environ.get("MOTTO")}


def _write(path: str) -> dict[str, Any]:
    try:
        Path(path).write_text("")
    except OSError as error:
        return {"written": False, "error": str(error)}
    return {"written": True}


def _slow(seconds: str) -> dict[str, Any]:
    time.sleep(min(float(seconds), 30))
    return {**_release(), "slept": seconds}


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    path, query = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
    body: Any
    if path == "/healthz":
        if VERSION == "sick":
            start_response("500 Internal Server Error", [("Content-Type", "text/plain")])
            return [b"not well\n"]
        body = "alive"
    elif path == "/release":
        body = _release()
    elif path == "/environment":
        body = _environment()
    elif path == "/headers":
        body = {key: value for key, value in environ.items() if key.startswith("HTTP_")}
        body["REMOTE_ADDR"] = environ.get("REMOTE_ADDR")
        body["scheme"] = environ.get("wsgi.url_scheme")
    elif path == "/slow":
        body = _slow(query)
    elif path == "/file":
        body = _write(query)
    else:
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"no such page\n"]
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(body).encode() + b"\n"]
