"""Real containers for the tests that need them.

They run when SLIPWAY_TEST_PODMAN names a podman (or a wrapper of one, such as `.rehearsal/bin/podman`) that may
start privileged containers, and SLIPWAY_TEST_MACHINE_IMAGE and SLIPWAY_TEST_APPLIANCE_IMAGE name its images of
rehearsal/images.py; otherwise they are skipped. Everything they start is removed at the end.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rehearsal.engine import Engine


@dataclass
class Laboratory:
    """A network of its own and the containers on it."""

    engine: Engine
    network: str
    cidr: str
    gateway: str
    machine_image: str
    appliance_image: str
    names: list[str] = field(default_factory=list)

    def start(
        self,
        address: str,
        command: Sequence[str],
        *,
        image: str | None = None,
        systemd: bool = False,
        volumes: Mapping[Path, str] | None = None,
    ) -> tuple[str, int]:
        """A container at an address of the network: its name and the id of its first process."""
        name = f"{self.network}-{len(self.names)}"
        self.names.append(name)
        self.engine.start_container(
            name,
            image or self.appliance_image,
            command,
            network=self.network,
            address=address,
            systemd=systemd,
            volumes=volumes,
        )
        return name, int(self.engine.run("inspect", "--format={{.State.Pid}}", name))

    def remove(self, name: str) -> None:
        """Remove a container before the end."""
        self.engine.remove_container(name)


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    variables = ("SLIPWAY_TEST_PODMAN", "SLIPWAY_TEST_MACHINE_IMAGE", "SLIPWAY_TEST_APPLIANCE_IMAGE")
    missing = [name for name in variables if not os.environ.get(name)]
    if missing:
        pytest.skip(f"needs containers: {', '.join(missing)} not set")
    if os.geteuid() != 0:
        pytest.skip("needs containers: not root")
    podman, machine_image, appliance_image = (os.environ[name] for name in variables)
    state = tmp_path_factory.mktemp("laboratory")
    (state / "bin").mkdir()
    (state / "bin" / "podman").write_text(f'#!/bin/sh\nexec {podman} "$@"\n')
    (state / "bin" / "podman").chmod(0o755)
    engine = Engine(state)
    number = secrets.randbelow(200)
    network, prefix = f"laboratory-{number}", f"10.97.{number}"
    engine.run("network", "create", f"--subnet={prefix}.0/24", f"--gateway={prefix}.1", network)
    found = Laboratory(engine, network, f"{prefix}.0/24", f"{prefix}.1", machine_image, appliance_image)
    try:
        yield found
    finally:
        for name in found.names:
            engine.remove_container(name)
        engine.run("network", "rm", network)
