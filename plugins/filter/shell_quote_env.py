"""Ansible filter: values for systemd's EnvironmentFile."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
name: shell_quote_env
version_added: 0.1.0
short_description: Quote a value for systemd's EnvironmentFile
description:
  - Puts the value into double quotes so that systemd reads back exactly the same, line breaks, quotes, backslashes and
    dollars included, and so that no value can add a variable.
  - A shell that sources the file reads the same.
  - Refuses control characters other than tab and line feed, for which systemd would drop the whole variable.
author: Slipway
options:
  _input:
    description: The value. A number is written as text, a boolean as V(true) or V(false).
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Write the environment
  ansible.builtin.copy:
    dest: /etc/application.env
    mode: "0600"
    content: |
      {% for name, value in environment_variables | dictsort %}
      {{ name }}={{ value | slipway.aws.shell_quote_env }}
      {% endfor %}
"""

RETURN = r"""
_value:
  description: The value in double quotes.
  type: str
"""

from collections.abc import Callable

from ansible.errors import AnsibleFilterError  # type: ignore[import-untyped]
from ansible_collections.slipway.aws.plugins.plugin_utils.environment_file import quote


def shell_quote_env(value: object) -> str:
    """Raises AnsibleFilterError for a value that an environment variable cannot have."""
    if value is None or isinstance(value, dict | list):
        raise AnsibleFilterError(f"An environment variable is one text, not {type(value).__name__}.")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    try:
        return quote(text)
    except ValueError as error:
        # The value itself is often a secret, so it is not in the message.
        raise AnsibleFilterError(f"Failed to quote a value for the environment: {error}.") from error


class FilterModule:
    def filters(self) -> dict[str, Callable[..., str]]:
        return {"shell_quote_env": shell_quote_env}
