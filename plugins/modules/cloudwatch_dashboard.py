#!/usr/bin/python
"""Ansible module: a CloudWatch dashboard."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cloudwatch_dashboard
version_added: 0.1.0
short_description: Create, update and delete CloudWatch dashboards
description:
  - A dashboard is found by its name, which is unique in the account.
author: Slipway
options:
  name:
    description: The name. A change of name is a new dashboard.
    type: str
    required: true
  body:
    description: The widgets, as CloudWatch writes them. Required when O(state=present).
    type: dict
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Draw the requests
  slipway.aws.cloudwatch_dashboard:
    name: slipway-staging
    body:
      widgets:
        - type: text
          width: 24
          height: 1
          properties: {markdown: "# slipway-staging"}
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: body.widgets, from: [], to: [{type: text}]}]
dashboard:
  description: The dashboard as it is now; empty when it is absent.
  returned: always
  type: dict
  contains:
    name:
      description: The name.
      type: str
    arn:
      description: The ARN; null in check mode as long as it does not exist.
      type: str
    body:
      description: The widgets.
      type: dict
    tags:
      description: The tags, when O(tags) is set.
      type: dict
"""

import json
from collections.abc import Sequence
from typing import ClassVar, override

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
    Layout,
    Live,
    RefusalError,
    Resource,
    desired_tags,
    tag_delta,
)

ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "body": {"type": "dict"},
}


class Dashboard(Resource):
    kind = "CloudWatch dashboard"
    result_key = "dashboard"
    layout: ClassVar[Layout] = Layout(ordered=frozenset({"widgets"}))

    def __init__(self, api: Api, params: Fields) -> None:
        self.api = api
        self.params = params

    @property
    @override
    def name(self) -> str:
        return str(self.params["name"])

    @override
    def find(self) -> Live | None:
        answer = self.api.call_if_exists(
            f"read the dashboard {self.name}",
            "get_dashboard",
            missing=("ResourceNotFound", "DashboardNotFoundError"),
            DashboardName=self.name,
        )
        if answer is None:
            return None
        fields: Fields = {"body": json.loads(answer["DashboardBody"])}
        arn = answer["DashboardArn"]
        if self.params["tags"] is not None:
            tags = self.api.call(f"read the tags of {self.name}", "list_tags_for_resource", ResourceARN=arn)["Tags"]
            fields["tags"] = {tag["Key"]: tag["Value"] for tag in tags}
        return Live(fields, {"arn": arn})

    @override
    def desired(self, live: Live | None) -> Fields:
        have = live.fields.get("tags", {}) if live else {}
        tags = desired_tags(have, self.params["tags"], purge=self.params["purge_tags"])
        return {"body": self.params["body"], **({"tags": tags} if tags else {})}

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        self.api.check("put_dashboard", **self._request(desired, with_tags=True))

    def _request(self, desired: Fields, *, with_tags: bool) -> Fields:
        tags = [{"Key": name, "Value": value} for name, value in desired.get("tags", {}).items() if value is not None]
        return {
            "DashboardName": self.name,
            "DashboardBody": json.dumps(desired["body"], sort_keys=True),
            **({"Tags": tags} if tags and with_tags else {}),
        }

    @override
    def create(self, desired: Fields) -> Live:
        return self._put(self._request(desired, with_tags=True))

    def _put(self, request: Fields) -> Live:
        answer = self.api.call(f"put the dashboard {self.name}", "put_dashboard", **request)
        # AWS takes a dashboard whose widgets it cannot draw, and says so only here.
        if messages := answer.get("DashboardValidationMessages"):
            told = "; ".join(f"{one.get('DataPath', '')} {one.get('Message', '')}".strip() for one in messages)
            raise RefusalError(f"CloudWatch cannot draw all of the dashboard {self.name}: {told}")
        return self._found()

    def _found(self) -> Live:
        live = self.find()
        if live is None:
            raise RefusalError(f"The dashboard {self.name} was deleted while it was being changed.")
        return live

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        to_set, to_remove = tag_delta(live.fields.get("tags", {}), desired.get("tags", {}))
        arn = live.raw["arn"]
        if to_remove:
            self.api.call(f"untag {self.name}", "untag_resource", ResourceARN=arn, TagKeys=to_remove)
        if to_set:
            tags = [{"Key": key, "Value": value} for key, value in to_set.items()]
            self.api.call(f"tag {self.name}", "tag_resource", ResourceARN=arn, Tags=tags)
        if any(not change.field.startswith("tags") for change in changes):
            return self._put(self._request(desired, with_tags=False))
        return self._found()

    @override
    def delete(self, live: Live) -> Live | None:
        self.api.call(f"delete the dashboard {self.name}", "delete_dashboards", DashboardNames=[self.name])
        return None

    @override
    def result(self, live: Live) -> Fields:
        return {"name": self.name, "arn": live.raw["arn"], **live.fields}

    @override
    def predicted(self, desired: Fields) -> Fields:
        return {"name": self.name, "arn": None, **desired}


def main() -> None:
    module = aws_module(ARGUMENTS, required_if=[("state", "present", ["body"])])
    run(module, Dashboard(Api(module.client("cloudwatch")), module.params))


if __name__ == "__main__":
    main()
