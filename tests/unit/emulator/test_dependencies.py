"""What AWS does not let go of while something holds it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.emulator.corrections.dependencies import BALANCER_LEAVES_SECONDS
from rehearsal.images import DEBIAN_13_IMAGE_ID

from .conftest import Clients, Network
from .test_wafv2 import create


def refused(code: str, call: Any, **arguments: Any) -> None:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    assert error.value.response["Error"]["Code"] == code


@pytest.fixture(scope="module")
def ec2(client: Clients) -> Any:
    return client("ec2")


@pytest.fixture
def gateway(ec2: Any, network: Network) -> Iterator[str]:
    """Attached to the network for as long as a test takes."""
    gateway_id = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=network.vpc_id)
    yield gateway_id
    ec2.detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=network.vpc_id)
    ec2.delete_internet_gateway(InternetGatewayId=gateway_id)


def make_group(ec2: Any, network: Network, name: str) -> str:
    made: str = ec2.create_security_group(GroupName=name, Description=name, VpcId=network.vpc_id)["GroupId"]
    return made


def test_the_default_group_goes_with_its_network_only(ec2: Any, network: Network) -> None:
    (default,) = ec2.describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [network.vpc_id]}, {"Name": "group-name", "Values": ["default"]}]
    )["SecurityGroups"]
    refused("CannotDelete", ec2.delete_security_group, GroupId=default["GroupId"])


def test_a_group_that_a_rule_of_another_one_names(ec2: Any, network: Network) -> None:
    named, other = make_group(ec2, network, "named"), make_group(ec2, network, "other")
    rule = [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": named}]}]
    ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=rule)
    refused("DependencyViolation", ec2.delete_security_group, GroupId=named)
    ec2.revoke_security_group_ingress(GroupId=other, IpPermissions=rule)
    for group in (named, other):
        ec2.delete_security_group(GroupId=group)


def test_an_instance_holds_its_group_and_subnet(ec2: Any, network: Network) -> None:
    group = make_group(ec2, network, "instance")
    subnet = ec2.create_subnet(VpcId=network.vpc_id, CidrBlock="10.20.40.0/24")["Subnet"]["SubnetId"]
    (launched,) = ec2.run_instances(
        ImageId=DEBIAN_13_IMAGE_ID, MinCount=1, MaxCount=1, SubnetId=subnet, SecurityGroupIds=[group]
    )["Instances"]
    refused("DependencyViolation", ec2.delete_security_group, GroupId=group)
    refused("DependencyViolation", ec2.delete_subnet, SubnetId=subnet)
    ec2.terminate_instances(InstanceIds=[launched["InstanceId"]])
    ec2.delete_security_group(GroupId=group)
    ec2.delete_subnet(SubnetId=subnet)


def test_a_gateway_with_a_public_address(ec2: Any, network: Network, gateway: str) -> None:
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    subnet = ec2.create_subnet(VpcId=network.vpc_id, CidrBlock="10.20.41.0/24")["Subnet"]["SubnetId"]
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    detach = {"InternetGatewayId": gateway, "VpcId": network.vpc_id}
    refused("DependencyViolation", ec2.detach_internet_gateway, **detach)
    refused("DependencyViolation", ec2.delete_subnet, SubnetId=subnet)
    refused("InvalidIPAddress.InUse", ec2.release_address, AllocationId=address)
    ec2.delete_nat_gateway(NatGatewayId=nat)
    ec2.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[nat], WaiterConfig={"Delay": 0.2, "MaxAttempts": 50})
    ec2.release_address(AllocationId=address)
    ec2.delete_subnet(SubnetId=subnet)


def test_a_balancer_holds_its_network_for_a_while_longer_than_it_lives(
    client: Clients, ec2: Any, network: Network, gateway: str
) -> None:
    elb, waf = client("elbv2"), client("wafv2")
    group, acl = make_group(ec2, network, "balancer"), create(waf, "balancer")
    (balancer,) = elb.create_load_balancer(Name="held", Subnets=network.subnet_ids, SecurityGroups=[group])[
        "LoadBalancers"
    ]
    arn = balancer["LoadBalancerArn"]
    protection = [{"Key": "deletion_protection.enabled", "Value": "true"}]
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=protection)
    refused("OperationNotPermitted", elb.delete_load_balancer, LoadBalancerArn=arn)
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[{**protection[0], "Value": "false"}])

    waf.associate_web_acl(WebACLArn=acl["ARN"], ResourceArn=arn)
    which = {"Name": "balancer", "Scope": "REGIONAL", "Id": acl["Id"], "LockToken": acl["LockToken"]}
    refused("WAFAssociatedItemException", waf.delete_web_acl, **which)
    elb.delete_load_balancer(LoadBalancerArn=arn)
    waf.delete_web_acl(**which)

    detach = {"InternetGatewayId": gateway, "VpcId": network.vpc_id}
    refused("DependencyViolation", ec2.delete_security_group, GroupId=group)
    refused("DependencyViolation", ec2.delete_subnet, SubnetId=network.subnet_ids[0])
    refused("DependencyViolation", ec2.detach_internet_gateway, **detach)
    time.sleep(BALANCER_LEAVES_SECONDS)
    ec2.delete_security_group(GroupId=group)


def test_a_network_goes_last(ec2: Any) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.30.0.0/16")["Vpc"]["VpcId"]
    (main,) = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    refused("DependencyViolation", ec2.delete_route_table, RouteTableId=main["RouteTableId"])
    group = ec2.create_security_group(GroupName="last", Description="last", VpcId=vpc)["GroupId"]
    refused("DependencyViolation", ec2.delete_vpc, VpcId=vpc)
    ec2.delete_security_group(GroupId=group)
    ec2.delete_vpc(VpcId=vpc)


def test_a_delivery_holds_both_of_its_ends(client: Clients) -> None:
    logs = client("logs", "us-east-1")
    distribution = "arn:aws:cloudfront::123456789012:distribution/E123"
    logs.put_delivery_source(name="from", resourceArn=distribution, logType="ACCESS_LOGS")
    destination = logs.put_delivery_destination(
        name="to", deliveryDestinationConfiguration={"destinationResourceArn": "arn:aws:s3:::logs"}
    )["deliveryDestination"]["arn"]
    delivery = logs.create_delivery(deliverySourceName="from", deliveryDestinationArn=destination)["delivery"]["id"]
    refused("ConflictException", logs.delete_delivery_source, name="from")
    refused("ConflictException", logs.delete_delivery_destination, name="to")
    logs.delete_delivery(id=delivery)
    logs.delete_delivery_source(name="from")
    logs.delete_delivery_destination(name="to")
