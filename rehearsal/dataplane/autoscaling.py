"""Auto Scaling's health check through the load balancer: who answers badly for long enough is replaced.

The emulated account itself launches, drains and ends instances and keeps the desired capacity; a body that died
reaches it as an instance that was terminated. What it cannot know is how a target answers: that is told here.

Not there: target tracking, step and predictive scaling, scheduled actions, VPC Lattice and custom health checks.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.dataplane.context import Context

log = logging.getLogger(__name__)

DEFAULT_GRACE_SECONDS = 0


@dataclass(frozen=True)
class Member:
    """An instance of a group. `targets` are the states of it in the group's target groups."""

    instance_id: str
    lifecycle_state: str
    health_status: str
    #: Seconds since it was first seen in service; None when it is not in service.
    in_service_for: float | None
    targets: frozenset[str]


def to_replace(members: Iterable[Member], grace_seconds: float) -> list[str]:
    """The instances whose load balancer calls them unhealthy and that may go now.

    One at a time, and none while another one of the group comes or goes; but all at once when the whole group is
    dead. https://docs.aws.amazon.com/autoscaling/ec2/userguide/health-checks-overview.html
    """
    members = list(members)
    in_service = [m for m in members if m.lifecycle_state == "InService" and m.health_status == "Healthy"]
    dead = sorted(
        m.instance_id
        for m in in_service
        if "unhealthy" in m.targets and m.in_service_for is not None and m.in_service_for >= grace_seconds
    )
    if dead and len(dead) == len(in_service):
        return dead
    # Who waits for its terminate hook serves nobody any more, and its successor is on its way or there.
    present = [m for m in members if m.lifecycle_state not in ("Terminating:Wait", "Terminating:Proceed")]
    # A newcomer counts as coming until its first health check; whoever never passes one is unhealthy some day.
    unsettled = [
        m for m in present if m.lifecycle_state.startswith(("Pending", "Terminating")) or m.health_status != "Healthy"
    ]
    newcomers = [m for m in in_service if "initial" in m.targets]
    return [] if unsettled or newcomers else dead[:1]


def checks_load_balancer(group: Mapping[str, Any]) -> bool:
    """Whether a group of DescribeAutoScalingGroups listens to its load balancer."""
    suspended = {process["ProcessName"] for process in group.get("SuspendedProcesses", [])}
    kinds = {kind.strip() for kind in group.get("HealthCheckType", "EC2").split(",")}
    return "ELB" in kinds and bool(group.get("TargetGroupARNs")) and "HealthCheck" not in suspended


class AutoScalingGroups:
    """Marks instances that their target groups call unhealthy, after the grace period of their group."""

    def __init__(self, context: Context) -> None:
        self._context = context
        #: instance id -> monotonic time at which it was first seen in service.
        self._in_service: dict[str, float] = {}

    def reconcile(self) -> None:
        """Look at every group once."""
        client = self._context.client("autoscaling")
        groups: list[Mapping[str, Any]] = [
            group
            for page in client.get_paginator("describe_auto_scaling_groups").paginate()
            for group in page["AutoScalingGroups"]
        ]
        self._note_service(instance for group in groups for instance in group["Instances"])
        for group in groups:
            if not checks_load_balancer(group) or not group["Instances"]:
                continue
            grace = float(group.get("HealthCheckGracePeriod") or DEFAULT_GRACE_SECONDS)
            for instance_id in to_replace(self._members(group), grace):
                log.warning("%s of %s is unhealthy and is replaced", instance_id, group["AutoScalingGroupName"])
                client.set_instance_health(
                    InstanceId=instance_id, HealthStatus="Unhealthy", ShouldRespectGracePeriod=False
                )

    def _note_service(self, instances: Iterable[Mapping[str, Any]]) -> None:
        now = time.monotonic()
        serving = {one["InstanceId"] for one in instances if one["LifecycleState"] == "InService"}
        self._in_service = {name: self._in_service.get(name, now) for name in serving}

    def _members(self, group: Mapping[str, Any]) -> list[Member]:
        states: dict[str, set[str]] = {}
        client = self._context.client("elbv2")
        for arn in group["TargetGroupARNs"]:
            try:
                answer = client.describe_target_health(TargetGroupArn=arn)
            except client.exceptions.TargetGroupNotFoundException:
                continue
            for entry in answer["TargetHealthDescriptions"]:
                states.setdefault(entry["Target"]["Id"], set()).add(entry["TargetHealth"]["State"])
        now = time.monotonic()
        return [
            Member(
                instance_id=one["InstanceId"],
                lifecycle_state=one["LifecycleState"],
                health_status=one["HealthStatus"].capitalize(),
                in_service_for=(now - since) if (since := self._in_service.get(one["InstanceId"])) else None,
                targets=frozenset(states.get(one["InstanceId"], ())),
            )
            for one in group["Instances"]
        ]
