"""VPCs: each one is a bridge network on this machine, with the VPC's own address range."""

from __future__ import annotations

import logging
from collections.abc import Callable

from rehearsal.dataplane.context import Context, gateway_of
from rehearsal.engine import EngineError

log = logging.getLogger(__name__)


class Networks:
    """Keeps a podman network for every VPC of the account but the default one.

    `on_gateway` is told the router's address of each VPC once its network is there: the emulated account and the
    instance metadata listen on it. Subnets are ranges within the one network; nothing filters between them but
    the security groups (network ACLs are not there).
    """

    def __init__(self, context: Context, on_gateway: Callable[[str], None]) -> None:
        self._context = context
        self._on_gateway = on_gateway
        self._told: set[str] = set()
        self._refused: dict[str, str] = {}

    def reconcile(self) -> None:
        """Make the networks of new VPCs, and remove those whose VPC is gone and whose hosts have left."""
        context = self._context
        vpcs = context.client("ec2").describe_vpcs()["Vpcs"]
        wanted = {vpc["VpcId"]: vpc["CidrBlock"] for vpc in vpcs if not vpc.get("IsDefault")}
        existing = context.engine.networks()
        for vpc_id, cidr in wanted.items():
            if vpc_id not in existing and not self._create(vpc_id, cidr):
                continue
            if vpc_id not in self._told:
                self._told.add(vpc_id)
                self._on_gateway(gateway_of(cidr))
        for vpc_id in existing - wanted.keys():
            if vpc_id.startswith("vpc-"):
                self._remove(vpc_id)

    def _create(self, vpc_id: str, cidr: str) -> bool:
        try:
            self._context.engine.run("network", "create", f"--subnet={cidr}", f"--gateway={gateway_of(cidr)}", vpc_id)
        except EngineError as error:
            # Said once, not at every round: most often the machine itself already routes this range.
            if self._refused.get(vpc_id) != str(error):
                log.error("%s (%s) cannot become a network of this machine: %s", vpc_id, cidr, error)
                self._refused[vpc_id] = str(error)
            return False
        log.info("%s is a network of this machine, %s", vpc_id, cidr)
        return True

    def _remove(self, vpc_id: str) -> None:
        try:
            self._context.engine.run("network", "rm", vpc_id)
            self._told.discard(vpc_id)
        except EngineError as error:
            log.debug("%s stays for now: %s", vpc_id, error)
