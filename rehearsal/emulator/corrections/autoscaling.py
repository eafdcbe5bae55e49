"""EC2 Auto Scaling as an engine: it launches, replaces, drains and refreshes, in time.

moto launches all instances at once into the first subnet and forgets target groups afterwards. Here a group is moved
on by `advance_group`, after each change and once a second while something waits:

    Pending ──(instance runs)──▶ InService ──(scale in, unhealthy, refresh)──▶ Terminating ──▶ gone

A lifecycle hook puts `Pending:Wait` or `Terminating:Wait` in between, until the host completes its action. Without a
data plane every step happens within the call that asked for it.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html
"""

from __future__ import annotations

import math
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import (
    ASG_NAME_TAG,
    AutoScalingBackend,
    DetachInstanceActivity,
    FakeAutoScalingGroup,
    InstanceState,
    LifecycleHook,
    TerminateInstanceActivity,
    autoscaling_backends,
)
from moto.autoscaling.responses import AutoScalingResponse
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.ec2.exceptions import InvalidInstanceIdError
from moto.ec2.models.instances import Instance
from moto.elbv2.models import FakeTargetGroup, elbv2_backends

from rehearsal.emulator import account
from rehearsal.emulator.corrections import ec2, elbv2
from rehearsal.settings import ACCOUNT_ID

from .registry import correct, correct_value

_ACTIVITIES_KEPT = 100
#: So many of the new instances of a refresh may die before it fails. AWS gives up after about an hour instead.
_REFRESH_FAILURES = 3
#: https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-quotas.html
_HOOKS = 50
_LIVE_STATES = ("pending", "running")
_COUNTED = ("Pending", "Pending:Wait", "Pending:Proceed", "InService")
LAUNCHING, TERMINATING = "autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"

_group_init = FakeAutoScalingGroup.__init__
_group_update = FakeAutoScalingGroup.update
_create_group = AutoScalingBackend.create_auto_scaling_group
_set_azs = FakeAutoScalingGroup._set_azs_and_vpcs


# -- members -------------------------------------------------------------------------------------------------


def _member_template(self: InstanceState) -> dict[str, Any] | None:
    """The version that the instance was launched from, which does not change afterwards."""
    launched: dict[str, Any] | None = self.__dict__.get("slipway_template")
    return launched


correct_value(InstanceState, "launch_template", property(_member_template))


def live_members(group: FakeAutoScalingGroup) -> list[InstanceState]:
    """The members that count for the capacity."""
    return [member for member in group.instance_states if member.lifecycle_state in _COUNTED]


@correct(FakeAutoScalingGroup, "active_instances")
def active_instances(self: FakeAutoScalingGroup) -> list[InstanceState]:
    """moto's word for `live_members`."""
    return live_members(self)


def _target_groups(group: FakeAutoScalingGroup) -> Iterator[FakeTargetGroup]:
    known = elbv2_backends[group.account_id][group.region].target_groups
    for arn in group.target_group_arns:
        if arn in known:
            yield known[arn]


def is_healthy(group: FakeAutoScalingGroup, member: InstanceState) -> bool:
    """Whether a member is in service, and healthy in the group's target groups if the group asks them."""
    if member.lifecycle_state != "InService" or member.health_status != "Healthy":
        return False
    return all(
        target_group.health_for({"Id": member.instance.id}, group.ec2_backend).status == "healthy"
        for target_group in _target_groups(group)
    )


# -- activities ----------------------------------------------------------------------------------------------


@dataclass
class Activity:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Activity.html"""

    auto_scaling_group_name: str
    description: str
    cause: str
    instance_id: str
    status_code: str = "InProgress"
    activity_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    start_time: datetime = field(default_factory=utcnow)
    end_time: datetime | None = None
    status_message: str | None = None
    details: str = "{}"

    @property
    def progress(self) -> int:
        """Percent."""
        return 50 if self.status_code == "InProgress" else 100

    def end(self, code: str = "Successful", message: str | None = None) -> None:
        """The activity is over."""
        self.status_code, self.status_message, self.end_time = code, message, utcnow()


def activities(group: FakeAutoScalingGroup) -> list[Activity]:
    """The group's activities, the latest first."""
    found: list[Activity] = group.__dict__.setdefault("slipway_activities", [])
    return found


def _note(group: FakeAutoScalingGroup, description: str, cause: str, instance_id: str) -> Activity:
    activity = Activity(group.name, description, f"At {_stamp()} {cause}", instance_id)
    activities(group).insert(0, activity)
    del activities(group)[_ACTIVITIES_KEPT:]
    return activity


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _end_activities(group: FakeAutoScalingGroup, instance_id: str, start: str) -> None:
    for activity in activities(group):
        if activity.instance_id == instance_id and activity.status_code == "InProgress":
            if activity.description.startswith(start):
                activity.end()
            else:
                activity.end("Failed", "The instance went away.")


# -- launching -----------------------------------------------------------------------------------------------


def _next_subnet(group: FakeAutoScalingGroup) -> str | None:
    """The subnet of the zone with the fewest members; among equals the first one named.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/auto-scaling-benefits.html#arch-AutoScalingMultiAZ
    """
    if not group.vpc_zone_identifier:
        return None
    subnets = [group.ec2_backend.get_subnet(name.strip()) for name in group.vpc_zone_identifier.split(",")]
    members = live_members(group)
    in_zone = Counter(member.availability_zone for member in members)
    in_subnet = Counter(member.instance.subnet_id for member in members)
    best = min(subnets, key=lambda subnet: (in_zone[subnet.availability_zone], in_subnet[subnet.id]))
    return str(best.id)


def _template_in_force(group: FakeAutoScalingGroup) -> dict[str, Any] | None:
    """The launch template, with the number that $Latest or $Default means now."""
    refresh = _running_refresh(group)
    wanted = refresh.wanted_template if refresh is not None else None
    if wanted is not None:
        return wanted
    template = group.ec2_launch_template
    if template is None:
        return None
    version = template.get_version(group.launch_template_version)
    return {
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "Version": str(version.number),
    }


