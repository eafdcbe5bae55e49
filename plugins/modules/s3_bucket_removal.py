#!/usr/bin/python
"""Ansible module: a bucket goes, with everything that is in it."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: s3_bucket_removal
version_added: 0.1.0
short_description: Empty a bucket of all versions, and delete it
description:
  - M(amazon.aws.s3_bucket) deletes in check mode too, does not look whose bucket it empties, and deletes one page of
    versions after the other.
  - Refuses a bucket that does not have all of the tags.
author: Slipway
options:
  name:
    description: The bucket.
    type: str
    required: true
  bucket_tags:
    description: Tags that the bucket has to have.
    type: dict
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    support: full
    description: Reads, refuses a bucket of others, and says whether it would be removed.
"""

EXAMPLES = r"""
- name: Remove the bucket of the front end
  slipway.aws.s3_bucket_removal:
    name: slipway-staging-123456789012-frontend
    bucket_tags: {Project: slipway, Environment: staging}
"""

RETURN = r"""
objects:
  description: Versions and delete markers that went; 0 in check mode.
  returned: always
  type: int
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.slipway.aws.plugins.module_utils.aws import Api, AWSError, Module, aws_module, error_code
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields, RefusalError

ARGUMENTS: Fields = {
    "name": {"type": "str", "required": True},
    "bucket_tags": {"type": "dict", "required": True},
}

# Load balancers still write logs for some minutes after they have gone.
_ROUNDS = 10


def has_tags(api: Api, name: str, wanted: Fields) -> bool:
    """Whether the bucket exists and is ours.

    Raises RefusalError when it is somebody else's.
    """
    answer = api.call_if_exists(
        f"read the tags of {name}", "get_bucket_tagging", missing={"NoSuchBucket", "NoSuchTagSet"}, Bucket=name
    )
    if (
        answer is None
        and api.call_if_exists(
            f"look for {name}", "head_bucket", missing={"404", "NoSuchBucket", "NotFound"}, Bucket=name
        )
        is None
    ):
        return False
    tags = {tag["Key"]: tag["Value"] for tag in (answer or {}).get("TagSet", [])}
    if not {str(key): str(value) for key, value in wanted.items()}.items() <= tags.items():
        asked = ", ".join(f"{key}={value}" for key, value in wanted.items())
        raise RefusalError(
            f"The bucket {name} lacks the tags {asked}, so it may hold what others need. Delete it by hand, or give it "
            "these tags, and run this again."
        )
    return True


def empty(api: Api, name: str) -> int:
    """Delete every version; how many there were.

    Raises RefusalError for a version that is locked.
    """

    def delete(versions: list[Fields]) -> int:
        answer = api.call(f"empty {name}", "delete_objects", Bucket=name, Delete={"Objects": versions, "Quiet": True})
        for wrong in answer.get("Errors", []):
            raise RefusalError(f"{wrong.get('Key')} in {name} stays: {wrong.get('Message') or wrong.get('Code')}")
        return len(versions)

    paginate: Any = api.client.get_paginator("list_object_versions").paginate
    pages = (
        [
            {"Key": one["Key"], "VersionId": one["VersionId"]}
            for one in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        ]
        for page in paginate(Bucket=name)
    )
    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(delete, [page for page in pages if page]))


def remove(api: Api, name: str) -> int:
    """Empty and delete the bucket."""
    count = 0
    for attempt in range(1, _ROUNDS + 1):
        count += empty(api, name)
        try:
            api.call_if_exists(f"delete {name}", "delete_bucket", missing={"NoSuchBucket"}, Bucket=name)
            return count
        except AWSError as error:
            if error_code(error) != "BucketNotEmpty" or attempt == _ROUNDS:
                raise
    return count


def main() -> None:
    module: Module = aws_module(ARGUMENTS)
    params = module.params
    api = Api(module.client("s3"))
    try:
        there = has_tags(api, params["name"], params["bucket_tags"])
        objects = remove(api, params["name"]) if there and not module.check_mode else 0
        module.exit_json(changed=there, objects=objects)
    except RefusalError as refusal:
        module.fail_json(msg=str(refusal))
    except AWSError as error:
        module.fail_json_aws_error(error)


if __name__ == "__main__":
    main()
