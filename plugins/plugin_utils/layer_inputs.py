"""Digests of what roles would do with what they are given: what a layer was made of.

Pure but for the files of the roles, which are read once in a process.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError  # type: ignore[import-untyped]
from ansible_collections.slipway.aws.plugins.plugin_utils.tree_digest import tree_digest
from jinja2 import UndefinedError

_PLUGINS = Path(__file__).resolve().parent.parent
_DISTRIBUTIONS = ("ansible", "ansible-core", "boto3", "botocore")

#: Takes values as they were written, gives them as a role would see them. Raises AnsibleError or UndefinedError when
#: one of them cannot be known.
Render = Callable[[Mapping[str, Any]], Any]


@functools.cache
def _code() -> list[str]:
    """What runs the roles. The same for a whole run."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in _DISTRIBUTIONS]
    return [*versions, *(tree_digest(_PLUGINS / part) for part in ("modules", "module_utils"))]


@functools.cache
def _role(path: Path) -> tuple[str, tuple[str, ...]]:
    """The digest of a role's files, and the names of its options. Raises OSError."""
    specs = yaml.safe_load((path / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    names = sorted({name for entry in specs.values() for name in entry.get("options") or {}})
    return tree_digest(path), tuple(names)


def digest(roles: Sequence[Path], variables: Mapping[str, Any], render: Render) -> str:
    """SHA-256 in hex of a layer's roles and of every value that they are given; empty when one cannot be known.

    An option that nobody sets counts with the text of its default, which is a file of the role. Raises OSError when a
    role is not there.
    """
    described = [_role(path) for path in roles]
    given = {name: variables[name] for _, names in described for name in names if name in variables}
    try:
        values = render(given)
        # Whatever of it is not known says so only when somebody looks.
        whole = json.dumps([_code(), [own for own, _ in described], values], sort_keys=True, default=str)
    except (AnsibleError, UndefinedError):
        return ""
    return hashlib.sha256(whole.encode()).hexdigest()


def unreached(same: Collection[str], reads: Mapping[str, Collection[str]], converging: Collection[str]) -> set[str]:
    """Those of the layers in ``same`` that a run does not reach: they read of no layer that it converges, nor does what
    they read of.

    ``same`` are layers that are given what they were given before, as far as that can be said now; ``reads`` tells of
    whom each of them reads, and ``converging`` which layers a run may converge at all.
    """
    left = set(same)
    while True:
        moved = set(converging) - left
        reached = {layer for layer in left if moved & set(reads[layer])}
        if not reached:
            return left
        left -= reached