def _launch(group: FakeAutoScalingGroup, cause: str) -> InstanceState:
    subnet_id = _next_subnet(group)
    template = _template_in_force(group)
    tags = {
        **group.get_propagated_tags(),
        ASG_NAME_TAG: group.name,
    }
    arguments: dict[str, Any] = {
        "tags": {"instance": tags},
        "subnet_id": subnet_id,
        "region_name": group.region,
        "placement": None if subnet_id else group.availability_zones[0],
        "is_instance_type_default": True,
    }
    if template is not None:
        arguments["launch_template"] = {
            "LaunchTemplateId": template["LaunchTemplateId"],
            "Version": template["Version"],
        }
        data = group.ec2_backend.get_launch_template(template["LaunchTemplateId"]).get_version(template["Version"])
        image_id, user_data, groups = data.image_id, data.user_data, list(data.security_groups)
        arguments["associate_public_ip"] = None
    else:
        configuration = group.launch_config
        image_id, user_data, groups = configuration.image_id, configuration.user_data, configuration.security_groups
        arguments |= {
            "instance_type": configuration.instance_type,
            "is_instance_type_default": False,
            "associate_public_ip": configuration.associate_public_ip_address,
            "iam_instance_profile_name": configuration.iam_instance_profile,
            "key_name": configuration.key_name,
        }
    reservation = group.ec2_backend.run_instances(image_id, 1, user_data, groups, **arguments)
    instance = reservation.instances[0]
    instance.autoscaling_group = group  # type: ignore[attr-defined]
    member = InstanceState(
        instance, lifecycle_state="Pending", protected_from_scale_in=group.new_instances_protected_from_scale_in
    )
    member.__dict__["slipway_template"] = template
    group.instance_states.append(member)
    _note(group, f"Launching a new EC2 instance: {instance.id}", cause, instance.id)
    return member


@correct(FakeAutoScalingGroup, "replace_autoscaling_group_instances")
def replace_instances(self: FakeAutoScalingGroup, count_needed: int, _propagated_tags: dict[str, str]) -> None:
    """Launch `count_needed` instances, spread over the group's zones.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html
    """
    for _ in range(count_needed):
        _launch(self, "an instance was started in response to a difference between desired and actual capacity.")


# -- lifecycle hooks -----------------------------------------------------------------------------------------


@dataclass
class LifecycleAction:
    """What a hook waits for with one instance.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks-overview.html
    """

    hook_name: str
    heartbeat_seconds: int
    default_result: str
    token: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: float = field(default_factory=time.time)
    deadline: float = 0.0
    result: str | None = None

    def __post_init__(self) -> None:
        self.beat()

    def beat(self) -> None:
        """The time begins anew, but for 48 hours or a hundred times the heartbeat at most."""
        longest = self.started + global_timeout(self.heartbeat_seconds)
        self.deadline = min(time.time() + self.heartbeat_seconds, longest)


def global_timeout(heartbeat_seconds: int) -> int:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LifecycleHook.html"""
    return min(172_800, 100 * heartbeat_seconds)


def _hooks(group: FakeAutoScalingGroup, transition: str) -> list[LifecycleHook]:
    found = group.autoscaling_backend.describe_lifecycle_hooks(group.name)
    return [hook for hook in found if hook.lifecycle_transition == transition]


def _actions(member: InstanceState) -> list[LifecycleAction]:
    found: list[LifecycleAction] = member.__dict__.setdefault("slipway_actions", [])
    return found


def _await_hooks(group: FakeAutoScalingGroup, member: InstanceState, transition: str) -> bool:
    """Let a member wait when the group has hooks; whether it has. Without a data plane no host could complete them."""
    hooks = _hooks(group, transition)
    if not hooks or not account.data_plane.attached:
        return False
    member.lifecycle_state = f"{member.lifecycle_state}:Wait"
    member.__dict__["slipway_actions"] = [
        LifecycleAction(hook.name, hook.heartbeat_timeout, hook.default_result) for hook in hooks
    ]
    return True


def _result_of_hooks(member: InstanceState) -> str | None:
    """CONTINUE when all hooks say so, ABANDON as soon as one does, and None while a member waits."""
    for action in _actions(member):
        if action.result is None and time.time() >= action.deadline:
            action.result = action.default_result
    results = [action.result for action in _actions(member)]
    if "ABANDON" in results:
        return "ABANDON"
    return None if None in results else "CONTINUE"


def _abandon(group: FakeAutoScalingGroup, member: InstanceState) -> None:
    """A launch that its hook gave up: the instance goes, and another one comes.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/completing-lifecycle-hooks.html
    """
    refresh = _running_refresh(group)
    if refresh is not None and member.instance.id not in refresh.outdated:
        refresh.failures += 1
    token = next(action.token for action in _actions(member) if action.result == "ABANDON")
    for activity in activities(group):
        if activity.instance_id == member.instance.id and activity.status_code == "InProgress":
            activity.end(
                "Cancelled",
                "Instance failed to complete user's Lifecycle Action: "
                f"Lifecycle Action with token {token} was abandoned.",
            )
    begin_termination(group, member, "an instance was taken out of service because its launch was abandoned.")


def _waiting_action(backend: AutoScalingBackend, response: AutoScalingResponse) -> LifecycleAction:
    """The action that a request names by its token or by the instance."""
    group = _group(backend, response._get_param("AutoScalingGroupName"))
    hook, token = response._get_param("LifecycleHookName"), response._get_param("LifecycleActionToken")
    instance_id = response._get_param("InstanceId")
    for member in group.instance_states:
        if member.lifecycle_state not in ("Pending:Wait", "Terminating:Wait"):
            continue
        for action in _actions(member):
            named = token == action.token if token else instance_id == member.instance.id
            if action.hook_name == hook and action.result is None and named:
                return action
    what = f"token {token}" if token else f"instance ID {instance_id}"
    raise ValidationError(f"No active Lifecycle Action found with {what}")


@correct(AutoScalingResponse, "complete_lifecycle_action")
def complete_lifecycle_action(self: AutoScalingResponse) -> ActionResult:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CompleteLifecycleAction.html"""
    result = self._get_param("LifecycleActionResult")
    if result not in ("CONTINUE", "ABANDON"):
        raise ValidationError(f"Lifecycle action result {result} is not valid: use CONTINUE or ABANDON.")
    _waiting_action(self.autoscaling_backend, self).result = result
    advance_group(_group(self.autoscaling_backend, self._get_param("AutoScalingGroupName")))
    return EmptyResult()


