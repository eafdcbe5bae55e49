"""Desired state in, difference out: the one way in which every Slipway module works.

A module describes its resource as a plain nested dict in snake_case (its *fields*). This file knows how two such dicts
differ, field by field, and in which order a resource is looked up, refused, changed and awaited. It knows nothing of
AWS: the calls live in the API layer of each service.

The rule for every comparison: a field that is not desired is not looked at; absent, null, empty and false are one
value, because AWS answers now one, now the other.
"""

from __future__ import annotations

import difflib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

Fields = dict[str, Any]


class RefusalError(Exception):
    """The module will not do this; the message says why and what to do instead."""


@dataclass(frozen=True)
class Change:
    """One field that differs. ``field`` is a path such as ``origins[api].custom_origin_config.https_port``."""

    field: str
    before: object
    after: object

    def as_dict(self) -> Fields:
        """The shape that a module returns: ``{field, from, to}``."""
        return {"field": self.field, "from": self.before, "to": self.after}


@dataclass(frozen=True)
class Layout:
    """How the fields of one kind of resource are to be read.

    ``keys`` names, for a list of dicts, the member that identifies an item (``{"origins": "id"}``); ``ordered`` holds
    the lists in which the order has a meaning; ``secret`` the members whose values never leave the module;
    ``presence`` the members that say something by being there, whatever is in them.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    ordered: frozenset[str] = frozenset()
    secret: frozenset[str] = frozenset()
    presence: frozenset[str] = frozenset()


def is_empty(value: object, layout: Layout = Layout()) -> bool:
    """Whether AWS would mean "not set": null, false, an empty text, list or dict, or a dict of nothing but those."""
    if value is None or value is False:
        return True
    if isinstance(value, Mapping):
        return all(
            is_empty(member, layout) and not (name in layout.presence and member is not None)
            for name, member in value.items()
        )
    return isinstance(value, str | Sequence) and not value


def differences(live: Mapping[str, Any], desired: Mapping[str, Any], layout: Layout, path: str = "") -> list[Change]:
    """Every desired field that the live resource does not have, in the order in which it is desired."""
    found: list[Change] = []
    for name, wanted in desired.items():
        place = f"{path}.{name}" if path else name
        found.extend(_compare(live.get(name), wanted, name, place, layout))
    return found


def _compare(have: Any, wanted: Any, name: str, place: str, layout: Layout) -> Iterator[Change]:
    if name in layout.presence and (have is None) != (wanted is None):
        yield Change(place, have, wanted)
    elif isinstance(wanted, Mapping) and wanted:
        inside = differences(have if isinstance(have, Mapping) else {}, wanted, layout, place)
        if inside and is_empty(have, layout):
            yield Change(place, None, without_empty(wanted, layout))
        else:
            yield from inside
    elif is_empty(have, layout) and is_empty(wanted, layout):
        return
    elif isinstance(wanted, list) and name in layout.keys:
        yield from _compare_keyed(have or [], wanted, name, place, layout)
    elif isinstance(wanted, list):
        before = have or []
        same = before == wanted if name in layout.ordered else sorted(before, key=repr) == sorted(wanted, key=repr)
        if not same:
            yield Change(place, before, wanted)
    elif have != wanted:
        yield Change(place, have, wanted)


def _compare_keyed(
    have: Sequence[Fields], wanted: Sequence[Fields], name: str, place: str, layout: Layout
) -> Iterator[Change]:
    key = layout.keys[name]
    live = {item[key]: item for item in have}
    target = {item[key]: item for item in wanted}
    for identity, item in live.items():
        if identity not in target:
            yield Change(f"{place}[{identity}]", without_empty(item, layout), None)
    for identity, item in target.items():
        if identity in live:
            yield from differences(live[identity], item, layout, f"{place}[{identity}]")
        else:
            yield Change(f"{place}[{identity}]", None, without_empty(item, layout))
    if name in layout.ordered:
        stayed = [identity for identity in live if identity in target]
        reordered = [identity for identity in target if identity in live]
        if stayed != reordered:
            yield Change(f"{place} (order)", list(live), list(target))


def merged(live: Mapping[str, Any], desired: Mapping[str, Any], layout: Layout) -> Fields:
    """The live fields with the desired ones laid over them, for APIs that take the whole configuration.

    What nobody desires stays as it is, also inside the items of a keyed list; a null removes.
    """
    result = dict(live)
    for name, wanted in desired.items():
        have = live.get(name)
        if wanted is None:
            result.pop(name, None)
        elif isinstance(wanted, Mapping):
            result[name] = merged(have if isinstance(have, Mapping) else {}, wanted, layout)
        elif isinstance(wanted, list) and name in layout.keys:
            key = layout.keys[name]
            known = {item[key]: item for item in have or []}
            result[name] = [merged(known.get(item[key], {}), item, layout) for item in wanted]
        else:
            result[name] = wanted
    return result


def without_empty(value: Any, layout: Layout) -> Any:
    """The same value without members that mean "not set"; what a person wants to read."""
    if isinstance(value, Mapping):
        return {
            name: without_empty(member, layout)
            for name, member in value.items()
            if not is_empty({name: member}, layout)
        }
    if isinstance(value, list):
        return [without_empty(item, layout) for item in value]
    return value


def without_null(value: Any) -> Any:
    """The same value without null members: in an Ansible option that means "I did not say"."""
    if isinstance(value, Mapping):
        return {name: without_null(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [without_null(item) for item in value]
    return value


def hidden(value: Any, layout: Layout, label: str = "hidden") -> Any:
    """The same value with every secret member replaced by a label."""
    if isinstance(value, Mapping):
        return {
            name: f"({label})" if name in layout.secret and not is_empty(member) else hidden(member, layout, label)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [hidden(item, layout, label) for item in value]
    return value


def hidden_change(change: Change, layout: Layout) -> Change:
    """A change that may be printed. Two labels, so that ``--diff`` still shows that a secret differs."""
    if change.field.rsplit(".", 1)[-1] in layout.secret:
        return Change(
            change.field,
            None if is_empty(change.before) else "(hidden, before)",
            None if is_empty(change.after) else "(hidden, after)",
        )
    return Change(
        change.field,
        hidden(change.before, layout, "hidden, before"),
        hidden(change.after, layout, "hidden, after"),
    )


def diff_of(changes: Iterable[Change]) -> Fields:
    """What Ansible prints with ``--diff``: ``{before: {field: value}, after: {field: value}}``, nothing that stays."""
    listed = list(changes)
    return {
        "before": {change.field: change.before for change in listed if change.before is not None},
        "after": {change.field: change.after for change in listed if change.after is not None},
    }


def desired_tags(live: Mapping[str, str], wanted: Mapping[str, object] | None, *, purge: bool) -> Fields:
    """The tags as fields: a value to have, null to lose. Tags that begin with ``aws:`` belong to AWS.

    ``wanted`` None means that tags are not managed; the answer is then empty, whatever is there.
    """
    if wanted is None:
        return {}
    removed = {name: None for name in live if purge and name not in wanted and not name.startswith("aws:")}
    return {**removed, **{name: str(value) for name, value in wanted.items()}}


def tag_delta(live: Mapping[str, str], desired: Mapping[str, str | None]) -> tuple[dict[str, str], list[str]]:
    """``(tags to set, tag names to remove)`` that lead from the live tags to :func:`desired_tags`."""
    to_set = {name: value for name, value in desired.items() if value is not None and live.get(name) != value}
    return to_set, [name for name, value in desired.items() if value is None and name in live]


def nearest(name: str, known: Iterable[str]) -> str:
    """``" Did you mean x?"`` or nothing; meant to be appended to a refusal."""
    match = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {match[0]}?" if match else ""


@dataclass(frozen=True)
class Live:
    """A resource as it is: ``fields`` is compared, ``raw`` is what only the API layer needs (ARN, ETag, status)."""

    fields: Fields
    raw: Fields = field(default_factory=dict)


class Resource(ABC):
    """One resource of one kind; the module subclasses it with calls of its API layer and its pure functions."""

    kind: ClassVar[str]
    result_key: ClassVar[str]
    layout: ClassVar[Layout] = Layout()
    lifted: ClassVar[Mapping[str, Any]] = {}

    @property
    @abstractmethod
    def name(self) -> str:
        """What a person calls this one."""

    @abstractmethod
    def find(self) -> Live | None:
        """The live resource, or None."""

    @abstractmethod
    def desired(self, live: Live | None) -> Fields:
        """The fields that shall be, given what is (None: it is to be created, so defaults of creation are in)."""

    @abstractmethod
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        """Raise :class:`RefusalError` for what cannot be done; called in check mode too, before any write."""

    @abstractmethod
    def create(self, desired: Fields) -> Live:
        """Create and return what AWS answered."""

    @abstractmethod
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        """Make the changes and return what is now."""

    @abstractmethod
    def delete(self, live: Live) -> Live | None:
        """Begin to delete; None when it is gone already."""

    def is_leaving(self, live: Live) -> bool:
        """Whether somebody has deleted it and AWS is at work."""
        return bool(live.raw.get("status") == "deleting")

    def await_present(self, live: Live) -> Live:
        """Wait until it can be used."""
        return live

    def await_absent(self, live: Live) -> None:
        """Wait until it is gone; for kinds whose ``delete`` only begins."""
        raise NotImplementedError(f"{self.kind} is gone at once, yet there is still {live.fields}")

    def result(self, live: Live) -> Fields:
        """What the module returns."""
        return {**live.raw, **live.fields}

    def predicted(self, desired: Fields) -> Fields:
        """What the module returns in check mode for a resource that is not there yet."""
        return dict(desired)

    def top_level(self, after: Fields) -> Fields:
        """What the module returns beside the resource, for callers that want one value."""
        return {name: after.get(name, default) for name, default in self.lifted.items()}


@dataclass(frozen=True)
class Outcome:
    """What happened, or in check mode would."""

    changes: tuple[Change, ...]
    before: Fields | None
    after: Fields | None


def converge(resource: Resource, *, state: str, check_mode: bool, wait: bool) -> Outcome:
    """Bring one resource to ``present`` or ``absent``.

    A wait happens whether or not this call changed something: that is how a caller starts a slow resource with
    ``wait: false`` in one task and awaits it in a later one.
    """
    live = resource.find()
    if state == "absent":
        return _absent(resource, live, check_mode=check_mode, wait=wait)
    desired = resource.desired(live)
    changes = creation(resource, desired) if live is None else differences(live.fields, desired, resource.layout)
    resource.refuse(live, desired, changes)
    before = None if live is None else resource.result(live)
    if check_mode and changes:
        if live is None:
            return Outcome(tuple(changes), None, resource.predicted(desired))
        foreseen = Live(merged(live.fields, desired, resource.layout), live.raw)
        return Outcome(tuple(changes), before, resource.result(foreseen))
    if live is None:
        live = resource.create(desired)
    elif changes:
        live = resource.update(live, desired, changes)
    if wait and not check_mode:
        live = resource.await_present(live)
    return Outcome(tuple(changes), before, resource.result(live))


def creation(resource: Resource, desired: Fields) -> list[Change]:
    """A creation as changes: every field that is set, from nothing."""
    return [
        Change("state", "absent", "present"),
        *(Change(name, None, value) for name, value in without_empty(desired, resource.layout).items()),
    ]


def _absent(resource: Resource, live: Live | None, *, check_mode: bool, wait: bool) -> Outcome:
    if live is None:
        return Outcome((), None, None)
    before = resource.result(live)
    leaving = resource.is_leaving(live)
    changes = () if leaving else (Change("state", "present", "absent"),)
    if check_mode:
        return Outcome(changes, before, before if leaving else None)
    left = live if leaving else resource.delete(live)
    if left is not None and wait:
        resource.await_absent(left)
        left = None
    return Outcome(changes, before, None if left is None else resource.result(left))


def outcome_as_result(outcome: Outcome, resource: Resource) -> Fields:
    """The keyword arguments of ``exit_json``, free of secrets."""
    changes = [hidden_change(change, resource.layout) for change in outcome.changes]
    return {
        "changed": bool(changes),
        "changes": [change.as_dict() for change in changes],
        "diff": diff_of(changes),
        resource.result_key: hidden(outcome.after or {}, resource.layout),
        **resource.top_level(outcome.after or {}),
    }


def wait_until(
    what: str,
    probe: Callable[[], tuple[bool, str]],
    *,
    timeout: float,
    longest_pause: float = 15,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> float:
    """Ask ``probe`` until it says yes; return the seconds that it took.

    ``probe`` answers ``(done, where it stands)``. The pauses grow from half a second to ``longest_pause``: a rehearsal
    is done in a second and does not wait for a cloud's sake, a cloud is not asked every second for half an hour.

    Raises RefusalError after ``timeout`` seconds, with the last word of the probe.
    """
    begin = clock()
    pause = 0.5
    while True:
        done, standing = probe()
        elapsed = clock() - begin
        if done:
            return elapsed
        if elapsed >= timeout:
            raise RefusalError(f"{what} took longer than {timeout:.0f} s; it is still: {standing}.")
        sleep(min(pause, longest_pause, max(0.1, timeout - elapsed)))
        pause *= 1.5
