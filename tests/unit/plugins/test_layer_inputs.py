"""Which layers have nothing to do, whatever is done to the others."""

from __future__ import annotations

from ansible_collections.slipway.aws.plugins.plugin_utils.layer_inputs import unreached

#: Whose results each layer reads.
READS = {
    "network": set[str](),
    "database": {"network"},
    "logs": set[str](),
    "alarms": {"database", "logs", "localhost"},
}


def test_where_all_are_the_same_none_is_reached() -> None:
    assert unreached(READS, READS, READS) == READS.keys()


def test_who_reads_of_one_that_converges_is_reached_however_far_away() -> None:
    assert unreached(READS.keys() - {"network"}, READS, READS) == {"logs"}
    assert unreached(READS.keys() - {"logs"}, READS, READS) == {"network", "database"}


def test_one_that_no_run_converges_reaches_nobody() -> None:
    assert unreached({"database", "logs"}, READS, READS.keys() - {"network"}) == {"database", "logs"}
