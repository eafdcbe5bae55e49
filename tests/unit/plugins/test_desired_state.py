"""The base of all modules: how states differ, merge and converge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, override

import pytest
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    Layout,
    Live,
    RefusalError,
    Resource,
    converge,
    desired_tags,
    diff_of,
    differences,
    merged,
    nearest,
    outcome_as_result,
    tag_delta,
    wait_until,
)

LAYOUT = Layout(
    keys={"origins": "id", "rules": "path"},
    ordered=frozenset({"rules"}),
    secret=frozenset({"password"}),
    presence=frozenset({"nosniff"}),
)


@pytest.mark.parametrize(
    ("live", "desired", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [Change("a", 1, 2)]),
        ({}, {"a": ""}, []),
        ({"a": None}, {"a": False}, []),
        ({"a": 3}, {"a": 0}, [Change("a", 3, 0)]),
        ({}, {"a": 0}, [Change("a", None, 0)]),
        ({"a": "x"}, {"a": None}, [Change("a", "x", None)]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, [Change("a.b", 1, 3)]),
        ({"a": {"b": False}}, {"a": {"b": None, "c": ""}}, []),
        ({}, {"a": {"b": 1, "c": ""}}, [Change("a", None, {"b": 1})]),
        ({"a": ["x", "y"]}, {"a": ["y", "x"]}, []),
        ({"a": ["x"]}, {"a": ["x", "y"]}, [Change("a", ["x"], ["x", "y"])]),
        ({"a": ["x"]}, {"a": []}, [Change("a", ["x"], [])]),
        (
            {"tags": {"a": "1"}},
            {"tags": {"a": None, "b": "2"}},
            [Change("tags.a", "1", None), Change("tags.b", None, "2")],
        ),
        (
            {"origins": [{"id": "one", "port": 80}, {"id": "two"}]},
            {"origins": [{"id": "three", "port": 1}, {"id": "one", "port": 81}]},
            [
                Change("origins[two]", {"id": "two"}, None),
                Change("origins[three]", None, {"id": "three", "port": 1}),
                Change("origins[one].port", 80, 81),
            ],
        ),
        ({"origins": [{"id": "a"}, {"id": "b"}]}, {"origins": [{"id": "b"}, {"id": "a"}]}, []),
        (
            {"rules": [{"path": "a"}, {"path": "b"}]},
            {"rules": [{"path": "b"}, {"path": "a"}]},
            [Change("rules (order)", ["a", "b"], ["b", "a"])],
        ),
        (
            {"rules": [{"path": "a"}, {"path": "b"}]},
            {"rules": [{"path": "a"}, {"path": "new"}, {"path": "b"}]},
            [Change("rules[new]", None, {"path": "new"})],
        ),
        ({}, {"nosniff": {"override": False}}, [Change("nosniff", None, {"override": False})]),
        ({"nosniff": {"override": False}}, {"nosniff": None}, [Change("nosniff", {"override": False}, None)]),
        ({"nosniff": {"override": False}}, {"nosniff": {"override": False}}, []),
        ({}, {"headers": {"nosniff": {"override": False}}}, [Change("headers", None, {"nosniff": {}})]),
    ],
)
def test_only_what_is_desired_and_differs_is_a_change(live: Fields, desired: Fields, expected: list[Change]) -> None:
    assert differences(live, desired, LAYOUT) == expected


def test_a_merge_keeps_what_nobody_desires_and_null_removes() -> None:
    live = {"kept": 1, "gone": 2, "deep": {"kept": 1, "set": 1}, "origins": [{"id": "a", "kept": 1}, {"id": "b"}]}
    desired = {"gone": None, "deep": {"set": 2}, "origins": [{"id": "c"}, {"id": "a", "set": 2}]}
    assert merged(live, desired, LAYOUT) == {
        "kept": 1,
        "deep": {"kept": 1, "set": 2},
        "origins": [{"id": "c"}, {"id": "a", "kept": 1, "set": 2}],
    }
    assert differences(merged(live, desired, LAYOUT), desired, LAYOUT) == []


@pytest.mark.parametrize(
    ("live", "wanted", "purge", "desired"),
    [
        ({"a": "1"}, None, True, {}),
        ({"a": "1", "aws:b": "2"}, {"c": 3}, True, {"a": None, "c": "3"}),
        ({"a": "1"}, {"c": "3"}, False, {"c": "3"}),
        ({"a": "1"}, {}, True, {"a": None}),
    ],
)
def test_tags_are_purged_only_when_they_are_managed(
    live: dict[str, str], wanted: dict[str, object] | None, purge: bool, desired: Fields
) -> None:
    assert desired_tags(live, wanted, purge=purge) == desired


def test_the_difference_of_tags_is_what_has_to_be_called() -> None:
    live = {"same": "1", "old": "2", "gone": "3"}
    assert tag_delta(live, {"same": "1", "old": "9", "gone": None, "never": None}) == ({"old": "9"}, ["gone"])


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    assert nearest("maxmemory-polcy", ["maxmemory-policy", "timeout"]) == " Did you mean maxmemory-policy?"
    assert nearest("zzz", ["timeout"]) == ""


class Shelf(Resource):
    """A resource in a dict, which records what was called."""

    kind = "book"
    result_key = "book"
    layout = LAYOUT

    def __init__(self, live: Fields | None, desired: Mapping[str, Any], *, slow: bool = False) -> None:
        self.live = live
        self.wanted = dict(desired)
        self.slow = slow
        self.calls: list[str] = []

    @property
    @override
    def name(self) -> str:
        return "book"

    @override
    def find(self) -> Live | None:
        return None if self.live is None else Live(dict(self.live), {"id": "b-1"})

    @override
    def desired(self, live: Live | None) -> Fields:
        return self.wanted

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        if desired.get("title") == "forbidden":
            raise RefusalError("Not this one.")

    @override
    def create(self, desired: Fields) -> Live:
        self.calls.append("create")
        self.live = dict(desired)
        return Live(desired, {"id": "b-1"})

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        self.calls.append("update")
        self.live = merged(live.fields, desired, LAYOUT)
        return Live(self.live, live.raw)

    @override
    def delete(self, live: Live) -> Live | None:
        self.calls.append("delete")
        self.live = None
        return live if self.slow else None

    @override
    def await_present(self, live: Live) -> Live:
        self.calls.append("await_present")
        return live

    @override
    def await_absent(self, live: Live) -> None:
        self.calls.append("await_absent")

    @override
    def predicted(self, desired: Fields) -> Fields:
        return {"id": None, **desired}


def run(shelf: Shelf, state: str = "present", *, check_mode: bool = False, wait: bool = False) -> Fields:
    shelf.calls.clear()
    return outcome_as_result(converge(shelf, state=state, check_mode=check_mode, wait=wait), shelf)


def test_the_life_of_a_resource() -> None:
    shelf = Shelf(None, {"title": "one", "password": "secret"})

    foreseen = run(shelf, check_mode=True)
    assert foreseen["changed"]
    assert foreseen["book"] == {"id": None, "title": "one", "password": "(hidden)"}
    assert shelf.calls == []

    made = run(shelf)
    assert made["changed"]
    assert made["book"]["id"] == "b-1"
    assert shelf.calls == ["create"]

    again = run(shelf)
    assert not again["changed"]
    assert again["changes"] == []
    assert shelf.calls == []

    shelf.wanted["title"] = "two"
    foreseen = run(shelf, check_mode=True)
    assert foreseen["book"]["title"] == "two"
    assert shelf.calls == []
    changed = run(shelf)
    assert changed["changes"] == [{"field": "title", "from": "one", "to": "two"}]
    assert changed["diff"] == {"before": {"title": "one"}, "after": {"title": "two"}}
    assert shelf.calls == ["update"]

    foreseen = run(shelf, "absent", check_mode=True)
    assert foreseen["changed"]
    assert shelf.calls == []
    gone = run(shelf, "absent")
    assert gone["changed"]
    assert gone["book"] == {}
    assert shelf.calls == ["delete"]
    assert not run(shelf, "absent")["changed"]
    assert shelf.calls == []


def test_a_resource_that_was_started_earlier_is_awaited_without_a_change() -> None:
    shelf = Shelf({"title": "one"}, {"title": "one"})
    assert not run(shelf, wait=True)["changed"]
    assert shelf.calls == ["await_present"]


def test_a_dry_run_awaits_nothing() -> None:
    shelf = Shelf({"title": "one"}, {"title": "one"})
    run(shelf, wait=True, check_mode=True)
    assert shelf.calls == []


def test_a_slow_deletion_is_awaited_only_when_told_to() -> None:
    shelf = Shelf({"title": "one"}, {}, slow=True)
    assert run(shelf, "absent")["book"] == {"id": "b-1", "title": "one"}
    assert shelf.calls == ["delete"]
    shelf = Shelf({"title": "one"}, {}, slow=True)
    assert run(shelf, "absent", wait=True)["book"] == {}
    assert shelf.calls == ["delete", "await_absent"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_refusal_comes_before_any_call_also_in_a_dry_run(check_mode: bool) -> None:
    shelf = Shelf(None, {"title": "forbidden"})
    with pytest.raises(RefusalError, match="Not this one"):
        run(shelf, check_mode=check_mode)
    assert shelf.calls == []


def test_a_secret_is_in_no_answer_but_its_change_shows() -> None:
    shelf = Shelf(
        {"origins": [{"id": "a", "password": "old-secret"}]},
        {"origins": [{"id": "a", "password": "new-secret"}, {"id": "b", "password": "other-secret"}]},
    )
    result = run(shelf)
    assert "secret" not in repr(result)
    assert result["diff"]["before"] != result["diff"]["after"]
    assert {change["field"] for change in result["changes"]} == {"origins[a].password", "origins[b]"}


def test_a_diff_leaves_out_what_was_not_or_will_not_be() -> None:
    assert diff_of([Change("a", None, 1), Change("b", 2, None)]) == {"before": {"b": 2}, "after": {"a": 1}}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def test_waiting_asks_soon_then_seldom_and_tells_how_long_it_took() -> None:
    clock = Clock()
    answers = iter([(False, "creating")] * 9 + [(True, "available")])
    took = wait_until(
        "It", lambda: next(answers), timeout=600, longest_pause=5, sleep=clock.sleep, clock=lambda: clock.now
    )
    assert clock.pauses[0] == 0.5
    assert max(clock.pauses) == 5
    assert took == sum(clock.pauses)


def test_waiting_gives_up_with_the_last_word() -> None:
    clock = Clock()
    with pytest.raises(RefusalError, match=r"Making it took longer than 30 s; it is still: creating\."):
        wait_until("Making it", lambda: (False, "creating"), timeout=30, sleep=clock.sleep, clock=lambda: clock.now)
    assert 30 <= clock.now < 31
