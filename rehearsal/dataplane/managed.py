"""What the bodies of managed services (databases, caches) have in common."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rehearsal.dataplane.context import Body, BodyKind, Context
from rehearsal.engine import Container

log = logging.getLogger(__name__)

#: Where a body finds its configuration, certificate and key; mounted read-only.
CONFIGURATION = "/run/slipway"


@dataclass(frozen=True)
class ManagedService:
    """One node of a managed service, as the account describes it."""

    name: str
    kind: BodyKind
    endpoints: tuple[str, ...]
    vpc_id: str
    subnet_id: str
    security_group_ids: tuple[str, ...]


def directory(context: Context, name: str) -> Path:
    """The directory that becomes CONFIGURATION in the body: readable by root alone, it holds keys."""
    path = context.state / "services" / name
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def write_secret(path: Path, text: str) -> bool:
    """Write a file that only root can read, and say whether it changed."""
    if path.exists() and path.read_text() == text:
        return False
    path.touch(mode=0o600)
    path.write_text(text)
    return True


def start(context: Context, service: ManagedService, container: Container | None, command: Sequence[str]) -> None:
    """Start the service's container: a new one, or the dead one with the data that it holds."""
    if container is not None:
        log.warning("%s is dead and is started again", service.name)
        context.engine.run("start", service.name)
        return
    address = context.addresses.claim(service.subnet_id, service.name)
    log.info("%s starts at %s", service.name, address)
    context.engine.start_container(
        service.name,
        context.appliance_image,
        command,
        network=context.network_name(service.vpc_id),
        address=address,
        hostname=service.name[:63],
        aliases=service.endpoints,
        labels={"slipway": service.kind, "address": address, "subnet": service.subnet_id},
        volumes={directory(context, service.name): f"{CONFIGURATION}:ro"},
    )


def publish(context: Context, service: ManagedService, container: Container | None) -> None:
    """Tell the other controllers where the service is, or that it is nowhere."""
    if container is None or not container.running:
        context.bodies.pop(service.name, None)
        return
    address = container.labels["address"]
    context.addresses.remember(service.subnet_id, service.name, address)
    context.bodies[service.name] = Body(
        name=service.name,
        kind=service.kind,
        address=address,
        pid=container.pid,
        vpc_id=service.vpc_id,
        subnet_id=service.subnet_id,
        security_group_ids=service.security_group_ids,
    )
    for endpoint in service.endpoints:
        context.names[endpoint] = address


def remove(context: Context, name: str) -> None:
    """Take a service down with its data, its keys and its address."""
    context.engine.remove_container(name)
    context.addresses.release(name)
    context.bodies.pop(name, None)
    path = context.state / "services" / name
    if path.exists():
        for file in path.iterdir():
            file.unlink()
        path.rmdir()
