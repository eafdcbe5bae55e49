"""The lookups and the filter."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError  # type: ignore[import-untyped]
from ansible.parsing.dataloader import DataLoader  # type: ignore[import-untyped]
from ansible.plugins.loader import lookup_loader  # type: ignore[import-untyped]
from ansible_collections.slipway.aws.plugins.filter.shell_quote_env import shell_quote_env
from ansible_collections.slipway.aws.plugins.lookup.refused_values import refused
from ansible_collections.slipway.aws.plugins.plugin_utils.environment_file import quote
from ansible_collections.slipway.aws.plugins.plugin_utils.tree_digest import tree_digest
from ansible_collections.slipway.aws.plugins.plugin_utils.variables import (
    is_ansibles,
    referenced_names,
    unknown_variables,
)

# --- tree_digest


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    (top / "package").mkdir(parents=True)
    (top / "package" / "module.py").write_text("print()\n")
    (top / "run").write_text("#!/bin/sh\n")
    (top / "run").chmod(0o755)
    (top / "link").symlink_to("run")
    return top


def test_a_digest_is_the_same_wherever_and_whenever_the_tree_lies(tree: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "copy"
    shutil.copytree(tree, copy, symlinks=True)
    os.utime(copy / "run", (1, 1))
    (copy / "package" / "module.py").chmod(0o600)
    assert tree_digest(copy) == tree_digest(tree)


def change_content(top: Path) -> None:
    (top / "package" / "module.py").write_text("print(1)\n")


def change_name(top: Path) -> None:
    (top / "run").rename(top / "walk")


def change_place(top: Path) -> None:
    (top / "package" / "module.py").rename(top / "module.py")


def change_executable(top: Path) -> None:
    (top / "run").chmod(0o644)


def change_link(top: Path) -> None:
    (top / "link").unlink()
    (top / "link").symlink_to("package/module.py")


def change_link_to_file(top: Path) -> None:
    (top / "link").unlink()
    (top / "link").write_text("run")


def add_empty_file(top: Path) -> None:
    (top / "empty").write_text("")


def move_bytes_between_files(top: Path) -> None:
    (top / "package" / "module.py").write_text("")
    (top / "run").write_text("#!/bin/sh\nprint()\n")


@pytest.mark.parametrize(
    "change",
    [
        change_content,
        change_name,
        change_place,
        change_executable,
        change_link,
        change_link_to_file,
        add_empty_file,
        move_bytes_between_files,
    ],
)
def test_every_change_of_what_is_shipped_changes_the_digest(tree: Path, change: Any) -> None:
    before = tree_digest(tree)
    change(tree)
    assert tree_digest(tree) != before


@pytest.mark.parametrize(
    "leftover",
    ["package/__pycache__/module.cpython-313.pyc", "module.pyc", ".pytest_cache/v", "node_modules/x/index.js"],
)
def test_what_tools_leave_behind_does_not_count(tree: Path, leftover: str) -> None:
    before = tree_digest(tree)
    path = tree / leftover
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    assert tree_digest(tree) == before


def test_a_pattern_with_a_slash_is_matched_from_the_top(tree: Path) -> None:
    (tree / "package" / "run").write_text("other")
    assert tree_digest(tree, ["package/run"]) != tree_digest(tree, ["run"])
    assert tree_digest(tree, ["package/run"]) != tree_digest(tree, [])


def test_a_single_file_has_a_digest_too(tree: Path) -> None:
    assert tree_digest(tree / "run") != tree_digest(tree / "package" / "module.py")


def lookup(name: str, terms: list[str], **options: Any) -> list[Any]:
    loader = DataLoader()
    plugin = lookup_loader.get(f"slipway.aws.{name}", loader=loader, templar=None)
    answer: list[Any] = plugin.run(terms, variables={}, **options)
    return answer


def test_the_lookup_answers_once_for_every_path(tree: Path) -> None:
    assert lookup("tree_digest", [str(tree), str(tree / "run")]) == [tree_digest(tree), tree_digest(tree / "run")]
    assert lookup("tree_digest", [str(tree)], excludes=["run"]) == [tree_digest(tree, ["run"])]


def test_the_lookup_names_a_path_that_is_not_there(tree: Path) -> None:
    with pytest.raises(AnsibleError, match="nowhere"):
        lookup("tree_digest", [str(tree / "nowhere")])


# --- unknown_variables


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "roles/gunicorn/meta/argument_specs.yml": (
            "argument_specs: {main: {options: {gunicorn_workers: {type: int}}}, stop: {options: {gunicorn_grace: {}}}}"
        ),
        "group_vars/all/network.yml": 'network_cidr: "{{ site_cidr }}"\n',
        "playbooks/run.yml": "- hosts: all\n  tasks: [{ansible.builtin.debug: {}, when: site_verbose | bool}]\n",
        "playbooks/group_vars/ignored.yml": 'x: "{{ only_here }}"\n',
        "inventories/staging/aws_ec2.yml": "plugin: amazon.aws.aws_ec2\nregions: ['{{ site_region }}']\n",
        "inventories/staging/hosts.yml": "layers: {hosts: {network: {ansible_connection: local}}, vars: {layer_x: 1}}",
        "inventories/staging/group_vars/all/site.yml": (
            "site_cidr: 10.0.0.0/16\nsite_verbose: true\nsite_region: eu-west-1\ngunicorn_workers: 2\n"
            "gunicorn_grace: 3\nansible_python_interpreter: python3\ngunicorn_wrokers: 4\n"
        ),
        "inventories/staging/host_vars/one.yml": "completely_different: !vault secret\n",
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path


class Loader(yaml.SafeLoader):
    """YAML with Ansible's tags read as text."""