@correct(AutoScalingResponse, "record_lifecycle_action_heartbeat")
def record_lifecycle_action_heartbeat(self: AutoScalingResponse) -> ActionResult:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RecordLifecycleActionHeartbeat.html"""
    _waiting_action(self.autoscaling_backend, self).beat()
    return EmptyResult()


@correct(AutoScalingResponse, "put_lifecycle_hook")
def put_lifecycle_hook(self: AutoScalingResponse) -> ActionResult:
    """A hook has a target for its messages only when it was given one, and values that are left out stay.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutLifecycleHook.html
    """
    backend = self.autoscaling_backend
    group = _group(backend, self._get_param("AutoScalingGroupName"))
    name = self._get_param("LifecycleHookName")
    before = next(iter(backend.describe_lifecycle_hooks(group.name, [name])), None)
    transition = self._get_param("LifecycleTransition") or (before and before.lifecycle_transition)
    seconds = self._get_int_param("HeartbeatTimeout", before.heartbeat_timeout if before else 3600)
    result = self._get_param("DefaultResult") or (before.default_result if before else "ABANDON")
    if transition not in (LAUNCHING, TERMINATING):
        raise ValidationError(f"Lifecycle transition {transition} is not valid.")
    if seconds is None or not 30 <= seconds <= 7200:
        raise ValidationError("The heartbeat timeout must be from 30 to 7200 seconds.")
    if result not in ("CONTINUE", "ABANDON"):
        raise ValidationError(f"Default result {result} is not valid: use CONTINUE or ABANDON.")
    if before is None and len(backend.describe_lifecycle_hooks(group.name)) >= _HOOKS:
        raise AutoscalingClientError("LimitExceeded", f"A group has up to {_HOOKS} lifecycle hooks.")
    hook = backend.create_lifecycle_hook(name, group.name, transition, seconds, result)
    hook.global_timeout = global_timeout(seconds)
    for parameter, attribute in (
        ("RoleARN", "role_arn"),
        ("NotificationTargetARN", "notification_target_arn"),
        ("NotificationMetadata", "notification_metadata"),
    ):
        hook.__dict__[attribute] = self._get_param(parameter) or (before and before.__dict__.get(attribute)) or None
    return EmptyResult()


_delete_hook = AutoScalingBackend.delete_lifecycle_hook


@correct(AutoScalingBackend, "delete_lifecycle_hook")
def delete_lifecycle_hook(self: AutoScalingBackend, as_name: str, name: str) -> None:
    """Outstanding actions are completed first: ABANDON for what launches, CONTINUE for what terminates.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteLifecycleHook.html
    """
    group = _group(self, as_name)
    if not self.describe_lifecycle_hooks(as_name, [name]):
        raise ValidationError(f"No Lifecycle Hook found with name {name}")
    _delete_hook(self, as_name, name)
    for member in group.instance_states:
        for action in _actions(member):
            if action.hook_name == name and action.result is None:
                action.result = "ABANDON" if member.lifecycle_state == "Pending:Wait" else "CONTINUE"
    advance_group(group)


# -- leaving -------------------------------------------------------------------------------------------------


def _choose_for_scale_in(group: FakeAutoScalingGroup) -> InstanceState | None:
    """The default termination policy: the fullest zone, then what runs from an older template, then the oldest.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-termination-policies.html
    """
    members = [member for member in live_members(group) if not member.protected_from_scale_in]
    if not members:
        return None
    in_zone = Counter(member.availability_zone for member in live_members(group))
    current = _template_in_force(group)
    return min(
        members,
        key=lambda member: (
            -in_zone[member.availability_zone],
            member.health_status == "Healthy",
            member.launch_template == current,
            member.lifecycle_state == "InService",
            member.instance.launch_time,
        ),
    )


def begin_termination(group: FakeAutoScalingGroup, member: InstanceState, cause: str) -> None:
    """Take a member out of its target groups and, when they are drained, end it. A second call does nothing.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/attach-load-balancer-asg.html
    """
    if member.lifecycle_state.startswith("Terminating"):
        return
    member.lifecycle_state = "Terminating"
    _note(group, f"Terminating EC2 instance: {member.instance.id}", cause, member.instance.id)
    for target_group in _target_groups(group):
        target_group.deregister([{"Id": member.instance.id}])
    _continue_termination(group, member)


def _continue_termination(group: FakeAutoScalingGroup, member: InstanceState) -> bool:
    """Go on with a member that leaves; whether something changed.

    A hook waits for an instance that is gone already, too: nobody is there to complete its action, and its time runs
    out. The group has long launched another one.
    """
    instance = member.instance
    lives = instance.state in _LIVE_STATES or instance.state in ("stopped", "stopping")
    if member.lifecycle_state == "Terminating":
        if lives and any(elbv2.is_draining(target_group, instance.id) for target_group in _target_groups(group)):
            return False
        if _await_hooks(group, member, TERMINATING):
            return True
        member.lifecycle_state = "Terminating:Proceed"
    if member.lifecycle_state == "Terminating:Wait":
        if _result_of_hooks(member) is None:
            return False
        member.lifecycle_state = "Terminating:Proceed"
    if lives:
        instance.disable_api_termination = False
        instance.terminate()
        if instance.state != "terminated":
            return True
    if instance.state == "terminated":
        _forget_member(group, member)
        return True
    return False


def _forget_member(group: FakeAutoScalingGroup, member: InstanceState) -> None:
    group.instance_states = [other for other in group.instance_states if other is not member]
    for target_group in _target_groups(group):
        target_group.deregister_terminated_instances([member.instance.id])
    _end_activities(group, member.instance.id, "Terminating")


# -- the engine ----------------------------------------------------------------------------------------------


def _suspended(group: FakeAutoScalingGroup, process: str) -> bool:
    return process in group._suspended_processes


def advance_group(group: FakeAutoScalingGroup) -> bool:
    """Take every step that is possible now; whether there was one. Call it with the account locked."""
    changed = False
    while _step(group):
        changed = True
    return changed


def _step(group: FakeAutoScalingGroup) -> bool:
    changed = False
    for member in list(group.instance_states):
        state = member.instance.state
        match member.lifecycle_state:
            case "Pending" if state == "running":
                if not _await_hooks(group, member, LAUNCHING):
                    _enter_service(group, member)
                changed = True
            case "Pending" | "Pending:Wait" | "InService" if state not in _LIVE_STATES:
                _lose(group, member, state)
                changed = True
            case "Pending:Wait":
                changed |= _continue_launch(group, member)
            case "InService" if member.health_status != "Healthy" and not _suspended(group, "ReplaceUnhealthy"):
                begin_termination(group, member, "an instance was taken out of service in response to a health check.")
                changed = True
            case "Terminating" | "Terminating:Wait" | "Terminating:Proceed":
                changed |= _continue_termination(group, member)
            case _:
                pass
    changed |= _advance_refresh(group)
    changed |= _meet_capacity(group)
    return changed


def _continue_launch(group: FakeAutoScalingGroup, member: InstanceState) -> bool:
    """Go on with a member whose launch hooks may have an answer; whether they have."""
    match _result_of_hooks(member):
        case "CONTINUE":
            member.lifecycle_state = "Pending:Proceed"
            _enter_service(group, member)
        case "ABANDON":
            _abandon(group, member)
        case _:
            return False
    return True


def _enter_service(group: FakeAutoScalingGroup, member: InstanceState) -> None:
    member.lifecycle_state = "InService"
    member.__dict__["slipway_in_service_since"] = time.time()
    if not _suspended(group, "AddToLoadBalancer"):
        for target_group in _target_groups(group):
            target_group.register([{"Id": member.instance.id, "Port": target_group.port}])
    _end_activities(group, member.instance.id, "Launching")


def _lose(group: FakeAutoScalingGroup, member: InstanceState, state: str) -> None:
    """A member's instance was stopped or terminated by somebody else: EC2's health check failed."""
    member.health_status = "Unhealthy"
    refresh = _running_refresh(group)
    if refresh is not None and member.instance.id not in refresh.outdated:
        refresh.failures += 1
    begin_termination(
        group,
        member,
        f"an instance was taken out of service in response to an EC2 health check indicating it has been {state}.",
    )


def _meet_capacity(group: FakeAutoScalingGroup) -> bool:
    refresh = _running_refresh(group)
    wanted = (group.desired_capacity or 0) + (refresh.surplus if refresh is not None else 0)
    members = live_members(group)
    if len(members) < wanted and not _suspended(group, "Launch"):
        for _ in range(wanted - len(members)):
            _launch(group, "an instance was started in response to a difference between desired and actual capacity.")
        return True
    if len(members) > wanted and not _suspended(group, "Terminate"):
        changed = False
        for _ in range(len(members) - wanted):
            member = _choose_for_scale_in(group)
            if member is not None:
                begin_termination(
                    group,
                    member,
                    "an instance was taken out of service in response to a difference between desired and actual "
                    "capacity, shrinking the capacity.",
                )
                changed = True
        return changed
    return False


def _waits(group: FakeAutoScalingGroup) -> bool:
    """Whether time alone will allow the next step: a delay of a target, a warm-up of a refresh."""
    waiting = any(
        member.lifecycle_state.endswith(":Wait")
        or (
            member.lifecycle_state == "Terminating"
            and any(elbv2.is_draining(target_group, member.instance.id) for target_group in _target_groups(group))
        )
        for member in group.instance_states
    )
    return waiting or _running_refresh(group) is not None


def advance_all() -> tuple[bool, bool]:
    """Move on every group of the account: (something changed, something waits for time to pass)."""
    changed = waits = False
    for region, backend in list(autoscaling_backends[ACCOUNT_ID].items()):
        for group in list(backend.autoscaling_groups.values()):
            changed |= advance_group(group)
            waits |= _waits(group)
        for group in list(leaving_groups(backend)):
            changed |= _advance_leaving(backend, group)
            waits |= _waits(group)
        changed |= ec2.forget_terminated(backend.ec2_backend)
        changed |= _end_drains(region)
    return changed, waits


def _end_drains(region: str) -> bool:
    """Forget deregistration delays that are over."""
    changed, now = False, time.time()
    for target_group in elbv2_backends[ACCOUNT_ID][region].target_groups.values():
        deadlines = elbv2.draining(target_group)
        for target_id in [name for name, deadline in deadlines.items() if deadline <= now]:
            del deadlines[target_id]
            changed = True
    return changed


# -- groups --------------------------------------------------------------------------------------------------


@correct(FakeAutoScalingGroup, "set_desired_capacity")
def set_desired_capacity(self: FakeAutoScalingGroup, new_capacity: int | None) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetDesiredCapacity.html"""
    wanted = self.min_size if new_capacity is None else new_capacity
    self.desired_capacity = wanted
    if self.name in self.autoscaling_backend.autoscaling_groups:
        advance_group(self)


