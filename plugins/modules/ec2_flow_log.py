#!/usr/bin/python
"""Ansible module: a flow log of a VPC."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: ec2_flow_log
version_added: 0.1.0
short_description: Create, replace and delete flow logs of a VPC in CloudWatch Logs
description:
  - The flow log is found by the VPC and its tag C(Name).
  - A flow log cannot be changed. When one of its fields differs it is deleted and made again, so that the flows of some
    minutes are missing.
author: Slipway
options:
  name:
    description: Value of the tag C(Name).
    type: str
    required: true
  vpc_id:
    description: The VPC.
    type: str
    required: true
  log_group_name:
    description: Log group that takes the flows. Required when O(state=present).
    type: str
  role_arn:
    description: Role with which EC2 writes to the log group. Required when O(state=present).
    type: str
  traffic_type:
    description: Which flows.
    type: str
    choices: [ACCEPT, REJECT, ALL]
    default: ALL
  max_aggregation_interval:
    description: Seconds that one record stands for, at most.
    type: int
    choices: [60, 600]
    default: 600
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Write down who talked to whom
  slipway.aws.ec2_flow_log:
    name: slipway-staging
    vpc_id: vpc-0123456789abcdef0
    log_group_name: /slipway-staging/flows
    role_arn: arn:aws:iam::123456789012:role/slipway-staging-flows
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: traffic_type, from: REJECT, to: ALL}]
flow_log:
  description: The flow log as it is now; empty when it is absent.
  returned: always
  type: dict
  contains:
    id:
      description: The id; null in check mode as long as it does not exist.
      type: str
      sample: fl-0123456789abcdef0
    vpc_id:
      description: The VPC.
      type: str
    log_group_name:
      description: The log group.
      type: str
    role_arn:
      description: The role.
      type: str
    traffic_type:
      description: Which flows.
      type: str
    max_aggregation_interval:
      description: Seconds.
      type: int
    delivery_status:
      description: V(SUCCESS), or V(FAILED) when the last delivery failed.
      type: str
    delivery_error:
      description: What AWS said about a failed delivery.
      type: str
    tags:
      description: The tags.
      type: dict
"""

from collections.abc import Sequence
from typing import override

from ansible_collections.slipway.aws.plugins.module_utils.aws import (
    STATE_ARGUMENTS,
    TAG_ARGUMENTS,
    Api,
    aws_module,
    run,
)
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    Live,
    RefusalError,
    Resource,
    desired_tags,
)
from ansible_collections.slipway.aws.plugins.module_utils.ec2_tags import write_tags

ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "vpc_id": {"type": "str", "required": True},
    "log_group_name": {"type": "str"},
    "role_arn": {"type": "str"},
    "traffic_type": {"type": "str", "choices": ["ACCEPT", "REJECT", "ALL"], "default": "ALL"},
    "max_aggregation_interval": {"type": "int", "choices": [60, 600], "default": 600},
}

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_FlowLog.html
MEMBERS = {
    "vpc_id": "ResourceId",
    "log_group_name": "LogGroupName",
    "role_arn": "DeliverLogsPermissionArn",
    "traffic_type": "TrafficType",
    "max_aggregation_interval": "MaxAggregationInterval",
}


class FlowLog(Resource):
    kind = "flow log"
    result_key = "flow_log"

    def __init__(self, api: Api, params: Fields) -> None:
        self.api = api
        self.params = params

    @property
    @override
    def name(self) -> str:
        return str(self.params["name"])

    @override
    def find(self) -> Live | None:
        found = self.api.pages(
            f"look for the flow log {self.name}",
            "describe_flow_logs",
            "FlowLogs",
            Filters=[
                {"Name": "resource-id", "Values": [self.params["vpc_id"]]},
                {"Name": "tag:Name", "Values": [self.name]},
            ],
        )
        if not found:
            return None
        live = found[0]
        fields = {name: live.get(member) for name, member in MEMBERS.items()}
        fields["tags"] = {tag["Key"]: tag["Value"] for tag in live.get("Tags", [])}
        return Live(
            fields,
            {
                "id": live["FlowLogId"],
                "delivery_status": live.get("DeliverLogsStatus", ""),
                "delivery_error": live.get("DeliverLogsErrorMessage", ""),
            },
        )

    @override
    def desired(self, live: Live | None) -> Fields:
        fields = {name: self.params[name] for name in MEMBERS}
        wanted = {**(self.params["tags"] or {}), "Name": self.name}
        purge = self.params["tags"] is not None and self.params["purge_tags"]
        return {**fields, "tags": desired_tags(live.fields["tags"] if live else {}, wanted, purge=purge)}

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        self.api.check("create_flow_logs", **self._request(desired))

    def _request(self, desired: Fields) -> Fields:
        tags = [{"Key": name, "Value": value} for name, value in desired["tags"].items() if value is not None]
        return {
            "ResourceType": "VPC",
            "ResourceIds": [desired["vpc_id"]],
            "TrafficType": desired["traffic_type"],
            "LogDestinationType": "cloud-watch-logs",
            "LogGroupName": desired["log_group_name"],
            "DeliverLogsPermissionArn": desired["role_arn"],
            "MaxAggregationInterval": desired["max_aggregation_interval"],
            "TagSpecifications": [{"ResourceType": "vpc-flow-log", "Tags": tags}],
        }

    @override
    def create(self, desired: Fields) -> Live:
        # A role that was made a moment ago is not known everywhere yet.
        answer = self.api.call(
            f"create the flow log {self.name}",
            "create_flow_logs",
            retry_on=("InvalidParameter",),
            **self._request(desired),
        )
        # An error of one resource is not one of the request.
        for failure in answer.get("Unsuccessful", []):
            raise RefusalError(f"AWS made no flow log {self.name}: {failure['Error']['Message']}")
        live = self.find()
        if live is None:
            raise RefusalError(f"The flow log {self.name} was deleted while it was being made.")
        return live

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        identity = live.raw["id"]
        if any(not change.field.startswith("tags") for change in changes):
            self.delete(live)
            return self.create(desired)
        write_tags(self.api, identity, live.fields["tags"], desired["tags"])
        return self.find() or live

    @override
    def delete(self, live: Live) -> Live | None:
        self.api.call(f"delete the flow log {self.name}", "delete_flow_logs", FlowLogIds=[live.raw["id"]])
        return None

    @override
    def predicted(self, desired: Fields) -> Fields:
        return {**desired, "id": None, "delivery_status": "", "delivery_error": ""}


def main() -> None:
    module = aws_module(ARGUMENTS, required_if=[("state", "present", ["log_group_name", "role_arn"])])
    run(module, FlowLog(Api(module.client("ec2")), module.params))


if __name__ == "__main__":
    main()
