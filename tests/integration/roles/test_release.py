"""A release on hosts that cannot be reached, are lost while they change over, or leave: what is told to whom."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.images import DEBIAN_13_IMAGE_ID

from .conftest import PROJECT, REGION, Clients, Converge

GROUP = "stack-web"
POINTER = "/stack/release/current"
#: As amazon.aws.aws_ssm has it: what boto3 raises is none of Ansible's own, and a lost session is.
CONNECTION = '''
import os
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
name: troubled
short_description: This machine, with the trouble that a file names
description: Each line of the file is the trouble of one command.
extends_documentation_fragment: []
options:
  become_success_timeout: {type: int, default: 10, description: As of local.}
  become_strip_preamble: {type: bool, default: true, description: As of local.}
  trouble: {type: path, description: Directory of the files., vars: [{name: trouble}]}
"""


class Connection(Local):
    transport = "troubled"

    def exec_command(self, *arguments, **named):
        os.environ["TOLD"] = self._play_context.remote_addr
        path = Path(self.get_option("trouble")) / self._play_context.remote_addr
        first, *others = (path.read_text() if path.exists() else "").split("\\n")
        path.write_text("\\n".join(others))
        if first == "failed":
            raise Exception("An error occurred (TargetNotConnected) when calling the StartSession operation")
        if first == "unreachable":
            raise AnsibleConnectionFailure("EXEC command timeout on host")
        return super().exec_command(*arguments, **named)
