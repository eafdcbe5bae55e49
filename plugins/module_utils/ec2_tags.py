"""Tags of EC2's resources, which all have the same two calls."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.slipway.aws.plugins.module_utils.aws import Api
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import tag_delta


def write_tags(api: Api, identity: str, have: Mapping[str, str], wanted: Mapping[str, str | None]) -> None:
    """Lead the tags of one resource from ``have`` to ``wanted`` (:func:`desired_tags`).

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html
    Raises AnsibleAWSError.
    """
    to_set, to_remove = tag_delta(have, wanted)
    if to_remove:
        gone = [{"Key": name} for name in to_remove]
        api.call(f"untag {identity}", "delete_tags", Resources=[identity], Tags=gone)
    if to_set:
        tags = [{"Key": name, "Value": value} for name, value in to_set.items()]
        api.call(f"tag {identity}", "create_tags", Resources=[identity], Tags=tags)
