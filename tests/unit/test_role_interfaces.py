"""A role has one written interface, and every value has one owner."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
ROLES = sorted(path.parent.parent for path in (PROJECT / "roles").glob("*/tasks/main.yml"))
ENVIRONMENTS = sorted(path for path in (PROJECT / "inventories").iterdir() if path.is_dir())
LAYERS = [role for role in ROLES if role.name.startswith("aws_")]

_COMMENTED = re.compile(r"^# ([a-z0-9_]+):", re.MULTILINE)
_NAMES = re.compile(r"[a-z_][a-z0-9_]*")


class _Loader(yaml.CSafeLoader):
    """Ansible's own tags are values like others here."""


_Loader.add_multi_constructor("!", lambda loader, _suffix, node: loader.construct_scalar(node))


@cache
def load(path: Path) -> Any:
    """What the file says. The same object every time: nobody changes it."""
    return yaml.load(path.read_text(), Loader=_Loader) or {}  # noqa: S506 (a SafeLoader)


def defaults(role: Path) -> dict[str, Any]:
    path = role / "defaults" / "main.yml"
    return dict(load(path)) if path.exists() else {}


def options(role: Path) -> dict[str, dict[str, Any]]:
    return dict(load(role / "meta" / "argument_specs.yml")["argument_specs"]["main"].get("options") or {})


def variables(directory: Path) -> dict[str, Path]:
    """What the files below a ``group_vars`` directory set, and where."""
    return {name: path for path in sorted(directory.rglob("*.yml")) for name in load(path)}


def known() -> set[str]:
    return {name for role in ROLES for name in options(role)}


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from strings(member)


def in_role(role: Path) -> Any:
    return pytest.param(role, id=role.name)


@pytest.mark.parametrize("role", [in_role(role) for role in ROLES])
def test_defaults_match_the_argument_spec(role: Path) -> None:
    in_spec = {name: option["default"] for name, option in options(role).items() if "default" in option}
    assert defaults(role) == in_spec


@pytest.mark.parametrize("role", [in_role(role) for role in ROLES])
def test_an_option_is_required_or_has_a_default(role: Path) -> None:
    odd = [name for name, option in options(role).items() if bool(option.get("required")) == ("default" in option)]
    assert odd == []


@pytest.mark.parametrize("role", [in_role(role) for role in ROLES])
def test_required_inputs_are_shown_in_the_defaults(role: Path) -> None:
    shown = set(_COMMENTED.findall((role / "defaults" / "main.yml").read_text()))
    assert shown == {name for name, option in options(role).items() if option.get("required")}


@pytest.mark.parametrize("role", [in_role(role) for role in ROLES])
def test_a_public_name_begins_with_the_name_of_its_role(role: Path) -> None:
    assert [name for name in options(role) if not name.startswith(f"{role.name}_")] == []


@pytest.mark.parametrize("role", [in_role(role) for role in ROLES])
def test_defaults_are_literals(role: Path) -> None:
    assert [text for text in strings(defaults(role)) if "{{" in text or "{%" in text] == []


@pytest.mark.parametrize("role", [in_role(role) for role in ROLES])
def test_a_role_reads_neither_the_project_nor_another_role(role: Path) -> None:
    foreign = {name for other in ROLES if other != role for name in options(other)}
    for path in [*role.glob("tasks/**/*.yml"), *role.glob("vars/*.yml"), *role.glob("templates/**/*")]:
        if path.is_file():
            # Only what Jinja evaluates or a task is told counts; words of a sentence do not.
            code = re.sub(r"(?m)^\s*#.*$", "", path.read_text())
            assert not re.findall(r"\{\{[^}]*\bslipway_[a-z]", code), f"{path} reads a variable of the project"
            assert not set(_NAMES.findall(code)) & foreign, f"{path} reads a variable of another role"
            assert not re.search(r"hostvars(\.|\[['\"])", code), f"{path} reads the facts of another host"