'''
PROGRAM = """#!/bin/sh
echo "$TOLD $*" >>{log}
test "$2" != broken || exit 6
case $1 in
    --status) echo '{{"in_step": false, "fetched": false}}' ;;
    --release) echo "activated $2" ;;
    *) echo "fetched $2" ;;
esac
"""


@dataclass(frozen=True)
class Ran:
    """How a play ended, and what the hosts were told, in order."""

    status: int
    output: str
    told: list[str]

    @property
    def words(self) -> str:
        return " ".join(self.output.split())


class Hosts:
    """Members of a group of the emulated account, which are this machine in truth."""

    def __init__(self, directory: Path, converge: Converge, ids: list[str]) -> None:
        self.ids = ids
        self._directory = directory
        self._environment = converge.environment
        for name in ("connection", "trouble"):
            (directory / name).mkdir()
        (directory / "connection" / "troubled.py").write_text(CONNECTION)
        self._program = directory / "slipway-activate"
        self._program.write_text(PROGRAM.format(log=directory / "log"))
        self._program.chmod(0o755)

    def trouble(self, host: str, *kinds: str) -> None:
        """What the next commands on a host come to; an empty word for one that goes well."""
        (self._directory / "trouble" / host).write_text("\n".join(kinds))

    def play(self, *stages: str, release: str = "new", previous: str = "old", when: Any = True, **keywords: Any) -> Ran:
        """Run stages of the role on the hosts; `when` is the condition of the last."""
        play: dict[str, Any] = {
            "name": "Release",
            "hosts": "web",
            "gather_facts": False,
            "module_defaults": {"group/slipway.aws.aws": {"region": REGION}},
            "tasks": [
                {"name": stage, "ansible.builtin.import_role": {"name": "release", "tasks_from": stage}}
                for stage in stages
            ],
            **keywords,
        }
        play["tasks"][-1]["when"] = when
        hosts = {host: {"ansible_connection": "troubled"} for host in self.ids}
        variables = {
            "trouble": str(self._directory / "trouble"),
            "release_program": str(self._program),
            "release_region": REGION,
            "release_group": GROUP,
            "release_pointer": POINTER,
            "release_id": release,
            "release_previous": previous,
            "release_notice_seconds": 1,
            "release_connection_seconds": 20,
            "ansible_python_interpreter": sys.executable,
        }
        (self._directory / "hosts.json").write_text(json.dumps({"web": {"hosts": hosts, "vars": variables}}))
        (self._directory / "play.yml").write_text(json.dumps([play]))
        (self._directory / "log").write_text("")
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        done = subprocess.run(
            [program, "-i", str(self._directory / "hosts.json"), str(self._directory / "play.yml")],
            cwd=PROJECT,
            env={
                **self._environment,
                "ANSIBLE_CONNECTION_PLUGINS": str(self._directory / "connection"),
                "ANSIBLE_STDOUT_CALLBACK": "default",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        return Ran(done.returncode, done.stdout + done.stderr, (self._directory / "log").read_text().splitlines())

    def change_over(self, **how: Any) -> Ran:
        """As the playbook does, host after host."""
        asked: Mapping[str, Any] = {"vars": {"release_host": {"in_step": False, "fetched": True}}}
        return self.play("activate", serial=1, max_fail_percentage=0, **asked, **how)


@pytest.fixture
def hosts(client: Clients, converge: Converge, subnets: list[str], tmp_path: Path) -> Hosts:
    ec2, scaling = client("ec2"), client("autoscaling")
    ec2.create_launch_template(
        LaunchTemplateName=GROUP, LaunchTemplateData={"ImageId": DEBIAN_13_IMAGE_ID, "InstanceType": "t3.micro"}
    )
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=GROUP,
        LaunchTemplate={"LaunchTemplateName": GROUP, "Version": "1"},
        MinSize=0,
        MaxSize=3,
        DesiredCapacity=2,
        VPCZoneIdentifier=subnets[0],
    )
    scaling.put_lifecycle_hook(
        AutoScalingGroupName=GROUP,
        LifecycleHookName="stack-terminate",
        LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING",
        HeartbeatTimeout=300,
    )
    client("ssm").put_parameter(Name=POINTER, Value="new", Type="String")
    (group,) = scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    return Hosts(tmp_path, converge, [one["InstanceId"] for one in group["Instances"]])


def take_away(client: Clients, host: str) -> None:
    """The group scales in: the instance still runs, and waits for its hook."""
    client("autoscaling").terminate_instance_in_auto_scaling_group(InstanceId=host, ShouldDecrementDesiredCapacity=True)


def pointer(client: Clients) -> str:
    value: str = client("ssm").get_parameter(Name=POINTER)["Parameter"]["Value"]
    return value


@pytest.mark.parametrize("how", ["failed", "unreachable"])
def test_a_host_that_cannot_be_reached_yet_is_waited_for(hosts: Hosts, how: str) -> None:
    first, second = hosts.ids
    hosts.trouble(second, how, how)
    done = hosts.play("status", "fetch", any_errors_fatal=True)
    assert done.status == 0, done.output
    assert sorted(done.told[:2]) == sorted([f"{first} --status new", f"{second} --status new"])
    assert sorted(done.told[2:]) == sorted([f"{first} --fetch-only new", f"{second} --fetch-only new"])


def test_a_program_that_fails_ends_the_release_with_what_it_said(hosts: Hosts) -> None:
    done = hosts.play("status", "fetch", release="broken", any_errors_fatal=True)
    assert done.status != 0
    assert not [told for told in done.told if "--fetch-only" in told]


def test_a_host_that_leaves_is_not_waited_for(hosts: Hosts, client: Clients) -> None:
    first, second = hosts.ids
    take_away(client, second)
    hosts.trouble(second, *["failed"] * 50)
    done = hosts.play("status", "fetch", any_errors_fatal=True)
    assert done.status == 0, done.output
    assert done.told == [f"{first} --status new", f"{first} --fetch-only new"]


def test_the_first_host_that_answered_migrates(hosts: Hosts, client: Clients) -> None:
    plays = yaml.safe_load((PROJECT / "playbooks" / "release.yml").read_text())
    (migrate,) = [play for play in plays if play["name"] == "Migrate the database"]
    assert migrate["any_errors_fatal"]
    released, chosen = migrate["tasks"][0]["when"]
    assert released == "not hostvars['localhost'].release_result.current"
    first, second = hosts.ids
    take_away(client, first)
    hosts.trouble(first, *["failed"] * 50)
    done = hosts.play("status", "migrate", when=chosen)
    assert done.status == 0, done.output
    assert done.told == [f"{second} --status new", f"{second} --manage new -- migrate --noinput"]


def test_a_usual_change_over_asks_the_group_once_for_each_host(hosts: Hosts) -> None:
    done = hosts.change_over()
    assert done.status == 0, done.output
    assert done.told == [f"{host} --release new" for host in hosts.ids]
    assert done.words.count("TASK [release : leaving | Ask the group]") == len(hosts.ids)
    assert "leaving | Ask EC2" not in done.words


def test_a_host_that_leaves_before_its_turn_changes_nothing_over(hosts: Hosts, client: Clients) -> None:
    first, second = hosts.ids
    take_away(client, first)
    done = hosts.change_over()
    assert done.status == 0, done.output
    assert done.told == [f"{second} --release new"]
    assert pointer(client) == "new"


def test_a_host_that_is_no_instance_changes_over_and_may_fail(hosts: Hosts, client: Clients) -> None:
    """Nobody takes it for one that EC2 has forgotten."""
    hosts.ids[:] = ["web.example.com"]
    done = hosts.change_over()
    assert done.status == 0, done.output
    assert done.told == ["web.example.com --release new"]
    assert hosts.change_over(release="broken").status != 0
    assert pointer(client) == "old"


def test_a_host_that_ends_in_its_turn_does_not_roll_the_others_back(hosts: Hosts, client: Clients) -> None:
    """As Spot takes one away: the group does not know it yet."""
    first, second = hosts.ids
    client("autoscaling").detach_instances(
        AutoScalingGroupName=GROUP, InstanceIds=[second], ShouldDecrementDesiredCapacity=True
    )
    client("ec2").terminate_instances(InstanceIds=[second])
    for how in ("failed", "unreachable"):
        hosts.trouble(second, *[how] * 50)
        done = hosts.change_over()
        assert done.status == 0, done.output
        assert done.told == [f"{first} --release new"]
        assert pointer(client) == "new"


@pytest.mark.parametrize("how", ["failed", "unreachable"])
def test_a_connection_that_is_lost_puts_everything_back(hosts: Hosts, client: Clients, how: str) -> None:
    first, second = hosts.ids
    hosts.trouble(second, how)
    done = hosts.change_over()
    assert done.status != 0
    assert done.told == [f"{first} --release new", f"{first} --release old", f"{second} --release old"]
    assert pointer(client) == "old"
    assert "Every host runs old again." in done.words


def test_a_host_that_stays_lost_is_named(hosts: Hosts, client: Clients) -> None:
    first, second = hosts.ids
    hosts.trouble(second, *["unreachable"] * 50)
    done = hosts.change_over()
    assert done.status != 0
    assert done.told == [f"{first} --release new", f"{first} --release old"]
    assert pointer(client) == "old"
    assert f"but {second} could not be told" in done.words


def test_a_release_that_does_not_run_is_taken_back_from_the_others(hosts: Hosts, client: Clients) -> None:
    """The program has put its own host back."""
    done = hosts.change_over(release="broken")
    assert done.status != 0
    assert done.told == [f"{hosts.ids[0]} --release broken"]
    assert pointer(client) == "old"
    assert "Every host runs old again." in done.words
