"""Render a role's template as Ansible does, with the role's own defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible.plugins.filter.core import FilterModule  # type: ignore[import-untyped]
from ansible.plugins.test.core import TestModule  # type: ignore[import-untyped]
from jinja2 import Environment, FileSystemLoader, StrictUndefined

ROLES = Path(__file__).parents[3] / "roles"


def render(role: str, template: str, **variables: Any) -> str:
    """The text of `roles/<role>/templates/<template>`; a variable that neither gives is an error."""
    # ansible.builtin.template trims the newline after a block, and the one at the end of every file, which only the
    # template itself gets back: an included file has none.
    environment = Environment(  # noqa: S701 (these are configuration files, not HTML)
        loader=FileSystemLoader(ROLES / role / "templates"),
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(FilterModule().filters())
    environment.tests.update(TestModule().tests())
    defaults: dict[str, Any] = yaml.safe_load((ROLES / role / "defaults" / "main.yml").read_text())
    return environment.get_template(template).render({**defaults, **variables}) + "\n"