@correct(AutoScalingBackend, "set_desired_capacity")
def set_desired_capacity_of(self: AutoScalingBackend, group_name: str, desired_capacity: int | None) -> None:
    """A capacity beyond the group's limits is an error.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetDesiredCapacity.html
    """
    group = _group(self, group_name)
    if desired_capacity is not None:
        _check_limits(group, desired_capacity)
    group.set_desired_capacity(desired_capacity)


def _check_limits(group: FakeAutoScalingGroup, wanted: int) -> None:
    for limit, word, beyond in (
        (group.max_size, "above max value", wanted > (group.max_size or 0)),
        (group.min_size, "below min value", wanted < (group.min_size or 0)),
    ):
        if beyond:
            raise AutoscalingClientError(
                "ValidationError",
                f"New SetDesiredCapacity value {wanted} is {word} {limit} for the AutoScalingGroup.",
            )


def _group(backend: AutoScalingBackend, name: str) -> FakeAutoScalingGroup:
    if name not in backend.autoscaling_groups:
        raise ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
    return backend.autoscaling_groups[name]


@correct(AutoScalingBackend, "create_auto_scaling_group")
def create_group(self: AutoScalingBackend, *args: Any, **kwargs: Any) -> FakeAutoScalingGroup:
    """A name is taken once.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html
    """
    name = kwargs.get("name") or args[0]
    if name in self.autoscaling_groups or any(group.name == name for group in leaving_groups(self)):
        raise AutoscalingClientError("AlreadyExists", f"AutoScalingGroup by this name already exists - {name}")
    group = _create_group(self, *args, **kwargs)
    advance_group(group)
    return group


@correct(FakeAutoScalingGroup, "update")
def update_group(self: FakeAutoScalingGroup, *args: Any, **kwargs: Any) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html"""
    if kwargs.get("mixed_instances_policy") is None:
        kwargs["mixed_instances_policy"] = self.mixed_instances_policy if not kwargs.get("launch_template") else None
        if kwargs["mixed_instances_policy"] is not None:
            kept, kwargs["mixed_instances_policy"] = kwargs["mixed_instances_policy"], None
            _group_update(self, *args, **kwargs)
            self.mixed_instances_policy = kept
            advance_group(self)
            return
    _group_update(self, *args, **kwargs)
    advance_group(self)


def leaving_groups(backend: AutoScalingBackend) -> list[FakeAutoScalingGroup]:
    """Deleted groups whose instances still shut down."""
    groups: list[FakeAutoScalingGroup] = backend.__dict__.setdefault("slipway_leaving_groups", [])
    return groups


@correct(AutoScalingBackend, "delete_auto_scaling_group")
def delete_group(self: AutoScalingBackend, group_name: str, force: bool = True) -> None:
    """A group with instances is deleted by force only, and shows `Delete in progress` until they are gone.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteAutoScalingGroup.html
    """
    group = _group(self, group_name)
    if group.instance_states and not force:
        raise AutoscalingClientError(
            "ResourceInUse",
            "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) "
            "still in the group.",
        )
    refresh = _running_refresh(group)
    if refresh is not None:
        refresh.end("Cancelled", "The group was deleted.")
    group.desired_capacity = group.min_size = 0
    group.__dict__["status"] = "Delete in progress"
    # With the group go its outstanding lifecycle actions.
    for key in [key for key, hook in self.lifecycle_hooks.items() if hook.auto_scaling_group_name == group_name]:
        del self.lifecycle_hooks[key]
    for member in list(group.instance_states):
        member.protected_from_scale_in = False
        for action in _actions(member):
            action.result = action.result or "CONTINUE"
        begin_termination(group, member, "the group was deleted.")
    if group.instance_states:
        leaving_groups(self).append(group)
    del self.autoscaling_groups[group_name]
    for name in [name for name, policy in self.policies.items() if policy.auto_scaling_group_name == group_name]:
        del self.policies[name]


def _advance_leaving(backend: AutoScalingBackend, group: FakeAutoScalingGroup) -> bool:
    changed = False
    for member in list(group.instance_states):
        changed |= _continue_termination(group, member)
    if not group.instance_states:
        leaving_groups(backend).remove(group)
        changed = True
    return changed


_describe_groups = AutoScalingBackend.describe_auto_scaling_groups


@correct(AutoScalingBackend, "describe_auto_scaling_groups")
def describe_groups(
    self: AutoScalingBackend, names: list[str], filters: list[dict[str, str]] | None = None
) -> list[FakeAutoScalingGroup]:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html"""
    found = _describe_groups(self, names, filters)
    return found + [group for group in leaving_groups(self) if not filters and (not names or group.name in names)]


