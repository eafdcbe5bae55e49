"""The two tools: how each is asked to create, converge, plan and destroy one environment."""

from __future__ import annotations

import ctypes
import json
import os
import re
import resource
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.warm_interpreter import PR_SET_CHILD_SUBREAPER, collect_orphans
from rehearsal.emulator.operator import ACCESS_KEY_ID, SECRET_ACCESS_KEY

from .account import PROJECT

REGION = "eu-west-1"
#: How long nginx's lines would be kept by the change that is only planned; days, 30 until then.
OTHER_DAYS = 90
STACK = Path(__file__).with_name("terraform")
#: Where machines without a way to the registry keep providers, beside Terraform's own places.
MIRRORS = (Path("/opt/tf-plugins"), Path("/usr/share/terraform/plugins"))


class ToolError(RuntimeError):
    """A tool is missing, or said no; the words are for people."""


@dataclass(frozen=True)
class Environment:
    """One environment of an account. `number` 0 is the inventory `rehearsal` itself."""

    number: int

    @property
    def name(self) -> str:
        return f"rehearsal{self.number}" if self.number else "rehearsal"

    @property
    def cidr(self) -> str:
        return f"10.{20 + self.number}.0.0/16"

    @property
    def zone(self) -> str:
        return f"slipway{self.number}.localhost" if self.number else "slipway.localhost"


@dataclass(frozen=True)
class Run:
    """One run of a tool. Seconds; `cpu` is the tool's with all of its children, the account's is not in it.

    `began` is a time of `time.monotonic`. `changes` says whether the tool changed, or foretold, anything.
    """

    wall: float
    cpu: float
    began: float
    changes: bool


class Tool(Protocol):
    """What the benchmark asks of both. Every method raises ToolError when the tool fails."""

    name: str

    def forget(self, environment: Environment) -> None: ...

    def prepare(self, environment: Environment, endpoint: str) -> None: ...

    def create(self, environment: Environment, endpoint: str) -> Run: ...

    def converge(self, environment: Environment, endpoint: str) -> Run: ...

    def plan(self, environment: Environment, endpoint: str) -> Run: ...

    def plan_a_change(self, environment: Environment, endpoint: str) -> Run: ...

    def destroy(self, environment: Environment, endpoint: str) -> Run: ...


def adopt_orphans() -> None:
    """Let what a run leaves behind become a child of this process, so that its CPU time is counted."""
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError("prctl refused to make this process a subreaper")


def measured(
    words: Sequence[str], given: Mapping[str, str], directory: Path, log: Path, *, fine: Sequence[int] = (0,)
) -> tuple[Run, int]:
    """Run a program, keep its words in `log`, and count. Raises ToolError with its last lines for another exit code."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with log.open("w") as out:
        code = subprocess.run(
            words, env=dict(given), cwd=directory, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        ).returncode
    wall = time.monotonic() - began
    collect_orphans()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code not in fine:
        raise ToolError(f"{words[0]} ended with {code}; its last words ({log}):\n{log.read_text()[-2500:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(wall, cpu, began, False), code


def _given(endpoint: str) -> dict[str, str]:
    """The variables of both: the account, and nothing that the caller has set for either tool."""
    # Of Python's too: with PYTHONDONTWRITEBYTECODE each run would compile Ansible and botocore anew.
    own = ("AWS_", "ANSIBLE_", "TF_", "SLIPWAY_", "BOTO_", "PYTHON")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(own)},
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


class Terraform:
    """Terraform with the stack beside this file: one root module, default parallelism, a state for each environment."""

    name = "Terraform"

    def __init__(self, work: Path) -> None:
        self._work = work / "terraform"
        self._program = shutil.which("terraform") or ""
        if not self._program:
            raise ToolError("There is no terraform on the path: install 1.9 or newer, or put it there.")
        self._secrets = json.dumps(
            {
                "database": {"username": "slipway", "password": secrets.token_hex(24)},
                "cache": {"auth_token": secrets.token_hex(32)},
                "django": {"secret_key": secrets.token_hex(32)},
            }
        )

    def version(self) -> str:
        """Of the program; the provider's stands in versions.tf."""
        found = subprocess.run([self._program, "version", "-json"], capture_output=True, text=True)
        provider = re.search(r'version = "([0-9.]+)"', (STACK / "versions.tf").read_text())
        return f"{json.loads(found.stdout)['terraform_version']}, provider {provider.group(1) if provider else '?'}"

    def _environment(self, environment: Environment, endpoint: str) -> tuple[Path, dict[str, str]]:
        directory = self._work / environment.name
        given = {
            **_given(endpoint),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "TF_VAR_environment": environment.name,
            "TF_VAR_vpc_cidr": environment.cidr,
            "TF_VAR_zone_name": environment.zone,
            "TF_VAR_secrets": self._secrets,
        }
        configured = os.environ.get("TF_CLI_CONFIG_FILE", "")
        if configured and Path(configured).is_file():
            given["TF_CLI_CONFIG_FILE"] = configured
        else:
            mirror = next((path for path in MIRRORS if (path / "registry.terraform.io/hashicorp/aws").is_dir()), None)
            if mirror is not None:
                configuration = self._work / "terraformrc"
                self._work.mkdir(parents=True, exist_ok=True)
                configuration.write_text(f'provider_installation {{\n  filesystem_mirror {{ path = "{mirror}" }}\n}}\n')
                given["TF_CLI_CONFIG_FILE"] = str(configuration)
        if not directory.exists():
            shutil.copytree(STACK, directory)
            words = [self._program, "init", "-input=false", "-no-color"]
            measured(words, given, directory, directory / "init.log")
        return directory, given

    def _run(self, environment: Environment, endpoint: str, *words: str, fine: Sequence[int] = (0,)) -> tuple[Run, int]:
        directory, given = self._environment(environment, endpoint)
        command = [self._program, *words, "-input=false", "-no-color"]
        return measured(command, given, directory, directory / f"{words[0]}.log", fine=fine)

    def forget(self, environment: Environment) -> None:
        """Its account is gone, and so is what Terraform knew of it."""
        shutil.rmtree(self._work / environment.name, ignore_errors=True)

    def prepare(self, environment: Environment, endpoint: str) -> None:
        """What is done once a checkout and belongs to no run: `terraform init`."""
        self._environment(environment, endpoint)

    def create(self, environment: Environment, endpoint: str) -> Run:
        run, _ = self._run(environment, endpoint, "apply", "-auto-approve")
        return run

    def converge(self, environment: Environment, endpoint: str) -> Run:
        run, _ = self._run(environment, endpoint, "apply", "-auto-approve")
        said = (self._work / environment.name / "apply.log").read_text()
        return Run(run.wall, run.cpu, run.began, "Resources: 0 added, 0 changed, 0 destroyed" not in said)

    def plan(self, environment: Environment, endpoint: str, *words: str) -> Run:
        run, code = self._run(environment, endpoint, "plan", "-detailed-exitcode", *words, fine=(0, 2))
        return Run(run.wall, run.cpu, run.began, code == 2)

    def plan_a_change(self, environment: Environment, endpoint: str) -> Run:
        return self.plan(environment, endpoint, f"-var=nginx_log_days={OTHER_DAYS}")

    def destroy(self, environment: Environment, endpoint: str) -> Run:
        run, _ = self._run(environment, endpoint, "destroy", "-auto-approve")
        return run


