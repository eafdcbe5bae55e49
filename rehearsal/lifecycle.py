"""Starting and ending the rehearsal's cloud."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml

from rehearsal import images, machine
from rehearsal.certificates import CertificateAuthority
from rehearsal.console import Step, say
from rehearsal.engine import Engine, EngineError, sudo
from rehearsal.settings import Settings
from rehearsal.version import version

INVENTORY = Path("inventories/rehearsal")
#: How long the cloud may take to answer, a large account restored included.
START_SECONDS = 60
#: The hosts are not asked to shut down when the cloud ends, so this is for jobs under way.
STOP_SECONDS = 120


def up(settings: Settings) -> None:
    """Make the images and start the cloud, whatever of it is not there yet.

    Raises MachineError or EngineError with a sentence for the person who runs it.
    """
    if left := machine.sweep(settings):
        say(f"stopped what a dead rehearsal of {left} had left running")
    machine.check(settings, _vpc_cidr(settings.project))
    settings.state.mkdir(exist_ok=True)
    engine = Engine(settings.state)
    engine.set_up()
    authority = CertificateAuthority(settings.state)
    with Step("building the images: Debian 13, and what stands behind the managed services") as step:
        base = images.build_machine_image(engine, authority.cert_path, step.update)
        images.build_appliance_image(engine, authority.cert_path, step.update)
        # The account's public image of Debian has this content.
        engine.run("tag", base, images.image_name(images.DEBIAN_13_IMAGE_ID))
    cloud = machine.registered_cloud()
    if cloud and cloud.alive and cloud.version == version():
        return
    if cloud and cloud.alive:
        with Step("the rehearsal's own code changed: restarting its cloud"):
            stop_cloud(settings)
    elif cloud is None or cloud.state != settings.state:
        _clear_remains(settings, engine)
    with Step("starting the cloud: the emulated account and its data plane"):
        _start_cloud(settings)


def _clear_remains(settings: Settings, engine: Engine) -> None:
    """Containers whose monitor was killed count as running for podman until it looks again."""
    if (settings.state / "storage" / "libpod").exists():
        machine.stop_orphans(settings.state)
        try:
            engine.run("ps", "--all", "--sync", "--quiet", timeout=60)
        except EngineError:
            engine.run("system", "renumber", timeout=60)


def _vpc_cidr(project: Path) -> str | None:
    path = project / INVENTORY / "group_vars" / "all" / "environment.yml"
    values = yaml.safe_load(path.read_text()) or {}
    cidr = values.get("slipway_vpc_cidr")
    return str(cidr) if cidr else None


def _start_cloud(settings: Settings) -> None:
    log = settings.state / "cloud.log"
    environment = [f"{name}={value}" for name, value in os.environ.items() if name.startswith("SLIPWAY_")]
    command = [*sudo(), "env", *environment, sys.executable, "-m", "rehearsal.cloud", str(settings.state)]
    with log.open("a") as stream:
        process = subprocess.Popen(
            command,
            cwd=settings.project,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            # Ctrl-C in the terminal is for the run, not for the cloud.
            start_new_session=True,
        )
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        cloud = machine.registered_cloud()
        if cloud and cloud.alive and cloud.state == settings.state and answers(settings):
            return
        time.sleep(0.1)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
    raise machine.MachineError(f"The cloud did not start. The end of its log ({log}):\n{tail}")


def answers(settings: Settings) -> bool:
    """Whether the emulated account answers."""
    connection = http.client.HTTPConnection("127.0.0.1", settings.emulator_port, timeout=2)
    try:
        connection.request("GET", "/moto-api/")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def stop_cloud(settings: Settings) -> None:
    """End the cloud's process and wait for it; its containers go on."""
    cloud = machine.registered_cloud()
    if cloud is None or not cloud.alive or cloud.state != settings.state:
        return
    _signal(cloud.pid, signal.SIGTERM)
    end = time.monotonic() + STOP_SECONDS
    while cloud.alive and time.monotonic() < end:
        time.sleep(0.1)
    if cloud.alive:
        _signal(cloud.pid, signal.SIGKILL)


def _signal(pid: int, number: signal.Signals) -> None:
    subprocess.run([*sudo(), "kill", f"-{number.name.removeprefix('SIG')}", str(pid)], check=False)


def down(settings: Settings) -> None:
    """Remove every container, network, mount, process and file of this clone's rehearsal, whatever its state."""
    with Step("ending the cloud"):
        stop_cloud(settings)
    if settings.state.exists():
        with Step("removing containers, networks, images and mounts"):
            bridges = machine.own_bridges(settings.state)
            Engine(settings.state).destroy()
            machine.stop_orphans(settings.state)
            machine.remove_bridges(bridges)
            subprocess.run([*sudo(), "rm", "-rf", "--one-file-system", str(settings.state)], check=False)
    shutil.rmtree(settings.project / ".build", ignore_errors=True)
    cloud = machine.registered_cloud()
    if cloud and cloud.state == settings.state:
        subprocess.run([*sudo(), "rm", "-f", str(machine.REGISTRY)], check=False)
    if settings.state.exists():
        raise machine.MachineError(f"{settings.state} could not be removed: see above.")