@correct(AutoScalingResponse, "delete_auto_scaling_group")
def delete_group_response(self: AutoScalingResponse) -> ActionResult:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteAutoScalingGroup.html"""
    backend: Any = self.autoscaling_backend
    backend.delete_auto_scaling_group(
        self._get_param("AutoScalingGroupName"), self._get_bool_param("ForceDelete", False)
    )
    return EmptyResult()


_create_group_response = AutoScalingResponse.create_auto_scaling_group
_update_group_response = AutoScalingResponse.update_auto_scaling_group

#: What moto does not keep: parameter -> attribute of the group.
_PLAIN = {
    "DefaultCooldown": "default_cooldown",
    "DefaultInstanceWarmup": "default_instance_warmup",
    "MaxInstanceLifetime": "max_instance_lifetime",
    "InstanceMaintenancePolicy": "instance_maintenance_policy",
    "TerminationPolicies": "termination_policies",
    "CapacityRebalance": "capacity_rebalance",
    "PlacementGroup": "placement_group",
}


def _keep_plain(self: AutoScalingResponse) -> None:
    group = self.autoscaling_backend.autoscaling_groups[self._get_param("AutoScalingGroupName")]
    for parameter, attribute in _PLAIN.items():
        value = self._get_param(parameter)
        if value is not None and value != []:
            group.__dict__[attribute] = value
    grace = self._get_int_param("HealthCheckGracePeriod")
    if grace is not None:
        group.health_check_grace_period = grace


@correct(AutoScalingResponse, "create_auto_scaling_group")
def create_group_response(self: AutoScalingResponse) -> ActionResult:
    """The desired capacity lies between the limits; some parameters more are kept.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html
    """
    wanted, low, high = (self._get_int_param(name) for name in ("DesiredCapacity", "MinSize", "MaxSize"))
    if wanted is not None and not (low or 0) <= wanted <= (high or 0):
        raise AutoscalingClientError(
            "ValidationError",
            f"Desired capacity:{wanted} must be between the specified min size:{low} and max size:{high}",
        )
    result = _create_group_response(self)
    # The console's default is 300 seconds, the API's is none.
    group = self.autoscaling_backend.autoscaling_groups[self._get_param("AutoScalingGroupName")]
    group.health_check_grace_period = 0
    _keep_plain(self)
    return result


@correct(AutoScalingResponse, "update_auto_scaling_group")
def update_group_response(self: AutoScalingResponse) -> ActionResult:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html"""
    name = self._get_param("AutoScalingGroupName")
    group = _group(self.autoscaling_backend, name)
    refresh = _running_refresh(group)
    launch = any(
        self._get_param(given) for given in ("LaunchTemplate", "MixedInstancesPolicy", "LaunchConfigurationName")
    )
    if launch and refresh is not None and refresh.desired_configuration:
        raise AutoscalingClientError(
            "ValidationError",
            "An active instance refresh with a desired configuration exists. All configuration options derived from "
            "the desired configuration are not available for update while the instance refresh is active.",
        )
    wanted = self._get_int_param("DesiredCapacity", group.desired_capacity)
    low, high = self._get_int_param("MinSize", group.min_size), self._get_int_param("MaxSize", group.max_size)
    given = self._get_param("DesiredCapacity") is not None
    if given and not (low or 0) <= (wanted or 0) <= (high or 0):
        raise AutoscalingClientError(
            "ValidationError",
            f"Desired capacity:{wanted} must be between the specified min size:{low} and max size:{high}",
        )
    result = _update_group_response(self)
    if not given:
        group.set_desired_capacity(min(max(group.desired_capacity or 0, low or 0), high or 0))
    _keep_plain(self)
    return result


@correct(AutoScalingResponse, "disable_metrics_collection")
def disable_metrics_collection(self: AutoScalingResponse) -> ActionResult:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DisableMetricsCollection.html"""
    group = _group(self.autoscaling_backend, self._get_param("AutoScalingGroupName"))
    names = self._get_param("Metrics", [])
    group.metrics = [metric for metric in group.metrics if names and metric not in names]
    return EmptyResult()


@correct(AutoScalingResponse, "describe_scaling_activities")
def describe_scaling_activities(self: AutoScalingResponse) -> ActionResult:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeScalingActivities.html"""
    name, ids = self._get_param("AutoScalingGroupName"), self._get_param("ActivityIds", [])
    groups = [*self.autoscaling_backend.autoscaling_groups.values(), *leaving_groups(self.autoscaling_backend)]
    found = [
        activity
        for group in groups
        if not name or group.name == name
        for activity in activities(group)
        if not ids or activity.activity_id in ids
    ]
    limit = self._get_int_param("MaxRecords", 100)
    return ActionResult({"Activities": found[:limit]})


# -- instances -----------------------------------------------------------------------------------------------


def member_of(backend: AutoScalingBackend, instance_id: str) -> tuple[FakeAutoScalingGroup, InstanceState] | None:
    """The group and member of an instance."""
    for group in [*backend.autoscaling_groups.values(), *leaving_groups(backend)]:
        for member in group.instance_states:
            if member.instance.id == instance_id:
                return group, member
    return None


def _member(backend: AutoScalingBackend, instance_id: str) -> tuple[FakeAutoScalingGroup, InstanceState]:
    found = member_of(backend, instance_id)
    if found is None:
        raise ValidationError(f"Instance Id not found - No managed instance found for instance ID: {instance_id}")
    return found


