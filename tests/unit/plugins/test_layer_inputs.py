"""Which layers have nothing to do, whatever is done to the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from ansible_collections.slipway.aws.plugins.plugin_utils.layer_inputs import settled

#: Whose results each layer reads.
READS = {"network": set[str](), "database": {"network"}, "logs": set[str](), "alarms": {"database", "logs"}}


def given(changed: Mapping[str, str]) -> Callable[[str, set[str]], str]:
    """Digests of layers whose variables are as recorded, but for some."""

    def digest_beside(layer: str, known: set[str]) -> str:
        return changed.get(layer, f"as recorded: {layer}") if READS[layer] <= known else ""

    return digest_beside


RECORDED = {layer: f"as recorded: {layer}" for layer in READS}


@pytest.mark.parametrize("order", [list(READS), list(reversed(READS))], ids=["as they build", "the other way"])
def test_where_nothing_changed_all_are_left_out(order: list[str]) -> None:
    assert settled(order, RECORDED, given({})) == order


def test_who_reads_of_one_that_changes_waits_for_what_it_returns() -> None:
    assert settled(list(READS), RECORDED, given({"network": "another"})) == ["logs"]
    assert settled(list(READS), RECORDED, given({"logs": "another"})) == ["network", "database"]


def test_who_reads_of_one_that_drifted_waits_too() -> None:
    assert settled(["network", "database", "alarms"], RECORDED, given({})) == ["network", "database"]


def test_what_cannot_be_known_is_not_what_was_recorded_even_if_that_was_not_known_either() -> None:
    assert settled(["logs"], {"logs": ""}, given({"logs": ""})) == []
    assert settled(["logs"], {}, given({})) == []
