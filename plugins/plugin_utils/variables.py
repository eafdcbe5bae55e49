"""Which variables an inventory sets that nobody reads. Pure but for listing files and reading specifications.

Ansible takes any name in ``group_vars``: ``gunicorn_wrokers: 4`` is accepted and does nothing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, TemplateSyntaxError, nodes

Load = Callable[[Path], Any]

# Where YAML holds an expression without braces.
EXPRESSIONS = frozenset({"when", "until", "that", "changed_when", "failed_when", "var"})
_EXTENSIONS = (".yml", ".yaml", ".json")
# Ansible's own loader is slower, and these files need neither its vault nor its tags.
_PLAIN_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_JINJA = Environment()  # noqa: S701 (parsed for its names, never rendered)


@dataclass(frozen=True)
class Unknown:
    """A variable that is set in ``file`` and known nowhere; ``nearest`` is the most similar known name, or None."""

    name: str
    file: str
    nearest: str | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def variable_files(directory: Path) -> list[Path]:
    """The files that Ansible reads below a ``group_vars`` or ``host_vars`` directory."""
    if not directory.is_dir():
        return []
    return sorted(
        path
        for path in directory.rglob("*")
        if path.is_file()
        and path.suffix in (*_EXTENSIONS, "")
        and not any(part.startswith(".") for part in path.relative_to(directory).parts)
        and not path.name.endswith("~")
    )


def names_set(path: Path, load: Load) -> set[str]:
    """The variables that one file sets."""
    content = load(path)
    return {str(name) for name in content} if isinstance(content, Mapping) else set()


def inventory_names(inventory: Path, load: Load) -> Iterator[tuple[str, Path]]:
    """``(name, file)`` of everything that an environment sets: group_vars, host_vars and vars in a YAML inventory."""
    for directory in ("group_vars", "host_vars"):
        for path in variable_files(inventory / directory):
            yield from ((name, path) for name in sorted(names_set(path, load)))
    for path in sorted(inventory.glob("*.y*ml")):
        yield from ((name, path) for name in sorted(_names_in_hosts(load(path))))


def _names_in_hosts(content: Any) -> set[str]:
    """Variables of groups and hosts in a static YAML inventory; a plugin's configuration has none."""
    found: set[str] = set()
    if not isinstance(content, Mapping) or "plugin" in content:
        return found
    for group in content.values():
        if not isinstance(group, Mapping):
            continue
        found |= {str(name) for name in group.get("vars") or {}}
        for variables in (group.get("hosts") or {}).values():
            found |= {str(name) for name in variables or {}}
        found |= _names_in_hosts(group.get("children") or {})
    return found


def specifications(project: Path) -> list[Path]:
    """The ``argument_specs.yml`` of all roles."""
    return sorted((project / "roles").glob("*/meta/argument_specs.y*ml"))


@cache
def read_specification(path: Path) -> Any:
    """One of them, parsed once for all who ask in one task. Nobody changes the answer."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_PLAIN_LOADER) or {}  # noqa: S506 (it is a safe one)


def specified_options(specs: Any) -> dict[str, Mapping[str, Any]]:
    """The options of every entry point of one ``argument_specs.yml``, by name."""
    entries = specs.get("argument_specs") if isinstance(specs, Mapping) else None
    return {
        str(name): option or {}
        for entry in (entries or {}).values()
        for name, option in ((entry or {}).get("options") or {}).items()
    }


def referenced_names(content: Any, *, expression: bool = False) -> set[str]:
    """Every name that a template anywhere in parsed YAML mentions. ``expression``: the text is one without braces."""
    if isinstance(content, Mapping):
        return {
            name
            for key, value in content.items()
            for name in referenced_names(key) | referenced_names(value, expression=str(key) in EXPRESSIONS)
        }
    if isinstance(content, list):
        return {name for item in content for name in referenced_names(item, expression=expression)}
    if not isinstance(content, str):
        return set()
    return _names_in_template(content if not expression or "{{" in content else "{{ " + content + " }}")


def is_template(text: str) -> bool:
    """Whether Ansible would render it."""
    return "{{" in text or "{%" in text


def _names_in_template(text: str) -> set[str]:
    if not is_template(text):
        return set()
    try:
        found = {name.name for name in _JINJA.parse(text).find_all(nodes.Name)}
    except TemplateSyntaxError:
        # Not a template after all, or one that Ansible will complain about better than we.
        return set()
    # lookup('vars', 'name') and hostvars[x].name are references too.
    return (
        found
        | set(re.findall(r"(?:vars|varnames)', *'\^?(\w+)", text))
        | set(re.findall(r"hostvars\[[^\]]+\]\.(\w+)", text))
    )


def known_names(path: Path, load: Load) -> set[str]:
    """What one file of the project makes known: options of a role, names that are set, names that are mentioned."""
    content = load(path)
    if path.stem == "argument_specs":
        return set(specified_options(content))
    set_here = set(content) if "group_vars" in path.parts and isinstance(content, Mapping) else set()
    return {str(name) for name in set_here} | referenced_names(content)


def files_that_know(project: Path) -> list[Path]:
    """Specifications of all roles, the project's ``group_vars``, playbooks and inventories."""
    playbooks = sorted([*(project / "playbooks").rglob("*.y*ml"), *project.glob("*.yml")])
    return [
        *specifications(project),
        *variable_files(project / "group_vars"),
        *(path for path in playbooks if "group_vars" not in path.relative_to(project).parts),
        *sorted((project / "inventories").glob("*/*.y*ml")),
    ]


def _mentions(path: Path, names: set[str]) -> bool:
    """Whether a file could make one of the names known, as far as can be told without parsing it."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return text.startswith("$ANSIBLE_VAULT") or not names.isdisjoint(re.findall(r"\w+", text))


def is_ansibles(name: str) -> bool:
    """Connection variables and the like: https://docs.ansible.com/ansible/latest/reference_appendices/special_variables.html"""
    return name.startswith("ansible_")


def unknown_variables(inventory: Path, project: Path, load: Load, also_known: Iterable[str] = ()) -> list[Unknown]:
    """What the environment in ``inventory`` sets and the project in ``project`` does not know, by file and name."""
    names = [(name, path) for name, path in inventory_names(inventory, load) if not is_ansibles(name)]
    known = set(also_known)
    # Parsing all files takes seconds, and an environment without a mistake needs few of them.
    missing = {name for name, _ in names} - known
    for path in files_that_know(project):
        if missing and _mentions(path, missing):
            known |= known_names(path, load)
            missing -= known
    if not missing:
        return []
    candidates = sorted(known.union(*(known_names(path, load) for path in files_that_know(project))))
    return [
        Unknown(name, str(path), next(iter(difflib.get_close_matches(name, candidates, n=1)), None))
        for name, path in names
        if name in missing
    ]
