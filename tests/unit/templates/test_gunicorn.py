"""What the files of the role gunicorn make systemd and Gunicorn do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.templates.render import render

APPLICATION = {"gunicorn_application": "config.wsgi:application"}


def settings(**variables: Any) -> dict[str, Any]:
    """The names that gunicorn.conf.py sets."""
    names: dict[str, Any] = {}
    exec(render("gunicorn", "gunicorn.conf.py.j2", **APPLICATION, **variables), names)  # noqa: S102
    return names


def unit(template: str, **variables: Any) -> dict[tuple[str, str], list[str]]:
    """A unit file as {(section, option): values}."""
    text = render("gunicorn", template, **APPLICATION, **variables)
    found: dict[tuple[str, str], list[str]] = {}
    section = ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            option, value = line.split("=", 1)
            found.setdefault((section, option), []).append(value)
    return found


def service(link: str, environment: str) -> dict[tuple[str, str], list[str]]:
    return unit(
        "gunicorn.service.j2",
        __gunicorn_link=link,
        __gunicorn_environment=environment,
        __gunicorn_restart="no",
    )


def test_the_settings_are_python_and_say_what_was_asked() -> None:
    chosen = settings(gunicorn_workers=3, gunicorn_threads=5, gunicorn_timeout_seconds=7)

    assert (chosen["workers"], chosen["threads"], chosen["timeout"]) == (3, 5, 7)
    assert chosen["wsgi_app"] == "config.wsgi:application"


def test_the_host_has_the_last_word_over_the_application(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "house_style.py").write_text("logconfig_dict = {'version': 1}\nworkers = 99\n")
    monkeypatch.syspath_prepend(tmp_path)

    chosen = settings(gunicorn_settings_module="house_style", gunicorn_workers=2)

    assert chosen["logconfig_dict"] == {"version": 1}
    assert chosen["workers"] == 2


def test_code_that_cannot_be_imported_fails_the_start() -> None:
    assert settings()["preload_app"] is True
    assert service("current", "application.env")[("Service", "Type")] == ["notify"]


def test_the_address_comes_from_systemd_alone() -> None:
    assert "bind" not in settings()
    assert service("current", "application.env")[("Service", "Sockets")] == ["gunicorn.socket"]


def test_a_module_imported_late_cannot_come_from_another_release() -> None:
    environment = service("current", "application.env")[("Service", "Environment")]

    assert "PYTHONPATH=../site-packages" in environment[0].split()


def test_requests_in_flight_have_time_before_systemd_kills() -> None:
    stop = unit(
        "gunicorn.service.j2",
        gunicorn_graceful_timeout_seconds=30,
        gunicorn_stop_timeout_seconds=45,
        __gunicorn_link="current",
        __gunicorn_environment="application.env",
        __gunicorn_restart="on-failure",
    )

    assert stop[("Service", "TimeoutStopSec")] == ["45"]
    # Only the arbiter gets SIGTERM: workers that got it too would stop without waiting for it.
    assert stop[("Service", "KillMode")] == ["mixed"]


def test_the_bridge_serves_the_next_release_and_cannot_take_the_socket_down() -> None:
    bridge = service("next", "next.env")

    assert bridge[("Service", "WorkingDirectory")] == ["/srv/application/next/app"]
    assert bridge[("Service", "EnvironmentFile")] == ["/run/slipway/next.env"]
    assert bridge[("Unit", "StartLimitIntervalSec")] == ["0"]
    assert ("Unit", "StartLimitIntervalSec") not in service("current", "application.env")


def test_the_socket_does_not_listen_for_a_service_that_cannot_run() -> None:
    conditions = unit("gunicorn.socket.j2")[("Unit", "ConditionPathExists")]

    assert conditions == ["/srv/application/current", "/run/slipway/application.env"]


def test_the_socket_is_for_the_web_server_alone() -> None:
    socket = unit("gunicorn.socket.j2")

    assert socket[("Socket", "SocketMode")] == ["0660"]
    assert socket[("Socket", "SocketGroup")] == ["www-data"]


@pytest.mark.parametrize("option", ["ProtectSystem", "NoNewPrivileges", "CapabilityBoundingSet", "SystemCallFilter"])
def test_the_service_is_confined(option: str) -> None:
    assert ("Service", option) in service("current", "application.env")


def test_a_just_in_time_compiler_can_be_allowed() -> None:
    confined = service("current", "application.env")
    free = unit(
        "gunicorn.service.j2",
        gunicorn_memory_deny_write_execute=False,
        __gunicorn_link="current",
        __gunicorn_environment="application.env",
        __gunicorn_restart="no",
    )

    assert confined[("Service", "MemoryDenyWriteExecute")] == ["yes"]
    assert ("Service", "MemoryDenyWriteExecute") not in free
