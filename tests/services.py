"""What stages of the tests need beside the code: real servers, a machine image, a rehearsal."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rehearsal import images, lifecycle
from rehearsal.certificates import CertificateAuthority
from rehearsal.engine import Engine, EngineError
from rehearsal.settings import Settings

PROJECT = Path(__file__).parent.parent
START_SECONDS = 30


def _engine() -> tuple[Engine, Path]:
    settings = Settings.from_environment(PROJECT)
    settings.state.mkdir(exist_ok=True)
    engine = Engine(settings.state)
    engine.set_up()
    return engine, CertificateAuthority(settings.state).cert_path


@contextmanager
def machine_image() -> Iterator[Mapping[str, str]]:
    """The image that host roles are tested on, and the engine's wrapper, for molecule."""
    engine, authority = _engine()
    yield {
        "SLIPWAY_PODMAN": str(engine.executable),
        "SLIPWAY_HOST_IMAGE": images.build_machine_image(engine, authority, print),
        "ANSIBLE_FORCE_COLOR": "0",
    }


@contextmanager
def laboratory() -> Iterator[Mapping[str, str]]:
    """The engine and both images, for tests of the data plane that want real containers."""
    engine, authority = _engine()
    yield {
        "SLIPWAY_TEST_PODMAN": str(engine.executable),
        "SLIPWAY_TEST_MACHINE_IMAGE": images.build_machine_image(engine, authority, print),
        "SLIPWAY_TEST_APPLIANCE_IMAGE": images.build_appliance_image(engine, authority, print),
    }


@contextmanager
def database_and_cache() -> Iterator[Mapping[str, str]]:
    """A PostgreSQL and a Valkey on loopback ports, empty, for as long as the Django tests run."""
    engine, authority = _engine()
    images.build_machine_image(engine, authority, print)
    image = images.build_appliance_image(engine, authority, print)
    names = ("test-postgresql", "test-valkey")
    postgresql = (
        "set -eu; bin=$(echo /usr/lib/postgresql/*/bin); install -d -o postgres /data; "
        'as() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }; '
        'as "$bin/initdb" -D /data -U test --auth=trust --encoding=UTF8 --locale=C.UTF-8 >/dev/null; '
        "echo 'host all all all trust' >> /data/pg_hba.conf; "
        # Nobody keeps these data: what a crash would lose need not be waited for.
        'as "$bin/postgres" -D /data -c listen_addresses=* -c fsync=off -c unix_socket_directories=/tmp'
    )
    valkey = "valkey-server --port 6379 --bind 0.0.0.0 --protected-mode no --save ''"
    try:
        for name, port, command in (
            (names[0], 5432, ["sh", "-c", postgresql]),
            (names[1], 6379, ["sh", "-c", valkey]),
        ):
            engine.remove_container(name)
            engine.start_container(name, image, command, publish=[f"127.0.0.1::{port}"])
        ports = {name: engine.run("port", name).rsplit(":", 1)[1] for name in names}
        _await(engine, names[0], "psql -h /tmp -U test -d postgres -c 'select 1'")
        _await(engine, names[1], "valkey-cli ping | grep -q PONG")
        yield {
            "TEST_DATABASE_URL": f"postgresql://test@127.0.0.1:{ports[names[0]]}/postgres",
            "TEST_CACHE_URL": f"redis://127.0.0.1:{ports[names[1]]}/0",
        }
    finally:
        for name in names:
            engine.remove_container(name)


def _await(engine: Engine, name: str, probe: str) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            engine.run("exec", name, "sh", "-c", probe, timeout=10)
            return
        except EngineError:
            if time.monotonic() > end:
                raise
            time.sleep(0.3)


@contextmanager
def rehearsal() -> Iterator[Mapping[str, str]]:
    """The rehearsal of this clone: the one that runs, brought up to date, or a new one that is ended afterwards."""
    settings = Settings.from_environment(PROJECT)
    was_there = lifecycle.answers(settings)
    try:
        log = PROJECT / ".test-results" / "make-rehearse.log"
        with log.open("wb") as stream:
            command = [sys.executable, "-m", "rehearsal", "run"]
            done = subprocess.run(command, cwd=PROJECT, stdout=stream, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-40:])
            raise RuntimeError(f"make rehearse failed:\n{tail}")
        yield {}
    finally:
        if not was_there:
            lifecycle.down(settings)
