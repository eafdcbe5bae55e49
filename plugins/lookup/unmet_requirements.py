"""Ansible lookup: Python packages that the controller lacks."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
name: unmet_requirements
version_added: 0.1.0
short_description: Python packages that the controller lacks
description:
  - Looks for packages in the Python that runs Ansible, and returns the requirements that it does not meet.
  - Beside C(community.general.python_requirements_info) it costs no task, and a run that finds nothing to do has few.
author: Slipway
options:
  _terms:
    description: Requirements as pip takes them, such as C(boto3>=1.44).
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Refuse an old boto3
  ansible.builtin.assert:
    that: query('slipway.aws.unmet_requirements', 'boto3>=1.44') | length == 0
"""

RETURN = r"""
_raw:
  description: The requirements that are not met, each with what there is instead.
  type: list
  elements: str
  sample: ["boto3>=1.44 (it has 1.38.2)", "netaddr (it has none)"]
"""

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ansible.errors import AnsibleLookupError  # type: ignore[import-untyped]
from ansible.plugins.lookup import LookupBase  # type: ignore[import-untyped]
from packaging.requirements import InvalidRequirement, Requirement


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Raises AnsibleLookupError for what is no requirement."""
        self.set_options(var_options=variables, direct=kwargs)
        return [f"{term} (it has {found or 'none'})" for term in terms for found, met in [_look(str(term))] if not met]


def _look(text: str) -> tuple[str, bool]:
    """The version that is installed, empty for none, and whether it will do."""
    try:
        wanted = Requirement(text)
    except InvalidRequirement as error:
        raise AnsibleLookupError(f"{text} is no requirement of a Python package: {error}") from error
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        return "", False
    return found, wanted.specifier.contains(found, prereleases=True)
