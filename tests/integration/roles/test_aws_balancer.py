"""The load balancer: what it was told to do it does, and what it is no longer told to do it stops doing."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import ACCOUNT, TAGS, Clients, Converge, Values

LOGS = f"stack-{ACCOUNT}-logs"


@pytest.fixture
def variables(client: Clients, subnets: list[str]) -> Values:
    ec2 = client("ec2")
    vpc = ec2.describe_subnets(SubnetIds=subnets)["Subnets"][0]["VpcId"]
    return {
        "aws_balancer_name": "stack",
        "aws_balancer_vpc_id": vpc,
        "aws_balancer_subnet_ids": subnets,
        "aws_balancer_security_group_ids": [
            ec2.create_security_group(GroupName="stack-balancer", Description="Balancer", VpcId=vpc)["GroupId"]
        ],
        "aws_balancer_certificate_arn": client("acm").request_certificate(
            DomainName="origin.app.slipway.test", ValidationMethod="DNS"
        )["CertificateArn"],
        "aws_balancer_domain": "origin.app.slipway.test",
        "aws_balancer_zone": "slipway.test",
        "aws_balancer_zone_id": client("route53")
        .create_hosted_zone(Name="slipway.test", CallerReference="1")["HostedZone"]["Id"]
        .rpartition("/")[2],
        "aws_balancer_deletion_protection": False,
        "aws_balancer_tags": TAGS,
    }


def logs(client: Clients) -> dict[str, str]:
    elb: Any = client("elbv2")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    attributes = elb.describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])["Attributes"]
    prefix = "access_logs.s3."
    return {one["Key"].removeprefix(prefix): one["Value"] for one in attributes if one["Key"].startswith(prefix)}


def make(converge: Converge, variables: Values) -> None:
    """Run it, and see that there is then nothing to do."""
    made = converge("aws_balancer", variables)
    assert not made.failed, made.messages
    for check in (False, True):
        again = converge("aws_balancer", variables, check=check)
        assert not again.failed, again.messages
        assert again.changed == (), again.differences
        assert again.result == made.result


def test_it_logs_where_it_is_told_and_no_longer_when_it_is_not(
    converge: Converge, client: Clients, variables: Values
) -> None:
    make(converge, variables)
    assert logs(client)["enabled"] == "false"

    logging = {**variables, "aws_balancer_logs_bucket": LOGS}
    make(converge, logging)
    assert logs(client) == {"enabled": "true", "bucket": LOGS, "prefix": "balancer"}

    foretold = converge("aws_balancer", variables, check=True)
    assert foretold.changed == ("balancer | Make the load balancer and its listeners",)
    make(converge, variables)
    assert logs(client)["enabled"] == "false"


def test_a_dry_run_says_what_a_run_would_make_of_what_somebody_deleted(
    converge: Converge, client: Clients, variables: Values
) -> None:
    elb: Any = client("elbv2")
    nothing = converge("aws_balancer", variables, check=True)
    assert not nothing.failed, nothing.messages
    make(converge, variables)

    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    elb.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
    foretold = converge("aws_balancer", variables, check=True)
    assert not foretold.failed, foretold.messages
    assert foretold.changed == ("balancer | Make the load balancer and its listeners",)

    (targets,) = elb.describe_target_groups()["TargetGroups"]
    elb.delete_target_group(TargetGroupArn=targets["TargetGroupArn"])
    foretold = converge("aws_balancer", variables, check=True)
    assert not foretold.failed, foretold.messages
    make(converge, variables)
