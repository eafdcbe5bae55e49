"""Digests of what roles would do with what they are given: what a layer was made of.

Pure but for the files of the roles, which are read once in a process.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Mapping, Sequence
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


def settled(
    candidates: Sequence[str], recorded: Mapping[str, str], digest_beside: Callable[[str, set[str]], str]
) -> list[str]:
    """The layers that are given what the record says, and read nothing but of others of this kind.

    ``digest_beside`` gives the digest of a layer that sees the results of some others, and of no more. One that reads
    what another layer has yet to return is not among them: it may be given something else by then.
    """
    found: set[str] = set()
    left = list(candidates)
    while True:
        before = len(left)
        for layer in list(left):
            known = digest_beside(layer, found)
            if known and known == recorded.get(layer):
                found.add(layer)
                left.remove(layer)
        if len(left) == before:
            return [layer for layer in candidates if layer in found]