@correct(AutoScalingBackend, "terminate_instance")
def terminate_instance(self: AutoScalingBackend, instance_id: str, should_decrement: bool) -> TerminateInstanceActivity:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_TerminateInstanceInAutoScalingGroup.html"""
    group, member = _member(self, instance_id)
    before = group.desired_capacity or 0
    if should_decrement:
        if before <= (group.min_size or 0):
            raise ValidationError(
                f"Currently, desiredSize equals minSize ({before}). Terminating instance without replacement "
                "will violate group's min size constraint."
            )
        group.desired_capacity = before - 1
    begin_termination(group, member, "an instance was taken out of service in response to a user request.")
    advance_group(group)
    return TerminateInstanceActivity(member.instance, before)


@correct(AutoScalingBackend, "notify_terminate_instances")
def notify_terminate_instances(self: AutoScalingBackend, instance_ids: list[str]) -> None:
    """Somebody terminated instances of a group: they are replaced."""
    for instance_id in instance_ids:
        found = member_of(self, instance_id)
        if found is not None:
            advance_group(found[0])


@correct(AutoScalingBackend, "set_instance_health")
def set_instance_health(self: AutoScalingBackend, instance_id: str, health_status: str) -> None:
    """An unhealthy instance is replaced.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetInstanceHealth.html
    """
    group, member = _member(self, instance_id)
    member.health_status = health_status
    advance_group(group)


@correct(AutoScalingBackend, "update_attached_target_groups")
def update_attached_target_groups(self: AutoScalingBackend, group_name: str) -> None:
    """Members in service are registered; a target group that is gone is no error."""
    group = self.autoscaling_groups[group_name]
    for target_group in _target_groups(group):
        for member in group.instance_states:
            if member.lifecycle_state == "InService" and member.instance.id not in target_group.targets:
                target_group.register([{"Id": member.instance.id, "Port": target_group.port}])


@correct(AutoScalingBackend, "detach_load_balancer_target_groups")
def detach_target_groups(self: AutoScalingBackend, group_name: str, target_group_arns: list[str]) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DetachLoadBalancerTargetGroups.html"""
    group = _group(self, group_name)
    for target_group in _target_groups(group):
        if target_group.arn in target_group_arns:
            target_group.deregister([{"Id": member.instance.id} for member in group.instance_states])
    group.target_group_arns = [arn for arn in group.target_group_arns if arn not in target_group_arns]


@correct(AutoScalingBackend, "detach_instances")
def detach_instances(
    self: AutoScalingBackend, group_name: str, instance_ids: list[str], should_decrement: bool
) -> list[DetachInstanceActivity]:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DetachInstances.html"""
    group = _group(self, group_name)
    done = []
    for member in [member for member in group.instance_states if member.instance.id in instance_ids]:
        self.ec2_backend.delete_tags([member.instance.id], {ASG_NAME_TAG: group.name})
        for target_group in _target_groups(group):
            target_group.deregister([{"Id": member.instance.id}])
        done.append(DetachInstanceActivity(member.instance))
    group.instance_states = [member for member in group.instance_states if member.instance.id not in instance_ids]
    if should_decrement:
        group.desired_capacity = (group.desired_capacity or 0) - len(done)
    advance_group(group)
    return done


# -- instance refresh ----------------------------------------------------------------------------------------


@dataclass
class Refresh:
    """One instance refresh: https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstanceRefresh.html"""

    group_name: str
    preferences: dict[str, Any]
    #: The launch template to go to; None keeps the group's.
    wanted_template: dict[str, Any] | None
    #: The launch template before, to go back to.
    previous_template: dict[str, Any] | None
    desired_configuration: dict[str, Any] | None
    #: Ids of the instances that are to be replaced and still live.
    outdated: list[str]
    total: int
    strategy: str = "Rolling"
    status: str = "Pending"
    status_reason: str | None = None
    #: So many instances more than desired may live at the moment.
    surplus: int = 0
    failures: int = 0
    instance_refresh_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    start_time: datetime = field(default_factory=utcnow)
    end_time: datetime | None = None
    rollback: bool = False
    rollback_reason: str | None = None
    #: In epoch seconds; who was in service before needs no warm-up.
    started: float = field(default_factory=time.time)

    #: In epoch seconds: the end of the delay after a checkpoint, or of the bake time. None while neither is waited for.
    waits_until: float | None = None
    #: The checkpoints that are not passed yet, in percent.
    checkpoints: list[int] = field(default_factory=list)

    @property
    def running(self) -> bool:
        """Whether it is not over."""
        return self.status in ("Pending", "InProgress", "Baking", "RollbackInProgress")

    @property
    def percentage(self) -> int:
        """Percent of the instances that were replaced."""
        return 100 if self.total == 0 else int(100 * (self.total - len(self.outdated)) / self.total)

    def end(self, status: str, reason: str | None = None) -> None:
        """It is over."""
        self.status, self.status_reason, self.end_time, self.surplus = status, reason, utcnow(), 0

    def described(self) -> dict[str, Any]:
        """The API's own form."""
        left = len(self.outdated)
        return {
            "InstanceRefreshId": self.instance_refresh_id,
            "AutoScalingGroupName": self.group_name,
            "Status": self.status,
            "StatusReason": self.status_reason,
            "StartTime": self.start_time,
            "EndTime": self.end_time,
            "PercentageComplete": self.percentage,
            "InstancesToUpdate": left,
            "Preferences": self.preferences,
            "DesiredConfiguration": self.desired_configuration,
            "Strategy": self.strategy,
            "RollbackDetails": {"RollbackReason": self.rollback_reason, "RollbackStartTime": self.start_time}
            if self.rollback
            else None,
        }


def refreshes(group: FakeAutoScalingGroup) -> list[Refresh]:
    """The group's refreshes, the latest first."""
    found: list[Refresh] = group.__dict__.setdefault("slipway_refreshes", [])
    return found


def _running_refresh(group: FakeAutoScalingGroup) -> Refresh | None:
    latest = refreshes(group)[:1]
    return latest[0] if latest and latest[0].running else None


def _resolved_template(group: FakeAutoScalingGroup, given: dict[str, Any] | None) -> dict[str, Any] | None:
    if not given:
        return None
    backend = group.ec2_backend
    template = (
        backend.get_launch_template(given["LaunchTemplateId"])
        if given.get("LaunchTemplateId")
        else backend.get_launch_template_by_name(given["LaunchTemplateName"])
    )
    version = template.get_version(given.get("Version") or "$Default")
    return {
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "Version": str(version.number),
    }


