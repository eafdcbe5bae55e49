"""The playbooks against an empty account of their own: no data plane, so that hosts and bodies are not there."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from rehearsal.emulator import authorization
from rehearsal.emulator.api_request import ApiRequest
from rehearsal.emulator.operator import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from rehearsal.emulator.server import Emulator

PROJECT = Path(__file__).parents[3]
REGION = "eu-west-1"

#: What an action that only looks begins with.
_LOOKS = ("Describe", "List", "Get", "Head", "Batch", "Search", "Lookup")


class Requests:
    """Everything that the account was asked. `on_write` is called before each request that changes something."""

    def __init__(self) -> None:
        self.actions: list[str] = []
        self.on_write: Callable[[int], None] | None = None
        self._lock = threading.Lock()

    def hear(self, request: ApiRequest) -> None:
        with self._lock:
            self.actions.append(f"{request.service}:{request.action}")
            count = len(self.writes())
        if self.on_write is not None and self._writes(self.actions[-1]):
            self.on_write(count)

    @staticmethod
    def _writes(action: str) -> bool:
        return not action.split(":")[1].startswith(_LOOKS)

    def writes(self) -> list[str]:
        """Those that change something; to take the lock and to let it go is not counted."""
        lock = ("ssm:PutParameter", "ssm:DeleteParameter")
        return [action for action in self.actions if self._writes(action) and action not in lock]


@pytest.fixture(scope="module")
def requests() -> Requests:
    return Requests()


@pytest.fixture(scope="module")
def emulator(requests: Requests) -> Iterator[Emulator]:
    refuse = authorization.refuse

    def hear(request: ApiRequest) -> Any:
        requests.hear(request)
        return refuse(request)

    emulator = Emulator(0)
    authorization.refuse = hear
    emulator.start()
    yield emulator
    emulator.stop()
    authorization.refuse = refuse


@dataclass(frozen=True)
class Ran:
    """How a playbook ended."""

    status: int
    output: str

    @property
    def changed(self) -> int:
        """Tasks that changed something, over all hosts."""
        words = self.output.split("PLAY RECAP")[-1].split()
        return sum(int(word.removeprefix("changed=")) for word in words if word.startswith("changed="))


class Play:
    """Run a playbook of the project in the rehearsal's inventory."""

    def __init__(self, emulator: Emulator, directory: Path) -> None:
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))},
            "AWS_ENDPOINT_URL": emulator.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "SLIPWAY_EMULATOR_PORT": str(emulator.port),
            "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
            "ANSIBLE_LOCAL_TEMP": str(directory / "ansible"),
            "ANSIBLE_FORCE_COLOR": "false",
        }

    def start(
        self, playbook: str | Path, *words: str, inventory: str = "inventories/rehearsal"
    ) -> subprocess.Popen[str]:
        """Begin, in a session of its own."""
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        return subprocess.Popen(
            [program, str(playbook), "-i", inventory, *words],
            cwd=PROJECT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def __call__(self, playbook: str | Path, *words: str, inventory: str = "inventories/rehearsal") -> Ran:
        """Run to the end."""
        running = self.start(playbook, *words, inventory=inventory)
        try:
            output, _ = running.communicate(timeout=900)
        finally:
            running.kill()
        return Ran(running.returncode, output)


@pytest.fixture(scope="module")
def play(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Play:
    return Play(emulator, tmp_path_factory.mktemp("play"))


@pytest.fixture(scope="module")
def client(emulator: Emulator) -> Callable[..., Any]:
    """Makes clients of the operator: `client("sns", "us-east-1")`."""

    def make(service: str, region: str = REGION) -> Any:
        untyped: Any = boto3
        return untyped.client(
            service,
            region_name=region,
            endpoint_url=emulator.endpoint,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
        )

    return make
