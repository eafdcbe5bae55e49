"""Through which the data plane tells the account what is true.

The data plane runs in the account's process and calls these functions; nobody reaches them over the network. Each
takes the account's lock, changes what AWS itself would change, and lets the listeners know. An id that the account
does not know raises KeyError.

`data_plane.attached` (`Emulator(data_plane=True)`, or `attach_data_plane`) makes resources wait for these words.
Which state waits for which word:

| resource | first | word |
|---|---|---|
| instance | pending, stopping, shutting-down | `set_instance_state` |
| image | pending | `set_image_state` |
| certificate | PENDING_VALIDATION | `set_certificate_issued` |
| database | creating, rebooting, deleting | `set_db_instance_status`, `forget_db_instance` |
| replication group | creating, modifying, deleting | `set_replication_group_status`, `forget_replication_group` |
| distribution | InProgress | `set_distribution_status` |
| invalidation | InProgress | `set_invalidation_completed` |
| target | initial, draining | `set_target_health` |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from moto.acm.models import acm_backends
from moto.autoscaling.models import AutoScalingBackend, autoscaling_backends
from moto.backup.models import backup_backends
from moto.cloudfront.models import cloudfront_backends
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.instances import Instance
from moto.elasticache.models import elasticache_backends
from moto.elbv2.models import elbv2_backends
from moto.rds.models import rds_backends
from moto.sts.models import sts_backends

from rehearsal import policy
from rehearsal.emulator import account, authorization
from rehearsal.emulator.account import changing
from rehearsal.emulator.corrections import acm, autoscaling, backup, cloudfront, ec2, elasticache, elbv2
from rehearsal.settings import ACCOUNT_ID, REGION

InstanceStateName = Literal["pending", "running", "stopping", "stopped", "shutting-down", "terminated"]
ImageState = Literal["pending", "available", "failed"]
#: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
TargetState = Literal["initial", "healthy", "unhealthy", "unused", "draining"]


def attach_data_plane(attached: bool = True) -> None:
    """From now on resources wait for the data plane (or no more)."""
    with account.LOCK:
        account.data_plane.attached = attached


# -- load balancing ------------------------------------------------------------------------------------------


def set_target_health(
    target_group_arn: str,
    target_id: str,
    port: int,
    state: TargetState,
    reason: str | None = None,
    description: str | None = None,
) -> None:
    """A target's health, as it was measured. `unused` for a draining target ends its draining early.

    A target that was registered anew at another port is not meant and stays as it is.
    """
    if state not in get_args(TargetState):
        raise ValueError(f"{state} is no state of a target")
    group = elbv2_backends[ACCOUNT_ID][target_group_arn.split(":")[3]].target_groups[target_group_arn]
    with account.LOCK:
        if target_id in elbv2.draining(group):
            if state != "unused":
                return
            del elbv2.draining(group)[target_id]
        else:
            target = group.targets[target_id]
            health = (state, None, None) if state == "healthy" else (state, reason, description)
            if int(target["Port"]) != port or elbv2.measured(group).get(target_id) == health:
                return
            elbv2.measured(group)[target_id] = health
    account.announce("backchannel", "SetTargetHealth")


# -- compute -------------------------------------------------------------------------------------------------


def _instance(instance_id: str) -> tuple[EC2Backend, Instance]:
    for backend in list(ec2_backends[ACCOUNT_ID].values()):
        instance = backend.get_instance_by_id(instance_id)
        if instance is not None:
            return backend, instance
    raise KeyError(instance_id)


def _scaling(backend: EC2Backend) -> AutoScalingBackend:
    return autoscaling_backends[ACCOUNT_ID][backend.region_name]


def set_instance_state(instance_id: str, state: InstanceStateName) -> None:
    """An instance's state. Its Auto Scaling group notices: it registers what runs and replaces what does not.

    A state that the instance cannot come to any more is ignored: a terminated one stays so, and what is asked to
    shut down does not run again.
    """
    if state not in get_args(InstanceStateName):
        raise ValueError(f"{state} is no state of an instance")
    with changing("SetInstanceState"):
        backend, instance = _instance(instance_id)
        present = instance.state
        if present == state or present == "terminated":
            return
        if present == "shutting-down" and state != "terminated":
            return
        if present == "stopping" and state in ("pending", "running"):
            return
        if state == "terminated":
            ec2.finish_termination(instance)
            elbv2_backends[ACCOUNT_ID][backend.region_name].notify_terminate_instances([instance_id])
        else:
            ec2.set_state(instance, state)
        _advance(backend)


def _advance(backend: EC2Backend) -> None:
    scaling = _scaling(backend)
    for group in list(scaling.autoscaling_groups.values()):
        autoscaling.advance_group(group)
    for group in list(autoscaling.leaving_groups(scaling)):
        autoscaling._advance_leaving(scaling, group)


def instance_body_died(instance_id: str) -> None:
    """An instance's host went down by itself.

    A member of an Auto Scaling group is unhealthy and replaced; any other instance is `stopped`.
    """
    with changing("InstanceBodyDied"):
        backend, instance = _instance(instance_id)
        if instance.state not in ("pending", "running"):
            return
        found = autoscaling.member_of(_scaling(backend), instance_id)
        if found is None:
            ec2.set_state(instance, "stopped")
            instance._reason = "Server.InternalError"
            return
        group, member = found
        member.health_status = "Unhealthy"
        ec2.set_state(instance, "stopped")
        autoscaling.advance_group(group)


def set_instance_health(instance_id: str, health: Literal["Healthy", "Unhealthy"]) -> None:
    """What a group thinks of its member; an unhealthy one is replaced."""
    with changing("SetInstanceHealth"):
        backend, _ = _instance(instance_id)
        found = autoscaling.member_of(_scaling(backend), instance_id)
        if found is None:
            raise KeyError(instance_id)
        found[1].health_status = health
        autoscaling.advance_group(found[0])


def replace_unhealthy(group_name: str, instance_id: str, region: str = REGION) -> None:
    """Let a group replace a member. A member that leaves already is not meant again."""
    group = autoscaling_backends[ACCOUNT_ID][region].autoscaling_groups[group_name]
    if not any(member.instance.id == instance_id for member in group.instance_states):
        raise KeyError(instance_id)
    set_instance_health(instance_id, "Unhealthy")


def set_image_state(image_id: str, state: ImageState) -> None:
    """Whether an image's content is there."""
    if state not in get_args(ImageState):
        raise ValueError(f"{state} is no state of an image")
    with changing("SetImageState"):
        _image(image_id).state = state


