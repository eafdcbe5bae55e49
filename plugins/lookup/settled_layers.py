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
    (P(slipway.aws.layer_digest#lookup)) and that read nothing but what others of this kind returned.
  - What one of them reads is found out by giving it no more than that. A layer that reads what another has yet to
    return is not among them, since nobody knows what it will be.
author: Slipway
options:
  _terms:
    description: Results of surveys, each with C(settled), C(inputs) and C(results) by layer.
    type: list
    elements: dict
    required: true
  layers:
    description: The names of each layer's roles. A layer is also the host that C(hostvars) knows its results by.
    type: dict
    required: true
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

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError  # type: ignore[import-untyped]
from ansible.plugins.lookup import LookupBase  # type: ignore[import-untyped]
from ansible_collections.slipway.aws.plugins.plugin_utils.layer_inputs import digest, settled


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
        others = {host: variables["hostvars"][host] for host in variables.get("hostvars", {}) if host not in roles}

        def digest_beside(layer: str, known: set[str]) -> str:
            results = {one: survey["results"].get(one, {}) if one in {layer, *known} else {} for one in roles}
            seen = {**variables, "hostvars": {**others, **results}}
            return digest(roles[layer], seen, self._templar._engine.extend(variables=seen).template)

        candidates = [layer for layer in roles if layer in survey["settled"]]
        return settled(candidates, survey["inputs"], digest_beside)
