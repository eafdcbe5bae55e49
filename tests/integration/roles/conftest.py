"""A layer as a playbook runs it: alone, against an empty account of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from rehearsal.emulator.operator import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from rehearsal.emulator.server import Emulator

PROJECT = Path(__file__).parents[3]
REGION = "eu-west-1"
ACCOUNT = "123456789012"
TAGS = {"Project": "slipway", "Environment": "test", "ManagedBy": "slipway"}

Values = dict[str, Any]
Clients = Callable[..., Any]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    emulator = Emulator(0)
    emulator.start()
    yield emulator
    emulator.stop()


@pytest.fixture
def client(emulator: Emulator) -> Clients:
    """Makes clients of the operator: `client("sns", "us-east-1")`."""

    def make(service: str, region: str = REGION) -> Any:
        untyped: Any = boto3
        return untyped.client(
            service,
            region_name=region,
            endpoint_url=emulator.endpoint,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
        )

    return make


@pytest.fixture
def subnets(client: Clients) -> list[str]:
    ec2: Any = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    return [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
            "SubnetId"
        ]
        for number, zone in enumerate("ab")
    ]


IDENTITY: Values = {
    "aws_identity_name": "stack",
    "aws_identity_account_id": ACCOUNT,
    "aws_identity_region": REGION,
    "aws_identity_releases_bucket": "releases",
    "aws_identity_parameter_prefix": "/stack",
    "aws_identity_secret_names": ["stack/django"],
}


@pytest.fixture
def host(emulator: Emulator, converge: Converge, client: Clients) -> Clients:
    """Makes clients of an instance, by the role that aws_identity gives it: `host("sqs", **variables)`."""

    def make(service: str, *, role: str = "web", **variables: Any) -> Any:
        identity = converge("aws_identity", IDENTITY | variables)
        assert not identity.failed, identity.messages
        arn = identity.result["role_arns"][role]
        session = client("sts").assume_role(RoleArn=arn, RoleSessionName="host")["Credentials"]
        untyped: Any = boto3
        return untyped.client(
            service,
            region_name=REGION,
            endpoint_url=emulator.endpoint,
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
        )

    return make


@dataclass(frozen=True)
class Converged:
    """What one run of a role came to: its tasks that changed something, the fact it returned, and its words."""

    failed: bool
    changed: tuple[str, ...]
    result: Values
    messages: str
    differences: str = ""


def _differences(answers: list[Values]) -> list[Any]:
    """What the modules that changed something said about it."""
    each = [one for answer in answers for one in answer.get("results", [answer]) if one.get("changed")]
    return [one.get("changes") or one.get("diff") or sorted(one) for one in each]


class Converge:
    """Run a role with its variables, once."""

    def __init__(self, emulator: Emulator, directory: Path) -> None:
        self._directory = directory
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))},
            "AWS_ENDPOINT_URL": emulator.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_MAX_ATTEMPTS": "1",
            "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        }

    def begin(
        self,
        role: str,
        variables: Mapping[str, Any],
        *,
        check: bool = False,
        stage: str = "main",
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[str]:
        """Start one run."""
        play = {
            "name": "Converge",
            "hosts": "localhost",
            "connection": "slipway.aws.warm",
            "gather_facts": False,
            "module_defaults": {
                "group/slipway.aws.aws": {"region": REGION},
                "amazon.aws.route53": {"region": "{{ omit }}", "aws_region": REGION},
            },
            "vars": {"ansible_python_interpreter": sys.executable, **variables},
            "tasks": [
                {"name": "Converge", "ansible.builtin.include_role": {"name": role, "tasks_from": stage}},
                {"name": "Result", "ansible.builtin.debug": {"var": f"{role}_result"}},
            ],
        }
        path = self._directory / "play.yml"
        path.write_text(json.dumps([play]))
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "--diff", str(path)]
        return subprocess.Popen(
            [*command, *(["--check"] if check else [])],
            cwd=PROJECT,
            env={**self.environment, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @staticmethod
    def end(run: subprocess.Popen[str]) -> Converged:
        """Await a run, and read what it came to."""
        try:
            output, _ = run.communicate(timeout=300)
        finally:
            run.kill()
        tasks = json.loads(output)["plays"][0]["tasks"]
        answers = {task["task"]["name"]: task["hosts"]["localhost"] for task in tasks if "localhost" in task["hosts"]}
        wrong = [name for name, answer in answers.items() if answer.get("failed")]
        results = [value for name, value in answers.get("Result", {}).items() if name.endswith("_result")]
        return Converged(
            failed=run.returncode != 0,
            changed=tuple(name.split(" : ")[-1] for name, answer in answers.items() if answer.get("changed")),
            result=results[0] if results and isinstance(results[0], dict) else {},
            messages=json.dumps([answers[name] for name in wrong], indent=1)[:6000],
            differences=json.dumps(_differences(list(answers.values())), indent=1),
        )

    def __call__(self, role: str, variables: Mapping[str, Any], **how: Any) -> Converged:
        """Run once, as `begin` has it."""
        return self.end(self.begin(role, variables, **how))

    def through_its_life(self, role: str, variables: Mapping[str, Any]) -> Converged:
        """A dry run, two runs, a dry run: the first foretells, the second makes, the others find nothing to do."""
        foretold = self(role, variables, check=True)
        assert not foretold.failed, foretold.messages
        made = self(role, variables)
        assert not made.failed, made.messages
        assert made.changed
        # What a dry run cannot foretell it may leave out, but never promises what does not come.
        assert set(foretold.changed) <= set(made.changed)
        assert foretold.changed
        for check in (False, True):
            again = self(role, variables, check=check)
            assert not again.failed, again.messages
            assert again.changed == (), again.differences
            assert again.result == made.result
        return made


@pytest.fixture
def converge(emulator: Emulator, tmp_path: Path) -> Converge:
    return Converge(emulator, tmp_path)


def tags_of(tags: list[Mapping[str, str]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    return {tag[key]: tag[value] for tag in tags}
