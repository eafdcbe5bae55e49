"""Ansible lookup: values of variables that a role would refuse."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
name: refused_values
version_added: 0.1.0
short_description: Values of variables that a role would refuse
description:
  - Holds the variables of the host against the options of all roles (C(meta/argument_specs.yml)), as Ansible does when
    it comes to a role, which may be in the middle of a run.
  - Looks at values that are written out. What is a template may need what only a run finds out. What is missing, and
    what must not be shown, is left to the role.
author: Slipway
options:
  project:
    description: Directory with C(roles). The parent of the playbook's when not set.
    type: path
"""

EXAMPLES = r"""
- name: Refuse a value that the last role of the run would refuse
  ansible.builtin.assert:
    that: refused | length == 0
    fail_msg: "{{ refused | join(' ') }}"
    quiet: true
  vars:
    refused: "{{ query('slipway.aws.refused_values') }}"
"""

RETURN = r"""
_raw:
  description: What Ansible says of each, sorted by the variable's name.
  type: list
  elements: str
  sample: ["value of aws_edge_price_class must be one of: PriceClass_100, PriceClass_All, got: PriceClass_50"]
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator  # type: ignore[import-untyped]
from ansible.plugins.lookup import LookupBase  # type: ignore[import-untyped]
from ansible_collections.slipway.aws.plugins.plugin_utils.variables import (
    is_template,
    read_specification,
    specifications,
    specified_options,
)


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(self, _terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Never raises: whatever is no specification is Ansible's to complain about."""
        self.set_options(var_options=variables, direct=kwargs)
        given = self.get_option("project")
        project = Path(given) if given else Path(self.get_basedir(variables or {})).resolve().parent
        return list(refused(project, variables or {}))


def refused(project: Path, variables: Mapping[str, Any]) -> Iterator[str]:
    """What the roles of a project would refuse of the variables, in Ansible's words."""
    options: dict[str, Mapping[str, Any]] = {}
    for path in specifications(project):
        options |= specified_options(read_specification(path))
    for name in sorted(options.keys() & variables.keys()):
        option, value = options[name], variables[name]
        if value is not None and not option.get("no_log") and is_written_out(value):
            yield from (
                ArgumentSpecValidator({name: {**option, "required": False}}).validate({name: value}).error_messages
            )


def is_written_out(value: object) -> bool:
    """Whether there is no template in it, and nothing that would have to be decrypted."""
    if isinstance(value, Mapping):
        return all(is_written_out(one) for pair in value.items() for one in pair)
    if isinstance(value, list):
        return all(map(is_written_out, value))
    if isinstance(value, str):
        return not is_template(value)
    return value is None or isinstance(value, (int, float))
