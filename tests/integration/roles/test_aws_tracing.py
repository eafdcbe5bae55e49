"""Tracing: a group, a rule, and a host that may send what the rule wants and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from .conftest import TAGS, Clients, Converge, Values

VARIABLES: Values = {"aws_tracing_name": "stack", "aws_tracing_rate": 0.5, "aws_tracing_tags": TAGS}


def test_the_group_and_the_rule(converge: Converge, client: Clients) -> None:
    made = converge.through_its_life("aws_tracing", VARIABLES)
    xray = client("xray")
    (group,) = xray.get_groups()["Groups"]
    assert (group["GroupName"], group["FilterExpression"]) == (made.result["group_name"], 'service("stack")')
    records = xray.get_sampling_rules()["SamplingRuleRecords"]
    (rule,) = [one["SamplingRule"] for one in records if one["SamplingRule"]["RuleName"] == made.result["rule_name"]]
    assert (rule["FixedRate"], rule["ReservoirSize"], rule["ServiceName"]) == (0.5, 1, "stack")
    for arn in (group["GroupARN"], rule["RuleARN"]):
        tags = {tag["Key"]: tag["Value"] for tag in xray.list_tags_for_resource(ResourceARN=arn)["Tags"]}
        assert tags == {**TAGS, "Name": "stack"}


def test_what_x_ray_does_not_take_is_refused(converge: Converge) -> None:
    refused = converge("aws_tracing", {**VARIABLES, "aws_tracing_rate": 1.5}, check=True)
    assert refused.failed
    assert "a rate from 0 to 1 (1.5)" in refused.messages


def test_a_host_sends_traces_and_changes_no_rule(host: Clients) -> None:
    xray = host("xray", aws_identity_traces=True)
    now = time.time()
    trace = f"1-{int(now):08x}-{1:024x}"
    segment = {"name": "stack", "id": "53995c3f42cd8ad8", "trace_id": trace, "start_time": now, "end_time": now}
    assert xray.put_trace_segments(TraceSegmentDocuments=[json.dumps(segment)])["UnprocessedTraceSegments"] == []
    assert xray.get_sampling_rules()["SamplingRuleRecords"]
    refusals: tuple[Callable[[], object], ...] = (
        lambda: xray.batch_get_traces(TraceIds=[trace]),
        lambda: xray.delete_sampling_rule(RuleName="stack"),
    )
    for refused in refusals:
        with pytest.raises(xray.exceptions.ClientError, match="AccessDenied"):
            refused()
