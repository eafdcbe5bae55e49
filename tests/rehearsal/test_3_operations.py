"""What an operator and a scripter lean on: the inventory, the verbs, a second run, a check run."""

from __future__ import annotations

import json
import re
import subprocess
import time

from tests.rehearsal.conftest import PROJECT, RESULTS, Rehearsal


def test_the_inventory_has_groups_by_role_zone_and_auto_scaling_group(rehearsal: Rehearsal) -> None:
    done = rehearsal.ansible("ansible-inventory", "-i", "inventories/rehearsal", "--list")
    assert done.returncode == 0, done.stderr
    inventory = json.loads(done.stdout)
    running = {instance["InstanceId"] for instance in rehearsal.web_instances()}
    assert set(inventory["web"]["hosts"]) == running
    zones = {name: set(group["hosts"]) for name, group in inventory.items() if name.startswith("zone_")}
    assert set(zones) == {"zone_eu_west_1a", "zone_eu_west_1b"}, zones
    scaling_groups = [set(group["hosts"]) for name, group in inventory.items() if name.startswith("asg_")]
    assert running in scaling_groups


def test_ansible_reaches_the_hosts(rehearsal: Rehearsal) -> None:
    done = rehearsal.ansible("ansible", "web", "-i", "inventories/rehearsal", "-m", "ansible.builtin.ping")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("SUCCESS") == len(rehearsal.web_instances()), done.stdout


def test_no_environment_opens_a_port_for_ssh() -> None:
    places = [PROJECT / name for name in ("roles", "group_vars", "inventories", "playbooks")]
    texts = {path: path.read_text() for place in places for path in place.rglob("*.yml")}
    assert texts
    opened = [path for path, text in texts.items() if re.search(r"(from_port|to_port|ports?):\s*\[?\s*22\b", text)]
    assert not opened


def test_the_environment_lets_any_tool_talk_to_the_account(rehearsal: Rehearsal) -> None:
    printed = subprocess.run(["make", "-s", "rehearsal-env"], cwd=PROJECT, capture_output=True, text=True, check=True)
    exports = dict(line.removeprefix("export ").split("=", 1) for line in printed.stdout.splitlines())
    assert exports["AWS_ENDPOINT_URL"] == rehearsal.settings.endpoint
    assert {"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} <= exports.keys()


def test_help_lists_the_verbs() -> None:
    printed = subprocess.run(["make", "help"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    for verb in ("rehearse", "test", "down", "help", "rehearsal-env"):
        assert re.search(rf"make {verb}\s+\S", printed), printed


def test_a_second_run_changes_nothing(rehearsal: Rehearsal) -> None:
    began = time.monotonic()
    done = rehearsal.playbook("site.yml")
    seconds = time.monotonic() - began
    (RESULTS / "second-run.log").write_text(done.stdout + done.stderr + f"\n{seconds:.0f} s\n")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    recap = done.stdout.split("PLAY RECAP", 1)[1]
    changed = re.findall(r"^(\S+)\s.*\bchanged=([1-9]\d*)", recap, re.MULTILINE)
    assert not changed, recap


def test_a_check_run_promises_no_change(rehearsal: Rehearsal) -> None:
    # Every layer is asked: what the survey would leave out would promise nothing either.
    done = rehearsal.playbook("site.yml", "--check", "-e", "slipway_full=true")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    recap = done.stdout.split("PLAY RECAP", 1)[1]
    assert not re.findall(r"^(\S+)\s.*\b(?:changed|failed|unreachable)=([1-9]\d*)", recap, re.MULTILINE), recap
    for looked_at in ("aws_security :", "aws_balancer :", "aws_parameters :", "aws_compute :"):
        assert looked_at in done.stdout


def test_a_check_run_announces_a_change(rehearsal: Rehearsal) -> None:
    done = rehearsal.playbook("site.yml", "--check", "--limit=all,!web", "-e", "aws_compute_max_size=5")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    recap = done.stdout.split("PLAY RECAP", 1)[1]
    changed = dict(re.findall(r"^(\S+)\s.*\bchanged=([1-9]\d*)", recap, re.MULTILINE))
    assert changed == {"compute": "1"}, recap
