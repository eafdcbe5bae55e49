"""Ansible lookup: what AWS would refuse of daily and weekly windows."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
name: window_conflicts
version_added: 0.1.0
short_description: What AWS would refuse of a daily and a weekly window
description:
  - Looks at the windows in which a service makes backups and changes that interrupt, and returns a sentence for
    everything that it would refuse. Nothing is asked of AWS.
author: Slipway
options:
  _terms:
    description:
      - Mappings of C(what) has the windows, its C(daily) window such as C(02:00-03:00), its C(weekly) one such as
        C(sun:03:30-sun:04:30), how many C(minutes) each has to have, and whether they have to lie C(apart).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Refuse windows that RDS would refuse
  ansible.builtin.assert:
    that: query('slipway.aws.window_conflicts', windows) | length == 0
  vars:
    windows: {what: the database, daily: 02:00-03:00, weekly: sun:03:30-sun:04:30, minutes: 30, apart: true}
"""

RETURN = r"""
_raw:
  description: A sentence for each conflict.
  type: list
  elements: str
  sample: ["The windows 03:00-04:00 and sun:03:30-sun:04:30 of the database overlap."]
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleLookupError  # type: ignore[import-untyped]
from ansible.plugins.lookup import LookupBase  # type: ignore[import-untyped]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 24 * 60
_WEEK = 7 * _DAY
_TIME = r"([01][0-9]|2[0-3]):([0-5][0-9])"
_DAILY = re.compile(f"{_TIME}-{_TIME}")
_WEEKLY = re.compile(f"({'|'.join(_DAYS)}):{_TIME}-({'|'.join(_DAYS)}):{_TIME}", re.IGNORECASE)


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Raises AnsibleLookupError for what describes no windows."""
        self.set_options(var_options=variables, direct=kwargs)
        try:
            return [sentence for term in terms for sentence in conflicts(term)]
        except (KeyError, TypeError) as error:
            raise AnsibleLookupError(f"{terms} lacks {error}.") from error


def conflicts(given: Mapping[str, Any]) -> Iterator[str]:
    """Everything that is wrong with the windows of ``given``. Pure.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
    https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html
    """
    what, minutes = given["what"], int(given["minutes"])
    texts = (str(given["daily"]), str(given["weekly"]))
    spans = (daily_span(texts[0]), weekly_span(texts[1]))
    forms = ("hh:mm-hh:mm", "ddd:hh:mm-ddd:hh:mm")
    for text, span, form in zip(texts, spans, forms, strict=True):
        if span is None:
            yield f"The window {text} of {what} is not of the form {form}, in UTC."
        elif span[1] < minutes:
            yield f"The window {text} of {what} has {span[1]} minutes: AWS wants {minutes} at least."
    daily, weekly = spans
    if daily and weekly and given["apart"] and overlap(daily, weekly):
        yield f"The windows {texts[0]} and {texts[1]} of {what} overlap: AWS wants them apart."


def daily_span(text: str) -> tuple[int, int] | None:
    """``(begin, length)`` in minutes, the begin counted from midnight; None for what is no daily window."""
    found = _DAILY.fullmatch(text)
    if not found:
        return None
    begin, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    return begin, (end - begin) % _DAY


def weekly_span(text: str) -> tuple[int, int] | None:
    """``(begin, length)`` in minutes, the begin counted from Monday; None for what is no weekly window."""
    found = _WEEKLY.fullmatch(text)
    if not found:
        return None
    begin, end = (_DAYS.index(found[at].lower()) * _DAY + int(found[at + 1]) * 60 + int(found[at + 2]) for at in (1, 4))
    return begin, (end - begin) % _WEEK


def overlap(daily: tuple[int, int], weekly: tuple[int, int]) -> bool:
    """Whether some day's window has a minute in common with the week's. Windows may pass midnight and Sunday."""
    begins = (day * _DAY + daily[0] for day in range(7))
    return any((weekly[0] - begin) % _WEEK < daily[1] or (begin - weekly[0]) % _WEEK < weekly[1] for begin in begins)
