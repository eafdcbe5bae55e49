"""Ansible lookup: variables of an inventory that nobody knows."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
name: unknown_variables
version_added: 0.1.0
short_description: Variables that an inventory sets and nobody reads
description:
  - Reads what the C(group_vars), C(host_vars) and static inventories of an environment set, and returns the names that
    are no option of a role (C(meta/argument_specs.yml)), are not set in the project's C(group_vars), and are not
    mentioned in its C(group_vars), playbooks or inventories.
  - A misspelt variable is thus found before it silently does nothing.
author: Slipway
options:
  _terms:
    description: Directories of environments, such as C(inventories/staging). A relative one is relative to O(project).
    type: list
    elements: path
    required: true
  project:
    description: Directory with C(roles), C(group_vars) and C(playbooks). The parent of the playbook's when not set.
    type: path
  also_known:
    description: Further names that are known.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Refuse a misspelt variable
  ansible.builtin.assert:
    that: unknown | length == 0
    fail_msg: >-
      {% for item in unknown %}{{ item.file }} sets {{ item.name }}, which nobody reads{{
      '; did you mean ' ~ item.nearest ~ '?' if item.nearest else '.' }} {% endfor %}
    quiet: true
  vars:
    unknown: "{{ query('slipway.aws.unknown_variables', inventory_dir) }}"
"""

RETURN = r"""
_raw:
  description: The unknown variables, by file and name.
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
    file:
      description: The file that sets it.
      type: str
    nearest:
      description: The most similar name that is known, or null.
      type: str
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError  # type: ignore[import-untyped]
from ansible.plugins.lookup import LookupBase  # type: ignore[import-untyped]
from ansible_collections.slipway.aws.plugins.plugin_utils.variables import read_specification, unknown_variables


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Raises AnsibleLookupError for a directory that is not there."""
        self.set_options(var_options=variables, direct=kwargs)
        given = self.get_option("project")
        project = Path(given) if given else Path(self.get_basedir(variables or {})).resolve().parent
        found: list[dict[str, Any]] = []
        for term in terms:
            inventory = project / str(term)
            if not inventory.is_dir():
                raise AnsibleLookupError(f"There is no inventory directory {inventory}.")
            unknown = unknown_variables(inventory, project, self._load, self.get_option("also_known"))
            found.extend(item.as_dict() for item in unknown)
        return found

    def _load(self, path: Path) -> Any:
        if path.stem == "argument_specs":
            return read_specification(path)
        # Slower, but it decrypts vault files and knows Ansible's YAML tags.
        return self._loader.load_from_file(str(path)) or {}
