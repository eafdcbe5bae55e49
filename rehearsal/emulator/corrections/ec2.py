"""EC2: instances take their time, launch templates count in full, and there is no default VPC.

A real account has a default VPC in each region, which many organizations remove. Here it is missing on purpose: a
resource that forgets to say where it belongs fails instead of landing where nobody looks.
"""

from __future__ import annotations

import copy
import ipaddress
import itertools
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from moto.core.base_backend import BaseBackend
from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.ec2 import utils as ec2_utils
from moto.ec2.exceptions import (
    EC2ClientError,
    InvalidLaunchTemplateVersionNotFound,
    InvalidParameterCombination,
    InvalidSecurityGroupRuleIdNotFoundError,
)
from moto.ec2.models import EC2Backend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface, NetworkInterfaceBackend
from moto.ec2.models.instances import Instance, InstanceBackend, InstanceState, Reservation
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateVersion
from moto.ec2.models.nat_gateways import NatGateway, NatGatewayBackend
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.models.subnets import Subnet
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.responses.launch_templates import LaunchTemplates
from moto.ec2.utils import convert_tag_spec, filter_iam_instance_profiles, parse_user_data

from rehearsal.emulator import account

from .registry import correct, correct_value

#: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceState.html
STATE_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
#: EC2 shows a terminated instance for about an hour.
TERMINATED_VISIBLE_SECONDS = 3600.0

_instance_init = Instance.__init__
_instance_terminate = Instance.terminate
_instance_stop = Instance.stop
_instance_start = Instance.start
_run_instances = InstanceBackend.run_instances
_create_network_interface = NetworkInterfaceBackend.create_network_interface
_request_ip = Subnet.request_ip
_launch_template_init = LaunchTemplate.__init__


# -- the account ---------------------------------------------------------------------------------------------


@correct(EC2Backend, "__init__")
def new_backend(self: EC2Backend, region_name: str, account_id: str) -> None:
    """No default VPC: see the module's text."""
    BaseBackend.__init__(self, region_name, account_id)
    for part in EC2Backend.__mro__:
        if part not in (EC2Backend, BaseBackend, object):
            part.__init__(self)  # type: ignore[misc]
    # moto asks for the default VPC's id in some places; no group and no subnet lies in this one.
    self.default_vpc = SimpleNamespace(id="vpc-none")  # type: ignore[assignment]


# -- tags ----------------------------------------------------------------------------------------------------

# moto names these resources by its own words where AWS's DescribeTags has another.
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TagSpecification.html
for _word, _right in (("nat-gateway", "natgateway"), ("vpc-elastic-ip", "elastic-ip")):
    ec2_utils.EC2_PREFIX_TO_RESOURCE[ec2_utils.EC2_RESOURCE_TO_PREFIX[_word]] = _right


# -- states --------------------------------------------------------------------------------------------------


def set_state(instance: Instance, name: str) -> None:
    """Let the instance be in the state `name`."""
    instance._state.name = name
    instance._state.code = STATE_CODES[name]


@correct(Instance, "__init__")
def new_instance(self: Instance, *args: Any, **kwargs: Any) -> None:
    """An instance is `pending` until somebody booted it.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
    """
    _instance_init(self, *args, **kwargs)
    if account.data_plane.attached:
        set_state(self, "pending")


@correct(Instance, "__del__")
def drop_instance(self: Instance) -> None:
    """Nothing: the address went back when the instance was terminated, and may have another owner by now."""


@correct(Instance, "terminate")
def terminate(self: Instance) -> InstanceState:
    """`shutting-down` until the host is gone, and only then is its address free.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TerminateInstances.html
    """
    previous = copy.copy(self._state)
    if previous.name in ("terminated", "shutting-down"):
        return previous
    if account.data_plane.attached:
        set_state(self, "shutting-down")
    else:
        finish_termination(self)
    return previous


def finish_termination(instance: Instance) -> None:
    """The host is gone: give back its volumes, interfaces and address."""
    if instance.state == "terminated":
        return
    _instance_terminate(instance)
    instance.slipway_terminated_at = time.time()  # type: ignore[attr-defined]


