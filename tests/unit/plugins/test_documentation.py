"""What `ansible-doc` says of a module is what the module takes."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from ansible_collections.slipway.aws.plugins.doc_fragments import parameter_group, resource
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields

PROJECT = Path(__file__).parents[3]
COLLECTION = PROJECT / "collections" / "ansible_collections" / "slipway" / "aws"
MODULES = sorted(path.stem for path in (PROJECT / "plugins" / "modules").glob("*.py"))
COMPARED = ("type", "elements", "required", "choices", "default")
FROM_FRAGMENTS = {"tags", "purge_tags"}


def imported(name: str) -> ModuleType:
    return importlib.import_module(f"ansible_collections.slipway.aws.plugins.modules.{name}")


def documented(options: Fields) -> Fields:
    """Options of a DOCUMENTATION in the terms of an argument spec."""
    return {
        name: {
            **{key: option[key] for key in COMPARED if option.get(key) not in (None, False)},
            **({"options": documented(option["suboptions"])} if "suboptions" in option else {}),
        }
        for name, option in options.items()
    }


def accepted(arguments: Fields) -> Fields:
    return {
        name: {
            **{key: option[key] for key in COMPARED if option.get(key) not in (None, False)},
            **({"options": accepted(option["options"])} if "options" in option else {}),
        }
        for name, option in arguments.items()
    }


@pytest.mark.parametrize("name", MODULES)
def test_the_documentation_equals_the_arguments(name: str) -> None:
    module = imported(name)
    documentation = yaml.safe_load(module.DOCUMENTATION)
    options = dict(documentation["options"])
    for fragment in (parameter_group, resource):
        if f"slipway.aws.{fragment.__name__.rpartition('.')[2]}" in documentation["extends_documentation_fragment"]:
            shared = yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION)["options"]
            options |= {key: {**option, **options.get(key, {})} for key, option in shared.items()}
    arguments = {key: value for key, value in module.ARGUMENTS.items() if key not in FROM_FRAGMENTS}
    assert documented(options) == accepted(arguments)


@pytest.mark.parametrize("name", MODULES)
def test_examples_use_only_what_the_module_takes(name: str) -> None:
    module = imported(name)
    tasks = yaml.safe_load(module.EXAMPLES)
    mine = [task[f"slipway.aws.{name}"] for task in tasks if f"slipway.aws.{name}" in task]
    assert mine
    for arguments in mine:
        assert set(arguments) <= {*module.ARGUMENTS, "region"}


@pytest.mark.parametrize("name", MODULES)
def test_every_returned_value_says_when_and_what(name: str) -> None:
    values = yaml.safe_load(imported(name).RETURN)
    assert all({"description", "returned", "type"} <= set(value) for value in values.values())


def test_the_action_group_has_our_modules_and_the_stock_ones_that_are_used() -> None:
    files = [path for top in ("roles", "playbooks") for path in (PROJECT / top).rglob("*.yml")]
    stock = {
        name
        for path in files
        for name in re.findall(r"^\s*(?:- )?((?:amazon|community)\.aws\.\w+):", path.read_text(), re.MULTILINE)
    }
    runtime = yaml.safe_load((COLLECTION / "meta" / "runtime.yml").read_text())
    assert runtime["action_groups"]["aws"] == [*MODULES, *sorted(stock)]


def test_the_collection_is_a_relative_link_into_the_repository() -> None:
    link = COLLECTION / "plugins"
    assert not link.readlink().is_absolute()
    assert link.resolve() == PROJECT / "plugins"


def ansible_doc(kind: str, *names: str) -> dict[str, Any]:
    run = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-doc")), "--json", "-t", kind, *names],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(PROJECT / "collections")},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    shown: dict[str, Any] = json.loads(run.stdout)
    return shown


@pytest.mark.parametrize("kind", ["module", "lookup", "filter"])
def test_ansible_doc_shows_every_plugin(kind: str) -> None:
    names = [
        f"slipway.aws.{path.stem}" for path in (PROJECT / "plugins" / (kind + "s" * (kind == "module"))).glob("*.py")
    ]
    shown = ansible_doc(kind, *names)
    assert set(shown) == set(names)
    for plugin in shown.values():
        assert plugin["doc"]["short_description"]
        assert plugin["examples"]
        assert plugin["return"]
