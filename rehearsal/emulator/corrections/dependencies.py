"""What of a network AWS does not let go of while something holds it.

Without this every order of a removal would be a right one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.internet_gateways import InternetGatewayBackend
from moto.ec2.models.subnets import Subnet, SubnetBackend
from moto.ec2.models.vpcs import VPC
from moto.ec2.responses.elastic_ip_addresses import ElasticIPAddresses
from moto.ec2.responses.route_tables import RouteTables
from moto.ec2.responses.security_groups import SecurityGroups
from moto.elasticache.models import elasticache_backends
from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.models import ELBv2Backend, FakeLoadBalancer, elbv2_backends
from moto.rds.models import rds_backends
from moto.wafv2.models import wafv2_backends

from .ec2 import let_go
from .registry import correct

#: How long the interfaces of a load balancer outlive it, in seconds; on AWS minutes.
BALANCER_LEAVES_SECONDS = 1.0

_delete_subnet = SubnetBackend.delete_subnet
_delete_vpc = EC2Backend.delete_vpc
_delete_route_table = RouteTables.delete_route_table
_detach_internet_gateway = InternetGatewayBackend.detach_internet_gateway
_delete_security_group = SecurityGroups.delete_security_group
_release_address = ElasticIPAddresses.release_address
_delete_load_balancer = ELBv2Backend.delete_load_balancer

#: Load balancers that were deleted, and when their interfaces go (monotonic seconds).
_leaving: dict[str, tuple[FakeLoadBalancer, float]] = {}


@dataclass(frozen=True)
class Holder:
    """Something with an interface in the network."""

    group_ids: frozenset[str]
    subnet_ids: frozenset[str]
    #: It has an address that the Internet reaches by way of the network's gateway.
    public: bool = False


def _holders(backend: EC2Backend) -> Iterator[Holder]:
    here = (backend.account_id, backend.region_name)
    let_go(backend)
    # moto's annotation says that an address never has one.
    interfaces: list[Any] = [address.eni for address in backend.addresses]
    public = {eni.id for eni in interfaces if eni}
    for eni in backend.enis.values():
        yield Holder(
            frozenset(group.id for group in eni.group_set),
            frozenset([eni.subnet_id]),
            eni.id in public or bool(eni.public_ip),
        )
    for endpoint in backend.vpc_end_points.values():
        if endpoint.state != "deleted":
            yield Holder(frozenset(endpoint.security_group_ids or []), frozenset())
    for balancer in _balancers(*here):
        yield Holder(
            frozenset(balancer.security_groups or []),
            frozenset(subnet.id for subnet in balancer.subnets),
            balancer.scheme != "internal",
        )
    for instance in rds_backends[here[0]][here[1]].databases.values():
        group = instance.db_subnet_group
        ids = [subnet.id for subnet in group._subnets] if group else []
        yield Holder(
            frozenset(instance.vpc_security_group_ids),
            _within(backend, ids, {instance.availability_zone}),
            bool(instance.publicly_accessible),
        )
    caches: Any = elasticache_backends[here[0]][here[1]]
    for cache in caches.replication_groups.values():
        ids = caches.cache_subnet_groups[cache.cache_subnet_group_name].subnet_ids
        zones = {one.availability_zone for one in cache.members}
        yield Holder(frozenset(cache.security_group_ids), _within(backend, ids, zones))


def _within(backend: EC2Backend, subnet_ids: list[str], zones: set[str]) -> frozenset[str]:
    """Those of a subnet group in which an interface lies."""
    return frozenset(one for one in subnet_ids if backend.get_subnet(one).availability_zone in zones)


def _balancers(account_id: str, region: str) -> Iterator[FakeLoadBalancer]:
    now = time.monotonic()
    for arn, (balancer, gone_at) in list(_leaving.items()):
        if now >= gone_at:
            del _leaving[arn]
        elif f":{region}:{account_id}:" in arn:
            yield balancer
    yield from elbv2_backends[account_id][region].load_balancers.values()


@correct(SecurityGroups, "delete_security_group")
def delete_security_group(self: SecurityGroups) -> ActionResult:
    """Neither the default one, nor one that an interface or a rule of another one names.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html
    """
    group = self.ec2_backend.get_security_group_by_name_or_id(
        self._get_param("GroupId") or self._get_param("GroupName")
    )
    if group:
        if group.name == "default":
            message = f'the specified group: "{group.id}" name: "default" cannot be deleted by a user'
            raise EC2ClientError("CannotDelete", message)
        named = {
            source.get("GroupId")
            for other in self.ec2_backend.groups[group.vpc_id].values()
            if other.id != group.id
            for rule in other.ingress_rules + other.egress_rules
            for source in ([rule.source_group] if isinstance(rule.source_group, dict) else rule.source_group)
        }
        held = {number for holder in _holders(self.ec2_backend) for number in holder.group_ids}
        if group.id in named | held:
            raise DependencyViolationError(f"resource {group.id} has a dependent object")
    return _delete_security_group(self)


@correct(SubnetBackend, "delete_subnet")
def delete_subnet(self: Any, subnet_id: str) -> Subnet:
    """Not while an interface lies in it.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSubnet.html
    """
    if any(subnet_id in holder.subnet_ids for holder in _holders(self)):
        raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
    return _delete_subnet(self, subnet_id)


@correct(InternetGatewayBackend, "detach_internet_gateway")
def detach_internet_gateway(self: Any, internet_gateway_id: str, vpc_id: str) -> None:
    """Not while something in the network has a public address.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachInternetGateway.html
    """
    inside = {one.id for zone in self.subnets.values() for one in zone.values() if one.vpc_id == vpc_id}
    if any(holder.public and holder.subnet_ids & inside for holder in _holders(self)):
        raise DependencyViolationError(
            f"Network {vpc_id} has some mapped public address(es). Please unmap those public address(es) before "
            "detaching the gateway."
        )
    _detach_internet_gateway(self, internet_gateway_id, vpc_id)


@correct(RouteTables, "delete_route_table")
def delete_route_table(self: RouteTables) -> Any:
    """The main one goes with its network.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteRouteTable.html
    """
    table = self.ec2_backend.get_route_table(self._get_param("RouteTableId"))
    if table.main_association_id is not None:
        raise DependencyViolationError(f"The routeTable '{table.id}' has dependencies and cannot be deleted.")
    return _delete_route_table(self)


@correct(EC2Backend, "delete_vpc")
def delete_vpc(self: EC2Backend, vpc_id: str) -> VPC:
    """Gateways and groups go before their network; the main route table and the default group with it.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html
    """
    attached: list[str | None] = [one.vpc_id for one in self.egress_only_internet_gateways.values()]
    attached += [attachment["VpcId"] for one in self.internet_gateways.values() for attachment in one.attachments]
    attached += [group.vpc_id for group in self.groups.get(vpc_id, {}).values() if group.name != "default"]
    if vpc_id in attached:
        raise DependencyViolationError(f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
    return _delete_vpc(self, vpc_id)


@correct(ElasticIPAddresses, "release_address")
def release_address(self: ElasticIPAddresses) -> Any:
    """Not while it is associated.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReleaseAddress.html
    """
    let_go(self.ec2_backend)
    allocation = self._get_param("AllocationId")
    for address in self.ec2_backend.addresses:
        if address.allocation_id == allocation and address.association_id:
            raise EC2ClientError("InvalidIPAddress.InUse", f"The address {address.public_ip} is in use.")
    return _release_address(self)


@correct(ELBv2Backend, "delete_load_balancer")
def delete_load_balancer(self: ELBv2Backend, arn: str) -> None:
    """Not a protected one. Its interfaces outlive it, its association with a web ACL does not.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteLoadBalancer.html
    """
    balancer = self.load_balancers.get(arn)
    if balancer:
        if balancer.attrs.get("deletion_protection.enabled") == "true":
            message = f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
            raise ELBClientError("OperationNotPermitted", message)
        _leaving[arn] = (balancer, time.monotonic() + BALANCER_LEAVES_SECONDS)
        for acl in wafv2_backends[self.account_id][self.region_name].wacls.values():
            acl.associated_resources = [one for one in acl.associated_resources if one != arn]
    _delete_load_balancer(self, arn)
