"""The requests of a first run of every environment, recorded once for all that read them.

They are kept in `.cache/recordings` for as long as nothing changes that a run reads, so that the tests and after them
`make deployer-policy` lay the environments once.
"""

from __future__ import annotations

import base64
import hashlib
import json
import multiprocessing
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

from audit.account import ENVIRONMENTS, EVERYTHING, LAUNCHED, PROJECT, account
from audit.recording import Call
from plugins.plugin_utils.tree_digest import EXCLUDES, tree_digest

Recordings = Mapping[str, tuple[Call, ...]]

KEPT = PROJECT / ".cache" / "recordings"
#: Files and directories that a run reads.
READ = (
    *(
        "ansible.cfg",
        "uv.lock",
        "react_app",
        "django_app",
        "group_vars",
        "inventories",
        "playbooks",
        "plugins",
        "prices",
    ),
    *("rehearsal", "roles", "audit/account.py", "audit/launch.yml", "audit/recording.py", "audit/ship.yml"),
)
#: Of no run: no environment names a repository that may deploy. It is made from the recordings.
_MADE = "aws_deployers/files/policies.json"
#: A release is built in the source tree of the front end, one at a time, and asks for the same in every environment.
_SHIPPED = "production"


def _run(environment: str) -> tuple[Call, ...]:
    with account(environment, EVERYTHING if environment == _SHIPPED else LAUNCHED) as made:
        return tuple(made.recording)


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
    found = {name: calls for name in environments if (calls := _kept(name, now)) is not None}
    # The longest run first.
    missing = sorted(set(environments) - set(found), key=lambda name: (name != _SHIPPED, name))
    if not missing:
        return found
    workers = min(len(missing), len(os.sched_getaffinity(0)))
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(_run, name): name for name in missing}
        for run in as_completed(running):
            found[running[run]] = run.result()
            _keep(running[run], now, found[running[run]])
    return found


def _kept(environment: str, digest: str) -> tuple[Call, ...] | None:
    path = KEPT / f"{environment}-{digest}.json"
    if not path.exists():
        return None
    return tuple(Call(**fields) for fields in json.loads(path.read_text(), object_hook=_bytes))


def _keep(environment: str, digest: str, calls: tuple[Call, ...]) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    for old in KEPT.glob(f"{environment}-*"):
        old.unlink()
    path = KEPT / f"{environment}-{digest}.json"
    # Whole or not at all, for whoever reads meanwhile.
    begun = path.with_name(f".{path.name}.{os.getpid()}")
    begun.write_text(json.dumps([asdict(call) for call in calls], default=_text))
    begun.replace(path)


def _text(value: object) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"__bytes__": base64.b64encode(value).decode()}
    raise TypeError(f"a request holds {value!r}")


def _bytes(value: dict[str, Any]) -> dict[str, Any] | bytes:
    return base64.b64decode(value["__bytes__"]) if value.keys() == {"__bytes__"} else value
