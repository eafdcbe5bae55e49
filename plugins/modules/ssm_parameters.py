#!/usr/bin/python
"""Ansible module: the parameters below a path of the Parameter Store, all at once."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: ssm_parameters
version_added: 0.1.0
short_description: Keep what lies below a path of the Parameter Store
description:
  - M(community.aws.ssm_parameter) keeps one parameter and asks four times for it.
  - What begins with O(prefix) is exactly O(parameters); others are deleted, those deeper down too.
  - For plain text. A secret belongs into AWS Secrets Manager; here stands its ARN.
author: Slipway
options:
  prefix:
    description: Beginning of the names; begins and ends with a slash.
    type: str
    required: true
  parameters:
    description: All parameters with O(prefix).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name after O(prefix).
        type: str
        required: true
      value:
        description: Its value. The Parameter Store takes no empty one.
        type: str
        required: true
extends_documentation_fragment:
  - slipway.aws.resource.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Tell the application where its database is
  slipway.aws.ssm_parameters:
    prefix: /slipway-staging/application/
    parameters:
      - {name: DATABASE_HOST, value: slipway-staging.abcdefghijkl.eu-west-1.rds.amazonaws.com}
      - {name: DATABASE_PORT, value: "5432"}
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: "parameters[/slipway-staging/application/DATABASE_PORT].value", from: "5432", to: "5433"}]
ssm_parameters:
  description: The parameters as they are now.
  returned: always
  type: dict
  contains:
    parameters:
      description: Each with its full C(name), its C(value) and its C(tags).
      type: list
      elements: dict
"""

from collections.abc import Sequence
from typing import ClassVar, override

from ansible_collections.slipway.aws.plugins.module_utils.aws import (
    TAG_ARGUMENTS,
    Api,
    AWSError,
    aws_module,
    error_code,
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
    without_null,
)

ARGUMENTS: Fields = {
    **TAG_ARGUMENTS,
    "prefix": {"type": "str", "required": True},
    "parameters": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "value": {"type": "str", "required": True},
        },
    },
}
#: Characters of a standard parameter.
#: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
LONGEST_VALUE = 4096
#: Most names that DeleteParameters takes.
MOST_DELETED = 10


class Parameters(Resource):
    kind = "parameters"
    result_key = "ssm_parameters"
    layout: ClassVar[Layout] = Layout(keys={"parameters": "name"})

    def __init__(self, api: Api, params: Fields) -> None:
        self.api = api
        self.params = params
        self._wanted: dict[str, str] = {params["prefix"] + one["name"]: one["value"] for one in params["parameters"]}

    @property
    @override
    def name(self) -> str:
        return f"{self.params['prefix']}*"

    @override
    def find(self) -> Live:
        prefix = self.params["prefix"]
        if len(prefix) < 3 or not (prefix.startswith("/") and prefix.endswith("/")):
            raise RefusalError(f"The prefix {prefix} begins and ends with a slash, and names something: /stack/.")
        listed = self.api.pages(
            f"read {self.name}",
            "get_parameters_by_path",
            "Parameters",
            Path=self.params["prefix"].rstrip("/"),
            Recursive=True,
        )
        return Live({"parameters": [self._fields(one) for one in listed]})

    def _fields(self, live: Fields) -> Fields:
        name = live["Name"]
        fields: Fields = {"name": name, "value": live["Value"]}
        if self.params["tags"] is not None and name in self._wanted:
            tags = self.api.call(
                f"read the tags of {name}", "list_tags_for_resource", ResourceType="Parameter", ResourceId=name
            )
            fields["tags"] = {tag["Key"]: tag["Value"] for tag in tags["TagList"]}
        return fields

    @override
    def desired(self, live: Live | None) -> Fields:
        have = {one["name"]: one.get("tags", {}) for one in live.fields["parameters"]} if live else {}
        parameters = []
        for name, value in self._wanted.items():
            tags = desired_tags(have.get(name, {}), self.params["tags"], purge=self.params["purge_tags"])
            parameters.append({"name": name, "value": value, "tags": tags})
        return {"parameters": parameters}

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        if len(self._wanted) < len(self.params["parameters"]):
            raise RefusalError(f"A parameter of {self.name} is listed twice.")
        for one in desired["parameters"]:
            if not one["value"]:
                raise RefusalError(f"{one['name']} is empty, which the Parameter Store does not take: leave it out.")
            if len(one["value"]) > LONGEST_VALUE:
                raise RefusalError(
                    f"{one['name']} has {len(one['value'])} characters; a standard parameter takes {LONGEST_VALUE}."
                )
            self.api.check("put_parameter", **self._request(one))

    @staticmethod
    def _request(one: Fields) -> Fields:
        tags = [{"Key": tag, "Value": value} for tag, value in one["tags"].items() if value is not None]
        return {"Name": one["name"], "Value": one["value"], "Type": "String", **({"Tags": tags} if tags else {})}

    @override
    def create(self, desired: Fields) -> Live:
        # `find` always answers: a path needs nobody to make it.
        raise NotImplementedError

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        have = {one["name"]: one for one in live.fields["parameters"]}
        for one in desired["parameters"]:
            if one["name"] in have:
                self._correct(have[one["name"]], one)
            else:
                self._make(one)
        # A variable that is no longer wanted would still reach the application.
        gone = sorted(have.keys() - {one["name"] for one in desired["parameters"]})
        for first in range(0, len(gone), MOST_DELETED):
            names = gone[first : first + MOST_DELETED]
            self.api.call(f"delete {', '.join(names)}", "delete_parameters", Names=names)
        # As written: to read every parameter's tags once more would cost as much as all of this.
        return Live(without_null(desired))

    def _make(self, one: Fields) -> None:
        try:
            self.api.call(f"write {one['name']}", "put_parameter", **self._request(one))
        except AWSError as error:
            # botocore sends a request again when its answer was lost.
            if error_code(error) != "ParameterAlreadyExists":
                raise
            self._correct({"value": None, "tags": {}}, one)

    def _correct(self, have: Fields, one: Fields) -> None:
        name = one["name"]
        if have["value"] != one["value"]:
            # AWS takes tags with a new parameter only.
            written = {key: value for key, value in self._request(one).items() if key != "Tags"}
            self.api.call(f"write {name}", "put_parameter", Overwrite=True, **written)
        to_set, to_remove = tag_delta(have.get("tags", {}), one["tags"])
        where = {"ResourceType": "Parameter", "ResourceId": name}
        if to_remove:
            self.api.call(f"untag {name}", "remove_tags_from_resource", **where, TagKeys=to_remove)
        if to_set:
            tags = [{"Key": tag, "Value": value} for tag, value in to_set.items()]
            self.api.call(f"tag {name}", "add_tags_to_resource", **where, Tags=tags)

    @override
    def delete(self, live: Live) -> Live | None:
        # `parameters: []` is how one deletes all of them.
        raise NotImplementedError


def main() -> None:
    module = aws_module(ARGUMENTS)
    run(module, Parameters(Api(module.client("ssm")), module.params))


if __name__ == "__main__":
    main()
