"""The logging of a web ACL, whole, against the emulated account."""

from __future__ import annotations

import pytest

from .conftest import REGION, Answer, Call, client, succeeded

GROUP = f"arn:aws:logs:{REGION}:123456789012:log-group:aws-waf-logs-stack"


@pytest.fixture
def acl() -> str:
    visibility = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "stack"}
    waf = client("wafv2")
    made = waf.create_web_acl(
        Name="stack", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=visibility, Rules=[]
    )
    return str(made["Summary"]["ARN"])


def test_the_logging_of_a_web_acl(call: Call, acl: str) -> None:
    options: Answer = {
        "web_acl_arn": acl,
        "destination_arn": GROUP,
        "redacted_headers": ["Cookie"],
        "kept_actions": ["BLOCK", "COUNT"],
    }
    assert succeeded(call("wafv2_logging", check=True, **options))["changed"]
    made = succeeded(call("wafv2_logging", **options))
    assert made["logging"] == {
        "destination_arn": GROUP,
        "redacted_headers": ["cookie"],
        "kept_actions": ["BLOCK", "COUNT"],
    }
    for check in (True, False):
        assert succeeded(call("wafv2_logging", check=check, **options))["changes"] == []
    every = {**options, "kept_actions": []}
    for check in (True, False):
        told = succeeded(call("wafv2_logging", check=check, **every))["changes"]
        assert told == [{"field": "kept_actions", "from": ["BLOCK", "COUNT"], "to": []}]

    by_hand = {
        "ResourceArn": acl,
        "LogDestinationConfigs": [GROUP],
        "LoggingFilter": {
            "DefaultBehavior": "KEEP",
            "Filters": [
                {
                    "Behavior": "DROP",
                    "Requirement": "MEETS_ANY",
                    "Conditions": [{"ActionCondition": {"Action": "BLOCK"}}],
                }
            ],
        },
    }
    client("wafv2").put_logging_configuration(LoggingConfiguration=by_hand)
    fields = {change["field"] for change in succeeded(call("wafv2_logging", **options))["changes"]}
    assert fields == {"redacted_headers", "kept_actions"}
    gone: Answer = {"web_acl_arn": acl, "state": "absent"}
    assert succeeded(call("wafv2_logging", **gone))["changed"]
    assert not succeeded(call("wafv2_logging", **gone))["changed"]


@pytest.mark.parametrize("check", [True, False])
def test_a_name_that_waf_does_not_write_to_is_refused(call: Call, check: bool) -> None:
    other = GROUP.replace("aws-waf-logs-", "")
    refused = call(
        "wafv2_logging",
        check=check,
        web_acl_arn=f"arn:aws:wafv2:{REGION}:123456789012:regional/webacl/stack/1",
        destination_arn=other,
    )
    assert refused["msg"] == "WAF writes only to names that begin with aws-waf-logs-, and stack does not."
