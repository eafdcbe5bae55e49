"""Corrections of WAF."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import Clients

BALANCER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/stack/0123456789abcdef"


def seen(name: str) -> dict[str, Any]:
    return {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": name}


def create(waf: Any, name: str, scope: str = "REGIONAL") -> dict[str, Any]:
    limit = {"RateBasedStatement": {"Limit": 100, "AggregateKeyType": "IP"}}
    rule = {
        "Name": "limit",
        "Priority": 0,
        "Action": {"Block": {}},
        "Statement": limit,
        "VisibilityConfig": seen("limit"),
    }
    made: dict[str, Any] = waf.create_web_acl(
        Name=name, Scope=scope, DefaultAction={"Allow": {}}, VisibilityConfig=seen(name), Rules=[rule]
    )["Summary"]
    return made


def test_a_rate_limit_says_its_window(client: Clients) -> None:
    waf = client("wafv2")
    acl = create(waf, "window")
    (rule,) = waf.get_web_acl(Name="window", Scope="REGIONAL", Id=acl["Id"])["WebACL"]["Rules"]
    assert rule["Statement"]["RateBasedStatement"]["EvaluationWindowSec"] == 300


def test_a_load_balancer_has_one_web_acl(client: Clients) -> None:
    waf = client("wafv2")
    first, second = create(waf, "first")["ARN"], create(waf, "second")["ARN"]
    for arn in (first, first, second):
        waf.associate_web_acl(WebACLArn=arn, ResourceArn=BALANCER)
    assert waf.list_resources_for_web_acl(WebACLArn=first)["ResourceArns"] == []
    assert waf.list_resources_for_web_acl(WebACLArn=second)["ResourceArns"] == [BALANCER]
    assert waf.list_resources_for_web_acl(WebACLArn=second, ResourceType="API_GATEWAY")["ResourceArns"] == []
    with pytest.raises(ClientError) as refused:
        waf.list_resources_for_web_acl(WebACLArn=first + "x")
    assert refused.value.response["Error"]["Code"] == "WAFNonexistentItemException"
    with pytest.raises(ClientError) as refused:
        waf.associate_web_acl(WebACLArn=first + "x", ResourceArn=BALANCER)
    assert refused.value.response["Error"]["Code"] == "WAFNonexistentItemException"


def test_only_a_web_acl_that_exists_can_log(client: Clients) -> None:
    edge = client("wafv2", "us-east-1")
    arn = create(edge, "edge", "CLOUDFRONT")["ARN"]
    logging = {"ResourceArn": arn, "LogDestinationConfigs": ["arn:aws:logs:us-east-1:1:log-group:aws-waf-logs-x"]}
    edge.put_logging_configuration(LoggingConfiguration=logging)
    assert edge.get_logging_configuration(ResourceArn=arn)["LoggingConfiguration"]["ResourceArn"] == arn
    with pytest.raises(ClientError) as refused:
        edge.put_logging_configuration(LoggingConfiguration={**logging, "ResourceArn": arn + "x"})
    assert refused.value.response["Error"]["Code"] == "WAFNonexistentItemException"
