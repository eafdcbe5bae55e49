"""The lookup that finds the layers which a run does not reach, with Ansible's own variables and templates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleLookupError  # type: ignore[import-untyped]
from ansible.inventory.manager import InventoryManager  # type: ignore[import-untyped]
from ansible.parsing.dataloader import DataLoader  # type: ignore[import-untyped]
from ansible.plugins.loader import lookup_loader  # type: ignore[import-untyped]
from ansible.template import Templar  # type: ignore[import-untyped]
from ansible.vars.hostvars import HostVars  # type: ignore[import-untyped]
from ansible.vars.manager import VariableManager  # type: ignore[import-untyped]
from ansible_collections.slipway.aws.plugins.lookup.settled_layers import watched

LAYERS = {"balancer": ["aws_balancer"], "firewall": ["aws_firewall"], "queue": ["aws_queue"]}
GIVEN = {
    "aws_balancer_port": 443,
    # Known when there is a balancer, and nothing without one.
    "aws_firewall_balancer": "{{ (hostvars['balancer'].aws_balancer_result | default({})).arn | default('') }}",
    "aws_queue_name": "tasks",
}


class Playbook:
    """Variables as a play on localhost has them."""

    def __init__(self, directory: Path) -> None:
        self.roles = directory / "roles"
        for name in ("aws_balancer_port", "aws_firewall_balancer", "aws_queue_name"):
            meta = self.roles / name.rpartition("_")[0] / "meta"
            meta.mkdir(parents=True)
            (meta / "argument_specs.yml").write_text(json.dumps({"argument_specs": {"main": {"options": {name: {}}}}}))
        inventory = directory / "inventory.yml"
        hosts = dict.fromkeys(["localhost", *LAYERS])
        inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": {**GIVEN, "ansible_connection": "local"}}}))
        loader = DataLoader()
        loader.set_basedir(str(directory))
        inventories = InventoryManager(loader=loader, sources=[str(inventory)])
        self.variables = VariableManager(loader=loader, inventory=inventories)
        HostVars(inventories, self.variables, loader)
        self._loader = loader
        self._localhost = inventories.get_host("localhost")

    def returned(self, layer: str, arn: str) -> None:
        self.variables.set_nonpersistent_facts(layer, {f"aws_{layer}_result": {"arn": arn}})

    def query(self, lookup: str, *terms: Any, **options: Any) -> Any:
        variables = self.variables.get_vars(host=self._localhost)
        plugin = lookup_loader.get(
            f"slipway.aws.{lookup}", loader=self._loader, templar=Templar(loader=self._loader, variables=variables)
        )
        return plugin.run(list(terms), variables=variables, roles_path=str(self.roles), **options)

    def inputs(self) -> dict[str, str]:
        """What a record says of all layers, when they are given what they are given now."""
        return dict(zip(LAYERS, self.query("layer_digest", *LAYERS.values()), strict=True))

    def settled(self, recorded: dict[str, str], *same: str, **options: Any) -> list[str]:
        survey = {"settled": list(same), "inputs": recorded}
        (found,) = self.query("settled_layers", survey, layers=LAYERS, **options)
        assert isinstance(found, list)
        return found


@pytest.fixture
def playbook(tmp_path: Path) -> Playbook:
    return Playbook(tmp_path)


def test_all_are_left_out_when_all_are_as_recorded(playbook: Playbook) -> None:
    playbook.returned("balancer", "arn:1")
    assert playbook.settled(playbook.inputs(), *LAYERS) == list(LAYERS)


def test_who_was_given_another_value_is_not(playbook: Playbook) -> None:
    playbook.returned("balancer", "arn:1")
    recorded = playbook.inputs()
    playbook.returned("balancer", "arn:2")
    assert playbook.settled(recorded, *LAYERS) == ["balancer", "queue"]


def test_who_looks_whether_another_is_there_waits_for_it_though_nothing_differs_yet(playbook: Playbook) -> None:
    recorded = playbook.inputs()
    assert playbook.settled(recorded, "firewall", "queue") == ["queue"]
    # Nobody makes it in this run.
    assert playbook.settled(recorded, "firewall", "queue", without=["balancer"]) == ["firewall", "queue"]


def test_it_refuses_an_ansible_core_that_it_cannot_watch() -> None:
    class Another(dict[str, Any]):
        """Reads a host's variables without a word to anybody."""

    with pytest.raises(AnsibleLookupError, match="in another way"):
        watched(Another(localhost={}))
