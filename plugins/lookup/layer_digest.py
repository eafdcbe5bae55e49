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

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError  # type: ignore[import-untyped]
from ansible.plugins.lookup import LookupBase  # type: ignore[import-untyped]
from ansible_collections.slipway.aws.plugins.plugin_utils.layer_inputs import digest


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Raises AnsibleLookupError for a role that is not there."""
        self.set_options(var_options=variables, direct=kwargs)
        top = Path(self.get_option("roles_path"))
        render = self._templar._engine.template
        try:
            return [digest([top / str(role) for role in roles], variables or {}, render) for roles in terms]
        except OSError as error:
            raise AnsibleLookupError(f"Failed to read {error.filename}: {error.strerror}") from error
