"""One emulated account a module of tests, and our modules called as a playbook calls them."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import boto3
import pytest
from ansible.module_utils.testing import patch_module_args  # type: ignore[import-untyped]
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder  # type: ignore[import-untyped]

from rehearsal.emulator.operator import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from rehearsal.emulator.server import Emulator

PROJECT = Path(__file__).parents[3]
REGION = "eu-west-1"

_AnsibleCollectionFinder(paths=[str(PROJECT / "collections")])._install()

Answer = dict[str, Any]


class Call(Protocol):
    """Run one module: options as keywords, ``check`` and ``diff`` as on the command line."""

    def __call__(self, module: str, *, check: bool = False, **options: Any) -> Answer: ...


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    emulator = Emulator(0)
    emulator.start()
    yield emulator.endpoint
    emulator.stop()


@pytest.fixture(autouse=True)
def environment(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    values = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "ANSIBLE_COLLECTIONS_PATH": str(PROJECT / "collections"),
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    return values


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def run(module: str, *, check: bool = False, **options: Any) -> Answer:
        main = importlib.import_module(f"ansible_collections.slipway.aws.plugins.modules.{module}").main
        arguments = {**options, "_ansible_check_mode": check, "_ansible_diff": True}
        capsys.readouterr()
        with patch_module_args(arguments), pytest.raises(SystemExit):
            main()
        answer: Answer = json.loads(capsys.readouterr().out)
        return answer

    return run


def client(service: str) -> Any:
    untyped: Any = boto3
    return untyped.client(service)


def succeeded(answer: Answer) -> Answer:
    assert not answer.get("failed"), answer.get("msg")
    return answer


@pytest.fixture
def group() -> Iterator[str]:
    ec2: Any = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.0.0/24", AvailabilityZone="eu-west-1a")["Subnet"]["SubnetId"]
    data = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "t3.small"}
    template = ec2.create_launch_template(LaunchTemplateName="stack", LaunchTemplateData=data)
    client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="stack-web",
        LaunchTemplate={"LaunchTemplateId": template["LaunchTemplate"]["LaunchTemplateId"], "Version": "1"},
        MinSize=0,
        MaxSize=4,
        DesiredCapacity=0,
        VPCZoneIdentifier=subnet,
    )
    yield "stack-web"
    client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName="stack-web", ForceDelete=True)
    ec2.delete_launch_template(LaunchTemplateName="stack")