@correct(AutoScalingResponse, "start_instance_refresh")
def start_instance_refresh(self: AutoScalingResponse) -> ActionResult:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_StartInstanceRefresh.html"""
    group = _group(self.autoscaling_backend, self._get_param("AutoScalingGroupName"))
    if _running_refresh(group) is not None:
        raise AutoscalingClientError(
            "InstanceRefreshInProgress",
            "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.",
        )
    preferences = _preferences(self._get_param("Preferences") or {}, group)
    desired = self._get_param("DesiredConfiguration") or None
    before = _template_in_force(group)
    given = _specification(desired)
    pinned = (given or {}).get("Version"), getattr(group, "launch_template_version", None)
    if preferences.get("AutoRollback") and {str(version) for version in pinned} & {"$Latest", "$Default"}:
        raise AutoscalingClientError(
            "ValidationError",
            "The AutoRollback parameter cannot be set to true when the DesiredConfiguration or the Auto Scaling group "
            "uses $Latest or $Default as the launch template version.",
        )
    if preferences.get("AutoRollback") and not given:
        raise AutoscalingClientError(
            "ValidationError",
            "The AutoRollback parameter cannot be set to true when the DesiredConfiguration is empty.",
        )
    wanted = _resolved_template(group, given)
    target = wanted or before
    protected = preferences["ScaleInProtectedInstances"]
    outdated = [
        member.instance.id
        for member in live_members(group)
        if not (preferences.get("SkipMatching") and member.launch_template == target)
        and not (member.protected_from_scale_in and protected == "Ignore")
    ]
    refresh = Refresh(
        group_name=group.name,
        preferences=preferences,
        wanted_template=wanted,
        previous_template=before,
        desired_configuration=desired,
        outdated=outdated,
        total=len(outdated),
        strategy=self._get_param("Strategy") or "Rolling",
        checkpoints=[int(percent) for percent in preferences.get("CheckpointPercentages") or []],
    )
    refreshes(group).insert(0, refresh)
    advance_group(group)
    return ActionResult({"InstanceRefreshId": refresh.instance_refresh_id})


def _specification(desired: dict[str, Any] | None) -> dict[str, Any] | None:
    """The launch template of a desired configuration.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DesiredConfiguration.html
    """
    policy = (desired or {}).get("MixedInstancesPolicy") or {}
    mixed: dict[str, Any] | None = (policy.get("LaunchTemplate") or {}).get("LaunchTemplateSpecification")
    return mixed or (desired or {}).get("LaunchTemplate")


def _preferences(given: dict[str, Any], group: FakeAutoScalingGroup) -> dict[str, Any]:
    """The preferences with their defaults.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html
    """
    policy = group.__dict__.get("instance_maintenance_policy") or {}
    low, high = policy.get("MinHealthyPercentage", 90), policy.get("MaxHealthyPercentage", 100)
    merged = {
        "MinHealthyPercentage": low if int(low) >= 0 else 90,
        "MaxHealthyPercentage": high if int(high) >= 0 else 100,
        "SkipMatching": False,
        "AutoRollback": False,
        "ScaleInProtectedInstances": "Wait",
        "StandbyInstances": "Wait",
        **{name: value for name, value in given.items() if value is not None},
    }
    low, high = int(merged["MinHealthyPercentage"]), int(merged["MaxHealthyPercentage"])
    if not 0 <= low <= 100 or not 100 <= high <= 200 or high - low > 100:
        raise AutoscalingClientError(
            "ValidationError",
            "The values of MinHealthyPercentage and MaxHealthyPercentage must be 0-100 and 100-200, and differ by at "
            "most 100.",
        )
    checkpoints = [int(percent) for percent in merged.get("CheckpointPercentages") or []]
    if checkpoints != sorted(set(checkpoints)) or any(not 0 < percent <= 100 for percent in checkpoints):
        raise AutoscalingClientError(
            "ValidationError", "CheckpointPercentages must be unique, between 1 and 100 and in ascending order."
        )
    if "CheckpointDelay" in merged and not checkpoints:
        raise AutoscalingClientError("ValidationError", "CheckpointDelay requires CheckpointPercentages.")
    if checkpoints:
        merged.setdefault("CheckpointDelay", 3600)
    if len((merged.get("AlarmSpecification") or {}).get("Alarms") or []) > 10:
        raise AutoscalingClientError("ValidationError", "An instance refresh watches up to 10 alarms.")
    return merged


@correct(AutoScalingResponse, "describe_instance_refreshes")
def describe_instance_refreshes(self: AutoScalingResponse) -> ActionResult:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeInstanceRefreshes.html"""
    group = _group(self.autoscaling_backend, self._get_param("AutoScalingGroupName"))
    ids = self._get_param("InstanceRefreshIds", [])
    found = [refresh for refresh in refreshes(group) if not ids or refresh.instance_refresh_id in ids]
    limit = self._get_int_param("MaxRecords", 100)
    return ActionResult({"InstanceRefreshes": [refresh.described() for refresh in found[:limit]]})


@correct(AutoScalingResponse, "cancel_instance_refresh")
def cancel_instance_refresh(self: AutoScalingResponse) -> ActionResult:
    """What was replaced stays replaced.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CancelInstanceRefresh.html
    """
    group = _group(self.autoscaling_backend, self._get_param("AutoScalingGroupName"))
    refresh = _needed_refresh(group)
    refresh.end("Cancelled", "Cancelled due to user request.")
    advance_group(group)
    return ActionResult({"InstanceRefreshId": refresh.instance_refresh_id})


@correct(AutoScalingResponse, "rollback_instance_refresh")
def rollback_instance_refresh(self: AutoScalingResponse) -> ActionResult:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RollbackInstanceRefresh.html"""
    group = _group(self.autoscaling_backend, self._get_param("AutoScalingGroupName"))
    refresh = _needed_refresh(group)
    if refresh.wanted_template is None or refresh.rollback:
        raise AutoscalingClientError(
            "IrreversibleInstanceRefresh", "The instance refresh has no desired configuration to go back from."
        )
    _roll_back(group, refresh, "A user asked for it.")
    advance_group(group)
    return ActionResult({"InstanceRefreshId": refresh.instance_refresh_id})


def _needed_refresh(group: FakeAutoScalingGroup) -> Refresh:
    refresh = _running_refresh(group)
    if refresh is None:
        raise AutoscalingClientError(
            "ActiveInstanceRefreshNotFound",
            f"No in progress or pending Instance Refresh found for Auto Scaling group {group.name}",
        )
    return refresh


def _roll_back(group: FakeAutoScalingGroup, refresh: Refresh, reason: str) -> None:
    refresh.rollback, refresh.rollback_reason = True, reason
    refresh.status, refresh.failures, refresh.surplus = "RollbackInProgress", 0, 0
    refresh.waits_until, refresh.checkpoints = None, []
    refresh.wanted_template = refresh.previous_template
    refresh.outdated = [
        member.instance.id for member in live_members(group) if member.launch_template != refresh.previous_template
    ]
    refresh.total = len(refresh.outdated)


def _is_ready(group: FakeAutoScalingGroup, refresh: Refresh, member: InstanceState) -> bool:
    """A new instance counts when it is healthy and its warm-up is over."""
    if not is_healthy(group, member):
        return False
    since = float(member.__dict__.get("slipway_in_service_since", 0.0))
    if since < refresh.started or not account.data_plane.attached:
        return True
    warmup = refresh.preferences.get("InstanceWarmup")
    if warmup is None:
        warmup = group.__dict__.get("default_instance_warmup")
    if warmup is None or int(warmup) < 0:
        warmup = group.health_check_grace_period or 0
    return time.time() - since >= float(warmup)


def _advance_refresh(group: FakeAutoScalingGroup) -> bool:
    """One step of the rolling strategy; whether something changed.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-overview.html
    """
    refresh = _running_refresh(group)
    if refresh is None or _suspended(group, "InstanceRefresh"):
        return False
    if refresh.status == "Pending":
        refresh.status = "InProgress"
        return True
    if refresh.failures >= _REFRESH_FAILURES:
        return _fail(group, refresh, f"{refresh.failures} new instances failed their health checks.")
    alarm = None if refresh.rollback else _sounding_alarm(group, refresh)
    if alarm is not None:
        return _fail(group, refresh, f"The CloudWatch alarm {alarm} is in the ALARM state.")
    if refresh.waits_until is not None:
        if time.time() < refresh.waits_until:
            return False
        refresh.waits_until = None
        if refresh.status == "Baking":
            _complete(group, refresh)
            return True
        refresh.status_reason = None
    members = live_members(group)
    ids = {member.instance.id for member in members}
    refresh.outdated = [instance_id for instance_id in refresh.outdated if instance_id in ids]
    desired = group.desired_capacity or 0
    ready = [member for member in members if _is_ready(group, refresh, member)]
    protected = refresh.preferences["ScaleInProtectedInstances"] != "Refresh"
    outdated = [
        member
        for member in members
        if member.instance.id in refresh.outdated and not (protected and member.protected_from_scale_in)
    ]
    if not refresh.outdated:
        if len(ready) < desired:
            return False
        _bake(group, refresh)
        return True
    allowed = len(refresh.outdated)
    if refresh.checkpoints:
        allowed = math.ceil(refresh.total * refresh.checkpoints[0] / 100) - (refresh.total - len(refresh.outdated))
        if allowed <= 0:
            return _pass_checkpoint(group, refresh, settled=len(ready) >= desired)
    high = int(refresh.preferences["MaxHealthyPercentage"])
    low = math.ceil(desired * int(refresh.preferences["MinHealthyPercentage"]) / 100)
    spare = 0 if high == 100 else max(1, math.floor(desired * high / 100) - desired)
    if spare == 0:
        # At least one instance must be able to go first.
        low = min(low, desired - 1)
    surplus = min(spare, allowed)
    changed = surplus != refresh.surplus
    refresh.surplus = surplus
    ready_ids = {member.instance.id for member in ready}
    may_go = len(ready) - low
    # What is not healthy anyway takes nothing away when it goes.
    for member in sorted(outdated, key=lambda member: member.instance.id in ready_ids):
        if member.instance.id in ready_ids:
            if may_go <= 0:
                break
            may_go -= 1
        if allowed <= 0:
            break
        allowed -= 1
        refresh.outdated.remove(member.instance.id)
        begin_termination(group, member, "an instance was taken out of service in response to an instance refresh.")
        changed = True
        # With no spare instance, one goes at a time and its successor must be ready first.
        refresh.surplus = min(spare, allowed)
    return changed


def _sounding_alarm(group: FakeAutoScalingGroup, refresh: Refresh) -> str | None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AlarmSpecification.html"""
    known = cloudwatch_backends[group.account_id][group.region].alarms
    named = (refresh.preferences.get("AlarmSpecification") or {}).get("Alarms") or []
    return next((name for name in named if name in known and known[name].state_value == "ALARM"), None)


