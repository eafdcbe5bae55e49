"""What AWS would refuse of the windows of backups and changes."""

from __future__ import annotations

import pytest
from ansible_collections.slipway.aws.plugins.lookup.window_conflicts import conflicts


def said(daily: str, weekly: str, *, minutes: int = 30, apart: bool = True) -> list[str]:
    given = {"what": "the database", "daily": daily, "weekly": weekly, "minutes": minutes, "apart": apart}
    return list(conflicts(given))


@pytest.mark.parametrize(
    ("daily", "weekly"),
    [
        ("02:00-03:00", "sun:03:30-sun:04:30"),
        ("02:00-03:30", "sun:03:30-sun:04:30"),
        ("04:30-05:00", "Sun:03:30-Sun:04:30"),
        ("23:30-00:30", "sun:22:00-sun:23:30"),
        ("23:30-00:30", "mon:00:30-mon:01:00"),
    ],
)
def test_windows_that_lie_apart_are_taken(daily: str, weekly: str) -> None:
    assert said(daily, weekly) == []


@pytest.mark.parametrize(
    ("daily", "weekly"),
    [
        ("03:00-04:00", "sun:03:30-sun:04:30"),
        ("04:00-05:00", "sun:03:30-sun:04:30"),
        ("03:40-04:20", "sun:03:30-sun:04:30"),
        ("03:00-05:00", "sun:03:30-sun:04:30"),
        ("23:30-00:30", "sun:23:00-mon:00:00"),
        ("23:30-00:30", "mon:00:00-mon:01:00"),
        ("00:10-00:50", "sun:23:30-mon:00:30"),
    ],
)
def test_windows_that_overlap_are_told_wherever_midnight_and_the_week_end(daily: str, weekly: str) -> None:
    (sentence,) = said(daily, weekly)
    assert sentence == f"The windows {daily} and {weekly} of the database overlap: AWS wants them apart."
    assert said(daily, weekly, apart=False) == []


@pytest.mark.parametrize(
    ("daily", "weekly", "words"),
    [
        ("2:00-03:00", "sun:03:30-sun:04:30", "2:00-03:00 of the database is not of the form hh:mm-hh:mm"),
        ("02:00-24:00", "sun:03:30-sun:04:30", "02:00-24:00 of the database is not of the form"),
        ("02:00-03:00", "sunday:03:30-sun:04:30", "is not of the form ddd:hh:mm-ddd:hh:mm, in UTC"),
        ("02:00-02:20", "sun:03:30-sun:04:30", "02:00-02:20 of the database has 20 minutes: AWS wants 30 at least"),
        ("02:00-03:00", "sun:03:30-sun:03:30", "has 0 minutes"),
    ],
)
def test_a_window_that_is_none_or_too_short_is_told(daily: str, weekly: str, words: str) -> None:
    (sentence,) = said(daily, weekly)
    assert words in sentence
