"""Corrections of load balancing: attributes, zones, health."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.emulator import backchannel
from rehearsal.images import DEBIAN_13_IMAGE_ID

from .conftest import Clients, Network


@pytest.fixture(scope="module")
def elbv2(client: Clients) -> Any:
    return client("elbv2")


@pytest.fixture(scope="module")
def balancer(elbv2: Any, network: Network) -> dict[str, Any]:
    found: dict[str, Any] = elbv2.create_load_balancer(
        Name="web", Subnets=network.subnet_ids, SecurityGroups=[network.group_id]
    )["LoadBalancers"][0]
    return found


def make_group(elbv2: Any, network: Network, name: str) -> str:
    found = elbv2.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=network.vpc_id, TargetType="instance")
    return str(found["TargetGroups"][0]["TargetGroupArn"])


@pytest.fixture(scope="module")
def group(elbv2: Any, network: Network, balancer: dict[str, Any]) -> str:
    arn = make_group(elbv2, network, "web")
    elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
    )
    return arn


def instance(client: Clients, network: Network) -> str:
    found = client("ec2").run_instances(
        ImageId=DEBIAN_13_IMAGE_ID, InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=network.subnet_ids[0]
    )
    return str(found["Instances"][0]["InstanceId"])


def health(elbv2: Any, group: str, **arguments: Any) -> dict[str, tuple[str, str | None]]:
    found = elbv2.describe_target_health(TargetGroupArn=group, **arguments)["TargetHealthDescriptions"]
    return {one["Target"]["Id"]: (one["TargetHealth"]["State"], one["TargetHealth"].get("Reason")) for one in found}


def attributes(found: dict[str, Any]) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in found["Attributes"]}


def test_a_balancer_has_all_attributes_and_its_regions_zone(elbv2: Any, balancer: dict[str, Any]) -> None:
    found = attributes(elbv2.describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"]))
    assert found["idle_timeout.timeout_seconds"] == "60"
    assert found["routing.http.desync_mitigation_mode"] == "defensive"
    assert found["load_balancing.cross_zone.enabled"] == "true"
    assert found["access_logs.s3.enabled"] == "false"
    assert balancer["CanonicalHostedZoneId"] == "Z32O12XQLNTSW2"
    assert balancer["DNSName"].endswith(".eu-west-1.elb.amazonaws.com")


def test_a_target_group_has_all_attributes_as_text(elbv2: Any, group: str) -> None:
    found = attributes(elbv2.describe_target_group_attributes(TargetGroupArn=group))
    assert found["deregistration_delay.timeout_seconds"] == "300"
    assert found["slow_start.duration_seconds"] == "0"
    assert found["stickiness.lb_cookie.duration_seconds"] == "86400"
    [described] = elbv2.describe_target_groups(TargetGroupArns=[group])["TargetGroups"]
    assert described["HealthCheckTimeoutSeconds"] == 5
    assert described["HealthCheckPath"] == "/"


@pytest.mark.usefixtures("data_plane")
class TestHealth:
    def test_a_target_is_initial_until_it_was_measured(
        self, client: Clients, elbv2: Any, network: Network, group: str
    ) -> None:
        target = instance(client, network)
        with pytest.raises(ClientError, match="InvalidTarget"):
            elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": target}])
        backchannel.set_instance_state(target, "running")
        elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": target}])
        assert health(elbv2, group)[target] == ("initial", "Elb.RegistrationInProgress")
        backchannel.set_target_health(group, target, 80, "unhealthy", "Target.Timeout", "Request timed out")
        assert health(elbv2, group)[target] == ("unhealthy", "Target.Timeout")
        backchannel.set_target_health(group, target, 80, "healthy")
        assert health(elbv2, group)[target] == ("healthy", None)
        # Words about a port that the target has not are about nobody.
        backchannel.set_target_health(group, target, 81, "unhealthy", "Target.Timeout")
        assert health(elbv2, group)[target] == ("healthy", None)

    def test_a_deregistered_target_drains(self, client: Clients, elbv2: Any, network: Network, group: str) -> None:
        target = instance(client, network)
        backchannel.set_instance_state(target, "running")
        elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": target}])
        backchannel.set_target_health(group, target, 80, "healthy")
        elbv2.deregister_targets(TargetGroupArn=group, Targets=[{"Id": target}])
        assert health(elbv2, group)[target] == ("draining", "Target.DeregistrationInProgress")
        backchannel.set_target_health(group, target, 80, "healthy")
        assert health(elbv2, group)[target][0] == "draining"
        backchannel.set_target_health(group, target, 80, "unused")
        assert target not in health(elbv2, group)
        assert health(elbv2, group, Targets=[{"Id": target}])[target] == ("unused", "Target.NotRegistered")

    def test_a_group_that_nobody_asks_is_unused(self, client: Clients, elbv2: Any, network: Network) -> None:
        target, alone = instance(client, network), make_group(elbv2, network, "alone")
        backchannel.set_instance_state(target, "running")
        elbv2.register_targets(TargetGroupArn=alone, Targets=[{"Id": target}])
        assert health(elbv2, alone)[target] == ("unused", "Target.NotInUse")

    def test_a_stopped_target_is_unused(self, client: Clients, elbv2: Any, network: Network, group: str) -> None:
        target = instance(client, network)
        backchannel.set_instance_state(target, "running")
        elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": target}])
        backchannel.set_target_health(group, target, 80, "healthy")
        backchannel.instance_body_died(target)
        assert health(elbv2, group)[target] == ("unused", "Target.InvalidState")

    def test_unknown_groups_and_targets(self, group: str) -> None:
        with pytest.raises(KeyError):
            backchannel.set_target_health(group, "i-unknown", 80, "healthy")
        with pytest.raises(KeyError):
            backchannel.set_target_health(group + "x", "i-unknown", 80, "healthy")


def test_deregistering_a_stranger_is_no_error(elbv2: Any, group: str) -> None:
    elbv2.deregister_targets(TargetGroupArn=group, Targets=[{"Id": "i-0123456789abcdef0"}])


def test_alias_records_point_at_balancers_and_distributions(client: Clients, balancer: dict[str, Any]) -> None:
    route53 = client("route53")
    zone = route53.create_hosted_zone(Name="slipway.localhost", CallerReference="1")["HostedZone"]["Id"]
    targets = {
        "origin.app.slipway.localhost.": (balancer["CanonicalHostedZoneId"], balancer["DNSName"], ["A"]),
        "app.slipway.localhost.": ("Z2FDTNDATAQYW2", "d111111abcdef8.cloudfront.net", ["A", "AAAA"]),
    }
    for name, (zone_id, target, types) in targets.items():
        for record_type in types:
            route53.change_resource_record_sets(
                HostedZoneId=zone,
                ChangeBatch={
                    "Changes": [
                        {
                            "Action": "UPSERT",
                            "ResourceRecordSet": {
                                "Name": name,
                                "Type": record_type,
                                "AliasTarget": {
                                    "HostedZoneId": zone_id,
                                    "DNSName": target,
                                    "EvaluateTargetHealth": False,
                                },
                            },
                        }
                    ]
                },
            )
    records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    found = {(one["Name"], one["Type"]): one["AliasTarget"] for one in records if "AliasTarget" in one}
    assert found["app.slipway.localhost.", "AAAA"]["HostedZoneId"] == "Z2FDTNDATAQYW2"
    assert found["origin.app.slipway.localhost.", "A"]["DNSName"].rstrip(".") == balancer["DNSName"]
