"""The role activation and its program agree on what is written down."""

from __future__ import annotations

import json

import pytest

from tests.unit.templates.render import render


def test_the_configuration_is_json_with_numbers_as_numbers() -> None:
    document = json.loads(render("activation", "activation.json.j2", activation_keep=7))

    assert document["keep"] == 7
    assert document["releases_bucket"] == "{name}-{account_id}-releases"


def test_the_service_outlasts_two_stops_and_two_starts() -> None:
    text = render(
        "activation",
        "slipway-activate.service.j2",
        activation_stop_timeout_seconds=45,
        activation_worker_stop_timeout_seconds=60,
    )

    assert "TimeoutStartSec=390" in text


def test_the_environment_survives_the_end_of_the_service() -> None:
    text = render("activation", "slipway-activate.service.j2", activation_run_directory="/run/slipway")

    assert "\nRuntimeDirectory=slipway\n" in text
    assert "RuntimeDirectoryPreserve=yes" in text


@pytest.mark.parametrize("unit", ["slipway-activate", "slipway-attend"])
def test_what_is_included_ends_its_lines(unit: str) -> None:
    lines = render("activation", f"{unit}.service.j2").splitlines()

    assert "SystemCallFilter=@system-service" in lines
    assert "LockPersonality=yes" in lines
    assert "[Install]" in lines
