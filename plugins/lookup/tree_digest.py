"""Ansible lookup: digests of directories."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
name: tree_digest
version_added: 0.1.0
short_description: One digest of everything in a directory
description:
  - SHA-256 over the relative names, the executable bits and the contents of all files below a path.
  - It is the same wherever the tree lies and whenever its files were written, so it can name what is built from them.
  - Symbolic links are not followed; their target is part of the digest.
author: Slipway
options:
  _terms:
    description: Directories or files. A relative one is relative to the playbook.
    type: list
    elements: path
    required: true
  excludes:
    description:
      - Patterns of names that are left out, such as V(*.pyc); one with a slash is matched with the path from the top.
      - What is set here replaces the default.
    type: list
    elements: str
    default:
      - .DS_Store
      - .git
      - .mypy_cache
      - .pytest_cache
      - .ruff_cache
      - .venv
      - "*.pyc"
      - "*.swp"
      - "*~"
      - __pycache__
      - node_modules
"""

EXAMPLES = r"""
- name: Name the release by its sources
  ansible.builtin.set_fact:
    release_id: "{{ (query('slipway.aws.tree_digest', 'django_app', 'react_app/src') | join | hash('sha256'))[:16] }}"
"""

RETURN = r"""
_raw:
  description: One digest for every path, in hex.
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError  # type: ignore[import-untyped]
from ansible.plugins.lookup import LookupBase  # type: ignore[import-untyped]
from ansible_collections.slipway.aws.plugins.plugin_utils.tree_digest import tree_digest


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Raises AnsibleLookupError for a path that is not there."""
        self.set_options(var_options=variables, direct=kwargs)
        top = Path(self.get_basedir(variables or {}))
        return [self._digest(top / str(term)) for term in terms]

    def _digest(self, path: Path) -> str:
        try:
            return tree_digest(path, self.get_option("excludes"))
        except OSError as error:
            raise AnsibleLookupError(f"Failed to read {error.filename}: {error.strerror}") from error
