"""The dynamic inventories: three files that may differ in the name of the environment and in nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from rehearsal.emulator.operator import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from rehearsal.emulator.server import Emulator
from rehearsal.images import DEBIAN_13_IMAGE_ID

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ("rehearsal", "staging", "production")
REGION = "eu-west-1"


def document(path: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / path).read_text())
    return loaded


def plugin(environment: str) -> dict[str, Any]:
    return document(f"inventories/{environment}/aws_ec2.yml")


def connection(environment: str) -> dict[str, Any]:
    return document(f"inventories/{environment}/group_vars/aws_ec2/connection.yml")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_instances_are_those_of_the_environment(environment: str) -> None:
    values = document(f"inventories/{environment}/group_vars/all/environment.yml")
    project = document("group_vars/all/project.yml")
    assert plugin(environment)["filters"] == {
        "tag:Project": project["slipway_project"],
        "tag:Environment": values["slipway_environment"],
        "instance-state-name": "running",
    }
    assert plugin(environment)["regions"] == [values["slipway_region"]]


def test_environments_differ_in_their_name_alone() -> None:
    def nameless(environment: str) -> dict[str, Any]:
        loaded = plugin(environment)
        del loaded["filters"]["tag:Environment"], loaded["regions"]
        return loaded

    rehearsal = nameless("rehearsal")
    # Nothing but these leads to the emulator, and they lead there whatever the caller's environment says.
    address = rehearsal.pop("endpoint_url")
    assert address.startswith("http://127.0.0.1:")
    assert (rehearsal.pop("access_key"), rehearsal.pop("secret_key")) == (ACCESS_KEY_ID, SECRET_ACCESS_KEY)
    assert nameless("staging") == rehearsal
    assert nameless("production") == rehearsal


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_host_is_reached_by_ssh(environment: str) -> None:
    assert connection(environment)["ansible_connection"] in {"amazon.aws.aws_ssm", "containers.podman.podman"}


def test_real_accounts_are_reached_alike() -> None:
    assert connection("staging") == connection("production")


@pytest.fixture(scope="module")
def account() -> Iterator[dict[str, str]]:
    """An empty account; answers the environment variables that lead to it."""
    server = Emulator(0)
    server.start()
    yield {
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_REGION": REGION,
        "NO_PROXY": "127.0.0.1",
    }
    server.stop()


def launch(ec2: Any, subnet: str, *, tags: dict[str, str]) -> str:
    reservation = ec2.run_instances(
        ImageId=DEBIAN_13_IMAGE_ID,
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        ],
    )
    identifier: str = reservation["Instances"][0]["InstanceId"]
    return identifier


def test_hosts_are_named_by_id_and_grouped_by_role_and_zone(account: dict[str, str]) -> None:
    ec2 = boto3.client(
        "ec2",
        region_name=REGION,
        endpoint_url=account["AWS_ENDPOINT_URL"],
        aws_access_key_id=account["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=account["AWS_SECRET_ACCESS_KEY"],
    )
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.0.0/24", AvailabilityZone=f"{REGION}a")["Subnet"]["SubnetId"]
    ours = {"Project": "slipway", "Environment": "staging"}
    web = launch(ec2, subnet, tags={**ours, "Role": "web"})
    builder = launch(ec2, subnet, tags={**ours, "Role": "builder"})
    stopped = launch(ec2, subnet, tags={**ours, "Role": "web"})
    ec2.stop_instances(InstanceIds=[stopped])
    launch(ec2, subnet, tags={**ours, "Environment": "production", "Role": "web"})
    launch(ec2, subnet, tags={"Project": "other", "Environment": "staging", "Role": "web"})
    run = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-inventory"), "-i", "inventories/staging/aws_ec2.yml", "--list"],
        cwd=ROOT,
        env={**os.environ, **account, "ANSIBLE_DEPRECATION_WARNINGS": "false"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    listed = json.loads(run.stdout)
    assert sorted(listed["aws_ec2"]["hosts"]) == sorted([web, builder])
    assert listed["web"]["hosts"] == [web]
    assert listed["builder"]["hosts"] == [builder]
    assert sorted(listed["zone_eu_west_1a"]["hosts"]) == sorted([web, builder])
    assert listed["_meta"]["hostvars"][web]["ansible_connection"] == "amazon.aws.aws_ssm"