@correct(Instance, "stop")
def stop(self: Instance) -> InstanceState:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StopInstances.html"""
    if self.state in ("stopping", "stopped"):
        return copy.copy(self._state)
    previous = _instance_stop(self)
    if account.data_plane.attached:
        set_state(self, "stopping")
    return previous


@correct(Instance, "start")
def start(self: Instance) -> InstanceState:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StartInstances.html"""
    if self.state in ("pending", "running"):
        return copy.copy(self._state)
    previous = _instance_start(self)
    if account.data_plane.attached:
        set_state(self, "pending")
    return previous


@correct(Instance, "reboot")
def reboot(self: Instance) -> None:
    """A reboot does not show in the state.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RebootInstances.html
    """


def forget_terminated(backend: EC2Backend, now: float | None = None) -> bool:
    """Drop instances that were terminated an hour ago; whether there were any."""
    now = time.time() if now is None else now
    dropped = False
    for reservation_id, reservation in list(backend.reservations.items()):
        kept = [
            instance
            for instance in reservation.instances
            if instance.state != "terminated"
            or now - getattr(instance, "slipway_terminated_at", now) < TERMINATED_VISIBLE_SECONDS
        ]
        if len(kept) < len(reservation.instances):
            dropped = True
            reservation.instances = kept
            if not kept:
                del backend.reservations[reservation_id]
    return dropped


# -- what an instance is launched with -----------------------------------------------------------------------


@correct(NetworkInterfaceBackend, "create_network_interface")
def create_network_interface(
    self: NetworkInterfaceBackend, subnet: Any, private_ip_address: Any, *args: Any, **kwargs: Any
) -> NetworkInterface:
    """An interface that an instance is launched with goes with it, unless said otherwise.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceNetworkInterfaceSpecification.html
    """
    if kwargs.get("description") == "Primary network interface":
        kwargs["delete_on_termination"] = True
        kwargs["description"] = ""
    return _create_network_interface(self, subnet, private_ip_address, *args, **kwargs)


@correct(Subnet, "get_available_subnet_ip")
def get_available_subnet_ip(self: Subnet, instance: Instance) -> str:
    """The first address that nobody had yet, and one that was given back only when there is no other.

    AWS keeps the first four addresses and the last one of every subnet.
    https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
    """
    free = (
        address
        for address in map(str, itertools.islice(self.cidr.hosts(), 3, None))
        if address not in self._subnet_ips and ipaddress.ip_address(address) not in self._reserved_ips
    )
    returned = None
    for address in free:
        if address not in self._unused_ips:
            break
        returned = returned or address
    else:
        if returned is None:
            raise EC2ClientError(
                "InsufficientFreeAddressesInSubnet",
                f"There are not enough free addresses in subnet '{self.id}'.",
            )
        address = returned
    self._unused_ips.discard(address)
    self._subnet_ips[address] = instance
    return address


@correct(Subnet, "request_ip")
def request_ip(self: Subnet, ip: str, instance: Instance) -> None:
    """An address in use, or of another range, is the caller's mistake.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    """
    if ipaddress.ip_address(ip) not in self.cidr:
        raise EC2ClientError("InvalidParameterValue", "Address does not fall within the subnet's address range")
    if ip in self._subnet_ips:
        raise EC2ClientError("InvalidIPAddress.InUse", f"Address {ip} is in use.")
    _request_ip(self, ip, instance)


