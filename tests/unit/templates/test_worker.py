"""What the unit of the background work makes systemd do."""

from __future__ import annotations

import shlex
from typing import Any

from tests.unit.templates.render import render


def options(**variables: Any) -> dict[str, str]:
    text = render("worker", "slipway-worker.service.j2", **variables)
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))


def test_the_command_arrives_word_by_word() -> None:
    started = options(worker_command=["manage.py", "worker", "--name=a b", "5%", '$HOME"'])["ExecStart"]
    # systemd turns %% into %, and $$ into $: systemd.service(5), systemd.unit(5).
    assert [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(started)] == [
        "/usr/bin/python3",
        "manage.py",
        "worker",
        "--name=a b",
        "5%",
        '$HOME"',
    ]


def test_it_is_bounded_and_confined_like_gunicorn() -> None:
    found = options(worker_command=["manage.py", "worker"], worker_stop_timeout_seconds=77, worker_memory_mib=100)
    assert (found["TimeoutStopSec"], found["MemoryMax"]) == ("77", "100M")
    assert found["WorkingDirectory"] == "/srv/application/current/app"
    web = render(
        "gunicorn",
        "gunicorn.service.j2",
        gunicorn_application="config.wsgi:application",
        __gunicorn_link="current",
        __gunicorn_environment="application.env",
        __gunicorn_restart="no",
    )
    confined = dict(
        line.split("=", 1) for line in web.split("\nCapabilityBoundingSet", 1)[1].splitlines() if "=" in line
    )
    assert len(confined) > 20
    assert {name: found.get(name) for name in confined if name} == {
        name: text for name, text in confined.items() if name
    }


def test_a_jit_may_be_allowed() -> None:
    assert "MemoryDenyWriteExecute" not in options(worker_command=["x"], worker_memory_deny_write_execute=False)
