"""Alarms: one for everything that breaks, and a dashboard that names the same things."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from .conftest import ACCOUNT, REGION, TAGS, Clients, Converge, Values, tags_of

ELB = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
VARIABLES: Values = {
    "aws_alarms_name": "stack",
    "aws_alarms_region": REGION,
    "aws_alarms_topic_arn": f"arn:aws:sns:{REGION}:{ACCOUNT}:stack-alerts",
    "aws_alarms_edge_topic_arn": f"arn:aws:sns:us-east-1:{ACCOUNT}:stack-alerts",
    "aws_alarms_balancer_arn": f"{ELB}:loadbalancer/app/stack/0123456789abcdef",
    "aws_alarms_target_group_arn": f"{ELB}:targetgroup/stack-web/fedcba9876543210",
    "aws_alarms_group_name": "stack-web",
    "aws_alarms_database": "stack",
    "aws_alarms_database_parameters": "stack-postgres17",
    "aws_alarms_cache_nodes": ["stack-001", "stack-002"],
    "aws_alarms_certificate_arn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/origin",
    "aws_alarms_edge_certificate_arn": f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/site",
    "aws_alarms_distribution_id": "E0123456789ABC",
    "aws_alarms_health_check_id": "01234567-89ab-cdef-0123-456789abcdef",
    "aws_alarms_url": "https://app.example.com",
    "aws_alarms_log_namespace": "stack",
    "aws_alarms_log_group": "/stack/application",
    "aws_alarms_queue": "stack-tasks",
    "aws_alarms_dead_letter_queue": "stack-tasks-dead",
    "aws_alarms_tags": TAGS,
}
KINDS = ["MetricAlarm", "CompositeAlarm"]


def alarms(client: Clients, region: str) -> dict[str, Any]:
    found = client("cloudwatch", region).describe_alarms(AlarmTypes=KINDS)
    return {alarm["AlarmName"]: alarm for alarm in [*found["MetricAlarms"], *found["CompositeAlarms"]]}


def dimensions(alarm: dict[str, Any]) -> dict[str, str]:
    return {one["Name"]: one["Value"] for one in alarm["Dimensions"]}


@pytest.fixture(autouse=True)
def database(client: Clients) -> None:
    """What RDS shall tell of."""
    rds: Any = client("rds")
    parameters = {"DBParameterGroupName": "stack-postgres17", "DBParameterGroupFamily": "postgres17"}
    rds.create_db_parameter_group(**parameters, Description="d")
    ec2: Any = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]
        for number, zone in enumerate("ab")
    ]
    rds.create_db_subnet_group(
        DBSubnetGroupName="stack",
        DBSubnetGroupDescription="d",
        SubnetIds=[subnet["SubnetId"] for subnet in subnets],
    )
    rds.create_db_instance(
        DBInstanceIdentifier="stack",
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        MasterUsername="master",
        MasterUserPassword="not-a-secret",
        AllocatedStorage=20,
        DBSubnetGroupName="stack",
        DBParameterGroupName="stack-postgres17",
    )


def test_the_alarms_and_the_dashboard(converge: Converge, client: Clients) -> None:
    made = converge.through_its_life("aws_alarms", VARIABLES)
    told = client("rds").describe_event_subscriptions()["EventSubscriptionsList"]
    assert {one["CustSubscriptionId"]: one["SourceIdsList"] for one in told} == {
        "stack-database": ["stack"],
        "stack-database-parameters": ["stack-postgres17"],
    }
    assert {one["SnsTopicArn"] for one in told} == {VARIABLES["aws_alarms_topic_arn"]}
    here, there = alarms(client, REGION), alarms(client, "us-east-1")
    assert set(there) == {"stack/edge-5xx", "stack/edge-certificate", "stack/edge-outside"}
    cache = {f"stack/cache-{what}-stack-00{n}" for what in ("cpu", "memory", "evictions", "lag") for n in (1, 2)}
    assert cache < set(here)
    for region, found, topic in (
        (REGION, here, "aws_alarms_topic_arn"),
        ("us-east-1", there, "aws_alarms_edge_topic_arn"),
    ):
        for alarm in found.values():
            assert alarm["AlarmActions"] == alarm["OKActions"] == [VARIABLES[topic]]
            tags = client("cloudwatch", region).list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
            assert tags_of(tags) == TAGS
    assert dimensions(here["stack/target-5xx"]) == {
        "LoadBalancer": "app/stack/0123456789abcdef",
        "TargetGroup": "targetgroup/stack-web/fedcba9876543210",
    }
    assert here["stack/no-healthy-host"]["TreatMissingData"] == "breaching"
    assert dimensions(here["stack/queue-age"]) == {"QueueName": "stack-tasks"}
    dead = here["stack/dead-letters"]
    assert (dimensions(dead), dead["Threshold"]) == ({"QueueName": "stack-tasks-dead"}, 0.0)
    assert here["stack/database-storage"]["Threshold"] == 5 * 1024**3
    named = re.findall(r'ALARM\("([^"]+)"\)', here[made.result["site_alarm"]]["AlarmRule"])
    assert named
    assert set(named) <= set(here)

    board = client("cloudwatch").get_dashboard(DashboardName="stack")
    widgets = json.loads(board["DashboardBody"])["widgets"]
    places = {(x, y) for one in widgets for x in range(one["x"], one["x"] + one["width"]) for y in [one["y"]]}
    assert len(places) == sum(one["width"] for one in widgets), "widgets overlap"
    assert max(x for x, _ in places) == 23
    (shown,) = (one["properties"]["alarms"] for one in widgets if one["type"] == "alarm")
    assert set(shown) == {alarm["AlarmArn"] for alarm in here.values()}
    drawn = [line for one in widgets if one["type"] == "metric" for line in one["properties"]["metrics"]]
    watched = {(alarm["Namespace"], alarm["MetricName"]) for alarm in here.values() if "MetricName" in alarm}
    missing = watched - {tuple(line[:2]) for line in drawn}
    # What only matters when it goes off.
    assert {metric for _, metric in missing} == {
        "StatusCheckFailed",
        "ReplicationLag",
        "DaysToExpiry",
        "ApplicationErrors",
    }
    for line in drawn:
        # CloudWatch reads a line as namespace, metric, name and value of each dimension, options.
        assert len(line) % 2 == 1
        assert line[2] in (
            "LoadBalancer",
            "AutoScalingGroupName",
            "DBInstanceIdentifier",
            "CacheClusterId",
            "DistributionId",
            "QueueName",
        )


def test_in_us_east_1_there_is_one_set(converge: Converge, client: Clients) -> None:
    made = converge(
        "aws_alarms", {**VARIABLES, "aws_alarms_region": "us-east-1", "aws_alarms_cache_nodes": ["stack-001"]}
    )
    assert not made.failed, made.messages
    found = alarms(client, "us-east-1")
    assert {"stack/edge-5xx", "stack/site", "stack/cache-cpu-stack-001"} < set(found)
    assert "stack/cache-lag-stack-001" not in found
    assert converge("aws_alarms", {**VARIABLES, "aws_alarms_region": "us-east-1"}).changed
