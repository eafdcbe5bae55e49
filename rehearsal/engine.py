"""The container engine of one rehearsal: Podman with storage, networks and a mount namespace of its own.

Nothing here touches the machine's own containers: images, containers and networks live below the rehearsal's
state directory, and `Engine.destroy` removes them with it.

On a machine whose cgroups are hybrid or v1, containers run in a private mount namespace that shows a pure
cgroup v2 tree (crun refuses the hybrid one). The machine itself keeps its mounts.
"""

from __future__ import annotations

import json
import os
import resource
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

#: Upper bounds of what a host needs; a caller with a lower hard limit hands down its own.
OPEN_FILES = 20_000
PROCESSES = 31_000

#: Where the monitors of root's containers write how these ended, and what they write for one that was killed.
EXITS = Path("/run/libpod/exits")
KILLED = "137"

CGROUP2_MAGIC_PATH = Path("/sys/fs/cgroup/cgroup.controllers")


class EngineError(RuntimeError):
    """The container engine refused; the text holds its own words."""


@dataclass(frozen=True)
class Container:
    """A container as the engine sees it. `pid` is 0 unless it runs."""

    name: str
    image: str
    running: bool
    pid: int
    labels: Mapping[str, str]


def sudo() -> list[str]:
    """The words that make a command run as root: none for root itself."""
    return [] if os.geteuid() == 0 else ["sudo", "-n"]


def _limit(kind: int, wanted: int) -> int:
    hard = resource.getrlimit(kind)[1]
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def _report_unseen_ends(listed: Iterable[Mapping[str, Any]], exits: Path = EXITS) -> bool:
    """Tell podman of containers that died together with their monitors; whether there were any.

    Podman believes that a container runs until its monitor (conmon) has written how it ended, so one whose monitor was
    killed as well could be neither started nor stopped.
    """
    ended = [
        entry["Id"]
        for entry in listed
        if entry["State"] in ("running", "stopping") and entry.get("Pid") and not Path(f"/proc/{entry['Pid']}").exists()
    ]
    for container in ended:
        try:
            (exits / container).write_text(KILLED)
        except OSError:
            # Not root, or podman keeps them elsewhere: who runs the containers will see to it.
            return False
    return bool(ended)