def _pass_checkpoint(group: FakeAutoScalingGroup, refresh: Refresh, *, settled: bool) -> bool:
    """A checkpoint is reached when the new instances are ready; the last one ends the refresh.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/asg-adding-checkpoints-instance-refresh.html
    """
    if not settled:
        changed = refresh.surplus != 0
        refresh.surplus = 0
        return changed
    reached = refresh.checkpoints.pop(0)
    if not refresh.checkpoints:
        _bake(group, refresh)
        return True
    refresh.waits_until = time.time() + int(refresh.preferences["CheckpointDelay"])
    refresh.status_reason = f"Waiting at the checkpoint of {reached} percent."
    return True


def _bake(group: FakeAutoScalingGroup, refresh: Refresh) -> None:
    """Everything is replaced; alarms have a while yet to tell.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html
    """
    bake = int(refresh.preferences.get("BakeTime") or 0)
    if bake and not refresh.rollback:
        refresh.status, refresh.waits_until, refresh.surplus = "Baking", time.time() + bake, 0
    else:
        _complete(group, refresh)


def _fail(group: FakeAutoScalingGroup, refresh: Refresh, reason: str) -> bool:
    if refresh.preferences.get("AutoRollback") and not refresh.rollback:
        _roll_back(group, refresh, reason)
    else:
        refresh.end("RollbackFailed" if refresh.rollback else "Failed", reason)
    return True


def _complete(group: FakeAutoScalingGroup, refresh: Refresh) -> None:
    """The group keeps the configuration that the refresh brought."""
    template = refresh.wanted_template
    if template is not None and not refresh.rollback:
        given = _specification(refresh.desired_configuration) or template
        mixed = (refresh.desired_configuration or {}).get("MixedInstancesPolicy")
        if mixed:
            # A group always shows both names of its template.
            named = {**mixed["LaunchTemplate"], "LaunchTemplateSpecification": template}
            group.mixed_instances_policy = {**mixed, "LaunchTemplate": named}
        group.ec2_launch_template = group.ec2_backend.get_launch_template(template["LaunchTemplateId"])
        group.launch_template_version = str(given.get("Version") or "$Default")
        group.provided_launch_template_version = given.get("Version")
    refresh.end("RollbackSuccessful" if refresh.rollback else "Successful")


def instance_by_id(instance_id: str) -> tuple[str, Instance] | None:
    """(region, instance) wherever it runs."""
    for region, backend in list(autoscaling_backends[ACCOUNT_ID].items()):
        try:
            return region, backend.ec2_backend.get_instance(instance_id)
        except InvalidInstanceIdError:
            continue
    return None


# -- warm pools ----------------------------------------------------------------------------------------------


def _warm_pool(self: FakeAutoScalingGroup) -> Any:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AutoScalingGroup.html"""
    return self.warm_pool


correct_value(FakeAutoScalingGroup, "warm_pool_configuration", property(_warm_pool))


@correct(AutoScalingBackend, "put_warm_pool")
def put_warm_pool(
    self: AutoScalingBackend,
    group_name: str,
    max_group_prepared_capacity: int | None,
    min_size: int | None,
    pool_state: str | None,
    instance_reuse_policy: dict[str, bool] | None,
) -> None:
    """A pool is kept, without instances. -1 takes the limit of its capacity away.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutWarmPool.html
    """
    group = _group(self, group_name)
    capacity = None if max_group_prepared_capacity is None else int(max_group_prepared_capacity)
    if capacity is not None and (capacity < -1 or (capacity != -1 and capacity < int(min_size or 0))):
        raise ValidationError(f"MaxGroupPreparedCapacity {capacity} is not valid.")
    group.put_warm_pool(
        max_group_prepared_capacity=None if capacity == -1 else capacity,
        min_size=int(min_size or 0),
        pool_state=pool_state,
        instance_reuse_policy=instance_reuse_policy,
    )


@correct(AutoScalingBackend, "delete_warm_pool")
def delete_warm_pool(self: AutoScalingBackend, group_name: str) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteWarmPool.html"""
    group = _group(self, group_name)
    if group.warm_pool is None:
        raise ValidationError(f"No warm pool found for Auto Scaling group {group_name}")
    group.warm_pool = None
