"""The list of corrections that wait to be applied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_waiting: list[tuple[Any, str, Any]] = []


def correct[F: Callable[..., Any]](owner: Any, name: str) -> Callable[[F], F]:
    """Let the decorated function become the method `name` of the class (or module) `owner`."""

    def remember(function: F) -> F:
        _waiting.append((owner, name, function))
        return function

    return remember


def correct_value(owner: Any, name: str, value: Any) -> None:
    """Let `value` (a property, a constant) become the attribute `name` of `owner`."""
    _waiting.append((owner, name, value))


def install() -> None:
    """Apply what waits."""
    while _waiting:
        owner, name, value = _waiting.pop(0)
        setattr(owner, name, value)
