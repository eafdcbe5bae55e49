"""Web ACLs: every rule in both places, logged, and harmless when they shall only count."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import ACCOUNT, REGION, TAGS, Clients, Converge, Values, tags_of

VARIABLES: Values = {
    "aws_firewall_name": "stack",
    "aws_firewall_account_id": ACCOUNT,
    "aws_firewall_region": REGION,
    "aws_firewall_key_arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555",
    "aws_firewall_edge_key_arn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/66666666-7777-8888-9999-000000000000",
    "aws_firewall_counted_rules": {"AWSManagedRulesCommonRuleSet": ["SizeRestrictions_BODY"]},
    "aws_firewall_tags": TAGS,
}
SCOPES = {"edge": ("CLOUDFRONT", "us-east-1"), "balancer": ("REGIONAL", REGION)}


def rules_of(client: Clients, place: str, arn: str) -> dict[str, Any]:
    scope, region = SCOPES[place]
    acl = client("wafv2", region).get_web_acl(Name="stack", Scope=scope, Id=arn.rsplit("/", 1)[-1])["WebACL"]
    return {rule["Name"]: rule for rule in acl["Rules"]}


def test_the_web_acls(converge: Converge, client: Clients) -> None:
    made = converge.through_its_life("aws_firewall", VARIABLES)
    for place, (_, region) in SCOPES.items():
        arn = made.result["arns"][place]
        waf, logs = client("wafv2", region), client("logs", region)
        rules = rules_of(client, place, arn)
        assert len({rule["Priority"] for rule in rules.values()}) == 6
        assert {name for name in rules if name.startswith("AWS")} == {
            "AWSManagedRulesAmazonIpReputationList",
            "AWSManagedRulesCommonRuleSet",
            "AWSManagedRulesKnownBadInputsRuleSet",
            "AWSManagedRulesSQLiRuleSet",
        }
        limits = {name: rules[name]["Statement"]["RateBasedStatement"] for name in ("limit", "sign-in-limit")}
        assert limits["sign-in-limit"]["Limit"] < limits["limit"]["Limit"]
        assert "RegexMatchStatement" in limits["sign-in-limit"]["ScopeDownStatement"]
        kinds = {limit["AggregateKeyType"] for limit in limits.values()}
        assert kinds == {"IP" if place == "edge" else "FORWARDED_IP"}
        assert rules["limit"]["Action"] == {"Block": {}}
        common = rules["AWSManagedRulesCommonRuleSet"]
        assert common["OverrideAction"] == {"None": {}}
        assert common["Statement"]["ManagedRuleGroupStatement"]["RuleActionOverrides"] == [
            {"Name": "SizeRestrictions_BODY", "ActionToUse": {"Count": {}}}
        ]
        tags = waf.list_tags_for_resource(ResourceARN=arn)["TagInfoForResource"]["TagList"]
        assert tags_of(tags) == {**TAGS, "Name": "stack"}

        logging = waf.get_logging_configuration(ResourceArn=arn)["LoggingConfiguration"]
        assert [one["SingleHeader"]["Name"] for one in logging["RedactedFields"]] == ["authorization", "cookie"]
        (group,) = logs.describe_log_groups(logGroupNamePrefix=made.result["log_groups"][place])["logGroups"]
        assert logging["LogDestinationConfigs"] == [group["arn"].removesuffix(":*")]
        assert group["retentionInDays"] == 30
        assert (
            group["kmsKeyId"] == VARIABLES["aws_firewall_edge_key_arn" if place == "edge" else "aws_firewall_key_arn"]
        )


def test_counting_blocks_nothing(converge: Converge, client: Clients) -> None:
    counting = converge.through_its_life("aws_firewall", {**VARIABLES, "aws_firewall_count_only": True})
    for place in SCOPES:
        for name, rule in rules_of(client, place, counting.result["arns"][place]).items():
            assert rule["OverrideAction" if name.startswith("AWS") else "Action"] == {"Count": {}}
    assert converge("aws_firewall", VARIABLES).changed == ("acls | Keep the web ACLs",)


def test_the_load_balancer_is_put_behind_its_web_acl(converge: Converge, client: Clients, subnets: list[str]) -> None:
    balancer = client("elbv2").create_load_balancer(Name="stack", Subnets=subnets)
    arn = balancer["LoadBalancers"][0]["LoadBalancerArn"]
    variables = {**VARIABLES, "aws_firewall_balancer_arn": arn}
    made = converge("aws_firewall", variables)
    for check, changed in ((True, True), (False, True), (False, False), (True, False)):
        associated = converge("aws_firewall", variables, check=check, stage="associate")
        assert not associated.failed, associated.messages
        assert bool(associated.changed) is changed
    found = client("wafv2").get_web_acl_for_resource(ResourceArn=arn)["WebACL"]
    assert found["ARN"] == made.result["arns"]["balancer"]


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ({"aws_firewall_sign_ins_per_5_minutes": 3000}, "has to be the stricter one"),
        ({"aws_firewall_counted_rules": {"AWSManagedRulesPHPRuleSet": ["x"]}}, "does not have"),
        ({"aws_firewall_edge_key_arn": ""}, "aws_keys makes such"),
    ],
)
def test_what_cannot_be_is_refused(wrong: Values, remedy: str, converge: Converge, client: Clients) -> None:
    refused = converge("aws_firewall", {**VARIABLES, **wrong})
    assert refused.failed
    assert remedy in refused.messages
    assert client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"] == []
