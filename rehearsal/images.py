"""The images that bodies are made of.

The *machine image* stands for Debian's official cloud image: Debian 13 with systemd and cloud-init, nothing of
Slipway in it. The *appliance image* stands for what AWS runs behind its managed services: PostgreSQL, Valkey and
HAProxy, which the data plane configures.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from rehearsal.engine import Engine, EngineError, sudo

#: The id of Debian's official image in the emulated account.
DEBIAN_13_IMAGE_ID = "ami-0d3b1a713de25a7c5"

SUITE = "trixie"
MIRROR = "http://deb.debian.org/debian"
SECURITY_MIRROR = "http://deb.debian.org/debian-security"

#: What Debian's cloud image holds and a minimal system does not; curl, procps and iproute2 are for the operator.
MACHINE_PACKAGES = (
    "ca-certificates",
    "cloud-init",
    "curl",
    "dbus",
    "iproute2",
    "procps",
    "python3",
    "python3-apt",
    "sudo",
    "systemd",
    "systemd-sysv",
)
APPLIANCE_PACKAGES = ("haproxy", "postgresql", "postgresql-contrib", "valkey-server")

#: Files that make the machine image boot as an instance of this emulated account (see its README).
OVERLAY = Path(__file__).parent / "machine_image"

REPOSITORY = "localhost/slipway"
SCRATCH = "machine-"

Progress = Callable[[str], None]


def image_name(image_id: str) -> str:
    """The engine's name of a machine image of the account (`ami-…`)."""
    return f"{REPOSITORY}/{image_id}:latest"


def machine_image(authority_certificate: Path) -> str:
    """The name of the machine image, which changes with everything that goes into it."""
    return f"{REPOSITORY}/machine:{_digest(_machine_inputs(authority_certificate))}"


def appliance_image(authority_certificate: Path) -> str:
    """The name of the appliance image."""
    return f"{REPOSITORY}/appliance:{_digest([*_machine_inputs(authority_certificate), *APPLIANCE_PACKAGES])}"


def _machine_inputs(authority_certificate: Path) -> list[str]:
    files = sorted(path for path in OVERLAY.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return [
        SUITE,
        MIRROR,
        *MACHINE_PACKAGES,
        # How the image is made is an input like any other.
        Path(__file__).read_text(),
        authority_certificate.read_text(),
        *(f"{path.relative_to(OVERLAY)}\n{path.read_text()}" for path in files),
    ]


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def build_machine_image(engine: Engine, authority_certificate: Path, progress: Progress) -> str:
    """Build the machine image unless the engine has it, and return its name.

    Raises EngineError with the last lines of mmdebstrap when Debian's archive or the disk gives out.
    """
    name = machine_image(authority_certificate)
    if engine.image_exists(name):
        return name
    progress("Debian 13 from Debian's archive")
    # What a run that was killed here had unpacked.
    subprocess.run([*sudo(), "rm", "-rf", "--one-file-system", *engine.state.glob(f"{SCRATCH}*")], check=False)
    with tempfile.TemporaryDirectory(dir=engine.state, prefix=SCRATCH) as scratch:
        # apt downloads as a user of its own.
        Path(scratch).chmod(0o755)
        archive = Path(scratch) / "machine.tar"
        overlay = Path(scratch) / "overlay"
        shutil.copytree(OVERLAY, overlay, ignore=shutil.ignore_patterns("README.md", "__pycache__"))
        trusted = overlay / "usr/local/share/ca-certificates"
        trusted.mkdir(parents=True)
        # The rehearsal's authority stands for the public ones that sign AWS's endpoints.
        shutil.copyfile(authority_certificate, trusted / "slipway-rehearsal.crt")
        # mmdebstrap unpacks as root and keeps the owner of what it copies in.
        command = [
            *sudo(),
            "env",
            # Where it unpacks.
            f"TMPDIR={scratch}",
            "mmdebstrap",
            "--variant=minbase",
            f"--include={','.join(MACHINE_PACKAGES)}",
            f"--customize-hook=sync-in {overlay} /",
            '--customize-hook=chown -R root:root "$1/etc/cloud" "$1/usr/lib/python3" "$1/usr/local"',
            '--customize-hook=chroot "$1" update-ca-certificates',
            # Containers share the kernel of this machine: its modules are not theirs to load.
            '--customize-hook=chroot "$1" systemctl mask systemd-modules-load.service',
            # An image is not a machine: its id is made at the first boot.
            '--customize-hook=: > "$1/etc/machine-id"',
            SUITE,
            str(archive),
            f"deb {MIRROR} {SUITE} main",
            f"deb {MIRROR} {SUITE}-updates main",
            f"deb {SECURITY_MIRROR} {SUITE}-security main",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            tail = "\n".join(done.stderr.strip().splitlines()[-8:])
            raise EngineError(f"mmdebstrap could not make the machine image:\n{tail}")
        progress("Debian 13 becomes a machine image")
        engine.run("import", str(archive), name)
    return name


def build_appliance_image(engine: Engine, authority_certificate: Path, progress: Progress) -> str:
    """Build the appliance image on top of the machine image unless the engine has it, and return its name."""
    name = appliance_image(authority_certificate)
    if engine.image_exists(name):
        return name
    builder = "appliance-builder"
    engine.remove_container(builder)
    progress("PostgreSQL, Valkey and HAProxy for the managed services")
    try:
        engine.start_container(builder, machine_image(authority_certificate), ["sleep", "1800"])
        script = (
            "set -e; export DEBIAN_FRONTEND=noninteractive; "
            # No cluster, no running service: each body brings its own.
            "mkdir -p /etc/postgresql-common; "
            "echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf; "
            "printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d; "
            "apt-get -qq update; "
            f"apt-get -qq -y --no-install-recommends install {' '.join(APPLIANCE_PACKAGES)}; "
            "apt-get clean; rm -rf /var/lib/apt/lists/*"
        )
        engine.run("exec", builder, "sh", "-c", script)
        engine.run("commit", "--quiet", "--change=CMD []", builder, name)
    finally:
        engine.remove_container(builder)
    return name
