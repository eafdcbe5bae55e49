"""An emulated account that remembers what it was asked, and playbooks that run against it: no data plane, no hosts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from rehearsal.emulator.api_request import ApiRequest
from rehearsal.emulator.operator import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from rehearsal.emulator.server import Emulator, Middleware

PROJECT = Path(__file__).parents[3]
REGION = "eu-west-1"
PROGRAM = str(Path(sys.executable).with_name("ansible-playbook"))
#: The layers without the dynamic inventory, which asks for hosts that nothing here has.
LAYERS = "inventories/rehearsal/layers.yml"
#: A playbook that hangs is ended.
PATIENCE_SECONDS = 900

#: Beginnings of operations that only read.
_READS = ("Describe", "List", "Get", "Head", "BatchGet")


def is_write(request: ApiRequest) -> bool:
    """Whether it is not known to read only. A request that nobody understood has no name, and counts.

    The run's own lock does not: that of the run before may be given back a moment after its end.
    """
    lock = str(request.parameters.get("Name")).startswith("/slipway-run-lock/")
    return not request.action.startswith(_READS) and not lock


@dataclass(frozen=True)
class Ran:
    """How a playbook ended. A run that was killed has the negative number of the signal as its status."""

    status: int
    output: str
    errors: str = ""

    @property
    def words(self) -> str:
        """All that it said, without the line breaks of the terminal."""
        return " ".join(f"{self.output} {self.errors}".split())

    @property
    def changed(self) -> int:
        """Tasks that changed something, over all hosts."""
        recap = self.output.rpartition("PLAY RECAP")[2]
        return sum(int(number) for number in re.findall(r"\bchanged=(\d+)", recap))

    @property
    def changed_tasks(self) -> list[str]:
        """Names of the tasks that changed something, in order."""
        return re.findall(r"^TASK \[([^\n]*)\] \**\n(?:(?!TASK )[^\n]*\n)*?changed: ", self.output, re.MULTILINE)

    @property
    def converged(self) -> set[str]:
        """Roles of layers that ran a task of their own."""
        return {role for role in re.findall(r"^TASK \[(aws_\w+) :", self.output, re.MULTILINE) if role != "aws_survey"}


@dataclass
class Account:
    """An emulated account, and what it was asked since the last run began."""

    emulator: Emulator
    directory: Path
    requests: list[ApiRequest] = field(default_factory=list)
    #: Is told the number of each writing request, from 1, before it is answered.
    on_write: Callable[[int], None] | None = None
    _writes: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hear(self, request: ApiRequest) -> None:
        with self._lock:
            self.requests.append(request)
            wrote = is_write(request)
            if wrote:
                self._writes.append(f"{request.service}:{request.action}")
            count = len(self._writes)
        if wrote and self.on_write is not None:
            self.on_write(count)

    def forget(self) -> None:
        """Begin to count anew."""
        with self._lock:
            self.requests.clear()
            self._writes.clear()

    @property
    def asked(self) -> list[str]:
        """All operations that it was asked for, in order."""
        return [f"{request.service}:{request.action}" for request in self.requests]

    @property
    def writes(self) -> set[str]:
        """Those that are not known to read only."""
        return set(self._writes)

    def client(self, service: str, region: str = REGION) -> Any:
        """A client of the account's operator."""
        untyped: Any = boto3
        return untyped.client(
            service,
            region_name=region,
            endpoint_url=self.emulator.endpoint,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
        )

    def environment(self) -> dict[str, str]:
        """What a playbook needs to meet this account and no other."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))},
            "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
            "ANSIBLE_LOCAL_TEMP": str(self.directory / "ansible"),
            "AWS_ENDPOINT_URL": self.emulator.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "NO_COLOR": "1",
            "SLIPWAY_EMULATOR_PORT": str(self.emulator.port),
        }

    def start(
        self,
        playbook: str | Path,
        *words: str,
        variables: Mapping[str, Any] | None = None,
        inventory: str = LAYERS,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[str]:
        """Begin, as a person does, but in a session of its own, and forget what was asked before."""
        self.forget()
        given = [f"--extra-vars={json.dumps(variables)}"] if variables else []
        return subprocess.Popen(
            [PROGRAM, str(playbook), *words, f"--inventory={inventory}", *given],
            cwd=PROJECT,
            env={**self.environment(), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(
        self,
        playbook: str | Path,
        *words: str,
        variables: Mapping[str, Any] | None = None,
        inventory: str = LAYERS,
        environment: Mapping[str, str] | None = None,
    ) -> Ran:
        """Run to the end."""
        return end(self.start(playbook, *words, variables=variables, inventory=inventory, environment=environment))


def end(running: subprocess.Popen[str]) -> Ran:
    """Await a run that was started."""
    try:
        output, errors = running.communicate(timeout=PATIENCE_SECONDS)
    finally:
        running.kill()
    return Ran(running.returncode, output, errors)


@contextmanager
def emulated_account(directory: Path, middleware: Middleware | None = None) -> Iterator[Account]:
    """An empty account. A process can have one at a time."""
    told: list[Account] = []
    emulator = Emulator(0, witness=lambda request: told[0].hear(request), middleware=middleware)
    told.append(Account(emulator, directory))
    emulator.start()
    try:
        yield told[0]
    finally:
        emulator.stop()
