"""What every controller of the data plane shares."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import boto3
from botocore.config import Config

from rehearsal.certificates import CertificateAuthority
from rehearsal.engine import Container, Engine
from rehearsal.settings import REGION, Settings

BodyKind = Literal["instance", "load balancer", "database", "cache"]


@dataclass(frozen=True)
class Body:
    """A container that stands behind a resource of the account."""

    name: str
    kind: BodyKind
    address: str
    #: The container's first process, whose network namespace the firewall and the health checks enter.
    pid: int
    vpc_id: str
    subnet_id: str
    security_group_ids: tuple[str, ...]
    #: A public address, as far as the account gave one: decides the way to the internet.
    has_public_address: bool = False


class Addresses:
    """Private addresses for bodies whose service does not tell one (load balancers, databases, caches).

    EC2 gives its addresses from the bottom of a subnet; these are claimed from the top, so the two do not
    meet in a subnet of ordinary size.
    """

    def __init__(self, cidr_of: Callable[[str], str], taken: Callable[[], Iterable[str]]) -> None:
        self._cidr_of = cidr_of
        self._taken = taken
        self._claims: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def claim(self, subnet_id: str, key: str) -> str:
        """The address of `key` in the subnet: the same one each time it is asked for.

        Raises LookupError when the subnet has no free address.
        """
        with self._lock:
            if (subnet_id, key) in self._claims:
                return self._claims[subnet_id, key]
            network = ipaddress.ip_network(self._cidr_of(subnet_id))
            used = {*self._claims.values(), *self._taken()}
            # The last address of a subnet is AWS's own, like the first four.
            for offset in range(2, network.num_addresses - 4):
                candidate = str(network[-offset])
                if candidate not in used:
                    self._claims[subnet_id, key] = candidate
                    return candidate
            raise LookupError(f"subnet {subnet_id} ({network}) has no free address for {key}")

    def remember(self, subnet_id: str, key: str, address: str) -> None:
        """Take note of an address that a container already has (after a restart of the data plane)."""
        with self._lock:
            self._claims[subnet_id, key] = address

    def release(self, key: str) -> None:
        """Give back whatever `key` holds."""
        with self._lock:
            for claim in [claim for claim in self._claims if claim[1] == key]:
                del self._claims[claim]


@dataclass
class Context:
    """One rehearsal's account, engine and directory, and what the controllers tell each other."""

    settings: Settings
    engine: Engine
    authority: CertificateAuthority
    #: The image with PostgreSQL, Valkey and HAProxy that the managed services run on.
    appliance_image: str
    #: dns name of an endpoint (load balancer, database, cache) -> address of its body.
    names: dict[str, str] = field(default_factory=dict)
    #: container name -> body; each controller owns the entries of its kind.
    bodies: dict[str, Body] = field(default_factory=dict)
    #: The engine's containers as of the beginning of this round.
    containers: Mapping[str, Container] = field(default_factory=dict)
    #: Called by a controller that wants another round soon (a thread of its own finished).
    wake: Callable[[], None] = lambda: None
    addresses: Addresses = field(init=False)

    def __post_init__(self) -> None:
        self.addresses = Addresses(self._cidr_of, lambda: [body.address for body in self.bodies.values()])

    @property
    def state(self) -> Path:
        """The rehearsal's directory."""
        return self.settings.state

    @property
    def site_port(self) -> int:
        """The loopback port of the CloudFront front."""
        return self.settings.site_port

    def client(self, service: str, region: str | None = None) -> Any:
        """A boto3 client for the emulated account with the operator's credentials."""
        return _client(service, region or REGION, self.settings.endpoint)

    def containers_of(self, kind: BodyKind) -> dict[str, Container]:
        """The containers of one kind as of the beginning of this round, by name."""
        return {name: one for name, one in self.containers.items() if one.labels.get("slipway") == kind}

    def network_name(self, vpc_id: str) -> str:
        """The podman network that is the VPC on this machine."""
        return vpc_id

    def gateway(self, vpc_id: str) -> str:
        """The address of the VPC's router, which is this machine's address on the bridge."""
        vpc = self.client("ec2").describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0]
        return gateway_of(vpc["CidrBlock"])

    def _cidr_of(self, subnet_id: str) -> str:
        subnet = self.client("ec2").describe_subnets(SubnetIds=[subnet_id])["Subnets"][0]
        return str(subnet["CidrBlock"])


def gateway_of(cidr: str) -> str:
    """The router's address of a VPC or subnet range: its first one, as in AWS.

    https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
    """
    return str(ipaddress.ip_network(cidr)[1])


@lru_cache(maxsize=64)
def _client(service: str, region: str, endpoint: str) -> Any:
    from rehearsal.emulator.operator import ACCESS_KEY_ID, SECRET_ACCESS_KEY

    connect: Any = boto3.client
    return connect(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        config=Config(
            retries={"total_max_attempts": 2},
            connect_timeout=5,
            read_timeout=30,
            max_pool_connections=20,
            s3={"addressing_style": "path"},
        ),
    )