class Slipway:
    """`playbooks/provision.yml`, with the inventory `rehearsal` and its environment's name, network and zone."""

    name = "Slipway"

    def __init__(self, work: Path) -> None:
        self._work = work / "slipway"
        self._program = str(Path(sys.executable).with_name("ansible-playbook"))

    def _inventory(self, environment: Environment) -> Path:
        """The inventory itself, or a project beside this one whose inventory is a copy with other values."""
        if environment.number == 0:
            return PROJECT / "inventories" / "rehearsal"
        inventory = self._work / environment.name / "inventories" / environment.name
        if not inventory.exists():
            shutil.copytree(PROJECT / "inventories" / "rehearsal", inventory)
            for path in PROJECT.iterdir():
                if path.name not in ("inventories", ".git"):
                    (inventory.parents[1] / path.name).symlink_to(path)
            values = inventory / "group_vars" / "all" / "environment.yml"
            text = values.read_text()
            text = text.replace("slipway_environment: rehearsal\n", f"slipway_environment: {environment.name}\n")
            text = text.replace("10.20.0.0/16", environment.cidr).replace("slipway.localhost", environment.zone)
            values.write_text(text)
            instances = inventory / "aws_ec2.yml"
            instances.write_text(
                instances.read_text().replace("Environment: rehearsal", f"Environment: {environment.name}")
            )
        return inventory

    def _run(
        self, environment: Environment, endpoint: str, playbook: str, *words: str, fine: Sequence[int] = (0,)
    ) -> Run:
        given = {
            **_given(endpoint),
            "SLIPWAY_EMULATOR_PORT": endpoint.rsplit(":", 1)[1],
            "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
        }
        inventory = self._inventory(environment)
        path = PROJECT / "playbooks" / f"{playbook}.yml"
        log = self._work / f"{environment.name}-{playbook}.log"
        self._work.mkdir(parents=True, exist_ok=True)
        command = [self._program, "-i", str(inventory), str(path), *words]
        run, code = measured(command, given, PROJECT, log, fine=fine)
        changed = code == 2 or re.search(r"changed=[1-9]", log.read_text()) is not None
        return Run(run.wall, run.cpu, run.began, changed)

    def forget(self, environment: Environment) -> None:
        """Its account is gone. What was recorded lay there, so there is nothing else to forget."""

    def prepare(self, environment: Environment, endpoint: str) -> None:
        """Nothing: `make setup` was run."""

    def create(self, environment: Environment, endpoint: str) -> Run:
        return self._run(environment, endpoint, "provision")

    def converge(self, environment: Environment, endpoint: str) -> Run:
        return self._run(environment, endpoint, "provision")

    def plan(self, environment: Environment, endpoint: str, *words: str) -> Run:
        """Of what `provision.yml` has made: the image and the instances are of other playbooks."""
        without = json.dumps({"slipway_plan_without": ["image", "compute"]})
        return self._run(environment, endpoint, "plan", "-e", without, *words, fine=(0, 2))

    def plan_a_change(self, environment: Environment, endpoint: str) -> Run:
        return self.plan(environment, endpoint, "-e", f"aws_logs_nginx_days={OTHER_DAYS}")

    def destroy(self, environment: Environment, endpoint: str) -> Run:
        """The name is typed by a person otherwise."""
        return self._run(environment, endpoint, "destroy", "-e", f"destroy={environment.name}")
