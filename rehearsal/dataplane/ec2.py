"""EC2: an instance is a systemd container of the machine image that it names; an image is a committed container.

The container has the instance's private address and host name; user data and credentials reach it through the
instance metadata service, as they reach any instance.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rehearsal.dataplane.context import Body, BodyKind, Context, gateway_of
from rehearsal.dataplane.firewall import seal
from rehearsal.dataplane.work import Workers
from rehearsal.emulator import backchannel
from rehearsal.engine import Container, EngineError
from rehearsal.images import image_name

log = logging.getLogger(__name__)

KIND: BodyKind = "instance"
#: EC2 gives a guest minutes to shut down; a host that hangs for longer than this is cut off.
SHUTDOWN_SECONDS = 90


class Instances:
    """Gives every instance of the account its container, and every image its content."""

    def __init__(self, context: Context, workers: Workers) -> None:
        self._context = context
        self._workers = workers
        self._cidrs: dict[str, str] = {}

    def reconcile(self) -> None:
        """Bring containers and account together, one job an instance."""
        client = self._context.client("ec2")
        containers = self._context.containers_of(KIND)
        instances: dict[str, dict[str, Any]] = {
            instance["InstanceId"]: instance
            for page in client.get_paginator("describe_instances").paginate()
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        }
        for instance_id, instance in instances.items():
            if not self._workers.busy(instance_id):
                self._reconcile_instance(instance, containers.get(instance_id))
        for name in containers.keys() - instances.keys():
            self._workers.start(name, self._context.engine.remove_container, name)
        self._context.bodies = {
            **{name: body for name, body in self._context.bodies.items() if body.kind != KIND},
            **{
                instance_id: _body(instances[instance_id], container)
                for instance_id, container in containers.items()
                if container.running and instance_id in instances
            },
        }
        self._reconcile_images(client)

    def _reconcile_instance(self, instance: Mapping[str, Any], container: Container | None) -> None:
        instance_id, state = instance["InstanceId"], instance["State"]["Name"]
        match state:
            case "pending":
                self._workers.start(instance_id, self._boot, instance, container)
            case "running" if container is None:
                # The account remembers it, the machine does not (its containers were removed): boot it anew.
                self._workers.start(instance_id, self._boot, instance, None)
            case "running" if container is not None and not container.running:
                log.warning("%s is dead", instance_id)
                backchannel.instance_body_died(instance_id)
            case "stopping" | "shutting-down":
                self._workers.start(instance_id, self._halt, instance_id, state, container)
            case "terminated" if container is not None:
                self._workers.start(instance_id, self._context.engine.remove_container, instance_id)

    def _boot(self, instance: Mapping[str, Any], container: Container | None) -> None:
        engine, instance_id = self._context.engine, instance["InstanceId"]
        if container is None:
            image = image_name(instance["ImageId"])
            if not engine.image_exists(image):
                log.error("%s names the image %s, which has no content", instance_id, instance["ImageId"])
                backchannel.set_instance_state(instance_id, "terminated")
                return
            log.info("%s boots %s at %s", instance_id, instance["ImageId"], instance["PrivateIpAddress"])
            engine.start_container(
                instance_id,
                image,
                ["/sbin/init"],
                systemd=True,
                network=self._context.network_name(instance["VpcId"]),
                address=instance["PrivateIpAddress"],
                hostname=instance["PrivateDnsName"].split(".")[0],
                labels={"slipway": KIND},
                volumes={self._endpoint_file(instance["VpcId"]): f"{ENDPOINT_CONFIGURATION}:ro"},
            )
        elif not container.running:
            engine.run("start", instance_id)
        seal(
            engine.containers()[instance_id].pid,
            gateway=gateway_of(self._cidr(instance["VpcId"])),
            vpc_cidr=self._cidr(instance["VpcId"]),
            metadata_port=self._context.settings.metadata_port,
        )
        backchannel.set_instance_state(instance_id, "running")

    def _endpoint_file(self, vpc_id: str) -> Path:
        """systemd's environment for every service of the host: where AWS's APIs are.

        It is the one thing that a host of the rehearsal is told and a host of AWS is not.
        """
        gateway = gateway_of(self._cidr(vpc_id))
        path = self._context.state / "instances" / f"{vpc_id}.conf"
        path.parent.mkdir(parents=True, exist_ok=True)
        endpoint = f"http://{gateway}:{self._context.settings.emulator_port}"
        path.write_text(f"[Manager]\nDefaultEnvironment=AWS_ENDPOINT_URL={endpoint}\n")
        return path

    def _cidr(self, vpc_id: str) -> str:
        if vpc_id not in self._cidrs:
            vpc = self._context.client("ec2").describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0]
            self._cidrs[vpc_id] = vpc["CidrBlock"]
        return self._cidrs[vpc_id]

    def _halt(self, instance_id: str, state: str, container: Container | None) -> None:
        engine = self._context.engine
        if container is not None and container.running:
            engine.run("stop", f"--time={SHUTDOWN_SECONDS}", instance_id)
        if state == "stopping":
            backchannel.set_instance_state(instance_id, "stopped")
        else:
            engine.remove_container(instance_id)
            backchannel.set_instance_state(instance_id, "terminated")

    # -- images --------------------------------------------------------------------------------------------

    def _reconcile_images(self, client: Any) -> None:
        images = {image["ImageId"]: image for image in client.describe_images(Owners=["self"])["Images"]}
        for image_id, image in images.items():
            if image["State"] == "pending":
                self._workers.start(image_id, self._bake, image_id)
        listed = self._context.engine.run("images", "--format={{.Repository}}").split()
        for repository in listed:
            image_id = repository.rsplit("/", 1)[-1]
            if image_id.startswith("ami-") and image_id not in images and not self._is_public(client, image_id):
                self._workers.start(image_id, self._forget, image_id)

    @staticmethod
    def _is_public(client: Any, image_id: str) -> bool:
        found = client.describe_images(Filters=[{"Name": "image-id", "Values": [image_id]}])["Images"]
        return bool(found)

    def _forget(self, image_id: str) -> None:
        # Hosts that still run on it keep their own layers; podman refuses then and a later round removes it.
        try:
            self._context.engine.run("rmi", image_name(image_id))
        except EngineError as error:
            log.debug("%s stays for now: %s", image_id, error)

    def _bake(self, image_id: str) -> None:
        """What CreateImage does: the host is shut down, its disk is copied, the host comes up again.

        https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
        """
        engine, instance_id = self._context.engine, backchannel.image_source_instance(image_id)
        container = engine.containers().get(instance_id or "")
        if container is None or instance_id is None:
            log.error("%s has no instance to be made from", image_id)
            backchannel.set_image_state(image_id, "failed")
            return
        log.info("%s is made from %s", image_id, instance_id)
        if container.running:
            engine.run("stop", f"--time={SHUTDOWN_SECONDS}", instance_id)
        engine.run("commit", "--quiet", instance_id, image_name(image_id))
        if container.running:
            engine.run("start", instance_id)
        backchannel.set_image_state(image_id, "available")


#: systemd's drop-in within a host.
ENDPOINT_CONFIGURATION = "/etc/systemd/system.conf.d/10-aws-endpoint.conf"


def _body(instance: Mapping[str, Any], container: Container) -> Body:
    return Body(
        name=instance["InstanceId"],
        kind="instance",
        address=instance["PrivateIpAddress"],
        pid=container.pid,
        vpc_id=instance["VpcId"],
        subnet_id=instance["SubnetId"],
        security_group_ids=tuple(group["GroupId"] for group in instance.get("SecurityGroups", [])),
        has_public_address="PublicIpAddress" in instance,
    )
