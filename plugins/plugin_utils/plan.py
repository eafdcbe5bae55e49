"""What the tasks of a dry run mean for the resources: entries of a plan.

Pure: the callback hands in arguments and results of modules, and gets entries. What is known about a module stands in
``plan_modules.yml`` beside this file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.common.dict_transformations import (  # type: ignore[import-untyped]
    camel_dict_to_snake_dict,
)

Values = Mapping[str, Any]

CREATE, CHANGE, REPLACE, DELETE, UNKNOWN, SAME = "create", "change", "replace", "delete", "unknown", "same"
#: In the order in which a person wants to read them; the later one wins when two tasks speak of one resource.
ACTIONS = (SAME, UNKNOWN, CHANGE, CREATE, REPLACE, DELETE)
SURVEY = "slipway.aws.stack_survey"
#: Collections whose modules talk to AWS.
COLLECTIONS = ("amazon.aws.", "community.aws.", "slipway.aws.")
HIDDEN = "(hidden)"
#: What modules call the tags of a resource: one that is no longer wanted goes.
TAGS = ("tags", "tags_dict", "bucket_tagging")
#: In place of what AWS will only say once it has made it.
NOT_YET = "(known once it is made)"
_WORDS = re.compile(r"\{([A-Za-z_.]+)\}")
_MEMBER = re.compile(r"^(?P<list>[a-z_]+)\[(?P<name>.*?)\](?:\.(?P<field>.+))?$")
_ABSENT = object()


@dataclass(frozen=True)
class Field:
    """One field that differs. ``told`` is false where nothing says from what or to what."""

    name: str
    before: Any = None
    after: Any = None
    told: bool = True


@dataclass(frozen=True)
class Entry:
    """One resource and what a run would do to it."""

    layer: str
    kind: str
    name: str
    action: str
    region: str = ""
    fields: tuple[Field, ...] = ()
    #: Why it is replaced, or why nothing more is known.
    reason: str = ""
    #: How users feel it; empty when they do not.
    interruption: str = ""
    #: Minutes that AWS typically needs; 0 is "seconds".
    minutes: int = 0
    #: US dollars a month more (or less); None is "not known".
    price: float | None = None
    attributes: Values = field(default_factory=dict)

    @property
    def identity(self) -> tuple[str, str, str]:
        """Two entries with the same one speak of the same resource."""
        return (self.kind, self.name, self.region)

    def as_dict(self) -> dict[str, Any]:
        """What a machine reads. ``price_usd_per_month`` null is "not known"."""
        return {
            "layer": self.layer,
            "kind": self.kind,
            "name": self.name,
            "region": self.region,
            "action": self.action,
            "fields": [
                {"field": one.name, "from": one.before, "to": one.after, "told": one.told} for one in self.fields
            ],
            "reason": self.reason,
            "interruption": self.interruption,
            "minutes": self.minutes,
            "price_usd_per_month": self.price,
        }


def load_modules(path: Path | None = None) -> dict[str, Values]:
    """The table of modules."""
    text = (path or Path(__file__).with_name("plan_modules.yml")).read_text()
    loaded: dict[str, Values] = yaml.safe_load(text)
    return loaded


def place(values: Any, path: str) -> Any:
    """The value at a dotted path ("." is the whole, a number an item of a list), or None."""
    if path == ".":
        return values
    for part in path.split("."):
        if isinstance(values, list) and part.isdigit():
            values = values[int(part)] if int(part) < len(values) else None
        else:
            values = values.get(part) if isinstance(values, Mapping) else None
    return values


@dataclass
class Plan:
    """Collects what a dry run says. ``resources`` is the variable ``plan_resources``: what the variables want."""

    modules: Mapping[str, Values] = field(default_factory=load_modules)
    region: str = ""
    entries: dict[tuple[str, str, str], Entry] = field(default_factory=dict)
    live: dict[tuple[str, str], Values] = field(default_factory=dict)
    #: (kind, what AWS calls it) -> what people call it, of everything that a result has shown.
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    #: Kinds of which an info module was asked.
    listed: set[str] = field(default_factory=set)
    #: (layer, module) whose task was come to, whether or not it had something to do.
    reached: set[tuple[str, str]] = field(default_factory=set)
    #: (layer, module) -> how often a result was hidden, by action.
    hidden: dict[tuple[str, str], list[bool]] = field(default_factory=dict)
    resources: Sequence[Values] = ()
    #: What the survey found changed by hand since the last run: `{layer, resource, field, …}`. Not every module says in
    #: check mode that it would put it back, and not everything is put back.
    drift: Sequence[Values] = ()
    #: What the survey could not read, and why, by layer: nobody knows what was changed there.
    unread: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: Layers that the survey found as the last run left them, with the same inputs: their tasks were not played.
    settled: frozenset[str] = frozenset()

    def observe(self, layer: str, module: str, result: Values, *, skipped: bool = False) -> None:
        """Take in the result of one task, or of one round of its loop."""
        if not module.startswith(COLLECTIONS):
            return
        self.reached.add((layer, module))
        if module == SURVEY:
            self.drift = result.get("drift") or self.drift
            self.unread = result.get("unread") or self.unread
        known = self.modules.get(module)
        arguments = dict(place(result, "invocation.module_args") or {})
        if known is None:
            if result.get("changed"):
                self._add(Entry(layer, module, "?", UNKNOWN, reason="the table of modules does not know this module"))
            return
        if known.get("reads"):
            self._read(known, result)
            return
        if skipped or (not arguments and "censored" not in result):
            return
        if "censored" in result:
            self.hidden.setdefault((layer, module), []).append(bool(result.get("changed")))
            return
        if known.get("hidden"):
            self._show(known, arguments, place(result, known["live"]))
            return
        if "removes" in known:
            for name in place(result, known["removes"]) or []:
                self._add(self._finish(Entry(layer, known["kind"], str(name), DELETE), known, arguments))
            return
        if "members" in known:
            for entry in self._members(layer, known, arguments, result):
                self._add(entry)
            return
        entry = self._entry(layer, known, arguments, result)
        if "live" in known:
            live = place(result, known["live"])
            self.names[entry.kind, str(place(live, "id"))] = entry.name
        self._add(entry)

    def _read(self, known: Values, result: Values) -> None:
        if "kind" in known and isinstance(result.get(known["list"]), list):
            for kind in (known["kind"], *known.get("also", [])):
                self.listed.add(kind)
                for one in result[known["list"]]:
                    if "leaving" in known and one.get(known["leaving"]):
                        continue
                    name = str(one.get(known["name"]))
                    self.live[kind, name] = one
                    if "id" in known:
                        self.names[kind, str(one.get(known["id"]))] = name

    def _show(self, known: Values, arguments: Values, live: Any) -> None:
        """Keep what was shown of a resource whose changes will be hidden."""
        self.listed.add(known["kind"])
        if isinstance(live, Mapping):
            self.live[known["kind"], _name(known["name"], arguments)] = live

    def _entry(self, layer: str, known: Values, arguments: Values, result: Values) -> Entry:
        kind, name = known["kind"], _name(known["name"], arguments)
        region = str(arguments.get("region") or arguments.get("aws_region") or "")
        entry = Entry(layer, kind, name, SAME, region="" if region == self.region else region)
        if not result.get("changed"):
            return entry
        fields = tuple(self._fields(known, arguments, result, name))
        if arguments.get("state") in ("absent", "deleted"):
            return self._finish(replace(entry, action=DELETE), known, arguments)
        exists = self._exists(known, result, name)
        if exists is None:
            return replace(entry, action=UNKNOWN, fields=fields, reason="the module tells neither what nor why")
        if not exists:
            return self._finish(replace(entry, action=CREATE), known, arguments)
        untold = [one for one in known.get("untold", []) if arguments.get(one)]
        reason = f"not compared: {', '.join(untold)}" if untold else ""
        fields = fields or (Field("?", told=False),)
        return self._finish(replace(entry, action=CHANGE, fields=fields, reason=reason), known, arguments)

    def _exists(self, known: Values, result: Values, name: str) -> bool | None:
        how = known.get("exists", "")
        if how == "never":
            return False
        if how == "diff":
            diff = _one_diff(result)
            return bool(diff.get("before")) if diff is not None else None
        if how == "changes":
            return not any(
                change["field"] == "state" and change["from"] == "absent" for change in result.get("changes", [])
            )
        if how == "message":
            return "creat" not in str(result.get("msg", ""))
        if how == "live":
            return (known["kind"], name) in self.live
        found = place(result, _filled(how, place(result, "invocation.module_args"))) if how else None
        return bool(found) and found != known.get("placeholder") if how else None

    def _fields(self, known: Values, arguments: Values, result: Values, name: str) -> Iterator[Field]:
        if "changes" in result:
            for change in result["changes"]:
                yield Field(change["field"], change["from"], change["to"])
            return
        for argument, where in known.get("documents", {}).items():
            yield from _statements(argument, place(result, _filled(where, arguments)), arguments.get(argument))
        diff = _one_diff(result)
        if diff is not None and isinstance(diff.get("before"), Mapping) and isinstance(diff.get("after"), Mapping):
            if "documents" not in known:
                yield from compared(diff["before"], diff["after"])
            return
        live = place(result, known["live"]) if "live" in known else self.live.get((known["kind"], name))
        if not isinstance(live, Mapping):
            return
        mapped = known.get("fields", {})
        for argument, wanted in arguments.items():
            where = mapped.get(argument, argument)
            if not where or wanted is None or argument == "state":
                continue
            if argument not in mapped and argument != "tags" and not isinstance(wanted, str | int | float):
                continue
            yield from _compare(argument, place(live, where) if "." in where else live.get(where, _ABSENT), wanted)
        for argument, key in known.get("keyed", {}).items():
            yield from _keyed(argument, key, live.get(argument), arguments.get(argument) or [])
        for argument, how in known.get("lists", {}).items():
            if arguments.get(argument) is not None:
                yield from self._listed(argument, how, live, arguments)

    def _listed(self, argument: str, how: Values, live: Values, arguments: Values) -> Iterator[Field]:
        """Members of a list that both sides have, each with what it leads to."""
        asked = arguments[argument]
        have = dict(_pairs(how, live.get(how["live"]) or []))
        if "of" in how:
            have = {self.names.get((how["of"], member), member): value for member, value in have.items()}
        wanted = dict(_pairs(how, [asked] if isinstance(asked, str) else asked))
        purged = not isinstance(asked, str) and arguments.get(how.get("purged", ""), True)
        for member in sorted(have.keys() | wanted.keys() if purged else wanted):
            before, after = have.get(member, "absent"), wanted.get(member, "absent")
            if before != after:
                yield Field(f"{argument}[{member}]", before, after)

    def _members(self, layer: str, known: Values, arguments: Values, result: Values) -> Iterator[Entry]:
        """One entry for each log group, alarm and so on that one call of a module keeps."""
        region = str(arguments.get("region") or "")
        region = "" if region == self.region else region
        changed: dict[str, list[Field]] = {}
        made: dict[str, str] = {}
        for change in result.get("changes", []):
            match = _MEMBER.match(change["field"])
            if match is None:
                yield Entry(
                    layer, known["kind"], "?", CHANGE, region, (Field(change["field"], change["from"], change["to"]),)
                )
            elif match["field"]:
                changed.setdefault(match["name"], []).append(Field(match["field"], change["from"], change["to"]))
            else:
                made[match["name"]] = CREATE if change["from"] is None else DELETE
        for name, action in made.items():
            yield self._finish(Entry(layer, known["kind"], name, action, region), known, arguments)
        for name, fields in changed.items():
            if name not in made:
                yield self._finish(Entry(layer, known["kind"], name, CHANGE, region, tuple(fields)), known, arguments)
        for part in known["members"].split("|"):
            for member in arguments.get(part) or []:
                name = f"{arguments.get('prefix') or ''}{member.get('name')}"
                if "member" in known:
                    name = str(member[known["member"]])
                if name not in made and name not in changed:
                    yield Entry(layer, known["kind"], name, SAME, region)

    def _finish(self, entry: Entry, known: Values, arguments: Values) -> Entry:
        """Whether it is replaced, who feels it, and how long it takes."""
        names = {one.name.split(".")[0].split("[")[0] for one in entry.fields}
        reasons = [f"{name}: {why}" for name, why in known.get("replaced", {}).items() if name in names]
        if entry.action == CHANGE and reasons:
            entry = replace(entry, action=REPLACE, reason="; ".join(reasons))
        felt = [f"{name}: {how}" for name, how in known.get("interrupts", {}).items() if name in names]
        if known.get("always"):
            felt.append(known["always"])
        if felt and known.get("deferred") and arguments.get(known["deferred"]) is False:
            felt = [f"{text} (in the next maintenance window)" for text in felt]
        if entry.action == DELETE:
            felt.append("whoever uses it has it no more")
        if entry.action == REPLACE:
            felt.append("away between the old one and the new one")
        minutes = int(known.get("minutes", {}).get(entry.action, 0))
        return replace(entry, interruption="; ".join(felt) if entry.action != CREATE else "", minutes=minutes)

    def _add(self, entry: Entry) -> None:
        before = self.entries.get(entry.identity)
        if before is None or ACTIONS.index(entry.action) > ACTIONS.index(before.action):
            known = {one.name for one in entry.fields}
            left = tuple(one for one in before.fields if one.name not in known) if before else ()
            self.entries[entry.identity] = replace(entry, fields=entry.fields + left)
        elif entry.action == before.action == CHANGE:
            names = {one.name for one in before.fields}
            more = tuple(one for one in entry.fields if one.name not in names)
            self.entries[entry.identity] = replace(before, fields=before.fields + more)

    # --- what the variables want

    def conclude(self) -> list[Entry]:
        """All entries, in the order of the layers, once the run is over.

        What the run did not come to is taken from ``resources``: inside of something that does not exist yet it is
        made; where a task was come to and had nothing to do, it is there; else nothing is known.
        """
        self._unhide()
        for wanted in self.resources:
            identity = (str(wanted["kind"]), str(wanted["name"]), str(wanted.get("region", "")))
            if identity not in self.entries:
                self.entries[identity] = self._foretold(wanted)
            entry = self.entries[identity]
            attributes = wanted.get("attributes") or {}
            self.entries[identity] = replace(entry, attributes=attributes)
        order = {str(one["layer"]): number for number, one in reversed(list(enumerate(self.resources)))}
        return sorted(self.entries.values(), key=lambda entry: order.get(entry.layer, len(order)))

    def _module_of(self, kind: str) -> tuple[str, Values]:
        for module, known in self.modules.items():
            if known.get("kind") == kind and not known.get("reads"):
                return module, known
        raise ValueError(f"plan_resources names a {kind}, which no module of the table makes")

    def _unhide(self) -> None:
        """Names for results that no_log hides: those of the variables, in their order."""
        for (layer, module), changed in self.hidden.items():
            kind = self.modules[module]["kind"]
            wanted = {str(one["name"]): one for one in self.resources if (one["layer"], one["kind"]) == (layer, kind)}
            names = list(wanted)
            if len(changed) == 1:
                # The rounds of a loop are hidden as one.
                changed = changed * max(len(names), 1)
            if len(names) != len(changed):
                names = [f"{HIDDEN} {number + 1}" for number in range(len(changed))]
            shown = [self._shown(layer, kind, wanted.get(name)) for name in names]
            # What was shown explains that something changes, or it does not.
            explained = any(entry and entry.action != SAME for entry in shown)
            for name, has, entry in zip(names, changed, shown, strict=True):
                if entry and (explained or not has):
                    self._add(entry)
                    continue
                action = (CREATE if self._absent_around(layer, kind, name) else UNKNOWN) if has else SAME
                reason = "what changes is hidden, because a secret passes there" if action == UNKNOWN else ""
                self._add(Entry(layer, kind, name, action, reason=reason))

    def _shown(self, layer: str, kind: str, wanted: Values | None) -> Entry | None:
        """What the variables want, beside what was shown; None where nothing was."""
        if wanted is None or kind not in self.listed:
            return None
        live = self.live.get((kind, str(wanted["name"])))
        fields = tuple(self._attribute_fields(wanted, live)) if live is not None else ()
        action = CREATE if live is None else CHANGE if fields else SAME
        return Entry(layer, kind, str(wanted["name"]), action, fields=fields)

    def _absent_around(self, layer: str, kind: str, name: str) -> bool:
        for one in self.resources:
            if (one["layer"], one["kind"], str(one["name"])) == (layer, kind, name):
                return bool(self._made_first(one))
        return False

    def _made_first(self, wanted: Values) -> str:
        """What it lies in, and a run would have to make before it; empty when all is there."""
        within = wanted.get("within") or []
        for around in [within] if isinstance(within, Mapping) else within:
            kind, name = str(around["kind"]), str(around["name"])
            entry = self.entries.get((kind, name, ""))
            if (kind in self.listed and (kind, name) not in self.live) or (entry and entry.action == CREATE):
                return f"{kind} {name}"
        return ""

    def _foretold(self, wanted: Values) -> Entry:
        kind, name = str(wanted["kind"]), str(wanted["name"])
        module, known = self._module_of(kind)
        entry = Entry(str(wanted["layer"]), kind, name, SAME, str(wanted.get("region", "")))
        if entry.layer in self.settled:
            return entry
        attributes = wanted.get("attributes") or {}
        live = self.live.get((kind, name))
        if live is not None and known.get("blind"):
            fields = tuple(self._attribute_fields(wanted, live))
            return self._finish(replace(entry, action=CHANGE if fields else SAME, fields=fields), known, attributes)
        if kind in self.listed and live is None:
            return self._finish(replace(entry, action=CREATE), known, attributes)
        if first := self._made_first(wanted):
            text = f"foretold: {first} is made first"
            return self._finish(replace(entry, action=CREATE, reason=text), known, attributes)
        if (entry.layer, module) in self.reached:
            reason = "not compared: its module has no check mode" if known.get("blind") else ""
            return replace(entry, reason=reason)
        return replace(
            entry, action=UNKNOWN, reason="check mode did not come so far: something that it needs is missing"
        )

    def _attribute_fields(self, wanted: Values, live: Values) -> Iterator[Field]:
        for name, value in (wanted.get("live") or {}).items():
            yield from _compare(name, place(live, name), value)


def _name(template: str, arguments: Values) -> str:
    return _filled(template, arguments) if "{" in template else str(place(arguments, template) or "")


def _filled(template: str, arguments: Any) -> str:
    return _WORDS.sub(lambda match: str(place(arguments, match[1]) or ""), template)


def _one_diff(result: Values) -> Values | None:
    diff = result.get("diff")
    if isinstance(diff, Sequence) and not isinstance(diff, str):
        diff = next((one for one in diff if isinstance(one, Mapping)), None)
    return diff if isinstance(diff, Mapping) else None


def compared(before: Values, after: Values) -> Iterator[Field]:
    """The members that two descriptions of a resource both have, and in which they differ."""
    for name in before:
        if name in after:
            yield from _compare(str(name), before[name], after[name])


def _keyed(name: str, key: str, have: Any, wanted: Sequence[Values]) -> Iterator[Field]:
    """Members of a list that one of their own fields tells apart, such as listeners by their port."""
    if not isinstance(have, Sequence):
        return
    live = {_plain(one.get(key)): one for one in have}
    # AWS's own names, as its answers reach Ansible.
    asked = {_plain(one[key]): one for one in map(camel_dict_to_snake_dict, wanted)}
    for member, one in asked.items():
        if member in live:
            yield from _both(f"{name}[{member}]", live[member], one)
        else:
            yield Field(f"{name}[{member}]", "absent", "present")
    for gone in sorted(live.keys() - asked.keys()):
        yield Field(f"{name}[{gone}]", "present", "absent")


def _pairs(how: Values, members: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """What tells each member of a list apart, and what it leads to, if it leads anywhere."""
    for one in members:
        if isinstance(one, Mapping):
            key, value = (_first(how.get(what, ""), one) for what in ("key", "value"))
            if key and (not value or value != how.get("besides")):
                yield key, value or (NOT_YET if "value" in how else "present")
        else:
            yield str(one), "present"


def _first(names: str, one: Values) -> str:
    """The first of several members ("a|b") that has a value."""
    return next((str(one[name]) for name in names.split("|") if one.get(name)), "")


def _statements(name: str, have: Any, wanted: Any) -> Iterator[Field]:
    """Statements of a policy (IAM's JSON) in which two documents differ, by their Sid."""
    live, asked = _document(have), _document(wanted)
    for sid in dict.fromkeys([*live, *asked]):
        if live.get(sid) != asked.get(sid):
            yield Field(f"{name}[{sid}]", live.get(sid, "absent"), asked.get(sid, "absent"))


def _document(policy: Any) -> dict[str, Any]:
    """The statements of a policy, as AWS compares them: a list of one is that one, and an order has no meaning."""
    if isinstance(policy, str):
        policy = json.loads(policy)
    statements = (policy or {}).get("Statement", [])
    numbered = enumerate([statements] if isinstance(statements, Mapping) else statements, 1)
    return {str(one.get("Sid") or number): _plain(_unlisted(one)) for number, one in numbered}


def _unlisted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _unlisted(member) for name, member in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _unlisted(value[0]) if len(value) == 1 else [_unlisted(one) for one in value]
    return value


def _both(name: str, have: Any, wanted: Any) -> Iterator[Field]:
    """Where the live description has what is wanted, and something else in it.

    What has one of several members, such as a rule's ``action: {count: {}}``, differs where the live one has another.
    """
    if isinstance(wanted, Mapping) and isinstance(have, Mapping):
        if wanted and have and not any(member in have for member in wanted):
            yield Field(name, have, wanted)
        for member, value in wanted.items():
            if value is not None and member in have:
                yield from _both(f"{name}.{member}", have[member], value)
    elif isinstance(wanted, list) and isinstance(have, list) and len(wanted) == len(have):
        for live, one in zip(have, wanted, strict=True):
            yield from _both(name, live, one)
    else:
        yield from _compare(name, have, wanted)


def _compare(name: str, have: Any, wanted: Any) -> Iterator[Field]:
    tags = name in TAGS
    if isinstance(wanted, Mapping) and (isinstance(have, Mapping) or tags):
        inside = have if isinstance(have, Mapping) else {}
        for member in dict.fromkeys([*wanted, *(inside if tags else {})]):
            if not str(member).startswith("aws:"):
                yield from _compare(f"{name}.{member}", inside.get(member), wanted.get(member))
        return
    if have is _ABSENT or _plain(have) == _plain(wanted):
        return
    yield Field(name, have, wanted)


def _plain(value: Any) -> Any:
    """Numbers and booleans as modules and APIs write them in several ways; order of a list has no meaning here."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return value.lower() if value in ("True", "False") else value
    if isinstance(value, Mapping):
        return {str(name): _plain(member) for name, member in value.items() if member is not None}
    if isinstance(value, Sequence):
        return sorted((_plain(item) for item in value), key=repr)
    return value


def counts(entries: Iterable[Entry]) -> dict[str, int]:
    """How many of each action."""
    found = dict.fromkeys((CREATE, CHANGE, REPLACE, DELETE, UNKNOWN, SAME), 0)
    for entry in entries:
        found[entry.action] += 1
    return found


def status(entries: Iterable[Entry]) -> int:
    """The exit status of a plan that met no error: 0 nothing to do, 2 something."""
    return 2 if any(entry.action != SAME for entry in entries) else 0
