"""The arithmetic of uptime, for all looks and spans."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from monitors.uptime import Look, Uptime, measure, percentile

ORIGIN = datetime(2026, 1, 1, tzinfo=UTC)


def moments() -> st.SearchStrategy[datetime]:
    return st.integers(0, 7200 * 1_000_000).map(lambda n: ORIGIN + timedelta(microseconds=n))


def all_looks() -> st.SearchStrategy[list[Look]]:
    covers = st.integers(0, 1200).map(lambda seconds: timedelta(seconds=seconds))
    return st.lists(st.builds(Look, at=moments(), up=st.booleans(), covers=covers), max_size=30)


@given(all_looks(), moments(), moments())
def test_the_parts_add_up_and_none_is_negative(looks: list[Look], start: datetime, end: datetime) -> None:
    uptime = measure(looks, start=start, end=end)

    assert uptime.up + uptime.down + uptime.unknown == max(timedelta(), end - start)
    assert min(uptime.up, uptime.down, uptime.unknown) >= timedelta()
    assert uptime.ratio is None or 0 <= uptime.ratio <= 1


@given(all_looks(), st.lists(moments(), min_size=2, max_size=6))
def test_parts_of_a_span_add_up_to_the_whole(looks: list[Look], cuts: list[datetime]) -> None:
    cuts = sorted(cuts)
    whole = measure(looks, start=cuts[0], end=cuts[-1])

    parts = Uptime()
    for start, end in pairwise(cuts):
        parts += measure(looks, start=start, end=end)

    assert parts == whole


@given(st.data(), all_looks())
def test_the_order_of_the_looks_does_not_matter(data: st.DataObject, looks: list[Look]) -> None:
    end = ORIGIN + timedelta(hours=2)
    shuffled = data.draw(st.permutations(looks))

    assert measure(shuffled, start=ORIGIN, end=end) == measure(looks, start=ORIGIN, end=end)


@given(all_looks())
def test_up_and_down_are_mirrors_unless_they_meet(looks: list[Look]) -> None:
    looks = list({look.at: look for look in looks}.values())
    end = ORIGIN + timedelta(hours=2)
    turned = [Look(look.at, not look.up, look.covers) for look in looks]
    straight, mirrored = measure(looks, start=ORIGIN, end=end), measure(turned, start=ORIGIN, end=end)

    assert (straight.up, straight.down, straight.unknown) == (mirrored.down, mirrored.up, mirrored.unknown)


@given(all_looks(), moments())
def test_a_look_that_sees_it_up_never_adds_down_time(looks: list[Look], at: datetime) -> None:
    end = ORIGIN + timedelta(hours=3)
    more = [*looks, Look(at, True, timedelta(minutes=5))]

    assert measure(more, start=ORIGIN, end=end).down <= measure(looks, start=ORIGIN, end=end).down


@given(st.integers(1, 60), st.lists(st.booleans(), min_size=1, max_size=50))
def test_regular_looks_count_in_proportion(interval: int, seen: list[bool]) -> None:
    step = timedelta(seconds=interval)
    looks = [Look(ORIGIN + step * n, up, 2 * step) for n, up in enumerate(seen)]

    uptime = measure(looks, start=ORIGIN, end=ORIGIN + step * len(seen))

    assert uptime.unknown == timedelta()
    assert uptime.up == step * sum(seen)


def test_where_nobody_looked_nothing_is_known() -> None:
    looks = [
        Look(ORIGIN, True, timedelta(minutes=2)),
        Look(ORIGIN + timedelta(minutes=30), False, timedelta(minutes=2)),
    ]

    uptime = measure(looks, start=ORIGIN, end=ORIGIN + timedelta(hours=1))

    assert uptime == Uptime(timedelta(minutes=2), timedelta(minutes=2), timedelta(minutes=56))
    assert uptime.ratio == 0.5
    assert Uptime().ratio is None


@given(st.lists(st.integers(0, 100_000), min_size=1), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_percentile_is_a_value_with_enough_below_it(values: list[int], part: float) -> None:
    values = sorted(values)
    found = percentile(values, part)

    assert found in values
    assert sum(1 for value in values if value <= found) >= Fraction(str(part)) * len(values)
    assert sum(1 for value in values if value < found) < Fraction(str(part)) * len(values)


def test_nothing_has_no_percentile() -> None:
    assert percentile([], 0.5) is None
