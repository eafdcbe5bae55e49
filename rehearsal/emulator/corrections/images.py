"""EC2 machine images: Debian's own one, and images whose content somebody really makes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from moto import settings
from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.amis import Ami, AmiBackend
from moto.ec2.responses.amis import AmisResponse
from moto.ec2.responses.elastic_block_store import ElasticBlockStore
from moto.ec2.utils import random_ami_id

from rehearsal.emulator import account
from rehearsal.images import DEBIAN_13_IMAGE_ID

from .registry import correct, correct_value

#: Debian's account for its official images: https://wiki.debian.org/Cloud/AmazonEC2Image
DEBIAN_OWNER_ID = "136693071363"
DEBIAN_13_IMAGE_NAME = "debian-13-amd64-20251117-2299"
_DEBIAN_13_CREATED = datetime(2025, 11, 17, 14, 55, 21, tzinfo=UTC).replace(tzinfo=None)
_ROOT_GIGABYTES = 8

_describe_images = AmiBackend.describe_images

# An image that nobody has cannot be launched, also where somebody imported moto before its settings were made.
correct_value(settings, "ENABLE_AMI_VALIDATION", True)


@correct(AmiBackend, "_load_amis")
def load_images(self: AmiBackend) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Image.html"""
    self.amis[DEBIAN_13_IMAGE_ID] = Ami(
        self,
        DEBIAN_13_IMAGE_ID,
        name=DEBIAN_13_IMAGE_NAME,
        description="Debian 13 (20251117-2299)",
        owner_id=DEBIAN_OWNER_ID,
        public=True,
        virtualization_type="hvm",
        architecture="x86_64",
        creation_date=_DEBIAN_13_CREATED,
        image_location=f"amazon/{DEBIAN_13_IMAGE_NAME}",
        hypervisor="xen",
        root_device_type="ebs",
        root_device_name="/dev/xvda",
        boot_mode="uefi-preferred",
        region_name=f"{self.region_name}a",  # type: ignore[attr-defined]
    )


def _block_device_mappings(self: Ami) -> list[dict[str, Any]]:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EbsBlockDevice.html"""
    return [
        {
            "DeviceName": self.root_device_name,
            "Ebs": {
                "DeleteOnTermination": True,
                "Encrypted": self.ebs_snapshot.encrypted,
                "SnapshotId": self.ebs_snapshot.id,
                "VolumeSize": _ROOT_GIGABYTES,
                "VolumeType": "gp3",
            },
        }
    ]


correct_value(Ami, "block_device_mappings", property(_block_device_mappings))


@correct(AmiBackend, "create_image")
def create_image(
    self: AmiBackend,
    instance_id: str,
    name: str,
    description: str,
    tag_specifications: list[dict[str, Any]],
) -> Ami:
    """An image is `pending` until its content is there; its snapshot may have tags of its own; names are unique.

    What was made of an encrypted volume is encrypted, with the same key.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
    https://docs.aws.amazon.com/ebs/latest/userguide/how-ebs-encryption-works.html
    """
    if any(ami.name == name and ami.owner_id == self.account_id for ami in self.amis.values()):  # type: ignore[attr-defined]
        raise EC2ClientError("InvalidAMIName.Duplicate", f"AMI name {name} is already in use by another AMI")
    instance = self.get_instance(instance_id)  # type: ignore[attr-defined]
    if instance.state not in ("running", "stopped"):
        raise EC2ClientError("IncorrectState", f"Instance is not in state 'running' or 'stopped': {instance_id}")
    source = self.amis.get(instance.image_id)
    ami_id = random_ami_id()
    image = Ami(
        self,
        ami_id,
        instance=instance,
        name=name,
        description=description,
        state="pending" if account.data_plane.attached else "available",
        image_location=f"{self.account_id}/{name}",  # type: ignore[attr-defined]
        hypervisor="xen",
        root_device_type="ebs",
        root_device_name=source.root_device_name if source else "/dev/xvda",
        boot_mode=source.boot_mode if source else "uefi-preferred",
        region_name=instance.placement.zone,
        snapshot_description=f"Created by CreateImage({instance_id}) for {ami_id}",
    )
    root = instance.block_device_mapping.get(image.root_device_name)
    if root is not None:
        volume = self.get_volume(root.volume_id)  # type: ignore[attr-defined]
        image.ebs_snapshot.encrypted, image.ebs_snapshot.kms_key_id = volume.encrypted, volume.kms_key_id
    for specification in tag_specifications:
        tags = {tag["Key"]: tag["Value"] for tag in specification["Tags"]}
        match specification["ResourceType"]:
            case "image":
                image.add_tags(tags)
            case "snapshot":
                image.ebs_snapshot.add_tags(tags)
            case other:
                raise EC2ClientError("InvalidParameterValue", f"'{other}' is not a valid taggable resource type.")
    self.amis[ami_id] = image
    return image


@correct(AmiBackend, "describe_images")
def describe_images(
    self: AmiBackend,
    ami_ids: list[str] | None = None,
    filters: dict[str, Any] | None = None,
    exec_users: list[str] | None = None,
    owners: list[str] | None = None,
) -> list[Ami]:
    """All criteria hold together; moto forgets the filters and owners when ids are given.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html
    """
    found = _describe_images(self, ami_ids, filters, exec_users, owners)
    if ami_ids and (filters or owners):
        kept = {image.id for image in _describe_images(self, None, filters, exec_users, owners)}
        found = [image for image in found if image.id in kept]
    return found


@correct(AmisResponse, "deregister_image")
def deregister_image(self: AmisResponse) -> ActionResult:
    """With DeleteAssociatedSnapshots the snapshot goes too.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeregisterImage.html
    """
    image_id = self._get_param("ImageId")
    with_snapshots = self._get_bool_param("DeleteAssociatedSnapshots", False)
    self.error_on_dryrun()
    image = self.ec2_backend.amis.get(image_id)
    self.ec2_backend.deregister_image(image_id)
    results = []
    if with_snapshots and image is not None:
        self.ec2_backend.snapshots.pop(image.ebs_snapshot.id, None)
        results.append({"SnapshotId": image.ebs_snapshot.id, "ReturnCode": "success"})
    return ActionResult({"Return": True, "DeleteSnapshotResults": results})


@correct(ElasticBlockStore, "describe_snapshots")
def describe_snapshots(self: ElasticBlockStore) -> ActionResult:
    """Of the owners alone that were named; moto returns those of AWS's images to everybody.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSnapshots.html
    """
    found = self.ec2_backend.describe_snapshots(
        snapshot_ids=self._get_param("SnapshotIds", []), filters=self._filters_from_querystring()
    )
    if owners := self._get_param("OwnerIds", []):
        owners = [self.current_account if owner == "self" else owner for owner in owners]
        found = [snapshot for snapshot in found if snapshot.owner_id in owners]
    return ActionResult({"Snapshots": found})
