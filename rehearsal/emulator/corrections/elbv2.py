"""Load balancers and target groups: AWS's attributes, and health that somebody measured."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.subnets import Subnet
from moto.elbv2.exceptions import TargetNotRunning, ValidationError
from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeLoadBalancer, FakeTargetGroup

from rehearsal.emulator import account

from .ipv6 import blocks
from .registry import correct

#: Route 53's zones of Application Load Balancers: https://docs.aws.amazon.com/general/latest/gr/elb.html
HOSTED_ZONES = {
    "us-east-1": "Z35SXDOTRQ7X7K",
    "us-east-2": "Z3AADJGX6KTTL2",
    "us-west-1": "Z368ELLRRE2KJ0",
    "us-west-2": "Z1H1FL5HABSF5",
    "eu-central-1": "Z215JYRZR1TBD5",
    "eu-west-1": "Z32O12XQLNTSW2",
    "eu-west-2": "ZHURV8PSTC4K8",
    "eu-west-3": "Z3Q77PNBQS71R4",
    "eu-north-1": "Z23TAZ6LKFMNIO",
    "eu-south-1": "Z3ULH7SSC9OV64",
    "ca-central-1": "ZQSVJUPU6J1EY",
    "ap-northeast-1": "Z14GRHDCWA56QT",
    "ap-southeast-1": "Z1LMS91P8CMLE5",
    "ap-southeast-2": "Z1GM3OXH4ZPM65",
    "ap-south-1": "ZP97RAFLXTNZK",
    "sa-east-1": "Z2P70J7HTTTPLU",
}

_load_balancer_init = FakeLoadBalancer.__init__
_create_load_balancer = ELBv2Backend.create_load_balancer
_set_ip_address_type = ELBv2Backend.set_ip_address_type
_target_group_init = FakeTargetGroup.__init__


@correct(FakeLoadBalancer, "__init__")
def new_load_balancer(self: FakeLoadBalancer, *args: Any, **kwargs: Any) -> None:
    """All attributes of an Application Load Balancer, with their defaults, and the region's hosted zone.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html
    """
    _load_balancer_init(self, *args, **kwargs)
    if self.type == "application":
        self.attrs |= {
            "access_logs.s3.enabled": "false",
            "client_keep_alive.seconds": "3600",
            "connection_logs.s3.bucket": "",
            "connection_logs.s3.enabled": "false",
            "connection_logs.s3.prefix": "",
            "idle_timeout.timeout_seconds": "60",
            "load_balancing.cross_zone.enabled": "true",
            "routing.http.desync_mitigation_mode": "defensive",
            "routing.http.drop_invalid_header_fields.enabled": "false",
            "routing.http.preserve_host_header.enabled": "false",
            "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
            "routing.http.xff_client_port.enabled": "false",
            "routing.http.xff_header_processing.mode": "append",
            "routing.http2.enabled": "true",
            "waf.fail_open.enabled": "false",
            "zonal_shift.config.enabled": "false",
        }
    self.canonical_hosted_zone_id = HOSTED_ZONES.get(self.arn.split(":")[3], self.canonical_hosted_zone_id)


def _check_dual_stack(subnets: Sequence[Subnet], kind: str) -> None:
    """All subnets of a dual-stack balancer have an IPv6 block.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-ip-address-type.html
    """
    without = [subnet.id for subnet in subnets if not blocks(subnet)]
    if kind == "dualstack" and without:
        raise ValidationError(f"You must specify subnets with an associated IPv6 CIDR block, unlike {without}")


@correct(ELBv2Backend, "create_load_balancer")
def create_load_balancer(self: ELBv2Backend, *args: Any, **kwargs: Any) -> FakeLoadBalancer:
    """Without security groups a balancer gets the default one of its VPC.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
    """
    wanted = [*kwargs["subnet_ids"], *(one["SubnetId"] for one in kwargs.get("subnet_mappings") or [])]
    _check_dual_stack([self.ec2_backend.get_subnet(one) for one in wanted], kwargs["ip_address_type"])
    balancer = _create_load_balancer(self, *args, **kwargs)
    if not balancer.security_groups and balancer.type == "application":
        default = self.ec2_backend.get_default_security_group(balancer.vpc_id)
        balancer.security_groups = [default.id] if default else []
    return balancer


@correct(ELBv2Backend, "set_ip_address_type")
def set_ip_address_type(self: ELBv2Backend, arn: str, ip_type: str) -> None:
    """See `_check_dual_stack`."""
    if arn in self.load_balancers:
        _check_dual_stack(self.load_balancers[arn].subnets, ip_type)
    _set_ip_address_type(self, arn, ip_type)


# -- targets -------------------------------------------------------------------------------------------------


@correct(FakeTargetGroup, "__init__")
def new_target_group(self: FakeTargetGroup, *args: Any, **kwargs: Any) -> None:
    """Attributes are strings, and there are some more; checks of instances time out after 5 seconds, not 10.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html
    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
    """
    _target_group_init(self, *args, **kwargs)
    if self.protocol in ("HTTP", "HTTPS"):
        self.attributes |= {
            "load_balancing.algorithm.anomaly_mitigation": "off",
            "stickiness.app_cookie.cookie_name": "",
            "stickiness.app_cookie.duration_seconds": "86400",
            "stickiness.lb_cookie.duration_seconds": "86400",
            "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
            "target_group_health.dns_failover.minimum_healthy_targets.percentage": "off",
            "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
            "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
        }
        self.attributes.pop("waf.fail_open.enabled", None)
        if not kwargs.get("healthcheck_timeout_seconds"):
            self.health_check_timeout_seconds = 5
        self.health_check_path = self.health_check_path or "/"
    self.attributes = {name: str(value) for name, value in self.attributes.items()}
    self.slipway_health = {}  # type: ignore[attr-defined]


def measured(group: FakeTargetGroup) -> dict[str, tuple[str, str | None, str | None]]:
    """target id -> (state, reason, description), as the data plane said last."""
    health: dict[str, tuple[str, str | None, str | None]] = group.__dict__.setdefault("slipway_health", {})
    return health


def draining(group: FakeTargetGroup) -> dict[str, float]:
    """target id -> when its deregistration delay is over, in epoch seconds."""
    deadlines: dict[str, float] = group.__dict__.setdefault("slipway_draining", {})
    return deadlines


def deregistration_delay(group: FakeTargetGroup) -> float:
    """Seconds for which a deregistered target keeps its running requests."""
    return float(str(group.attributes.get("deregistration_delay.timeout_seconds", 300)))


@correct(FakeTargetGroup, "register")
def register(self: FakeTargetGroup, targets: list[dict[str, Any]]) -> None:
    """A new target is `initial` until its checks succeeded.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RegisterTargets.html
    """
    for target in targets:
        instance = self.ec2_backend.get_instance_by_id(target["Id"])
        if instance is not None and instance.state != "running":
            raise TargetNotRunning(instance_id=target["Id"])
        port = int(target.get("Port") or self.port or 0)
        known = self.targets.get(target["Id"])
        if known is None or int(known["Port"]) != port:
            measured(self).pop(target["Id"], None)
        self.targets[target["Id"]] = {"Id": target["Id"], "Port": port}
        self.deregistered_targets.pop(target["Id"], None)
        draining(self).pop(target["Id"], None)


@correct(FakeTargetGroup, "deregister")
def deregister(self: FakeTargetGroup, targets: list[dict[str, Any]]) -> None:
    """A target drains for the deregistration delay; an unknown one is no error.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeregisterTargets.html
    """
    for target in targets:
        known = self.targets.pop(target["Id"], None)
        measured(self).pop(target["Id"], None)
        if known is None:
            continue
        self.deregistered_targets[target["Id"]] = known
        if account.data_plane.attached and is_used(self) and deregistration_delay(self) > 0:
            draining(self)[target["Id"]] = time.time() + deregistration_delay(self)


@correct(FakeTargetGroup, "deregister_terminated_instances")
def deregister_terminated_instances(self: FakeTargetGroup, instance_ids: list[str]) -> None:
    """What is terminated has nothing to drain."""
    for target_id in instance_ids:
        self.targets.pop(target_id, None)
        self.deregistered_targets.pop(target_id, None)
        measured(self).pop(target_id, None)
        draining(self).pop(target_id, None)


def is_used(group: FakeTargetGroup) -> bool:
    """Whether a listener or a rule forwards to the group."""
    from moto.elbv2.models import elbv2_backends

    return elbv2_backends[group.account_id][group.region_name]._any_listener_using(group.arn)


def is_draining(group: FakeTargetGroup, target_id: str, now: float | None = None) -> bool:
    """Whether a deregistered target still has time for its running requests."""
    deadline = draining(group).get(target_id)
    return deadline is not None and (time.time() if now is None else now) < deadline


@correct(FakeTargetGroup, "health_for")
def health_for(self: FakeTargetGroup, target: dict[str, Any], ec2_backend: EC2Backend) -> FakeHealthStatus:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html"""
    target_id = target["Id"]
    known = self.targets.get(target_id) or self.deregistered_targets.get(target_id)
    port = str((known or target).get("Port") or self.port)

    def status(state: str, reason: str | None = None, description: str | None = None) -> FakeHealthStatus:
        return FakeHealthStatus(target_id, port, self.health_check_port, state, reason, description)

    if target_id not in self.targets:
        if is_draining(self, target_id):
            return status("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
        return status("unused", "Target.NotRegistered", "Target is not registered to the target group")
    instance = ec2_backend.get_instance_by_id(target_id) if target_id.startswith("i-") else None
    if instance is not None and instance.state in ("stopped", "stopping", "terminated", "shutting-down"):
        return status("unused", "Target.InvalidState", f"Target is in the {instance.state} state")
    if not account.data_plane.attached:
        return status("healthy")
    if not is_used(self):
        return status(
            "unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"
        )
    if target_id in measured(self):
        return status(*measured(self)[target_id])
    return status("initial", "Elb.RegistrationInProgress", "Target registration is in progress")


@correct(ELBv2Backend, "describe_target_health")
def describe_target_health(
    self: ELBv2Backend, target_group_arn: str, targets: list[dict[str, Any]]
) -> list[FakeHealthStatus]:
    """Draining targets are listed too.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html
    """
    group = next(
        iter(self.describe_target_groups(load_balancer_arn=None, target_group_arns=[target_group_arn], names=None))
    )
    if not targets:
        leaving = [{"Id": target_id} for target_id in draining(group) if is_draining(group, target_id)]
        targets = [*group.targets.values(), *leaving]
    return [group.health_for(target, self.ec2_backend) for target in targets]
