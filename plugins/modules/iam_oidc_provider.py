#!/usr/bin/python
"""Ansible module: an identity provider of IAM that speaks OpenID Connect."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: iam_oidc_provider
version_added: 0.1.0
short_description: Create, update and delete identity providers of OpenID Connect
description:
  - No module of the stock collections makes one.
  - A provider is found by its address, which is unique in the account. Its thumbprints are left to AWS, which trusts
    the authorities of the large providers itself.
author: Slipway
options:
  url:
    description: Address of the provider, beginning with https. A change of address is a new provider.
    type: str
    required: true
  client_ids:
    description:
      - For whom its tokens may be made (their audience).
      - Others are kept, since a provider is shared by the whole account.
    type: list
    elements: str
    default: [sts.amazonaws.com]
extends_documentation_fragment:
  - slipway.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Know GitHub's workflows
  slipway.aws.iam_oidc_provider:
    url: https://token.actions.githubusercontent.com
    tags: {Project: slipway}
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: state, from: absent, to: present}]
oidc_provider:
  description: The provider as it is now; empty when it is absent.
  returned: always
  type: dict
  contains:
    arn:
      description: The ARN; empty in check mode for a provider that is not there yet.
      type: str
    url:
      description: The address.
      type: str
    client_ids:
      description: For whom its tokens may be made.
      type: list
      elements: str
    tags:
      description: The tags, when O(tags) is set.
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
    tag_delta,
)

ARGUMENTS: Fields = {
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
    "url": {"type": "str", "required": True},
    "client_ids": {"type": "list", "elements": "str", "default": ["sts.amazonaws.com"]},
}


class OidcProvider(Resource):
    kind = "identity provider"
    result_key = "oidc_provider"

    def __init__(self, api: Api, params: Fields) -> None:
        self.api = api
        self.params = params

    @property
    @override
    def name(self) -> str:
        return str(self.params["url"]).removeprefix("https://").rstrip("/")

    @override
    def find(self) -> Live | None:
        listed = self.api.call("list the identity providers", "list_open_id_connect_providers")
        arns = [one["Arn"] for one in listed["OpenIDConnectProviderList"]]
        arn = next((arn for arn in arns if arn.split(":oidc-provider/")[1] == self.name), None)
        if arn is None:
            return None
        live = self.api.call_if_exists(
            f"read {self.name}",
            "get_open_id_connect_provider",
            missing=("NoSuchEntity",),
            OpenIDConnectProviderArn=arn,
        )
        if live is None:
            return None
        fields: Fields = {"client_ids": sorted(live.get("ClientIDList", []))}
        if self.params["tags"] is not None:
            fields["tags"] = {tag["Key"]: tag["Value"] for tag in live.get("Tags") or []}
        return Live(fields, {"arn": arn})

    @override
    def desired(self, live: Live | None) -> Fields:
        have = live.fields if live else {}
        tags = desired_tags(have.get("tags", {}), self.params["tags"], purge=self.params["purge_tags"])
        clients = sorted({*have.get("client_ids", []), *self.params["client_ids"]})
        return {"client_ids": clients, **({"tags": tags} if tags else {})}

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        if not self.params["url"].startswith("https://"):
            raise RefusalError(f"{self.params['url']} does not begin with https://: IAM takes no other address.")
        if not desired["client_ids"]:
            raise RefusalError(f"Nobody could use {self.name}: give client_ids.")
        self.api.check("create_open_id_connect_provider", **self._creation(desired))

    def _creation(self, desired: Fields) -> Fields:
        tags = [{"Key": name, "Value": value} for name, value in desired.get("tags", {}).items() if value is not None]
        return {
            "Url": self.params["url"].rstrip("/"),
            "ClientIDList": desired["client_ids"],
            **({"Tags": tags} if tags else {}),
        }

    def _found(self) -> Live:
        live = self.find()
        if live is None:
            raise RefusalError(f"The identity provider {self.name} was deleted while it was being changed.")
        return live

    @override
    def create(self, desired: Fields) -> Live:
        creation = self._creation(desired)
        self.api.call(f"create the identity provider {self.name}", "create_open_id_connect_provider", **creation)
        return self._found()

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        provider = {"OpenIDConnectProviderArn": live.raw["arn"]}
        for client in sorted(set(desired["client_ids"]) - set(live.fields["client_ids"])):
            adding = f"let {client} use {self.name}"
            self.api.call(adding, "add_client_id_to_open_id_connect_provider", **provider, ClientID=client)
        to_set, to_remove = tag_delta(live.fields.get("tags", {}), desired.get("tags", {}))
        if to_remove:
            self.api.call(f"untag {self.name}", "untag_open_id_connect_provider", **provider, TagKeys=to_remove)
        if to_set:
            tags = [{"Key": name, "Value": value} for name, value in to_set.items()]
            self.api.call(f"tag {self.name}", "tag_open_id_connect_provider", **provider, Tags=tags)
        return self._found()

    @override
    def delete(self, live: Live) -> Live | None:
        provider = {"OpenIDConnectProviderArn": live.raw["arn"]}
        self.api.call(f"delete the identity provider {self.name}", "delete_open_id_connect_provider", **provider)
        return None

    @override
    def result(self, live: Live) -> Fields:
        return {"arn": live.raw["arn"], "url": self.params["url"], **live.fields}

    @override
    def predicted(self, desired: Fields) -> Fields:
        return {"arn": "", "url": self.params["url"], **desired}


def main() -> None:
    module = aws_module(ARGUMENTS)
    run(module, OidcProvider(Api(module.client("iam")), module.params))


if __name__ == "__main__":
    main()