Loader.add_constructor("!vault", lambda _, node: node.value)


def load(path: Path) -> Any:
    return yaml.load(path.read_text(), Loader)  # noqa: S506 (a SafeLoader)


def test_a_misspelt_variable_is_found_with_its_file_and_the_nearest_name(project: Path) -> None:
    found = {item.name: item for item in unknown_variables(project / "inventories" / "staging", project, load)}
    assert set(found) == {"gunicorn_wrokers", "completely_different", "layer_x"}
    assert found["gunicorn_wrokers"].nearest == "gunicorn_workers"
    assert found["gunicorn_wrokers"].file.endswith("inventories/staging/group_vars/all/site.yml")
    assert found["completely_different"].nearest is None


def test_a_name_can_be_declared_known(project: Path) -> None:
    found = unknown_variables(project / "inventories" / "staging", project, load, ["layer_x", "completely_different"])
    assert [item.name for item in found] == ["gunicorn_wrokers"]


def test_the_lookup_reads_with_ansibles_loader(project: Path) -> None:
    (project / "inventories" / "staging" / "host_vars" / "one.yml").unlink()
    found = lookup("unknown_variables", ["inventories/staging"], project=str(project))
    assert [(item["name"], item["nearest"]) for item in found] == [
        ("gunicorn_wrokers", "gunicorn_workers"),
        ("layer_x", None),
    ]
    with pytest.raises(AnsibleError, match="no inventory directory"):
        lookup("unknown_variables", ["inventories/production"], project=str(project))


def test_files_are_parsed_only_as_long_as_a_name_is_missing(project: Path) -> None:
    wrong = ["gunicorn_wrokers", "completely_different", "layer_x"]
    parsed: list[str] = []

    def noting(path: Path) -> Any:
        parsed.append(path.name)
        return load(path)

    assert unknown_variables(project / "inventories" / "staging", project, noting, wrong) == []
    assert "argument_specs.yml" in parsed
    assert "ignored.yml" not in parsed


# --- unmet_requirements


def test_what_the_controller_lacks_is_named_with_what_it_has() -> None:
    unmet = lookup("unmet_requirements", ["boto3>=1.0", "netaddr", "boto3<1.0", "no-such-package>=2"])
    assert unmet == [f"boto3<1.0 (it has {importlib.metadata.version('boto3')})", "no-such-package>=2 (it has none)"]
    with pytest.raises(AnsibleError, match="no requirement"):
        lookup("unmet_requirements", ["=="])


# --- refused_values


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"mode": "c"}, ["value of mode must be one of: a, b, got: c"]),
        ({"mode": "a", "number": "7"}, []),
        ({"number": "seven"}, ["unable to convert to int"]),
        ({"list": [{"name": "x"}, {"nmae": "y"}]}, ["missing required arguments: name", "nmae"]),
        ({"mode": "{{ other }}", "list": [{"name": "{{ x }}", "nmae": 1}]}, []),
        ({"secret": "c", "unknown": "d", "mode": None}, []),
    ],
)
def test_what_a_role_would_refuse_is_told_before_it_is_played(
    tmp_path: Path, value: dict[str, Any], says: list[str]
) -> None:
    role = tmp_path / "roles" / "one" / "meta"
    role.mkdir(parents=True)
    options = {
        "mode": {"type": "str", "choices": ["a", "b"], "required": True, "description": "d"},
        "number": {"type": "int"},
        "list": {"type": "list", "elements": "dict", "options": {"name": {"type": "str", "required": True}}},
        "secret": {"type": "str", "choices": ["a"], "no_log": True},
    }
    (role / "argument_specs.yml").write_text(yaml.safe_dump({"argument_specs": {"main": {"options": options}}}))
    said = list(refused(tmp_path, value))
    assert len(said) == len(says)
    for words, sentence in zip(says, said, strict=True):
        assert words in sentence


