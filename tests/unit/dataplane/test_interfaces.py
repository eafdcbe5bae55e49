"""What hosts bring onto this machine has no address of its own, so that browsers keep their connections."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.dataplane.interfaces import HostInterfaces


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine with a bridge of ours, one host on it, and an interface that is none of our business."""
    for name in ("podman1", "veth0", "eth0"):
        (tmp_path / "proc/sys/net/ipv6/conf" / name).mkdir(parents=True)
        (tmp_path / "proc/sys/net/ipv6/conf" / name / "disable_ipv6").write_text("0\n")
    (tmp_path / "sys/class/net/podman1/brif/veth0").mkdir(parents=True)
    return tmp_path


def ipv6_of(machine: Path) -> dict[str, bool]:
    switches = (machine / "proc/sys/net/ipv6/conf").glob("*/disable_ipv6")
    return {switch.parent.name: switch.read_text().strip() == "0" for switch in switches}


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's switches are set by sudo")
def test_hosts_and_their_bridge_lose_ipv6_and_nothing_else_does(machine: Path) -> None:
    HostInterfaces(lambda: ["podman1"], machine).quiet()
    assert ipv6_of(machine) == {"podman1": False, "veth0": False, "eth0": True}


def test_a_bridge_that_is_not_there_yet_is_nothing_to_complain_of(
    machine: Path, caplog: pytest.LogCaptureFixture
) -> None:
    HostInterfaces(lambda: ["podman2"], machine).quiet()
    assert ipv6_of(machine) == {"podman1": True, "veth0": True, "eth0": True}
    assert not caplog.records


@pytest.fixture
def bridge() -> Iterator[str]:
    """A bridge of this machine's kernel with one interface whose other end is nobody's."""
    name = f"sw{os.getpid() % 100000}"
    made = subprocess.run(["ip", "link", "add", name, "type", "bridge"], capture_output=True, check=False)
    if made.returncode or not Path("/proc/sys/net/ipv6/conf", name).exists():
        pytest.skip("this user may not make interfaces here, or the machine has no IPv6")
    yield name
    for one in (f"{name}h", name):
        subprocess.run(["ip", "link", "delete", one], capture_output=True, check=False)


def test_an_interface_that_joins_has_no_address_when_the_kernel_would_have_made_sure_of_it(bridge: str) -> None:
    interfaces = HostInterfaces(lambda: [bridge])
    interfaces.start()
    try:
        for words in (
            ("link", "add", f"{bridge}h", "type", "veth", "peer", "name", f"{bridge}p"),
            ("link", "set", f"{bridge}h", "master", bridge),
            ("link", "set", f"{bridge}p", "up"),
            ("link", "set", f"{bridge}h", "up"),
        ):
            subprocess.run(["ip", *words], check=True)
        time.sleep(2.5)
        shown = subprocess.run(
            ["ip", "-6", "address", "show", "dev", f"{bridge}h"], capture_output=True, text=True, check=True
        )
        assert "inet6" not in shown.stdout
    finally:
        interfaces.stop()