def _image(image_id: str) -> Any:
    for backend in list(ec2_backends[ACCOUNT_ID].values()):
        if image_id in backend.amis:
            return backend.amis[image_id]
    raise KeyError(image_id)


def image_source_instance(image_id: str) -> str | None:
    """The instance that CreateImage was called on; None for an image from elsewhere."""
    with account.LOCK:
        source: str | None = _image(image_id).instance_id
        return source


# -- certificates and the edge -------------------------------------------------------------------------------


def set_certificate_issued(arn: str) -> None:
    """The validation records of a certificate were found."""
    with changing("SetCertificateIssued"):
        certificate = acm_backends[ACCOUNT_ID][arn.split(":")[3]]._certificates[arn]
        if certificate.status == "PENDING_VALIDATION":
            acm.issue(certificate)


def set_distribution_status(distribution_id: str, status: Literal["InProgress", "Deployed"]) -> None:
    """Whether all edges (here: one) serve a distribution's latest configuration."""
    with changing("SetDistributionStatus"):
        backend = cloudfront_backends[ACCOUNT_ID]["aws"]
        cloudfront.distributions(backend)[distribution_id].status = status


def set_invalidation_completed(distribution_id: str, invalidation_id: str) -> None:
    """The edges forgot what an invalidation names."""
    with changing("SetInvalidationCompleted"):
        backend = cloudfront_backends[ACCOUNT_ID]["aws"]
        for invalidation in cloudfront.invalidations(backend, distribution_id):
            if invalidation.id == invalidation_id:
                invalidation.status = "Completed"
                return
        raise KeyError(invalidation_id)


# -- data ----------------------------------------------------------------------------------------------------


def set_db_instance_status(identifier: str, status: str, region: str = REGION) -> None:
    """A database's state: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html

    One that is being deleted stays `deleting`.
    """
    with changing("SetDBInstanceStatus"):
        instance = rds_backends[ACCOUNT_ID][region].databases[identifier]
        if instance.status != "deleting":
            instance.status = status


def forget_db_instance(identifier: str, region: str = REGION) -> None:
    """The body of a deleted database is gone, and so is the database."""
    with changing("ForgetDBInstance"):
        databases = rds_backends[ACCOUNT_ID][region].databases
        if databases[identifier].status != "deleting":
            raise ValueError(f"nobody asked to delete {identifier}")
        del databases[identifier]


def database_master_password(identifier: str, region: str = REGION) -> str:
    """The present master password, which no API tells.

    An instance whose password Secrets Manager keeps has it there.
    """
    with account.LOCK:
        instance = rds_backends[ACCOUNT_ID][region].databases[identifier]
        # moto's property refuses, as the API does.
        password: str | None = instance._master_user_password
        if not password:
            raise KeyError(f"{identifier} has no master password")
        return password


def set_replication_group_status(replication_group_id: str, status: str, region: str = REGION) -> None:
    """A replication group's state; one that is being deleted stays `deleting`."""
    with changing("SetReplicationGroupStatus"):
        group = elasticache._groups(elasticache_backends[ACCOUNT_ID][region])[replication_group_id]
        if group.status != "deleting":
            group.status = status


