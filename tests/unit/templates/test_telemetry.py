"""The role telemetry and its program agree on what is written down, and its unit outlives those that it sends for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.unit.templates.render import render
from tests.unit.test_log_shipper import ship

PROJECT = Path(__file__).parents[3]
GROUPS = {"/{name}/nginx": ["nginx.service"], "/{name}/application": ["gunicorn.service", "worker.service"]}


def options(**variables: Any) -> dict[str, str]:
    text = render("telemetry", "slipway-ship-logs.service.j2", telemetry_groups=GROUPS, **variables)
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))


def test_the_program_reads_what_the_role_writes() -> None:
    document = json.loads(
        render("telemetry", "telemetry.json.j2", telemetry_groups=GROUPS, telemetry_rest_group="/{name}/system")
    )
    settings = ship.parse_settings(document)

    assert settings.groups == GROUPS
    assert settings.state_directory == Path("/var/lib/slipway-logs")
    assert ship.Routes(settings, "stack").group(ship.Entry("", 0, "x", "nginx.service", 6)) == "/stack/nginx"


def test_it_stops_after_those_whose_last_lines_it_sends() -> None:
    assert options()["Before"] == "gunicorn.service nginx.service worker.service"


def test_it_is_bounded_and_may_write_its_position_alone() -> None:
    found = options(telemetry_memory_mib=100, telemetry_state_directory="/var/lib/a/b")

    assert (found["MemoryMax"], found["StateDirectory"]) == ("100M", "a/b")
    assert (found["ProtectSystem"], found["CapabilityBoundingSet"]) == ("strict", "")
    assert "ReadWritePaths" not in found


def test_every_unit_of_the_hosts_has_a_group_that_the_account_makes() -> None:
    """What the project says about hosts, identity and groups fits together."""
    wanted = yaml.safe_load((PROJECT / "group_vars/all/telemetry.yml").read_text())["__telemetry_wanted"]
    groups = yaml.safe_load((PROJECT / "group_vars/all/project.yml").read_text())["slipway_log_groups"]
    made = {
        group["name"]
        for group in yaml.safe_load((PROJECT / "roles/aws_logs/vars/main.yml").read_text())["__aws_logs_groups"]
    }

    written = {group.replace("{name}", "NAME") for group in wanted}
    assert written == {name.replace("{{ slipway_name }}", "NAME") for name in groups.values()}
    assert written <= {name.replace("{{ aws_logs_name }}", "NAME") for name in made}
    templates = {path.name.removesuffix(".j2") for path in PROJECT.glob("roles/*/templates/*.service.j2")}
    own = {unit for units in wanted.values() for unit in units} - {"nginx.service", "gunicorn-bridge.service"}
    assert own <= templates