def test_the_environments_values_are_taken() -> None:
    project = Path(__file__).parents[3]
    for environment in ("rehearsal", "staging", "production"):
        variables: dict[str, Any] = {}
        for path in sorted((project / "inventories" / environment / "group_vars" / "all").glob("*.yml")):
            variables |= yaml.safe_load(path.read_text()) or {}
        assert list(refused(project, variables)) == []


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("{{ a | default(b) }}", {"a", "b"}),
        ({"x": ["{{ a.b['c'] }}"]}, {"a"}),
        ("plain a b", set()),
        ({"when": ["a is defined", "not b"]}, {"a", "b"}),
        ({"when": "'{{ a }}' == b"}, {"a"}),
        ("{{ hostvars['network'].network_result }}", {"hostvars", "network_result"}),
        ("{{ lookup('vars', 'named') }}", {"lookup", "named"}),
        ("{% for x in xs %}{{ x }}{% endfor %}", {"x", "xs"}),
        ("{{ broken", set()),
    ],
)
def test_names_in_templates(content: Any, names: set[str]) -> None:
    assert referenced_names(content) == names


def test_the_variables_of_ansible_are_known() -> None:
    assert is_ansibles("ansible_connection")
    assert not is_ansibles("gunicorn_workers")


# --- shell_quote_env


def systemd(text: str) -> dict[str, str]:
    """As systemd's parse_env_file reads (src/basic/env-file.c), for a file of double-quoted values."""
    result: dict[str, str] = {}
    key, value, state = "", "", "key"
    for character in text:
        if state == "key":
            if character == "=":
                state = "before"
            elif character == "\n":
                key = ""
            else:
                key += character
        elif state == "before":
            if character == '"':
                state = "double"
            elif character == "\n":
                result[key], key, value, state = value, "", "", "key"
            else:
                value += character
        elif state == "double":
            if character == '"':
                state = "before"
            elif character == "\\":
                state = "escape"
            else:
                value += character
        elif state == "escape":
            state = "double"
            if character in '"\\`$':
                value += character
            elif character != "\n":
                value += "\\" + character
    return result


NASTY = [
    "plain",
    "",
    " spaces around ",
    "a\nINJECTED=1\n",
    '"\nINJECTED="1',
    "\\",
    '\\"',
    "\\\n",
    "\\n",
    "$HOME ${HOME} $(id) `id`",
    "'single' \"double\"",
    "#not a comment",
    "; neither",
    "tab\there",
    "ünïcödé \N{SNOWMAN}",
    "postgres://u:p%40ss@h/db?x=1&y=2",
]


@pytest.mark.parametrize("value", NASTY)
def test_systemd_reads_back_exactly_the_value_and_nothing_else(value: str) -> None:
    assert systemd(f"BEFORE={quote('1')}\nVALUE={quote(value)}\nAFTER={quote('2')}\n") == {
        "BEFORE": "1",
        "VALUE": value,
        "AFTER": "2",
    }


@pytest.mark.parametrize("value", NASTY)
def test_a_shell_reads_the_same(value: str, tmp_path: Path) -> None:
    file = tmp_path / "environment"
    file.write_text(f"VALUE={quote(value)}\n")
    shell = [
        "/bin/sh",
        "-c",
        'set -eu; . "$1"; printf %s "$VALUE"; env | grep -c ^INJECTED= >&2 || true',
        "sh",
        str(file),
    ]
    run = subprocess.run(shell, capture_output=True, text=True, check=True, timeout=10)
    assert run.stdout == value
    assert run.stderr.strip() == "0"


@pytest.mark.parametrize("value", ["a\0b", "a\rb", "\x1b[0m", "\x7f", "\udce4"])
def test_what_systemd_would_drop_is_refused_without_showing_it(value: str) -> None:
    with pytest.raises(AnsibleError) as refusal:
        shell_quote_env(f"secret{value}")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(("value", "text"), [(1, '"1"'), (True, '"true"'), ("x", '"x"')])
def test_a_number_and_a_boolean_become_text(value: object, text: str) -> None:
    assert shell_quote_env(value) == text


@pytest.mark.parametrize("value", [None, [], {}])
def test_only_one_text_is_an_environment_variable(value: object) -> None:
    with pytest.raises(AnsibleError):
        shell_quote_env(value)