def _with_template(arguments: dict[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a launch, with a launch template's data for what they do not say.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RequestLaunchTemplateData.html
    """
    merged = dict(arguments)
    if merged.get("is_instance_type_default", True) and data.get("InstanceType"):
        merged["instance_type"], merged["is_instance_type_default"] = data["InstanceType"], False
    profile = data.get("IamInstanceProfile") or {}
    if not (merged.get("iam_instance_profile_name") or merged.get("iam_instance_profile_arn")):
        merged["iam_instance_profile_name"] = profile.get("Name")
        merged["iam_instance_profile_arn"] = profile.get("Arn")
    if not merged.get("metadata_options"):
        merged["metadata_options"] = data.get("MetadataOptions") or {}
    if (data.get("Monitoring") or {}).get("Enabled") and merged.get("monitoring_state") in (None, "disabled"):
        merged["monitoring_state"] = "enabled"
    for argument, name in (
        ("ebs_optimized", "EbsOptimized"),
        ("key_name", "KeyName"),
        ("disable_api_termination", "DisableApiTermination"),
        ("disable_api_stop", "DisableApiStop"),
        ("instance_initiated_shutdown_behavior", "InstanceInitiatedShutdownBehavior"),
    ):
        if not merged.get(argument) and data.get(name) is not None:
            merged[argument] = data[name]
    interfaces = data.get("NetworkInterfaces")
    if interfaces and not merged.get("nics"):
        # The subnet of the launch goes to the first interface of the template.
        merged["nics"] = [dict(interface) for interface in interfaces]
        for interface in merged["nics"]:
            interface.setdefault("DeviceIndex", 0)
            if int(interface["DeviceIndex"]) == 0:
                interface.setdefault("DeleteOnTermination", True)
                if merged.get("subnet_id"):
                    interface["SubnetId"] = merged["subnet_id"]
                if interface.get("AssociatePublicIpAddress") is not None:
                    merged["associate_public_ip"] = interface["AssociatePublicIpAddress"]
                if interface.get("Groups") and not merged.get("security_group_ids"):
                    merged["security_group_ids"] = list(interface["Groups"])
                    interface["Groups"] = []
    elif not merged.get("security_group_ids"):
        merged["security_group_ids"] = list(data.get("SecurityGroupIds") or [])
    tags = dict(merged.get("tags") or {})
    for sort, values in convert_tag_spec(data.get("TagSpecifications") or []).items():
        tags[sort] = {**values, **tags.get(sort, {})}
    merged["tags"] = tags
    return merged


def _block_devices(
    backend: EC2Backend, image_id: str, data: Mapping[str, Any], asked: list[dict[str, Any]] | None
) -> list[dict[str, Any]]:
    """The image's devices, changed and completed by the template's and then by the launch's own.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-device-mapping-concepts.html
    """
    image = backend.amis.get(image_id)
    devices: dict[str, dict[str, Any]] = {}
    for mapping in [
        *(image.block_device_mappings if image else []),
        *(data.get("BlockDeviceMappings") or []),
        *(asked or []),
    ]:
        name = mapping["DeviceName"]
        if mapping.get("NoDevice"):
            devices.pop(name, None)
            continue
        known = devices.get(name, {"DeleteOnTermination": True, "VolumeType": "gp2"})
        stated = {key: value for key, value in (mapping.get("Ebs") or {}).items() if value is not None}
        devices[name] = {**known, **stated}
    return [{"DeviceName": name, "Ebs": ebs} for name, ebs in devices.items()]


@correct(InstanceBackend, "run_instances")
def run_instances(
    self: InstanceBackend,
    image_id: str,
    count: int,
    user_data: Base64EncodedString | None,
    security_group_names: list[str],
    **kwargs: Any,
) -> Reservation:
    """A launch template counts in full, and every instance of the reservation gets its profile and root volume.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
    """
    data: Mapping[str, Any] = {}
    if kwargs.get("launch_template"):
        data = self._get_template_from_args(kwargs["launch_template"]).data
        kwargs = _with_template(kwargs, data)
        image_id = image_id or data.get("ImageId", "")
        if user_data is None and data.get("UserData"):
            user_data = _user_data_text(data["UserData"])
    name, arn = kwargs.pop("iam_instance_profile_name", None), kwargs.pop("iam_instance_profile_arn", None)
    if name or arn:
        filter_iam_instance_profiles(
            self.account_id,  # type: ignore[attr-defined]
            partition=self.partition,  # type: ignore[attr-defined]
            iam_instance_profile_arn=arn,
            iam_instance_profile_name=name,
        )
    kwargs["block_device_mappings"] = _block_devices(
        self,  # type: ignore[arg-type]
        image_id,
        data,
        kwargs.get("block_device_mappings"),
    )
    reservation = _run_instances(self, image_id, count, user_data, security_group_names, **kwargs)
    for instance in reservation.instances:
        if name or arn:
            self.associate_iam_instance_profile(  # type: ignore[attr-defined]
                instance_id=instance.id, iam_instance_profile_name=name, iam_instance_profile_arn=arn
            )
    return reservation


@correct(InstanceResponse, "run_instances")
def run_instances_response(self: InstanceResponse) -> ActionResult:
    """As many instances as MaxCount says; a token that was used before makes no second reservation.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
    """
    token = self._get_param("ClientToken")
    for reservation in self.ec2_backend.reservations.values():
        if token and any(instance.client_token == token for instance in reservation.instances):
            return ActionResult(reservation)
    arguments = {
        "instance_type": self._get_param("InstanceType", "m1.small"),
        "is_instance_type_default": not self._get_param("InstanceType"),
        "placement": self._get_param("Placement.AvailabilityZone"),
        "placement_hostid": self._get_param("Placement.HostId"),
        "region_name": self.region,
        "subnet_id": self._get_param("SubnetId"),
        "key_name": self._get_param("KeyName"),
        "security_group_ids": self._get_param("SecurityGroupIds", []),
        "nics": self._get_param("NetworkInterfaces", []),
        "private_ip": self._get_param("PrivateIpAddress"),
        "associate_public_ip": None,
        "tags": self._parse_tag_specification(),
        "ebs_optimized": self._get_param("EbsOptimized") or False,
        "disable_api_stop": self._get_param("DisableApiStop") or False,
        "disable_api_termination": self._get_param("DisableApiTermination") or False,
        "instance_market_options": self._get_param("InstanceMarketOptions.MarketType", {}),
        "instance_initiated_shutdown_behavior": self._get_param("InstanceInitiatedShutdownBehavior"),
        "launch_template": self._get_param("LaunchTemplate", {}),
        "hibernation_options": self._get_param("HibernationOptions", {}),
        "iam_instance_profile_name": self._get_param("IamInstanceProfile.Name"),
        "iam_instance_profile_arn": self._get_param("IamInstanceProfile.Arn"),
        "monitoring_state": "enabled" if self._get_param("Monitoring.Enabled") else "disabled",
        "ipv6_address_count": self._get_int_param("Ipv6AddressCount"),
        "metadata_options": self._get_param("MetadataOptions", {}),
        "client_token": token,
        "block_device_mappings": self._get_param("BlockDeviceMappings", []),
    }
    if arguments["nics"] and arguments["subnet_id"]:
        raise InvalidParameterCombination(
            "Network interfaces and an instance-level subnet ID may not be specified on the same request"
        )
    self.error_on_dryrun()
    user_data = parse_user_data(self._get_param("UserData"))
    count = int(self._get_param("MaxCount") or self._get_param("MinCount") or 1)
    return ActionResult(
        self.ec2_backend.run_instances(
            self._get_param("ImageId"), count, user_data, self._get_param("SecurityGroups", []), **arguments
        )
    )


# -- launch templates ----------------------------------------------------------------------------------------


def _user_data_text(user_data: Any) -> Base64EncodedString:
    return user_data if isinstance(user_data, Base64EncodedString) else Base64EncodedString(str(user_data))


def _user_data(self: LaunchTemplateVersion) -> Base64EncodedString | None:
    """Later versions hold a plain string where the first holds moto's own type."""
    user_data = self.data.get("UserData")
    return None if user_data is None else _user_data_text(user_data)


correct_value(LaunchTemplateVersion, "user_data", property(_user_data))


@correct(LaunchTemplate, "__init__")
def new_launch_template(
    self: LaunchTemplate,
    backend: Any,
    name: str,
    template_data: dict[str, Any],
    version_description: str,
    tag_spec: dict[str, dict[str, str]],
) -> None:
    """The tags of the template are no part of its data, and data holds only what was given.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html
    """
    specifications = [
        specification
        for specification in template_data.get("TagSpecifications", [])
        if specification.get("ResourceType") != "launch-template"
    ]
    data = {key: value for key, value in template_data.items() if key != "TagSpecifications" and value is not None}
    if specifications:
        data["TagSpecifications"] = specifications
    _launch_template_init(self, backend, name, data, version_description, tag_spec)


@correct(LaunchTemplate, "create_version")
def create_version(self: LaunchTemplate, data: dict[str, Any], description: str) -> LaunchTemplateVersion:
    """Numbers are never given twice, also after a version was deleted."""
    number = getattr(self, "slipway_last_number", 0) + 1
    self.slipway_last_number = number  # type: ignore[attr-defined]
    version = LaunchTemplateVersion(self, number, data, description)
    self.versions.append(version)
    return version


@correct(LaunchTemplate, "get_version")
def get_version(self: LaunchTemplate, num: Any) -> LaunchTemplateVersion:
    """Versions are found by their number, not by their place."""
    wanted = str(num)
    if wanted.lower() == "$latest":
        return self.versions[-1]
    if wanted.lower() == "$default":
        wanted = str(self.default_version_number)
    for version in self.versions:
        if str(version.number) == wanted:
            return version
    raise InvalidLaunchTemplateVersionNotFound(template_id=self.id, version=num)


@correct(LaunchTemplate, "default_version")
def default_version(self: LaunchTemplate) -> LaunchTemplateVersion:
    """The version with the default number."""
    return get_version(self, "$Default")


_create_launch_template_version = LaunchTemplates.create_launch_template_version


@correct(LaunchTemplates, "create_launch_template_version")
def create_launch_template_version(self: LaunchTemplates) -> ActionResult:
    """SourceVersion's data is completed by the new one's.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplateVersion.html
    """
    source = self._get_param("SourceVersion")
    if source:
        name, template_id = self._get_param("LaunchTemplateName"), self._get_param("LaunchTemplateId")
        backend = self.ec2_backend
        template = backend.get_launch_template_by_name(name) if name else backend.get_launch_template(template_id)
        parameters: Any = self.params
        parameters["LaunchTemplateData"] = {
            **template.get_version(source).data,
            **self._get_param("LaunchTemplateData", {}),
        }
    return _create_launch_template_version(self)


@correct(LaunchTemplates, "delete_launch_template_versions")
def delete_launch_template_versions(self: LaunchTemplates) -> ActionResult:
    """The default version cannot be deleted.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteLaunchTemplateVersions.html
    """
    template_id, name = self._get_param("LaunchTemplateId"), self._get_param("LaunchTemplateName")
    backend = self.ec2_backend
    template = backend.get_launch_template(template_id) if template_id else backend.get_launch_template_by_name(name)
    self.error_on_dryrun()
    deleted, failed = [], []
    for text in self._get_param("Versions", []):
        item = {
            "LaunchTemplateId": template.id,
            "LaunchTemplateName": template.name,
            "VersionNumber": int(text) if str(text).isdigit() else 0,
        }
        version = next((version for version in template.versions if str(version.number) == str(text)), None)
        if version is None:
            code, message = "launchTemplateVersionDoesNotExist", f"Version {text} does not exist."
        elif template.is_default(version):
            code, message = "launchTemplateVersionIsDefault", "The default version cannot be deleted."
        else:
            template.versions.remove(version)
            deleted.append(item)
            continue
        failed.append({**item, "ResponseError": {"Code": code, "Message": message}})
    return ActionResult(
        {
            "SuccessfullyDeletedLaunchTemplateVersions": deleted,
            "UnsuccessfullyDeletedLaunchTemplateVersions": failed,
        }
    )


# -- NAT gateways --------------------------------------------------------------------------------------------

_describe_nat_gateways = NatGatewayBackend.describe_nat_gateways


@correct(NatGatewayBackend, "describe_nat_gateways")
def describe_nat_gateways(self: NatGatewayBackend, filters: Any, nat_gateway_ids: list[str] | None) -> list[NatGateway]:
    """Tags filter too: moto does not read them, and answers the gateways of every environment.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNatGateways.html
    """
    tags = {name: values for name, values in (filters or {}).items() if name.startswith("tag")}
    let_go(self)
    found = _describe_nat_gateways(self, filters, nat_gateway_ids)
    return ec2_utils.generic_filter(tags, found)


#: How long a NAT gateway that was deleted keeps its address, in seconds; on AWS about a minute.
NAT_GATEWAY_LEAVES_SECONDS = 1.0


@correct(NatGatewayBackend, "delete_nat_gateway")
def delete_nat_gateway(self: NatGatewayBackend, nat_gateway_id: str) -> NatGateway:
    """`deleting` for a while; only then its address is free.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteNatGateway.html
    """
    gateway = self.nat_gateways[nat_gateway_id]
    if gateway.state not in ("deleting", "deleted"):
        gateway.state = "deleting"
        gateway.slipway_gone_at = time.monotonic() + NAT_GATEWAY_LEAVES_SECONDS  # type: ignore[attr-defined]
    return gateway


def let_go(backend: Any) -> None:
    """End the gateways that have been `deleting` long enough: their addresses are free, their interfaces gone."""
    for gateway in backend.nat_gateways.values():
        if gateway.state != "deleting" or time.monotonic() < getattr(gateway, "slipway_gone_at", 0):
            continue
        gateway.state = "deleted"
        for address in backend.address_by_allocation(
            [one["allocationId"] for one in gateway.address_set if "allocationId" in one]
        ):
            if address.eni is gateway._eni:
                backend.disassociate_address(association_id=address.association_id)
        backend.enis.pop(gateway._eni.id, None)


# -- security groups -----------------------------------------------------------------------------------------
def rule_description(self: SecurityGroupRule) -> str | None:
    """A rule that names a group has a description as one that names a network has.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRule.html
    """
    return self.ip_range.get("Description") or self.source_group.get("Description")


correct_value(SecurityGroupRule, "description", property(rule_description))


def _revoke(plain: Any, side: str) -> Any:
    def revoke(self: EC2Backend, group_name_or_id: str, *args: Any, **kwargs: Any) -> None:
        """A rule that is known by its id, and gone, has an error of its own: whoever wants it gone takes it for done.

        https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
        """
        group = self.get_security_group_by_name_or_id(group_name_or_id, kwargs.get("vpc_id"))
        known = {rule.id for rule in getattr(group, side)} if group else set()
        for rule_id in (kwargs.get("security_rule_ids") or []) if group else []:
            if rule_id not in known:
                raise InvalidSecurityGroupRuleIdNotFoundError(rule_id)
        plain(self, group_name_or_id, *args, **kwargs)

    return revoke


correct_value(
    EC2Backend, "revoke_security_group_ingress", _revoke(EC2Backend.revoke_security_group_ingress, "ingress_rules")
)
correct_value(
    EC2Backend, "revoke_security_group_egress", _revoke(EC2Backend.revoke_security_group_egress, "egress_rules")
)


_same_rule = SecurityGroupRule.__eq__


def same_rule(self: SecurityGroupRule, other: SecurityGroupRule) -> bool:
    """A description is no part of what a rule is: one that differs in nothing else is the same, also for a group.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_UpdateSecurityGroupRuleDescriptionsIngress.html
    """
    return bool(_same_rule(_undescribed(self), _undescribed(other)))


def _undescribed(rule: SecurityGroupRule) -> SecurityGroupRule:
    bare = copy.copy(rule)
    bare.source_group = {name: item for name, item in rule.source_group.items() if name != "Description"}
    return bare


correct_value(SecurityGroupRule, "__eq__", same_rule)
