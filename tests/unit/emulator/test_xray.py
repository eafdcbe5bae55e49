"""X-Ray as the rehearsal has it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import Clients

RULE: dict[str, Any] = {
    "RuleName": "stack",
    "ResourceARN": "*",
    "Priority": 100,
    "FixedRate": 0.1,
    "ReservoirSize": 2,
    "ServiceName": "stack",
    "ServiceType": "*",
    "Host": "*",
    "HTTPMethod": "*",
    "URLPath": "*",
    "Version": 1,
}
TAGS = [{"Key": "Project", "Value": "slipway"}]


def test_a_group_through_its_life(client: Clients) -> None:
    xray = client("xray")
    made = xray.create_group(GroupName="stack", FilterExpression='service("stack")', Tags=TAGS)["Group"]
    with pytest.raises(ClientError, match="InvalidRequestException"):
        xray.create_group(GroupName="stack")
    assert xray.list_tags_for_resource(ResourceARN=made["GroupARN"])["Tags"] == TAGS
    xray.update_group(GroupName="stack", InsightsConfiguration={"InsightsEnabled": True})
    (live,) = xray.get_groups()["Groups"]
    assert live == xray.get_group(GroupARN=made["GroupARN"])["Group"]
    assert live["FilterExpression"] == 'service("stack")'
    assert live["InsightsConfiguration"] == {"InsightsEnabled": True, "NotificationsEnabled": False}
    xray.untag_resource(ResourceARN=made["GroupARN"], TagKeys=["Project"])
    assert xray.list_tags_for_resource(ResourceARN=made["GroupARN"])["Tags"] == []
    xray.delete_group(GroupName="stack")
    assert xray.get_groups()["Groups"] == []
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        xray.list_tags_for_resource(ResourceARN=made["GroupARN"])


def test_a_rule_through_its_life_and_the_default_that_stays(client: Clients) -> None:
    xray = client("xray")
    made = xray.create_sampling_rule(SamplingRule=RULE, Tags=TAGS)["SamplingRuleRecord"]["SamplingRule"]
    for wrong in ({}, {"RuleName": "other", "FixedRate": 1.5}):
        with pytest.raises(ClientError, match="InvalidRequestException"):
            xray.create_sampling_rule(SamplingRule=RULE | wrong)
    xray.update_sampling_rule(SamplingRuleUpdate={"RuleName": "stack", "FixedRate": 0.2})
    rules = {
        one["SamplingRule"]["RuleName"]: one["SamplingRule"] for one in xray.get_sampling_rules()["SamplingRuleRecords"]
    }
    assert rules["stack"] == {**made, "FixedRate": 0.2}
    assert rules["Default"]["Priority"] == 10000
    with pytest.raises(ClientError, match="InvalidRequestException"):
        xray.update_sampling_rule(SamplingRuleUpdate={"RuleName": "Default", "Host": "x"})
    with pytest.raises(ClientError, match="InvalidRequestException"):
        xray.delete_sampling_rule(RuleName="Default")
    xray.delete_sampling_rule(RuleName="stack")
    assert [one["SamplingRule"]["RuleName"] for one in xray.get_sampling_rules()["SamplingRuleRecords"]] == ["Default"]


def test_traces_are_taken_and_the_oldest_forgotten(client: Clients) -> None:
    xray = client("xray")
    now = time.time()
    ids = [f"1-{int(now):08x}-{number:024x}" for number in range(1001)]
    for start in range(0, len(ids), 50):
        documents = [
            json.dumps({"name": "stack", "id": "53995c3f42cd8ad8", "trace_id": one, "start_time": now, "end_time": now})
            for one in ids[start : start + 50]
        ]
        assert xray.put_trace_segments(TraceSegmentDocuments=documents)["UnprocessedTraceSegments"] == []
    found = xray.batch_get_traces(TraceIds=[ids[0], ids[-1]])
    assert [one["Id"] for one in found["Traces"]] == [ids[-1]]
    assert found["UnprocessedTraceIds"] == [ids[0]]
