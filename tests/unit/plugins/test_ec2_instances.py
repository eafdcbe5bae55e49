"""The inventory plug-in: what `amazon.aws.aws_ec2` says, and a cache that knows whose it is."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import jinja2
import pytest
import yaml
from ansible_collections.amazon.aws.plugins.inventory.aws_ec2 import (  # type: ignore[import-untyped]
    _prepare_host_vars,
)
from ansible_collections.slipway.aws.plugins.inventory.ec2_instances import Expression, host_variables

from rehearsal.emulator.operator import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from rehearsal.emulator.server import Emulator
from rehearsal.images import DEBIAN_13_IMAGE_ID

ROOT = Path(__file__).parents[3]
REGION = "eu-west-1"
STOCK, OURS = "amazon.aws.aws_ec2", "slipway.aws.ec2_instances"
TAGS = {"Project": "slipway", "Role": "web", "MixedCase": "kept", "aws:autoscaling:groupName": "slipway-web"}

Listed = dict[str, Any]


def plain(value: Any) -> Any:
    """Without Ansible's mark of what must not be templated, and with times as JSON has them."""
    if isinstance(value, dict):
        if value.keys() == {"__ansible_unsafe"}:
            return plain(value["__ansible_unsafe"])
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime.datetime) else value


def test_variables_are_those_of_the_stock_plugin() -> None:
    def instance() -> dict[str, Any]:
        return {
            "InstanceId": "i-1",
            "LaunchTime": datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC),
            "Placement": {"AvailabilityZone": f"{REGION}a", "Tenancy": "default"},
            "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeId": "vol-1"}}],
            "CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 2},
            "ENAOptions": {"EnaSupport": True},
            "Tags": [{"Key": key, "Value": value} for key, value in TAGS.items()],
        }

    for prefix in ("", "aws_"):
        assert host_variables(instance(), prefix) == plain(_prepare_host_vars(instance(), prefix))


def test_an_instance_without_tags_and_place_has_variables() -> None:
    assert host_variables({"InstanceId": "i-1"}, "") == {"instance_id": "i-1", "ec2_tags": {}, "tags": {}}


def test_a_value_is_never_a_template() -> None:
    assert Expression("tags.Role")({"tags": {"Role": "{{ 1 + 1 }}"}}) == "{{ 1 + 1 }}"


def test_what_is_missing_is_an_error_unless_there_is_a_default() -> None:
    with pytest.raises(jinja2.UndefinedError):
        Expression("tags.Role")({"tags": {}})
    assert Expression("tags.Role | default([])")({"tags": {}}) == []


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = Emulator(0)
    server.start()
    yield server.endpoint
    server.stop()


@pytest.fixture(scope="module")
def ec2(endpoint: str) -> Any:
    untyped: Any = boto3
    return untyped.client(
        "ec2",
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
    )


@pytest.fixture(scope="module")
def subnet(ec2: Any) -> str:
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.0.0/24", AvailabilityZone=f"{REGION}a")
    identifier: str = made["Subnet"]["SubnetId"]
    return identifier


def launch(ec2: Any, subnet: str, **tags: str) -> str:
    pairs = [{"Key": key, "Value": value} for key, value in {"Project": "slipway", **tags}.items()]
    made = ec2.run_instances(
        ImageId=DEBIAN_13_IMAGE_ID,
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        TagSpecifications=[{"ResourceType": "instance", "Tags": pairs}],
    )
    identifier: str = made["Instances"][0]["InstanceId"]
    return identifier


def ask(endpoint: str, path: Path, plugin: str, **more: Any) -> subprocess.CompletedProcess[str]:
    document = yaml.safe_load((ROOT / "inventories/staging/aws_ec2.yml").read_text())
    path.parent.mkdir(parents=True, exist_ok=True)
    filters = {"tag:Project": "slipway"}
    path.write_text(yaml.safe_dump(document | {"plugin": plugin, "filters": filters} | more))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))}
    return subprocess.run(
        [str(Path(sys.executable).with_name("ansible-inventory")), "-i", str(path), "--list"],
        cwd=ROOT,
        env={
            **kept,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        },
        capture_output=True,
        text=True,
        timeout=240,
    )


def listed(endpoint: str, path: Path, plugin: str, **more: Any) -> Listed:
    run = ask(endpoint, path, plugin, **more)
    assert run.returncode == 0, run.stderr
    found: Listed = plain(json.loads(run.stdout))
    for variables in found["_meta"]["hostvars"].values():
        variables.pop("inventory_file", None)
        variables.pop("inventory_dir", None)
    return found


@pytest.mark.timeout(900)
def test_groups_and_variables_are_those_of_the_stock_plugin(
    endpoint: str, ec2: Any, subnet: str, tmp_path: Path
) -> None:
    web, builder = launch(ec2, subnet, Role="web", Name="a b"), launch(ec2, subnet, Role="builder")
    ours = listed(endpoint, tmp_path / "ours" / "aws_ec2.yml", OURS)
    assert set(ours["_meta"]["hostvars"]) == {web, builder}
    assert ours["web"]["hosts"] == [web]
    assert ours == listed(endpoint, tmp_path / "stock" / "aws_ec2.yml", STOCK)


@pytest.mark.timeout(900)
def test_the_cache_serves_every_file_that_asks_the_same(endpoint: str, ec2: Any, subnet: str, tmp_path: Path) -> None:
    kept = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "cache")}
    first = listed(endpoint, tmp_path / "first" / "aws_ec2.yml", OURS, **kept)
    late = launch(ec2, subnet, Role="web")
    second = listed(endpoint, tmp_path / "second" / "aws_ec2.yml", OURS, **kept)
    assert late not in second["_meta"]["hostvars"]
    assert second == first
    # Who has no key of the account learns nothing from what its owner has left.
    stranger = ask(endpoint, tmp_path / "second" / "aws_ec2.yml", OURS, **kept, access_key="AKIAI44QH8DHBEXAMPLE")
    assert "does not list its instances" in stranger.stderr
    assert json.loads(stranger.stdout)["_meta"]["hostvars"] == {}


@pytest.mark.timeout(900)
def test_a_missing_tag_is_refused_where_it_is_strict(endpoint: str, ec2: Any, subnet: str, tmp_path: Path) -> None:
    nameless = launch(ec2, subnet)
    run = ask(endpoint, tmp_path / "strict" / "aws_ec2.yml", OURS)
    assert f"aws_ec2_tags.Role of {nameless}" in run.stderr
    found = listed(endpoint, tmp_path / "lenient" / "aws_ec2.yml", OURS, strict=False)
    assert nameless in found["_meta"]["hostvars"]
    assert nameless not in found["web"]["hosts"]
