"""What is refused before anything is changed, and with which words."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from rehearsal import machine
from rehearsal.settings import Settings, SettingsError


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path, *(_free_port() for _ in range(4)))


@pytest.fixture(autouse=True)
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "registry.json"
    monkeypatch.setattr(machine, "REGISTRY", path)
    monkeypatch.setattr(machine.registered_cloud, "__defaults__", (path,))
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_port_must_be_a_number_that_may_be_listened_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("80", "http", "70000", "-1", ""):
        monkeypatch.setenv("SLIPWAY_SITE_PORT", value)
        with pytest.raises(SettingsError, match="SLIPWAY_SITE_PORT"):
            Settings.from_environment()


def test_two_services_cannot_share_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_SITE_PORT", "4566")
    with pytest.raises(SettingsError, match="differ"):
        Settings.from_environment()


def test_a_taken_port_names_its_holder_and_the_way_out(settings: Settings) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", settings.site_port))
        holder.listen()
        with pytest.raises(machine.MachineError) as refusal:
            machine.check(settings, None)
    assert f"(process {os.getpid()})" in str(refusal.value)
    assert f"SLIPWAY_SITE_PORT={settings.site_port + 1000} make rehearse" in str(refusal.value)


def test_an_address_range_that_the_machine_already_reaches_is_refused(settings: Settings) -> None:
    routes = [network for _, network in machine.routes() if network.prefixlen > 0]
    assert routes, "this machine reaches no network at all"
    with pytest.raises(machine.MachineError, match="slipway_vpc_cidr"):
        machine.check(settings, str(routes[0]))


@pytest.mark.parametrize("service", ["metadata", "mail"])
def test_a_port_that_is_taken_on_every_address_is_refused(settings: Settings, service: str) -> None:
    """The hosts' services listen on addresses that are only made with the network."""
    port = getattr(settings, f"{service}_port")
    with socket.create_server(("", port)), pytest.raises(machine.MachineError) as refusal:
        machine.check(settings, None)
    assert f"Port {port}, where the hosts' {service} would listen, is taken by" in str(refusal.value)
    assert f"SLIPWAY_{service.upper()}_PORT={port + 1000} make rehearse" in str(refusal.value)


def test_whoever_listens_on_an_address_of_his_own_does_not_take_it_from_the_hosts(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", settings.mail_port)):
        machine.check(settings, None)


def test_a_disk_that_is_too_small_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "FREE_BYTES_COLD", 2**60)
    with pytest.raises(machine.MachineError, match="GiB free"):
        machine.check(settings, None)


def _register(registry: Path, pid: int, state: Path) -> None:
    machine.register(machine.Cloud(pid=pid, state=state, version="v"), registry)


def test_another_clone_that_rehearses_is_named(
    settings: Settings, registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _register(registry, 4242, Path("/somewhere/else/.rehearsal"))
    monkeypatch.setattr(machine.Cloud, "alive", property(lambda _: True))
    with pytest.raises(machine.MachineError, match="make -C /somewhere/else down"):
        machine.check(settings, None)


def test_a_process_that_only_inherited_the_number_is_not_the_cloud(registry: Path, tmp_path: Path) -> None:
    _register(registry, os.getpid(), tmp_path)
    cloud = machine.registered_cloud()
    assert cloud is not None
    assert not cloud.alive


def test_half_a_registry_is_no_registry(registry: Path) -> None:
    for text in ("", "{", "[]", json.dumps({"pid": "x", "state": "/", "version": ""})):
        registry.write_text(text)
        assert machine.registered_cloud() is None


def test_what_a_dead_rehearsal_of_a_deleted_clone_left_is_nobodys_any_more(
    settings: Settings, registry: Path, tmp_path: Path
) -> None:
    _register(registry, 2**22 - 7, tmp_path / "deleted" / ".rehearsal")
    assert machine.sweep(settings) == str(tmp_path / "deleted")


def test_its_own_remains_are_not_swept(settings: Settings, registry: Path) -> None:
    _register(registry, 2**22 - 7, settings.state)
    assert machine.sweep(settings) is None
