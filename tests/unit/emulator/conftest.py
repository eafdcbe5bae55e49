"""One emulated account a module, asked over HTTP with boto3 as everybody asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from rehearsal.emulator import account
from rehearsal.emulator.operator import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from rehearsal.emulator.server import Emulator
from rehearsal.settings import REGION

Clients = Callable[..., Any]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """An empty account without a memory."""
    emulator = Emulator(0)
    emulator.start()
    yield emulator
    emulator.stop()


def make_client(emulator: Emulator, service: str, region: str = REGION, **credentials: str) -> Any:
    """A client that tries once, so that an error shows itself."""
    chosen = credentials or {"aws_access_key_id": ACCESS_KEY_ID, "aws_secret_access_key": SECRET_ACCESS_KEY}
    made: Any = boto3.client(  # type: ignore[call-overload]
        service,
        region_name=region,
        endpoint_url=emulator.endpoint,
        config=Config(retries={"total_max_attempts": 1}, read_timeout=20),
        **chosen,
    )
    return made


@pytest.fixture(scope="module")
def client(emulator: Emulator) -> Clients:
    """Makes clients of the operator: `client("ec2")`, `client("acm", "us-east-1")`."""
    cache: dict[tuple[str, str], Any] = {}

    def make(service: str, region: str = REGION) -> Any:
        if (service, region) not in cache:
            cache[service, region] = make_client(emulator, service, region)
        return cache[service, region]

    return make


@pytest.fixture
def data_plane() -> Iterator[None]:
    """Resources wait for the back channel while this fixture is in use."""
    account.data_plane.attached = True
    yield
    account.data_plane.attached = False


class Network:
    """A VPC with one subnet in each of two zones."""

    def __init__(self, ec2: Any, cidr: str = "10.20.0.0/16") -> None:
        first, second = cidr.split(".")[:2]
        self.vpc_id = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
        self.subnet_ids = [
            ec2.create_subnet(
                VpcId=self.vpc_id, CidrBlock=f"{first}.{second}.{number}.0/24", AvailabilityZone=f"{REGION}{zone}"
            )["Subnet"]["SubnetId"]
            for number, zone in enumerate("ab")
        ]
        self.group_id = ec2.create_security_group(GroupName="web", Description="web", VpcId=self.vpc_id)["GroupId"]


@pytest.fixture(scope="module")
def network(client: Clients) -> Network:
    """The module's network."""
    return Network(client("ec2"))
