"""What an operator and a scripter lean on: the inventory, the verbs, a second run, a check run."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.rehearsal.conftest import PROJECT, RESULTS, Rehearsal, shown
from tests.rehearsal.test_7_background import api, open_incident

__all__ = ["api"]


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


def test_what_the_hosts_say_is_in_the_accounts_log_groups(
    rehearsal: Rehearsal, site: httpx.Client, eventually: Callable[..., None]
) -> None:
    logs = rehearsal.client("logs")
    hosts = {instance["InstanceId"] for instance in rehearsal.web_instances()}
    marker = secrets.token_hex(8)
    site.get(f"/api/{marker}/")

    def lines(group: str) -> list[dict[str, Any]]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/slipway-rehearsal/{group}")
        return [event for page in pages for event in page["events"]]

    def said(group: str) -> list[dict[str, Any]]:
        return [event for event in lines(group) if marker in event["message"]]

    # One request, one line each of the web server and of the application, joined by the balancer's trace.
    eventually(lambda: said("nginx") and said("application"), 30, "the request is in both groups")
    (access,), (request, *_) = said("nginx"), said("application")
    assert access["logStreamName"] == request["logStreamName"]
    assert access["logStreamName"] in hosts
    assert json.loads(access["message"])["trace_id"] == json.loads(request["message"])["trace"]
    assert json.loads(access["message"])["status"] == 404

    # What brings a host to its release says so, and no value of a secret is in any group.
    host = access["logStreamName"]
    rehearsal.on(host, "systemctl", "start", "slipway-activate.service", timeout=60)
    eventually(
        lambda: [one for one in lines("system") if one["logStreamName"] == host and "unchanged " in one["message"]],
        30,
        "the activation is in its group",
    )
    kept = rehearsal.client("secretsmanager").get_secret_value(SecretId="slipway-rehearsal/database")
    password = json.loads(kept["SecretString"])["password"]
    everything = [event["message"] for group in ("nginx", "application", "system") for event in lines(group)]
    assert not [message for message in everything if password in message]


def test_a_request_leaves_a_trace_with_its_queries_and_tasks(
    rehearsal: Rehearsal, api: httpx.Client, eventually: Callable[..., None]
) -> None:
    xray = rehearsal.client("xray")
    trace = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    path = f"/api/incidents/{open_incident(api, 'Traced')}/updates/"
    segments: list[dict[str, Any]] = []

    def complete() -> dict[str, Any] | None:
        """The task whose request has come too, and the queries of both: each process sends its own in its own time."""
        asked = {one["parent_id"] for one in segments if "sql" in one and "parent_id" in one}
        known = {one["id"] for one in segments}
        tasks = [one for one in segments if "task" in one.get("annotations", {})]
        return next(
            (one for one in tasks if one["parent_id"] in known and {one["id"], one["parent_id"]} <= asked), None
        )

    def traced() -> bool:
        found = xray.batch_get_traces(TraceIds=[trace])["Traces"]
        segments[:] = [json.loads(one["Document"]) for each in found for one in each["Segments"]]
        if complete():
            return True
        # The first request of a second is traced; others share the rate of the rule.
        answer = api.post(
            path,
            json={"state": "monitoring", "message": "We look."},
            headers={"X-Amzn-Trace-Id": f"Root={trace}"},
        )
        assert answer.status_code == 201, shown(answer)
        time.sleep(3)
        return False

    eventually(traced, 60, "a trace with a request, its task and the queries of both in the account")
    task = complete()
    assert task is not None
    request = next(one for one in segments if one["id"] == task["parent_id"])
    assert {task["name"], request["name"]} == {"slipway-rehearsal"}
    assert request["http"]["request"]["url"].endswith(path)
    assert request["http"]["response"]["status"] == 201


def test_a_host_writes_to_its_groups_and_reads_none(rehearsal: Rehearsal) -> None:
    host = rehearsal.web_instances()[0]["InstanceId"]
    script = (
        "import boto3; logs = boto3.client('logs', region_name='eu-west-1')\n"
        "def attempt(call, group):\n"
        "    try: call(logGroupName=f'/slipway-rehearsal/{group}', logStreamName='x')\n"
        "    except logs.exceptions.ClientError as error: return error.response['Error']['Code']\n"
        "    return 'allowed'\n"
        "print(attempt(logs.get_log_events, 'nginx'), attempt(logs.create_log_stream, 'flows'))\n"
    )
    environment = rehearsal.on(host, "systemctl", "show-environment")
    endpoint = next(line for line in environment.splitlines() if line.startswith("AWS_ENDPOINT_URL="))
    printed = rehearsal.on(host, "env", endpoint, "python3", "-c", script).split()
    assert printed == ["AccessDeniedException", "AccessDeniedException"]


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
