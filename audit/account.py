"""An emulated account of our own, with an environment laid into it by the unchanged playbooks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from audit.recording import Recording
from rehearsal.emulator.operator import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from rehearsal.emulator.server import Emulator
from rehearsal.settings import ACCOUNT_ID, REGION

PROJECT = Path(__file__).parent.parent
ENVIRONMENTS = ("rehearsal", "staging", "production")
RUN_SECONDS = 1200

#: What staging and production need to be let into an emulated account: they are given placeholders on purpose. Nothing
#: else of them is touched, except how long is waited between two looks.
_ADMITTED = {
    "slipway_account_id": ACCOUNT_ID,
    "slipway_dns_zone": "slipway.test",
    "slipway_site_domain": "app.slipway.test",
    "preflight_emulated": True,
}
_IMPATIENT = {
    "aws_network_poll_seconds": 1,
    "aws_database_poll_seconds": 1,
    "aws_cache_poll_seconds": 1,
    "aws_dns_poll_seconds": 1,
    "aws_compute_poll_seconds": 1,
    "aws_image_poll_seconds": 1,
}


class RunError(RuntimeError):
    """A playbook failed; the text is the end of what it said."""


@dataclass(frozen=True)
class Account:
    """An account with an environment in it, and the requests that made it."""

    environment: str
    endpoint: str
    recording: Recording

    def variables(self) -> dict[str, str]:
        """The environment in which AWS tools talk to this account, without the caller's own credentials."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))}
        return {
            **kept,
            "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        }

    def client(self, service: str, region: str = REGION) -> Any:
        """A boto3 client of the account's operator."""
        untyped: Any = boto3
        return untyped.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
        )

    def play(self, *playbooks: str, check: bool = False, more: Mapping[str, Any] | None = None) -> str:
        """Run playbooks of the project on this environment, in one call; what they said.

        Raises RunError when one fails.
        """
        admitted = {} if self.environment == "rehearsal" else _ADMITTED
        variables = {**admitted, **_IMPATIENT, **(more or {})}
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", f"inventories/{self.environment}"]
        command += ["-e", json.dumps(variables), *(["--check"] if check else []), *playbooks]
        run = subprocess.run(
            command,
            cwd=PROJECT,
            env={**self.variables(), "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        if run.returncode != 0:
            tail = "\n".join((run.stdout + run.stderr).splitlines()[-60:])
            raise RunError(f"{' '.join(playbooks)} failed in {self.environment}:\n{tail}")
        return run.stdout


#: In the order of site.yml; the others stand for what follows provisioning.
LAUNCHED: Sequence[str] = ("playbooks/provision.yml", "audit/launch.yml")
EVERYTHING: Sequence[str] = (*LAUNCHED, "audit/ship.yml")


@contextmanager
def account(environment: str, playbooks: Sequence[str] = EVERYTHING) -> Iterator[Account]:
    """Lay an environment into an empty account. One at a time: moto keeps its account in its modules.

    Raises RunError when a playbook fails.
    """
    recording = Recording()
    emulator = Emulator(0, witness=recording)
    emulator.start()
    try:
        made = Account(environment, emulator.endpoint, recording)
        if environment != "rehearsal":
            # Whoever has a domain has its zone: these environments only look for it.
            made.client("route53").create_hosted_zone(Name=_ADMITTED["slipway_dns_zone"], CallerReference="owner")
        recording.forget()
        if playbooks:
            made.play(*playbooks)
        yield made
    finally:
        emulator.stop()