def replication_group_nodes(replication_group_id: str, region: str = REGION) -> dict[str, Any]:
    """The node group with its endpoints (the API's NodeGroup), also while the API does not show it yet."""
    with account.LOCK:
        return elasticache._groups(elasticache_backends[ACCOUNT_ID][region])[replication_group_id].node_group()


def forget_replication_group(replication_group_id: str, region: str = REGION) -> None:
    """The bodies of a deleted replication group are gone, and so is the group."""
    with changing("ForgetReplicationGroup"):
        groups = elasticache._groups(elasticache_backends[ACCOUNT_ID][region])
        if groups[replication_group_id].status != "deleting":
            raise ValueError(f"nobody asked to delete {replication_group_id}")
        del groups[replication_group_id]


def replication_group_auth_tokens(replication_group_id: str, region: str = REGION) -> tuple[str, ...]:
    """All tokens that are accepted, the newest first: two after a ROTATE, one after a SET."""
    with account.LOCK:
        return tuple(elasticache._groups(elasticache_backends[ACCOUNT_ID][region])[replication_group_id].auth_tokens)


def replication_group_auth_token(replication_group_id: str, region: str = REGION) -> str | None:
    """The newest token that is accepted; None when none is asked for."""
    tokens = replication_group_auth_tokens(replication_group_id, region)
    return tokens[0] if tokens else None


def lay_in_recovery_point(vault: str, arn: str, region: str = REGION) -> None:
    """AWS Backup has made a backup; here nobody else does."""
    with changing("LayInRecoveryPoint"):
        backup.lay_in(backup_backends[ACCOUNT_ID][region].vaults[vault], arn)


def cache_parameters(name: str, region: str = REGION) -> dict[str, str]:
    """All parameters of a cache parameter group, its own values included."""
    with account.LOCK:
        group = elasticache.find_parameter_group(elasticache_backends[ACCOUNT_ID][region], name)
        return {one["ParameterName"]: one["ParameterValue"] for one in group.parameters()}


# -- identity ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class InstanceCredentials:
    """What the instance metadata service hands out for a role."""

    role_name: str
    instance_profile_arn: str
    access_key_id: str
    secret_access_key: str
    token: str
    #: In UTC.
    expiration: datetime


#: EC2 hands out credentials for six hours: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-iam-roles.html
_INSTANCE_SESSION_SECONDS = 6 * 3600


def instance_role(instance_id: str) -> str | None:
    """The name of the role behind an instance's profile; None without a profile or a role in it."""
    with account.LOCK:
        profile = _profile(instance_id)
        return profile.roles[0].name if profile is not None and profile.roles else None


def _profile(instance_id: str) -> Any:
    backend, _ = _instance(instance_id)
    association = backend.iam_instance_profile_associations.get(instance_id)
    return None if association is None else association.iam_instance_profile


def instance_credentials(instance_id: str) -> InstanceCredentials | None:
    """A new session of the role of an instance's profile, made as EC2 makes it.

    None without a profile, without a role, or when the role does not trust ec2.amazonaws.com. The session's name is
    the instance's id, as in AWS.
    """
    with changing("InstanceCredentials"):
        profile = _profile(instance_id)
        if profile is None or not profile.roles:
            return None
        role = profile.roles[0]
        asked = policy.Request(policy.Principal(service="ec2.amazonaws.com"), "sts:AssumeRole", role.arn)
        if not policy.trusts(role.assume_role_policy_document, asked).allowed:
            return None
        authorization.forget_expired_sessions()
        session = sts_backends[ACCOUNT_ID]["aws"].assume_role(
            region_name=REGION,
            role_session_name=instance_id,
            role_arn=role.arn,
            policy="",
            duration=_INSTANCE_SESSION_SECONDS,
            external_id="",
        )
        return InstanceCredentials(
            role.name,
            profile.arn,
            session.access_key_id,
            session.secret_access_key,
            session.session_token,
            session.expiration.replace(tzinfo=UTC),
        )


def may_read_object(bucket: str, key: str, distribution_arn: str) -> bool:
    """Whether the bucket's policy lets CloudFront read an object for this distribution.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
    """
    with account.LOCK:
        document = authorization.bucket_policy(bucket)
    if document is None:
        return False
    asked = policy.Request(
        policy.Principal(service="cloudfront.amazonaws.com"),
        "s3:GetObject",
        f"arn:aws:s3:::{bucket}/{key}",
        {
            "aws:SourceArn": distribution_arn,
            "aws:SourceAccount": ACCOUNT_ID,
            "aws:SecureTransport": "true",
            "aws:PrincipalIsAWSService": "true",
        },
    )
    return policy.evaluate(asked, resource=[policy.parse(document, f"bucket policy of {bucket}")]).allowed
