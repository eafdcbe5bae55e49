"""Alerts: encrypted, and sent by this account's services alone."""

from __future__ import annotations

import json

from .conftest import ACCOUNT, REGION, TAGS, Clients, Converge, Values, tags_of

VARIABLES: Values = {
    "aws_alerts_name": "stack",
    "aws_alerts_account_id": ACCOUNT,
    "aws_alerts_region": REGION,
    "aws_alerts_key_arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555",
    "aws_alerts_edge_key_arn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/66666666-7777-8888-9999-000000000000",
    "aws_alerts_subscriptions": [{"protocol": "email", "endpoint": "duty@example.com"}],
    "aws_alerts_tags": TAGS,
}


def test_the_topics(converge: Converge, client: Clients) -> None:
    made = converge.through_its_life("aws_alerts", VARIABLES)
    for place, key in (("alerts", "aws_alerts_key_arn"), ("edge", "aws_alerts_edge_key_arn")):
        arn = made.result["topic_arns"][place]
        sns = client("sns", arn.split(":")[3])
        attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        assert attributes["KmsMasterKeyId"] == VARIABLES[key]
        allow, deny = json.loads(attributes["Policy"])["Statement"]
        assert allow["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
        assert allow["Principal"] == {
            "Service": ["backup.amazonaws.com", "budgets.amazonaws.com", "cloudwatch.amazonaws.com"]
        }
        assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
        assert allow["Resource"] == deny["Resource"] == arn
        assert tags_of(sns.list_tags_for_resource(ResourceArn=arn)["Tags"]) == {**TAGS, "Name": "stack-alerts"}
        told = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
        assert [one["Endpoint"] for one in told] == ["duty@example.com"]

    fewer = converge("aws_alerts", {**VARIABLES, "aws_alerts_subscriptions": []})
    assert fewer.changed
    assert client("sns").list_subscriptions()["Subscriptions"] == []


def test_a_topic_without_a_key_is_refused(converge: Converge, client: Clients) -> None:
    refused = converge("aws_alerts", {**VARIABLES, "aws_alerts_key_arn": ""})
    assert refused.failed
    assert "aws_keys makes such" in refused.messages
    assert client("sns").list_topics()["Topics"] == []
