"""Ansible lookup: the layers that a run can leave out, whatever it does to the others."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
name: settled_layers
version_added: 0.1.0
short_description: Layers that have nothing to do, whatever is done to the others
description:
  - Of the layers that a survey found as they were recorded, those whose inputs have the recorded digest
    (P(slipway.aws.layer_digest#lookup)) and that read of no layer that has to converge, nor does what they read of.
  - Who reads of whom is seen while the inputs are templated, so that nobody has to keep a list of it.
author: Slipway
options:
  _terms:
    description: Results of surveys, each with C(settled), the names of layers, and C(inputs), their recorded digests.
    type: list
    elements: dict
    required: true
  layers:
    description: The names of each layer's roles. A layer is also the host that C(hostvars) knows its results by.
    type: dict
    required: true
  without:
    description: Layers that no run converges, so that what others read of them stays what it is.
    type: list
    elements: str
    default: []
  roles_path:
    description: Where the roles lie.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Leave out what has nothing to do
  ansible.builtin.debug:
    msg: "{{ query('slipway.aws.settled_layers', survey, layers={'network': ['aws_network']}, roles_path='roles') }}"
"""

RETURN = r"""
_raw:
  description: For each survey the layers, in its order.
  type: list
  elements: list
"""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError  # type: ignore[import-untyped]
from ansible.plugins.lookup import LookupBase  # type: ignore[import-untyped]
from ansible_collections.slipway.aws.plugins.plugin_utils.layer_inputs import digest, unreached


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[list[str]]:
        """Raises AnsibleLookupError for a role that is not there."""
        self.set_options(var_options=variables, direct=kwargs)
        top, layers = Path(self.get_option("roles_path")), self.get_option("layers")
        roles = {layer: [top / str(role) for role in names] for layer, names in layers.items()}
        try:
            return [self._settled(survey, roles, variables or {}) for survey in terms]
        except OSError as error:
            raise AnsibleLookupError(f"Failed to read {error.filename}: {error.strerror}") from error

    def _settled(
        self, survey: Mapping[str, Any], roles: Mapping[str, list[Path]], variables: dict[str, Any]
    ) -> list[str]:
        reads: dict[str, set[str]] = {}
        for layer in survey["settled"]:
            hostvars, seen = watched(variables["hostvars"])
            given = {**variables, "hostvars": hostvars}
            render = self._templar._engine.extend(variables=given).template
            if digest(roles[layer], given, render) == survey["inputs"][layer]:
                reads[layer] = seen - {layer}
        left = unreached(reads, reads, roles.keys() - set(self.get_option("without")))
        return [layer for layer in roles if layer in left]


def watched(hostvars: Any) -> tuple[Any, set[str]]:
    """The variables of all hosts, and of which hosts somebody has read any by now.

    Leans on how HostVars.__getitem__ gets them. Raises AnsibleLookupError when an ansible-core does it otherwise:
    to see nothing would mean to leave out what has something to do.
    """
    seen: set[str] = set()
    known: dict[str, Any] = {}

    def raw_get(host: str) -> Any:
        seen.add(host)
        if host not in known:
            known[host] = hostvars.raw_get(host)
        return known[host]

    own = copy.copy(hostvars)
    own.raw_get = raw_get
    own["localhost"]
    if seen != {"localhost"}:
        raise AnsibleLookupError(
            "This ansible-core reads hostvars in another way than plugins/lookup/settled_layers.py knows"
        )
    seen.clear()
    return own, seen
