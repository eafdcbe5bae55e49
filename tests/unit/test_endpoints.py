"""Hosts without NAT reach AWS through endpoints: those that preflight asks for are those that hosts' programs call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ansible.parsing.dataloader import DataLoader  # type: ignore[import-untyped]
from ansible.template import Templar  # type: ignore[import-untyped]

PROJECT = Path(__file__).parents[2]
#: Ansible's connection, and the agent behind it.
#: https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-create-vpc.html
AGENT = {"ec2messages", "ssm", "ssmmessages"}
#: Without a client that names them: the address in SNS's messages, and the queue of the tasks.
OTHERWISE = {"sns", "sqs"}
#: A gateway endpoint, which costs nothing; preflight asks for it by itself.
GATEWAY = {"s3"}


def programs() -> Iterator[Path]:
    """What runs on hosts."""
    yield from PROJECT.glob("roles/*/files/*.py")
    yield from (path for path in (PROJECT / "django_app").rglob("*.py") if "tests" not in path.parts)


def called() -> set[str]:
    return {name for path in programs() for name in re.findall(r"client\(\s*\"([a-z0-9-]+)\"", path.read_text())}


def asked_for() -> set[str]:
    loader = DataLoader()
    path = PROJECT / "group_vars" / "all" / "preflight.yml"
    written = loader.load_from_file(str(path), trusted_as_template=True)["preflight_required_endpoints"]
    return set(Templar(loader=loader, variables={"slipway_layers_off": []}).template(written))


def test_preflight_asks_for_an_endpoint_of_each_service_that_hosts_call() -> None:
    assert {"autoscaling", "secretsmanager"} <= called()
    assert asked_for() == (called() - GATEWAY) | AGENT | OTHERWISE
