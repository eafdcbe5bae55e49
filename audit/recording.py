"""The requests of a run, as the account received them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rehearsal.emulator.api_request import ApiRequest


@dataclass(frozen=True)
class Call:
    """One request: botocore's names of service and operation, and its parameters as they came over the wire."""

    service: str
    operation: str
    region: str
    parameters: dict[str, Any]
    writes: bool

    @property
    def name(self) -> str:
        """`rds:CreateDBInstance`."""
        return f"{self.service}:{self.operation}"


class Recording:
    """Keeps the requests of an emulator (`Emulator(0, witness=recording)`), each different one once, in order."""

    def __init__(self) -> None:
        self._calls: dict[str, Call] = {}
        self._unknown: dict[str, None] = {}
        self._lock = threading.Lock()

    def __call__(self, request: ApiRequest) -> None:
        """Take down one request."""
        if not request.action:
            with self._lock:
                self._unknown[f"{request.service} {request.source_address}"] = None
            return
        call = Call(
            service=request.service,
            operation=request.action,
            region=request.region,
            parameters=request.parameters,
            writes=request.changes_something,
        )
        key = json.dumps([call.name, call.region, call.parameters], sort_keys=True, default=str)
        with self._lock:
            self._calls.setdefault(key, call)

    def __iter__(self) -> Iterator[Call]:
        with self._lock:
            return iter(list(self._calls.values()))

    def __len__(self) -> int:
        return len(self._calls)

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._calls.clear()
            self._unknown.clear()

    @property
    def unknown(self) -> list[str]:
        """Requests of which nobody could say what they ask for."""
        return list(self._unknown)
