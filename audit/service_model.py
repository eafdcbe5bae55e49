"""A request against botocore's model of the service: names, types, enumerations, lengths, ranges and patterns.

botocore itself checks required members, types and minima before it sends; AWS refuses the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore.model import OperationModel, Shape

from audit.recording import Call


@cache
def operation_model(service: str, operation: str) -> OperationModel:
    """botocore's model of an operation.

    Raises botocore.exceptions.UnknownServiceError, or botocore.model.OperationNotFoundError.
    """
    model: OperationModel = _service_model(service).operation_model(operation)
    return model


@cache
def _service_model(service: str) -> Any:
    """Read once: EC2's alone is some megabytes."""
    session: Any = botocore.session.get_session()
    return session.get_service_model(service)


def violations(call: Call) -> list[str]:
    """What AWS's own description of the operation says against a request, one sentence each."""
    shape = operation_model(call.service, call.operation).input_shape
    if shape is None:
        return []
    # The emulated account knows a member of the path by its name in the path as well.
    wire = {member.serialization.get("name") for member in shape.members.values()} - set(shape.members)
    given = {name: value for name, value in call.parameters.items() if name not in wire}
    return [f"{call.name}: {place.lstrip('.')} {what}" for place, what in _check(shape, given, "")]


def _check(shape: Any, value: Any, place: str) -> Iterator[tuple[str, str]]:
    kind = shape.type_name
    if kind == "structure":
        yield from _structure(shape, value, place)
    elif kind == "list":
        yield from _bounds(shape, len(value), place, "entries")
        for entry in value:
            yield from _check(shape.member, entry, f"{place}[]")
    elif kind == "map":
        yield from _bounds(shape, len(value), place, "entries")
        for key, entry in value.items():
            yield from _check(shape.key, key, f"{place} (key {key!r})")
            yield from _check(shape.value, entry, f"{place}.{key}")
    elif kind == "string":
        yield from _string(shape, value, place)
    elif kind in ("integer", "long", "float", "double") and not isinstance(value, bool):
        if not isinstance(value, int | float):
            yield place, f"is {value!r}, not a number"
        else:
            yield from _bounds(shape, value, place, "")
    elif kind == "boolean" and not isinstance(value, bool):
        yield place, f"is {value!r}, not a boolean"


def _structure(shape: Any, value: Any, place: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield place, f"is {type(value).__name__}, not a structure"
        return
    for name in shape.required_members:
        if name not in value:
            yield f"{place}.{name}", "is required"
    for name, member in value.items():
        if name not in shape.members:
            yield f"{place}.{name}", "is unknown to AWS"
        else:
            yield from _check(shape.members[name], member, f"{place}.{name}")


def _string(shape: Any, value: Any, place: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, str):
        yield place, f"is {value!r}, not a text"
        return
    if shape.enum and value not in shape.enum:
        yield place, f"is {value!r}; AWS knows {', '.join(shape.enum[:12])}"
    yield from _bounds(shape, len(value), place, "characters")
    pattern = shape.metadata.get("pattern")
    if pattern and (compiled := _pattern(pattern)) is not None and not compiled.fullmatch(value):
        yield place, f"is {value!r}, which does not match {pattern}"


def _bounds(shape: Shape, number: float, place: str, unit: str) -> Iterator[tuple[str, str]]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and number < low:
        yield place, f"has {number} {unit}, AWS wants {low} or more"
    if high is not None and number > high:
        yield place, f"has {number} {unit}, AWS allows {high}"


#: POSIX classes and Java's escapes, which Python spells otherwise.
_SPELLING = (
    (r"\p{IsLetter}", r"^\W\d_"),
    (r"\p{Alnum}", "a-zA-Z0-9"),
    (r"\p{L}", r"A-Za-z\u00aa-\uffff"),
    (r"\p{Z}", r"\s\u00a0"),
    (r"\p{N}", "0-9"),
    (r"\p{ASCII}", r"\x00-\x7f"),
    (r"\p{M}", r"\u0300-\u036f"),
    (r"\p{P}", r"!-/:-@\[-`{-~"),
    (r"\p{S}", r"$+<=>^`|~"),
    (r"\p{C}", r"\x00-\x1f"),
    (r"\P{Graph}", r"\x00-\x20"),
    # A pair of surrogates is one character here.
    (r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010ffff"),
)


@cache
def _pattern(text: str) -> re.Pattern[str] | None:
    """AWS's pattern in Python's spelling; None when Python has none for it (said by `unreadable_patterns`)."""
    for theirs, ours in _SPELLING:
        text = text.replace(theirs, ours)
    text = re.sub(r"\\x\{([0-9A-Fa-f]+)\}", lambda found: f"\\U{int(found[1], 16):08x}", text)
    # In the middle of a pattern it means the rest of it; AWS has it in alternatives that compare without case anyway.
    flags = re.ASCII | (re.IGNORECASE if "(?i)" in text else re.NOFLAG)
    text = text.replace("(?i)", "")
    try:
        return re.compile(text, flags)
    except re.error:
        return None


def unreadable_patterns(call: Call) -> list[str]:
    """Patterns of the operation that Python cannot read, so that nobody takes them for checked."""
    found: list[str] = []

    def walk(shape: Any, value: Any) -> None:
        if shape.type_name == "structure" and isinstance(value, dict):
            for name, member in value.items():
                if name in shape.members:
                    walk(shape.members[name], member)
        elif shape.type_name == "list":
            for entry in value:
                walk(shape.member, entry)
        elif shape.type_name == "string":
            pattern = shape.metadata.get("pattern")
            if pattern and _pattern(pattern) is None:
                found.append(f"{call.name} {shape.name}: {pattern}")

    if (shape := operation_model(call.service, call.operation).input_shape) is not None:
        walk(shape, call.parameters)
    return found
