"""First runs of every environment, made once for all that look at them: their requests, and the account that they left.

They are kept in `.cache/recordings` for as long as nothing changes that a run reads, so that tests, Prowler and the
deployer's policies lay each environment once.
"""

from __future__ import annotations

import base64
import hashlib
import json
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from audit.account import ENVIRONMENTS, EVERYTHING, LAUNCHED, PROJECT, Account, account
from audit.recording import Call, Recording
from plugins.plugin_utils.tree_digest import EXCLUDES, tree_digest
from rehearsal.emulator.memory import Memory
from rehearsal.emulator.server import Emulator

Recordings = Mapping[str, tuple[Call, ...]]

KEPT = PROJECT / ".cache" / "recordings"
#: Files and directories that a run reads.
READ = (
    *("ansible.cfg", "uv.lock", "react_app", "django_app", "group_vars", "inventories", "playbooks", "plugins"),
    *("prices", "rehearsal", "roles", "audit/account.py", "audit/launch.yml", "audit/recording.py", "audit/ship.yml"),
)
#: Of no run: no environment names a repository that may deploy. It is made from the recordings.
_MADE = "aws_deployers/files/policies.json"
#: A release is built in the source tree of the front end, one at a time, and asks for the same in every environment.
_SHIPPED = "production"


def _run(environment: str, digest: str) -> None:
    with account(environment, EVERYTHING if environment == _SHIPPED else LAUNCHED) as made:
        keep(environment, digest, tuple(made.recording))


def digest(project: Path = PROJECT) -> str:
    """Of everything that a run reads."""
    whole = hashlib.sha256()
    for name in READ:
        whole.update(f"{name} {tree_digest(project / name, (*EXCLUDES, _MADE, 'dist'))}\n".encode())
    return whole.hexdigest()[:32]


def recordings(environments: Sequence[str] = ENVIRONMENTS) -> Recordings:
    """What a deployer asks for in a first run of each environment; as many run side by side as there are processors.

    moto keeps its account in its modules, so each has a process of its own. Raises RunError when a playbook fails.
    """
    now = digest()
    # The longest run first.
    missing = sorted(
        (name for name in environments if not _place(name, now).exists()), key=lambda name: (name != _SHIPPED, name)
    )
    if missing:
        workers = min(len(missing), len(os.sched_getaffinity(0)))
        with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
            for run in as_completed([pool.submit(_run, name, now) for name in missing]):
                run.result()
    return {name: _calls(_place(name, now)) for name in environments}


@contextmanager
def laid(environment: str) -> Iterator[Account]:
    """An emulated account as the first run of an environment left it, in its own process's memory.

    Raises RunError when there was no such run yet and a playbook fails.
    """
    recordings([environment])
    with tempfile.TemporaryDirectory() as directory:
        state = Path(directory, "memory")
        shutil.copytree(_place(environment, digest()) / "memory", state)
        emulator = Emulator(0, state=state)
        emulator.start()
        try:
            yield Account(environment, emulator.endpoint, Recording())
        finally:
            emulator.stop()


def _place(environment: str, digest: str) -> Path:
    return KEPT / f"{environment}-{digest}"


def _calls(place: Path) -> tuple[Call, ...]:
    return tuple(Call(**fields) for fields in json.loads((place / "calls.json").read_text(), object_hook=_bytes))


def keep(environment: str, digest: str, calls: tuple[Call, ...]) -> None:
    """Write down the requests, and the account of this process: whole or not at all, for whoever reads meanwhile."""
    begun = KEPT / f".{environment}-{os.getpid()}"
    Memory(begun / "memory").write()
    (begun / "calls.json").write_text(json.dumps([asdict(call) for call in calls], default=_text))
    for old in KEPT.glob(f"{environment}-*"):
        shutil.rmtree(old)
    begun.rename(_place(environment, digest))


def _text(value: object) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"__bytes__": base64.b64encode(value).decode()}
    raise TypeError(f"a request holds {value!r}")


def _bytes(value: dict[str, Any]) -> dict[str, Any] | bytes:
    return base64.b64decode(value["__bytes__"]) if value.keys() == {"__bytes__"} else value