class Engine:
    """Podman for one rehearsal.

    `state` is the rehearsal's directory; the engine keeps `storage/`, `networks/`, `bin/podman` and, where
    the machine needs it, `namespace/` below it.
    """

    def __init__(self, state: Path) -> None:
        self.state = state

    @property
    def executable(self) -> Path:
        """The script through which anybody (Ansible, molecule, a person) reaches these containers."""
        return self.state / "bin" / "podman"

    @property
    def _namespace(self) -> Path:
        return self.state / "namespace"

    @property
    def _namespace_file(self) -> Path:
        return self._namespace / "mnt"

    @cached_property
    def needs_namespace(self) -> bool:
        """Whether the machine's cgroup tree is not the pure version 2 that crun wants."""
        return not CGROUP2_MAGIC_PATH.exists()

    def set_up(self) -> None:
        """Make the engine usable: directories, mount namespace, wrapper script. Safe to call again.

        Raises EngineError when the namespace cannot be made.
        """
        for name in ("bin", "storage", "networks"):
            (self.state / name).mkdir(parents=True, exist_ok=True)
        if self.needs_namespace and not self._namespace_alive():
            self._make_namespace()
        words = [*self._enter(), *self._podman()]
        script = f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'
        if not self.executable.exists() or self.executable.read_text() != script:
            self.executable.write_text(script)
            self.executable.chmod(0o755)

    def _enter(self) -> list[str]:
        if not self.needs_namespace:
            return sudo()
        return [*sudo(), "nsenter", f"--mount={self._namespace_file}", "--wd=."]

    def _podman(self) -> list[str]:
        storage = self.state / "storage"
        return [
            "podman",
            f"--root={storage}",
            # Run-time state must not survive a reboot, and its path must stay short (sockets: 108 bytes).
            f"--runroot={self._run_directory}",
            f"--network-config-dir={self.state / 'networks'}",
            "--cgroup-manager=cgroupfs",
            "--events-backend=file",
            "--log-level=error",
        ]

    @property
    def _run_directory(self) -> Path:
        # One directory a clone: the inode names it for as long as the state directory lives.
        return Path("/run") / f"slipway-{self.state.stat().st_ino}"

    def _namespace_alive(self) -> bool:
        probe = [*sudo(), "nsenter", f"--mount={self._namespace_file}", "test", "-e", str(CGROUP2_MAGIC_PATH)]
        return self._namespace_file.exists() and subprocess.run(probe, capture_output=True).returncode == 0

    def _make_namespace(self) -> None:
        self._drop_namespace()
        self._namespace.mkdir(parents=True, exist_ok=True)
        place = str(self._namespace)
        commands = [
            ["mount", "--bind", place, place],
            ["mount", "--make-private", place],
            ["touch", str(self._namespace_file)],
            [
                "unshare",
                f"--mount={self._namespace_file}",
                "--propagation=slave",
                "sh",
                "-c",
                "umount -R -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup",
            ],
        ]
        for command in commands:
            done = subprocess.run([*sudo(), *command], capture_output=True, text=True)
            if done.returncode != 0:
                self._drop_namespace()
                raise EngineError(f"{shlex.join(command)}: {done.stderr.strip()}")

    def _drop_namespace(self) -> None:
        # The file may carry several mounts after an interrupted set-up; each call takes off one.
        for place in (self._namespace_file, self._namespace):
            while subprocess.run([*sudo(), "umount", "-l", str(place)], capture_output=True).returncode == 0:
                pass

    # -- calls ---------------------------------------------------------------------------------------------

    def run(self, *arguments: str, stdin: str | bytes | None = None, timeout: float | None = None) -> str:
        """Call podman and return what it printed, without the last newline.

        Raises EngineError with podman's own words when it fails or does not end within `timeout` seconds.
        """
        # A temporary file, not a pipe: conmon inherits the descriptor and would keep a pipe open for ever.
        with tempfile.TemporaryFile() as errors:
            try:
                done = subprocess.run(
                    [str(self.executable), *arguments],
                    input=stdin.encode() if isinstance(stdin, str) else stdin,
                    stdin=subprocess.DEVNULL if stdin is None else None,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    timeout=timeout,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise EngineError(f"podman {arguments[0]} did not end within {timeout} s") from error
            errors.seek(0)
            words = errors.read().decode(errors="replace").strip()
        if done.returncode != 0:
            raise EngineError(f"podman {arguments[0]}: {words or f'exit code {done.returncode}'}")
        return done.stdout.decode(errors="replace").rstrip("\n")

    def start_container(
        self,
        name: str,
        image: str,
        command: Sequence[str],
        *,
        network: str | None = None,
        address: str | None = None,
        hostname: str | None = None,
        aliases: Sequence[str] = (),
        systemd: bool = False,
        volumes: Mapping[Path, str] | None = None,
        publish: Sequence[str] = (),
        labels: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Run a container in the background.

        `volumes` maps a path of the machine to `path-inside[:options]`; `publish` takes podman's own
        `127.0.0.1:PORT:PORT` form.
        """
        words = ["run", "--detach", f"--name={name}", "--pids-limit=-1", "--pull=never"]
        words += [
            f"--ulimit=nofile={(files := _limit(resource.RLIMIT_NOFILE, OPEN_FILES))}:{files}",
            f"--ulimit=nproc={(processes := _limit(resource.RLIMIT_NPROC, PROCESSES))}:{processes}",
        ]
        # systemd manages cgroups and device policies of its own, which needs a privileged container; and where
        # the caller may not raise memlock, the device policy of an unprivileged one cannot be loaded at all.
        words += ["--privileged", f"--systemd={'always' if systemd else 'false'}"]
        words += [f"--network={network}"] if network else []
        words += [f"--ip={address}"] if address else []
        words += [f"--hostname={hostname}"] if hostname else []
        words += [f"--network-alias={alias}" for alias in aliases]
        words += [f"--volume={outside}:{inside}" for outside, inside in (volumes or {}).items()]
        words += [f"--publish={port}" for port in publish]
        words += [f"--label={key}={value}" for key, value in (labels or {}).items()]
        words += [f"--env={key}={value}" for key, value in (environment or {}).items()]
        self.run(*words, image, *command)

    def containers(self) -> dict[str, Container]:
        """Every container of this rehearsal, by name, running or not."""
        listed: list[dict[str, Any]] = json.loads(self.run("ps", "--all", "--format=json") or "[]")
        if _report_unseen_ends(listed):
            listed = json.loads(self.run("ps", "--all", "--format=json") or "[]")
        return {
            entry["Names"][0]: Container(
                name=entry["Names"][0],
                image=entry["Image"],
                running=entry["State"] == "running",
                pid=int(entry.get("Pid") or 0),
                labels=entry.get("Labels") or {},
            )
            for entry in listed
        }

    def remove_container(self, name: str) -> None:
        """Remove a container, running or not; nothing happens when it does not exist."""
        self.run("rm", "--force", "--ignore", "--time=0", "--volumes", name)

    def image_exists(self, name: str) -> bool:
        """Whether the storage holds an image of this name."""
        return bool(self.run("images", "--quiet", f"--filter=reference={name}"))

    def networks(self) -> set[str]:
        """The names of the networks of this rehearsal, without podman's own default."""
        return set(self.run("network", "ls", "--format={{.Name}}").split()) - {"podman"}

    def halt(self) -> None:
        """Stop every container and keep it: what a rehearsal needs to go on later stays on the disk."""
        if not self.executable.exists() or (self.needs_namespace and not self._namespace_alive()):
            return
        try:
            self.run("stop", "--all", "--time=10", timeout=120)
        except EngineError:
            # A container whose monitor died cannot be stopped by podman; the caller ends its processes.
            return

    # -- the end -------------------------------------------------------------------------------------------

    def destroy(self) -> None:
        """Remove every container, network, image and mount of this engine, whatever state they are in."""
        if not self.state.exists():
            return
        if self.executable.exists() and (not self.needs_namespace or self._namespace_alive()):
            for arguments in (
                ("rm", "--all", "--force", "--time=0", "--volumes"),
                *((("network", "rm", "--force", name)) for name in sorted(self._networks_or_none())),
            ):
                try:
                    self.run(*arguments, timeout=120)
                except EngineError:
                    # What podman cannot take down any more is unmounted and deleted as files below.
                    continue
        # Also what a killed build of an image has mounted.
        self._unmount_below(self.state)
        self._unmount_below(self._run_directory)
        self._drop_namespace()
        subprocess.run([*sudo(), "rm", "-rf", "--one-file-system", str(self._run_directory)], check=False)

    def _networks_or_none(self) -> set[str]:
        try:
            return self.networks()
        except EngineError:
            return set()

    def _unmount_below(self, directory: Path) -> None:
        """Take off the mounts that somebody who was killed left below `directory`, the deepest first."""
        mounts = [line.split()[4].encode().decode("unicode_escape") for line in _mount_table()]
        below = [mount for mount in mounts if Path(mount).is_relative_to(directory)]
        for place in sorted(below, key=len, reverse=True):
            subprocess.run([*sudo(), "umount", "-l", place], capture_output=True, check=False)


def _mount_table() -> list[str]:
    return Path("/proc/self/mountinfo").read_text().splitlines()


def missing_tools() -> list[str]:
    """The programs that the engine calls and that this machine lacks."""
    tools = ("podman", "crun", "nft", "nsenter", "unshare", "mount")
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [tool for tool in tools if shutil.which(tool, path=path) is None]
