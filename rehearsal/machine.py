"""What the rehearsal needs of this machine, checked before anything is changed."""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rehearsal.engine import Engine, missing_tools, sudo
from rehearsal.settings import Settings

#: A new rehearsal writes about 3 GiB: two images, a baked one, and what the hosts write.
FREE_BYTES_COLD = 4 * 2**30
FREE_BYTES_WARM = 2**30
#: How long a port may stay taken after the process that listened there was killed.
PORT_SECONDS = 3.0

#: The bridges' gateways are not there yet. Who listens on every address of this machine, listens on this one too; who
#: has only one of his own is in nobody's way.
ANY_ADDRESS = "127.255.0.1"

#: Who rehearses on this machine: there is one at a time, because its address range and names are the machine's.
REGISTRY = Path("/run/slipway-rehearsal.json")


class MachineError(RuntimeError):
    """The machine cannot hold the rehearsal as it is; the text says why and what to do."""


@dataclass(frozen=True)
class Cloud:
    """The process that is the emulated account and its data plane."""

    pid: int
    state: Path
    #: Digest of the code that it runs.
    version: str
    #: The network interfaces of its VPCs, which outlive a container whose monitor was killed.
    bridges: tuple[str, ...] = ()

    @property
    def alive(self) -> bool:
        """Whether the process still is what the registry says, and not a later one with its number."""
        try:
            words = Path(f"/proc/{self.pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return b"rehearsal.cloud" in words and os.fsencode(self.state) in words


def registered_cloud(registry: Path = REGISTRY) -> Cloud | None:
    """The rehearsal that last ran on this machine, alive or dead."""
    try:
        entry = json.loads(registry.read_text())
        return Cloud(
            pid=int(entry["pid"]),
            state=Path(entry["state"]),
            version=str(entry["version"]),
            bridges=tuple(entry.get("bridges", ())),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        # Half a file after a power cut says nothing that could be trusted.
        return None


def register(cloud: Cloud, registry: Path = REGISTRY) -> None:
    """Write who rehearses on this machine, all or nothing."""
    entry = {"pid": cloud.pid, "state": str(cloud.state), "version": cloud.version, "bridges": cloud.bridges}
    draft = registry.with_suffix(f".{cloud.pid}")
    draft.write_text(json.dumps(entry))
    draft.replace(registry)


def check(settings: Settings, vpc_cidr: str | None) -> None:
    """Refuse a machine on which the rehearsal would fail half-way.

    Raises MachineError. Cleans away nothing: what a dead rehearsal of another clone left is `sweep`'s.
    """
    missing = missing_tools()
    if missing:
        raise MachineError(
            f"This machine lacks {', '.join(missing)}. Run 'make rehearse', which installs what is missing."
        )
    if os.geteuid() != 0 and subprocess.run([*sudo(), "true"], capture_output=True, check=False).returncode != 0:
        raise MachineError("You are not root and sudo asks for a password. Run 'sudo -v' first, or run as root.")
    cloud = registered_cloud()
    if cloud and cloud.alive and cloud.state != settings.state:
        raise MachineError(
            f"Another rehearsal runs on this machine, from {cloud.state.parent} (process {cloud.pid}). "
            f"Two would share addresses and names: end it with 'make -C {cloud.state.parent} down' and run again."
        )
    _check_space(settings)
    if cloud is None or not cloud.alive:
        for port, variable, purpose, address in (
            (settings.emulator_port, "SLIPWAY_EMULATOR_PORT", "the emulated account", "127.0.0.1"),
            (settings.site_port, "SLIPWAY_SITE_PORT", "the site", "127.0.0.1"),
            (settings.metadata_port, "SLIPWAY_METADATA_PORT", "the hosts' metadata", ANY_ADDRESS),
            (settings.mail_port, "SLIPWAY_MAIL_PORT", "the hosts' mail", ANY_ADDRESS),
        ):
            _check_port(port, variable, purpose, address)
    if vpc_cidr is not None:
        _check_addresses(ipaddress.ip_network(vpc_cidr), own_bridges(settings.state))


def _check_space(settings: Settings) -> None:
    wanted = FREE_BYTES_WARM if (settings.state / "storage").exists() else FREE_BYTES_COLD
    free = shutil.disk_usage(settings.project).free
    if free < wanted:
        raise MachineError(
            f"{settings.project} has {free / 2**30:.1f} GiB free and the rehearsal wants {wanted / 2**30:.0f}. "
            "Make room, or clone onto a larger disk."
        )


def _check_port(port: int, variable: str, purpose: str, address: str) -> None:
    # The threads of a killed process hold its sockets a little longer than it has a state of its own.
    end = time.monotonic() + PORT_SECONDS
    while not _is_free(port, address):
        if time.monotonic() > end:
            holder = port_holder(port)
            raise MachineError(
                f"Port {port}, where {purpose} would listen, is taken{f' by {holder}' if holder else ''}. "
                f"End that process, or choose another port: {variable}={port + 1000} make rehearse"
            )
        time.sleep(0.1)


def _is_free(port: int, address: str) -> bool:
    with socket.socket() as probe:
        # As servers do: a port that only waits for old connections to fade is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def port_holder(port: int) -> str | None:
    """`name (process N)` of whoever listens on the port, as far as this user may know it."""
    command = [*sudo(), "ss", "--listening", "--tcp", "--numeric", "--processes", "--no-header", f"sport = :{port}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        if 'users:(("' in line:
            name, rest = line.split('users:(("', 1)[1].split('",pid=', 1)
            return f"{name} (process {rest.split(',', 1)[0]})"
    return None


def own_bridges(state: Path) -> set[str]:
    """The network interfaces of a rehearsal's networks."""
    own: set[str] = set()
    for path in (state / "networks").glob("*.json"):
        try:
            own.add(json.loads(path.read_text())["network_interface"])
        except (OSError, ValueError, KeyError):
            continue
    return own


def _check_addresses(wanted: ipaddress.IPv4Network | ipaddress.IPv6Network, own: set[str]) -> None:
    for interface, network in routes():
        if (
            interface not in own
            and network.prefixlen > 0
            and network.version == wanted.version
            and network.overlaps(wanted)
        ):
            raise MachineError(
                f"This machine already reaches {network} through {interface}, and the rehearsal's VPC is {wanted}. "
                "Give slipway_vpc_cidr in inventories/rehearsal/group_vars/all/environment.yml another range."
            )


def routes() -> Iterator[tuple[str, ipaddress.IPv4Network | ipaddress.IPv6Network]]:
    """The networks that this machine reaches by a route of their own, with the interface."""
    done = subprocess.run(["ip", "-json", "-4", "route", "show"], capture_output=True, text=True, check=False)
    for route in json.loads(done.stdout or "[]"):
        if route["dst"] != "default" and "dev" in route:
            yield route["dev"], ipaddress.ip_network(route["dst"], strict=False)


def sweep(settings: Settings) -> str | None:
    """Stop what a dead rehearsal of another clone left running, and say whose it was.

    That clone keeps its images, its containers' disks and its account: its next `make rehearse` goes on from there.
    """
    cloud = registered_cloud()
    if cloud is None or cloud.alive or cloud.state == settings.state:
        return None
    if cloud.state.exists():
        Engine(cloud.state).halt()
    stop_orphans(cloud.state)
    remove_bridges(cloud.bridges)
    return str(cloud.state.parent)


def remove_bridges(names: Iterable[str]) -> None:
    """Take down network interfaces that no container uses any more."""
    for name in names:
        subprocess.run([*sudo(), "ip", "link", "delete", name, "type", "bridge"], capture_output=True, check=False)


def stop_orphans(state: Path) -> None:
    """End the containers of a state directory that their engine no longer knows, or that was deleted under them.

    Podman's monitor process names the storage it serves on its command line; its child is the container.
    """
    marks = (os.fsencode(state / "storage") + b"/", os.fsencode(state / "networks"))
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            words = (process / "cmdline").read_bytes()
            is_ours = words.split(b"\0")[0].endswith((b"conmon", b"aardvark-dns")) and any(m in words for m in marks)
            children = (process / "task" / process.name / "children").read_text().split() if is_ours else []
        except OSError:
            continue
        if is_ours:
            subprocess.run([*sudo(), "kill", "-KILL", *children, process.name], capture_output=True, check=False)
