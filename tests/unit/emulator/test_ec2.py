"""Corrections of EC2: instances, images, launch templates, tags."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.emulator import backchannel
from rehearsal.images import DEBIAN_13_IMAGE_ID
from rehearsal.settings import ACCOUNT_ID

from .conftest import Clients, Network


@pytest.fixture(scope="module")
def ec2(client: Clients) -> Any:
    return client("ec2")


@pytest.fixture(scope="module")
def profile(client: Clients) -> str:
    iam = client("iam")
    iam.create_role(
        RoleName="web",
        AssumeRolePolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow",'
        '"Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}',
    )
    arn: str = iam.create_instance_profile(InstanceProfileName="web")["InstanceProfile"]["Arn"]
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    return arn


def run(ec2: Any, network: Network, **arguments: Any) -> str:
    usual = {"ImageId": DEBIAN_13_IMAGE_ID, "InstanceType": "t3.micro", "SubnetId": network.subnet_ids[0]}
    found = ec2.run_instances(MinCount=1, MaxCount=1, **{**usual, **arguments})
    return str(found["Instances"][0]["InstanceId"])


def described(ec2: Any, instance_id: str) -> dict[str, Any]:
    found: dict[str, Any] = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
    return found


def state(ec2: Any, instance_id: str) -> str:
    return str(described(ec2, instance_id)["State"]["Name"])


class TestStates:
    def test_without_a_data_plane_everything_happens_at_once(self, ec2: Any, network: Network) -> None:
        instance_id = run(ec2, network)
        assert state(ec2, instance_id) == "running"
        ec2.terminate_instances(InstanceIds=[instance_id])
        assert state(ec2, instance_id) == "terminated"

    @pytest.mark.usefixtures("data_plane")
    def test_with_one_it_waits_for_its_word(self, ec2: Any, network: Network) -> None:
        instance_id = run(ec2, network)
        assert state(ec2, instance_id) == "pending"
        backchannel.set_instance_state(instance_id, "running")
        assert state(ec2, instance_id) == "running"
        ec2.stop_instances(InstanceIds=[instance_id])
        assert state(ec2, instance_id) == "stopping"
        backchannel.set_instance_state(instance_id, "running")
        assert state(ec2, instance_id) == "stopping"
        backchannel.set_instance_state(instance_id, "stopped")
        ec2.start_instances(InstanceIds=[instance_id])
        assert state(ec2, instance_id) == "pending"
        backchannel.set_instance_state(instance_id, "running")
        ec2.terminate_instances(InstanceIds=[instance_id])
        assert state(ec2, instance_id) == "shutting-down"
        backchannel.set_instance_state(instance_id, "terminated")
        assert state(ec2, instance_id) == "terminated"

    @pytest.mark.usefixtures("data_plane")
    def test_a_host_that_died_is_stopped(self, ec2: Any, network: Network) -> None:
        instance_id = run(ec2, network)
        backchannel.instance_body_died(instance_id)
        assert state(ec2, instance_id) == "stopped"

    def test_unknown_ids_and_states_are_errors(self) -> None:
        with pytest.raises(KeyError):
            backchannel.set_instance_state("i-0000", "running")
        with pytest.raises(ValueError, match="no state"):
            backchannel.set_instance_state("i-0000", "asleep")  # type: ignore[arg-type]

    def test_an_address_is_free_again_after_the_termination_only(self, ec2: Any, client: Clients) -> None:
        network = Network(client("ec2"), "10.30.0.0/16")
        first = run(ec2, network)
        address = described(ec2, first)["PrivateIpAddress"]
        with pytest.raises(ClientError, match=r"InvalidIPAddress\.InUse"):
            run(ec2, network, PrivateIpAddress=address)
        ec2.terminate_instances(InstanceIds=[first])
        second = run(ec2, network, PrivateIpAddress=address)
        assert described(ec2, second)["PrivateIpAddress"] == address

    def test_an_interface_goes_with_its_instance(self, ec2: Any, client: Clients) -> None:
        network = Network(client("ec2"), "10.31.0.0/16")
        instance_id = run(ec2, network)
        ec2.terminate_instances(InstanceIds=[instance_id])
        filters = [{"Name": "vpc-id", "Values": [network.vpc_id]}]
        assert ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"] == []


class TestLaunchTemplates:
    @pytest.fixture(scope="class")
    def template(self, ec2: Any, network: Network, profile: str) -> str:
        found = ec2.create_launch_template(
            LaunchTemplateName="web",
            LaunchTemplateData={
                "ImageId": DEBIAN_13_IMAGE_ID,
                "InstanceType": "t3.small",
                "IamInstanceProfile": {"Arn": profile},
                "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
                "SecurityGroupIds": [network.group_id],
                "UserData": base64.b64encode(b"one").decode(),
                "BlockDeviceMappings": [
                    {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 20, "VolumeType": "gp3", "Encrypted": True}}
                ],
                "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "Role", "Value": "web"}]}],
            },
            TagSpecifications=[{"ResourceType": "launch-template", "Tags": [{"Key": "Own", "Value": "yes"}]}],
        )
        return str(found["LaunchTemplate"]["LaunchTemplateId"])

    def test_an_instance_gets_all_that_the_template_says(
        self, ec2: Any, network: Network, template: str, profile: str
    ) -> None:
        found = ec2.run_instances(
            MinCount=2, MaxCount=2, SubnetId=network.subnet_ids[1], LaunchTemplate={"LaunchTemplateId": template}
        )["Instances"]
        for instance in (described(ec2, one["InstanceId"]) for one in found):
            assert instance["ImageId"] == DEBIAN_13_IMAGE_ID
            assert instance["InstanceType"] == "t3.small"
            assert instance["IamInstanceProfile"]["Arn"] == profile
            assert instance["MetadataOptions"]["HttpTokens"] == "required"
            assert [group["GroupId"] for group in instance["SecurityGroups"]] == [network.group_id]
            assert instance["Placement"]["AvailabilityZone"] == "eu-west-1b"
            assert {"Key": "Role", "Value": "web"} in instance["Tags"]
            [device] = instance["BlockDeviceMappings"]
            assert device["DeviceName"] == instance["RootDeviceName"] == "/dev/xvda"
            [volume] = ec2.describe_volumes(VolumeIds=[device["Ebs"]["VolumeId"]])["Volumes"]
            assert (volume["Size"], volume["VolumeType"], volume["Encrypted"]) == (20, "gp3", True)

    def test_tags_of_the_template_are_not_in_its_data(self, ec2: Any, template: str) -> None:
        [version] = ec2.describe_launch_template_versions(LaunchTemplateId=template)["LaunchTemplateVersions"]
        assert [s["ResourceType"] for s in version["LaunchTemplateData"]["TagSpecifications"]] == ["instance"]
        [found] = ec2.describe_launch_templates(LaunchTemplateIds=[template])["LaunchTemplates"]
        assert found["Tags"] == [{"Key": "Own", "Value": "yes"}]

    def test_a_later_version_has_its_own_user_data(self, ec2: Any, network: Network, template: str) -> None:
        ec2.create_launch_template_version(
            LaunchTemplateId=template,
            SourceVersion="1",
            LaunchTemplateData={"UserData": base64.b64encode(b"two").decode()},
        )
        for version, text in (("1", b"one"), ("2", b"two"), ("$Latest", b"two"), ("$Default", b"one")):
            [one] = ec2.run_instances(
                MinCount=1,
                MaxCount=1,
                SubnetId=network.subnet_ids[0],
                LaunchTemplate={"LaunchTemplateId": template, "Version": version},
            )["Instances"]
            attribute = ec2.describe_instance_attribute(InstanceId=one["InstanceId"], Attribute="userData")
            assert base64.b64decode(attribute["UserData"]["Value"]) == text
            assert described(ec2, one["InstanceId"])["InstanceType"] == "t3.small"

    def test_versions_are_deleted_and_numbers_are_not_used_again(self, ec2: Any, template: str) -> None:
        answer = ec2.delete_launch_template_versions(LaunchTemplateId=template, Versions=["1", "2", "7"])
        assert [one["VersionNumber"] for one in answer["SuccessfullyDeletedLaunchTemplateVersions"]] == [2]
        codes = [one["ResponseError"]["Code"] for one in answer["UnsuccessfullyDeletedLaunchTemplateVersions"]]
        assert codes == ["launchTemplateVersionIsDefault", "launchTemplateVersionDoesNotExist"]
        created = ec2.create_launch_template_version(LaunchTemplateId=template, LaunchTemplateData={"ImageId": "ami-1"})
        assert created["LaunchTemplateVersion"]["VersionNumber"] == 3
        [latest] = ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=["$Latest"])[
            "LaunchTemplateVersions"
        ]
        assert latest["VersionNumber"] == 3


class TestImages:
    @pytest.mark.usefixtures("data_plane")
    def test_an_image_is_pending_until_its_content_is_there(self, ec2: Any, network: Network) -> None:
        instance_id = run(ec2, network)
        with pytest.raises(ClientError, match="IncorrectState"):
            ec2.create_image(InstanceId=instance_id, Name="early")
        backchannel.set_instance_state(instance_id, "running")
        tags = [{"Key": "Release", "Value": "1"}]
        image_id = ec2.create_image(
            InstanceId=instance_id,
            Name="web-1",
            TagSpecifications=[
                {"ResourceType": "image", "Tags": tags},
                {"ResourceType": "snapshot", "Tags": tags},
            ],
        )["ImageId"]
        [image] = ec2.describe_images(ImageIds=[image_id])["Images"]
        assert image["State"] == "pending"
        assert image["Tags"] == tags
        assert backchannel.image_source_instance(image_id) == instance_id
        backchannel.set_image_state(image_id, "available")
        [image] = ec2.describe_images(Owners=["self"], Filters=[{"Name": "tag:Release", "Values": ["1"]}])["Images"]
        assert (image["ImageId"], image["State"], image["RootDeviceName"]) == (image_id, "available", "/dev/xvda")
        snapshot_id = image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
        assert ec2.describe_snapshots(SnapshotIds=[snapshot_id])["Snapshots"][0]["Tags"] == tags
        with pytest.raises(ClientError, match="Duplicate"):
            ec2.create_image(InstanceId=instance_id, Name="web-1")
        ec2.deregister_image(ImageId=image_id, DeleteAssociatedSnapshots=True)
        with pytest.raises(ClientError, match=r"InvalidSnapshot\.NotFound"):
            ec2.describe_snapshots(SnapshotIds=[snapshot_id])

    def test_an_image_of_an_encrypted_volume_is_encrypted(self, ec2: Any, network: Network) -> None:
        def snapshot(name: str, encrypted: bool) -> dict[str, Any]:
            device = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8, "Encrypted": encrypted}}
            instance_id = run(ec2, network, BlockDeviceMappings=[device])
            image_id = ec2.create_image(InstanceId=instance_id, Name=name)["ImageId"]
            [image] = ec2.describe_images(ImageIds=[image_id])["Images"]
            made = image["BlockDeviceMappings"][0]["Ebs"]
            assert made["Encrypted"] is encrypted
            [found] = ec2.describe_snapshots(SnapshotIds=[made["SnapshotId"]])["Snapshots"]
            return dict(found)

        assert snapshot("secret", encrypted=True)["Encrypted"] is True
        assert snapshot("open", encrypted=False)["Encrypted"] is False

    def test_the_snapshots_of_other_peoples_images_are_theirs(self, ec2: Any, network: Network) -> None:
        image_id = ec2.create_image(InstanceId=run(ec2, network), Name="owned")["ImageId"]
        [image] = ec2.describe_images(ImageIds=[image_id])["Images"]
        own = ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
        assert image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"] in {one["SnapshotId"] for one in own}
        assert {one["OwnerId"] for one in own} == {ACCOUNT_ID}
        assert {one["OwnerId"] for one in ec2.describe_snapshots()["Snapshots"]} > {ACCOUNT_ID}

    def test_an_unknown_image_cannot_be_launched(self, ec2: Any, network: Network) -> None:
        with pytest.raises(ClientError, match=r"InvalidAMIID\.NotFound"):
            run(ec2, network, ImageId="ami-00000000000000000")

    def test_debians_image_has_no_source(self) -> None:
        assert backchannel.image_source_instance(DEBIAN_13_IMAGE_ID) is None


def test_a_subnets_first_four_addresses_and_its_last_are_awss(ec2: Any, network: Network) -> None:
    # Sixteen addresses: eleven are left.
    subnet = ec2.create_subnet(VpcId=network.vpc_id, CidrBlock="10.20.99.0/28")["Subnet"]["SubnetId"]
    launched = [run(ec2, network, SubnetId=subnet) for _ in range(11)]
    assert [described(ec2, one)["PrivateIpAddress"] for one in launched] == [f"10.20.99.{n}" for n in range(4, 15)]
    with pytest.raises(ClientError, match="InsufficientFreeAddressesInSubnet"):
        run(ec2, network, SubnetId=subnet)
    # One that was given back is given again.
    ec2.terminate_instances(InstanceIds=launched[:1])
    run(ec2, network, SubnetId=subnet)


def test_a_client_token_makes_no_second_instance(ec2: Any, network: Network) -> None:
    assert run(ec2, network, ClientToken="t-1") == run(ec2, network, ClientToken="t-1")


def test_tags_report_awss_own_resource_types(ec2: Any, network: Network) -> None:
    address = ec2.allocate_address(
        Domain="vpc", TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": [{"Key": "k", "Value": "nat"}]}]
    )["AllocationId"]
    gateway = ec2.create_nat_gateway(
        SubnetId=network.subnet_ids[0],
        AllocationId=address,
        TagSpecifications=[{"ResourceType": "natgateway", "Tags": [{"Key": "k", "Value": "nat"}]}],
    )["NatGateway"]["NatGatewayId"]
    found = ec2.describe_tags(Filters=[{"Name": "value", "Values": ["nat"]}])["Tags"]
    assert {tag["ResourceId"]: tag["ResourceType"] for tag in found} == {
        address: "elastic-ip",
        gateway: "natgateway",
    }


def test_a_rule_that_names_a_group_keeps_its_description(ec2: Any, network: Network) -> None:
    ids = [
        ec2.create_security_group(GroupName=name, Description=name, VpcId=network.vpc_id)["GroupId"]
        for name in ("described-a", "described-b")
    ]
    pair = {"GroupId": ids[1], "Description": "Requests"}
    ec2.authorize_security_group_ingress(
        GroupId=ids[0],
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [pair]}],
    )
    found = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [ids[0]]}])["SecurityGroupRules"]
    assert [rule["Description"] for rule in found if not rule["IsEgress"]] == ["Requests"]


def test_nat_gateways_are_told_apart_by_their_tags(ec2: Any, network: Network) -> None:
    made = {}
    for name in ("slipway-live-nat", "slipway-live2-nat"):
        tags = [{"ResourceType": "natgateway", "Tags": [{"Key": "Name", "Value": name}]}]
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        gateway = ec2.create_nat_gateway(SubnetId=network.subnet_ids[0], AllocationId=address, TagSpecifications=tags)[
            "NatGateway"
        ]
        made[name] = gateway["NatGatewayId"]

    def found(value: str) -> set[str]:
        named = [{"Name": "tag:Name", "Values": [value]}]
        return {one["NatGatewayId"] for one in ec2.describe_nat_gateways(Filters=named)["NatGateways"]}

    assert found("slipway-live-*") == {made["slipway-live-nat"]}
    assert found("slipway-live*") == set(made.values())
    assert found("slipway-live") == set()


def test_a_rule_that_is_gone_is_told_from_others_by_its_id(ec2: Any, network: Network) -> None:
    group = ec2.create_security_group(GroupName="revoked", Description="revoked", VpcId=network.vpc_id)["GroupId"]
    rule = [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    for authorize, revoke in (
        (ec2.authorize_security_group_ingress, ec2.revoke_security_group_ingress),
        (ec2.authorize_security_group_egress, ec2.revoke_security_group_egress),
    ):
        made = authorize(GroupId=group, IpPermissions=rule)["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        revoke(GroupId=group, SecurityGroupRuleIds=[made])
        with pytest.raises(ClientError) as refused:
            revoke(GroupId=group, SecurityGroupRuleIds=[made])
        assert refused.value.response["Error"]["Code"] == "InvalidSecurityGroupRuleId.NotFound"
        with pytest.raises(ClientError) as refused:
            revoke(GroupId=group, IpPermissions=rule)
        assert refused.value.response["Error"]["Code"] == "InvalidPermission.NotFound"
