"""Ansible lookup: digests of what roles would do with what they are given."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
name: layer_digest
version_added: 0.1.0
short_description: One digest of a layer's roles and of every value that they are given
description:
  - SHA-256 over the files of the roles, the values of the options in their C(meta/argument_specs.yml), and the code
    that runs them, namely this collection's modules and the versions of ansible-core, boto3 and the stock collections.
  - An option that nobody sets counts with the text of its default, which is a file of the role.
  - A layer whose input cannot be known yet, because another layer has to return it first, has no digest.
author: Slipway
options:
  _terms:
    description: Layers, each a list of the names of its roles.
    type: list
    elements: list
    required: true
  roles_path:
    description: Where the roles lie.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Leave out a layer for which nothing changed
  ansible.builtin.debug:
    msg: "{{ query('slipway.aws.layer_digest', ['aws_network', 'aws_security'], roles_path='/srv/slipway/roles') }}"
"""

RETURN = r"""
_raw:
  description: A digest in hex for every layer, or an empty text.
  type: list
  elements: str
"""

import functools
import hashlib
import importlib.metadata
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError, AnsibleLookupError  # type: ignore[import-untyped]
from ansible.plugins.lookup import LookupBase  # type: ignore[import-untyped]
from ansible_collections.slipway.aws.plugins.plugin_utils.tree_digest import tree_digest
from jinja2 import UndefinedError

_PLUGINS = Path(__file__).resolve().parent.parent
_DISTRIBUTIONS = ("ansible", "ansible-core", "boto3", "botocore")


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


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Raises AnsibleLookupError for a role that is not there."""
        self.set_options(var_options=variables, direct=kwargs)
        top = Path(self.get_option("roles_path"))
        return [self._digest([top / str(role) for role in roles], variables or {}) for roles in terms]

    def _digest(self, roles: list[Path], variables: dict[str, Any]) -> str:
        try:
            described = [_role(path) for path in roles]
        except OSError as error:
            raise AnsibleLookupError(f"Failed to read {error.filename}: {error.strerror}") from error
        values = self._values((name for _, names in described for name in names), variables)
        if values is None:
            return ""
        whole = [_code(), [digest for digest, _ in described], values]
        return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()

    def _values(self, names: Iterable[str], variables: dict[str, Any]) -> dict[str, Any] | None:
        given = {name: variables[name] for name in names if name in variables}
        try:
            values: dict[str, Any] = self._templar._engine.template(given)
            # Whatever of it is not known says so only when somebody looks.
            json.dumps(values, default=str)
        except (AnsibleError, UndefinedError):
            return None
        return values
