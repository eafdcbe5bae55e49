#!/usr/bin/python
"""Ansible module: logs of an AWS service, delivered to a bucket."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cloudwatch_log_delivery
version_added: 0.1.0
short_description: Let a service deliver its logs to a bucket
description:
  - A delivery has three parts, a source, a destination and what connects them. All three have the same name here.
  - CloudFront's older logging writes only to buckets with access control lists; this way it writes to any bucket whose
    policy lets C(delivery.logs.amazonaws.com) in. CloudFront's deliveries live in us-east-1.
  - Of a delivery nothing but its tags can be changed. When something else differs it is made again.
author: Slipway
options:
  name:
    description: Name of the source and of the destination.
    type: str
    required: true
  resource_arn:
    description: The resource that has the logs. Required when O(state=present).
    type: str
  log_type:
    description: Which of its logs.
    type: str
    default: ACCESS_LOGS
  bucket_arn:
    description: The bucket, with or without a prefix. Required when O(state=present).
    type: str
  output_format:
    description: Format of the objects.
    type: str
    choices: [json, plain, w3c, raw, parquet]
    default: json
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Keep the access logs of a distribution
  slipway.aws.cloudwatch_log_delivery:
    name: slipway-staging-edge
    region: us-east-1
    resource_arn: arn:aws:cloudfront::123456789012:distribution/E0123456789ABC
    bucket_arn: arn:aws:s3:::slipway-staging-123456789012-logs
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: output_format, from: w3c, to: json}]
log_delivery:
  description: The delivery as it is now; empty when it is absent.
  returned: always
  type: dict
  contains:
    id:
      description: Its id; null as long as a part is missing.
      type: str
    resource_arn:
      description: The resource.
      type: str
    log_type:
      description: Which logs.
      type: str
    bucket_arn:
      description: The bucket.
      type: str
    output_format:
      description: The format.
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
    Resource,
    desired_tags,
    tag_delta,
)

ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "resource_arn": {"type": "str"},
    "log_type": {"type": "str", "default": "ACCESS_LOGS"},
    "bucket_arn": {"type": "str"},
    "output_format": {"type": "str", "choices": ["json", "plain", "w3c", "raw", "parquet"], "default": "json"},
}
FIELDS = ("resource_arn", "log_type", "bucket_arn", "output_format")
MISSING = ("ResourceNotFoundException",)


class Delivery(Resource):
    kind = "log delivery"
    result_key = "log_delivery"

    def __init__(self, api: Api, params: Fields) -> None:
        self.api = api
        self.params = params

    @property
    @override
    def name(self) -> str:
        return str(self.params["name"])

    @override
    def find(self) -> Live | None:
        doing = f"look for the log delivery {self.name}"
        source = (self.api.call_if_exists(doing, "get_delivery_source", missing=MISSING, name=self.name) or {}).get(
            "deliverySource"
        )
        destination = (
            self.api.call_if_exists(doing, "get_delivery_destination", missing=MISSING, name=self.name) or {}
        ).get("deliveryDestination")
        if source is None and destination is None:
            return None
        fields: Fields = dict.fromkeys(FIELDS) | {"tags": {}}
        if source is not None:
            fields.update(resource_arn=source["resourceArns"][0], log_type=source["logType"])
        if destination is not None:
            fields.update(
                bucket_arn=destination["deliveryDestinationConfiguration"]["destinationResourceArn"],
                output_format=destination.get("outputFormat"),
            )
        delivery: Fields | None = None
        if source is not None and destination is not None:
            for one in self.api.pages(doing, "describe_deliveries", "deliveries"):
                if one["deliverySourceName"] == self.name and one["deliveryDestinationArn"] == destination["arn"]:
                    delivery = one
        if delivery is None:
            # Half of one, of a run that was broken off: whatever is asked for has to be made again.
            fields["log_type"] = None
        else:
            answer = self.api.call(doing, "list_tags_for_resource", resourceArn=delivery["arn"])
            fields["tags"] = answer.get("tags", {})
        parts = {"source": source, "destination": destination, "delivery": delivery}
        return Live(
            fields,
            {
                "id": delivery and delivery["id"],
                "parts": {name: part["arn"] for name, part in parts.items() if part is not None},
            },
        )

    @override
    def desired(self, live: Live | None) -> Fields:
        purge = self.params["tags"] is not None and self.params["purge_tags"]
        tags = desired_tags(live.fields["tags"] if live else {}, self.params["tags"], purge=purge)
        return {**{name: self.params[name] for name in FIELDS}, "tags": tags}

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        self.api.check("put_delivery_source", **self._source(desired))
        self.api.check("put_delivery_destination", **self._destination(desired))

    @staticmethod
    def _tags(desired: Fields) -> Fields:
        tags = {name: value for name, value in desired["tags"].items() if value is not None}
        return {"tags": tags} if tags else {}

    def _source(self, desired: Fields) -> Fields:
        return {
            "name": self.name,
            "resourceArn": desired["resource_arn"],
            "logType": desired["log_type"],
            **self._tags(desired),
        }

    def _destination(self, desired: Fields) -> Fields:
        return {
            "name": self.name,
            "outputFormat": desired["output_format"],
            "deliveryDestinationConfiguration": {"destinationResourceArn": desired["bucket_arn"]},
            **self._tags(desired),
        }

    @override
    def create(self, desired: Fields) -> Live:
        doing = f"deliver the logs of {desired['resource_arn']}"
        self.api.call(doing, "put_delivery_source", **self._source(desired))
        made = self.api.call(doing, "put_delivery_destination", **self._destination(desired))
        # A bucket's policy that was written a moment ago is not known everywhere yet.
        self.api.call(
            doing,
            "create_delivery",
            retry_on=("AccessDeniedException",),
            deliverySourceName=self.name,
            deliveryDestinationArn=made["deliveryDestination"]["arn"],
            **self._tags(desired),
        )
        return self.find() or Live(desired, {"id": None, "parts": {}})

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        if any(not change.field.startswith("tags") for change in changes):
            self.delete(live)
            return self.create(desired)
        to_set, to_remove = tag_delta(live.fields["tags"], desired["tags"])
        for arn in live.raw["parts"].values():
            if to_remove:
                self.api.call(f"untag {arn}", "untag_resource", resourceArn=arn, tagKeys=to_remove)
            if to_set:
                self.api.call(f"tag {arn}", "tag_resource", resourceArn=arn, tags=to_set)
        return self.find() or live

    @override
    def delete(self, live: Live) -> Live | None:
        doing = f"end the log delivery {self.name}"
        parts = live.raw["parts"]
        if "delivery" in parts:
            self.api.call(doing, "delete_delivery", id=live.raw["id"])
        if "source" in parts:
            self.api.call(doing, "delete_delivery_source", name=self.name)
        if "destination" in parts:
            self.api.call(doing, "delete_delivery_destination", name=self.name)
        return None

    @override
    def result(self, live: Live) -> Fields:
        return {"id": live.raw["id"], **live.fields}

    @override
    def predicted(self, desired: Fields) -> Fields:
        return {"id": None, **desired}


def main() -> None:
    module = aws_module(ARGUMENTS, required_if=[("state", "present", ["resource_arn", "bucket_arn"])])
    run(module, Delivery(Api(module.client("logs")), module.params))


if __name__ == "__main__":
    main()