@pytest.mark.parametrize("role", [in_role(role) for role in ROLES])
def test_a_role_says_what_it_is(role: Path) -> None:
    readme = (role / "README.md").read_text()
    assert readme.startswith(f"# {role.name}\n")
    assert "argument_specs" in readme


@pytest.mark.parametrize("role", [in_role(role) for role in LAYERS])
def test_a_layer_returns_one_documented_fact(role: Path) -> None:
    facts: set[str] = set()
    for path in role.glob("tasks/**/*.yml"):
        for task in _tasks(load(path)):
            for name in task.get("ansible.builtin.set_fact", {}):
                if not name.startswith("__") and name != "cacheable":
                    facts.add(name)
    assert f"{role.name}_result" in facts
    assert f"`{role.name}_result`" in (role / "README.md").read_text()


def _tasks(items: Any) -> Iterator[dict[str, Any]]:
    for item in items:
        yield item
        for section in ("block", "rescue", "always"):
            yield from _tasks(item.get(section, []))


@pytest.mark.parametrize("environment", [pytest.param(path, id=path.name) for path in ENVIRONMENTS])
def test_a_value_belongs_to_the_project_or_to_the_environment(environment: Path) -> None:
    project = variables(PROJECT / "group_vars")
    own = variables(environment / "group_vars")
    assert {name: (str(project[name]), str(own[name])) for name in own.keys() & project.keys()} == {}


@pytest.mark.parametrize("environment", [pytest.param(path, id=path.name) for path in ENVIRONMENTS])
def test_no_name_is_set_twice_in_an_environment(environment: Path) -> None:
    seen: dict[str, list[str]] = {}
    for path in sorted((environment / "group_vars").rglob("*.yml")):
        for name in load(path):
            seen.setdefault(name, []).append(path.name)
    assert {name: files for name, files in seen.items() if len(files) > 1} == {}


def test_group_vars_set_only_what_a_role_knows_or_the_project_reads() -> None:
    roles = {role.name for role in ROLES}
    unknown = [
        f"{path.relative_to(PROJECT)}: {name}"
        for directory in [PROJECT, *ENVIRONMENTS]
        for name, path in variables(directory / "group_vars").items()
        if any(name.startswith(f"{role}_") for role in roles) and name not in known()
    ]
    assert unknown == []


def test_every_environment_decides_the_same_things() -> None:
    """What one environment has an own value for, the others have one for too, unless the role has a default."""
    decided = {environment.name: set(variables(environment / "group_vars")) for environment in ENVIRONMENTS}
    with_default = {name for role in ROLES for name in defaults(role)}
    everywhere = set.union(*decided.values()) - with_default
    missing = {name: sorted(everywhere - names) for name, names in decided.items() if everywhere - names}
    # Plays of instances alone are reached differently in a rehearsal, which is what such a value says.
    assert {name: [v for v in values if not v.startswith("ansible_")] for name, values in missing.items()} == {
        name: [] for name in missing
    }


@pytest.mark.parametrize("environment", [pytest.param(path, id=path.name) for path in ENVIRONMENTS])
def test_every_environment_has_the_layers(environment: Path) -> None:
    assert (environment / "layers.yml").resolve() == PROJECT / "inventories" / "layers.yml"


def test_the_project_is_read_by_playbooks_in_their_own_directory() -> None:
    assert (PROJECT / "playbooks" / "group_vars").resolve() == PROJECT / "group_vars"


def test_every_layer_that_a_wave_names_exists() -> None:
    layers = set(load(PROJECT / "inventories" / "layers.yml")["local"]["children"]["layers"]["hosts"])
    for play in load(PROJECT / "playbooks" / "provision.yml"):
        wave = play.get("vars", {}).get("wave", {})
        assert set(wave) <= layers
        for layer in wave.values():
            for stage in layer:
                tasks = PROJECT / "roles" / stage["role"] / "tasks" / f"{stage.get('stage', 'main')}.yml"
                assert tasks.is_file()
