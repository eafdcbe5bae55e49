#!/usr/bin/python
"""Ansible module: where buckets write who read and wrote them."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: s3_access_logs
version_added: 0.1.0
short_description: Let buckets write down who asks them
description:
  - S3 delivers server access logs of each bucket to O(target_bucket), below O(prefix) and the bucket's name. It does so
    within hours and promises no completeness.
  - The target's policy has to let C(logging.s3.amazonaws.com) write. M(community.aws.s3_logging) grants that by an
    access control list, which a bucket with the ownership V(BucketOwnerEnforced) refuses.
author: Slipway
options:
  buckets:
    description: The buckets, which exist.
    type: list
    elements: str
    required: true
  target_bucket:
    description: The bucket that takes the logs, of the same region and account. It cannot be one of O(buckets), since
      each log would be logged.
    type: str
    required: true
  prefix:
    description: Beginning of the keys.
    type: str
    default: ''
  state:
    description: Whether they shall write. V(absent) makes them stop, wherever they write to.
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Write down who reads releases
  slipway.aws.s3_access_logs:
    buckets: [slipway-production-123456789012-releases]
    target_bucket: slipway-production-123456789012-logs
    prefix: s3/
"""

RETURN = r"""
changes:
  description: The buckets that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: slipway-production-123456789012-releases, from: null, to: logs/s3/releases/}]
access_logs:
  description: By bucket, target and prefix; buckets that do not write are missing.
  returned: always
  type: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any, override

from ansible_collections.slipway.aws.plugins.module_utils.aws import STATE_ARGUMENTS, Api, aws_module, run
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    Live,
    RefusalError,
    Resource,
)

ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    "buckets": {"type": "list", "elements": "str", "required": True},
    "target_bucket": {"type": "str", "required": True},
    "prefix": {"type": "str", "default": ""},
}


class AccessLogs(Resource):
    kind = "access log"
    result_key = "access_logs"

    def __init__(self, api: Api, params: Fields) -> None:
        self.api = api
        self.params = params

    @property
    @override
    def name(self) -> str:
        return str(self.params["target_bucket"])

    @override
    def find(self) -> Live | None:
        fields = {}
        for bucket in self.params["buckets"]:
            # A dry run asks before the buckets are made.
            answer = self.api.call_if_exists(
                f"look at the access log of {bucket}", "get_bucket_logging", missing={"NoSuchBucket"}, Bucket=bucket
            )
            enabled = (answer or {}).get("LoggingEnabled")
            if enabled:
                fields[bucket] = f"{enabled['TargetBucket']}/{enabled.get('TargetPrefix', '')}"
        return Live(fields) if fields else None

    @override
    def desired(self, live: Live | None) -> Fields:
        return {
            bucket: f"{self.params['target_bucket']}/{self.params['prefix']}{bucket}/"
            for bucket in self.params["buckets"]
        }

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        if self.name in desired:
            raise RefusalError(f"{self.name} would log itself: each log that is written would write another.")

    def _write(self, bucket: str, status: Mapping[str, Any]) -> None:
        # S3 does not know a policy everywhere that was written a moment ago.
        self.api.call(
            f"set the access log of {bucket}",
            "put_bucket_logging",
            retry_on=("InvalidTargetBucketForLogging",),
            Bucket=bucket,
            BucketLoggingStatus=status,
        )

    @override
    def create(self, desired: Fields) -> Live:
        return self.update(Live({}), desired, ())

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        for bucket, place in desired.items():
            if live.fields.get(bucket) != place:
                target, prefix = place.split("/", 1)
                self._write(bucket, {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": prefix}})
        return Live(desired)

    @override
    def delete(self, live: Live) -> Live | None:
        for bucket in live.fields:
            self._write(bucket, {})
        return None


def main() -> None:
    module = aws_module(ARGUMENTS)
    run(module, AccessLogs(Api(module.client("s3")), module.params))


if __name__ == "__main__":
    main()
