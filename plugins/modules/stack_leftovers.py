#!/usr/bin/python
"""Ansible module: what an account still holds of one stack."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: stack_leftovers
version_added: 0.1.0
short_description: List everything of a stack that an account holds, by name and by tag
description:
  - Looks for the names of the stack in every service that it uses, and asks the Resource Groups Tagging API for its
    tags as well, so that neither a resource without tags nor one with a name that nobody expects is missed.
  - The Tagging API still names some resources for a while after they have gone; it is not believed where the service
    itself was asked.
  - Names of other stacks of the same project that begin with this name, such as C(stack-two) beside C(stack), are
    told apart.
  - A record of the domains that points at neither a distribution nor a load balancer of the stack is somebody else's
    by now, as after a move to another platform; it is kept.
author: Slipway
options:
  name:
    description: Name of the stack, with which the names of its resources begin.
    type: str
    required: true
  stack_tags:
    description: The tags that only this stack has, C(Project) and C(Environment).
    type: dict
    required: true
  account_id:
    description: The account.
    type: str
    required: true
  home_region:
    description: The region of the stack. What CloudFront needs is looked for in us-east-1.
    type: str
    required: true
  domains:
    description: The domains of the stack, for its certificates and records.
    type: list
    elements: str
    default: []
  zone:
    description: The public zone of the records.
    type: str
    required: true
  zone_is_ours:
    description: Whether the zone belongs to the stack.
    type: bool
    default: false
  parameter_prefix:
    description: Path of the parameters.
    type: str
    required: true
  kept:
    description: What is to survive, and why.
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description: Kind, as C(resources) names it.
        type: str
        required: true
      pattern:
        description: Regular expression for the whole name.
        type: str
        default: .*
      beside:
        description: Kind of which there has to be one as well. When not set, it is kept in any case.
        type: str
      why:
        description: The reason, for people.
        type: str
        required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    support: full
    description: Only reads.
"""

EXAMPLES = r"""
- name: See what is left
  slipway.aws.stack_leftovers:
    name: slipway-staging
    stack_tags: {Project: slipway, Environment: staging}
    account_id: "123456789012"
    home_region: eu-west-1
    zone: example.com
    domains: [app.example.com, origin.app.example.com]
    parameter_prefix: /slipway-staging
    kept:
      - {kind: S3 bucket, pattern: .*-releases, why: holds the releases}
"""

RETURN = r"""
resources:
  description: Everything that is there, ordered by kind and name.
  returned: always
  type: list
  elements: dict
  contains:
    kind: {description: What it is., type: str}
    name: {description: What people call it., type: str}
    id: {description: Its ARN or id., type: str}
    region: {description: Where it is., type: str}
    key: {description: ARN of the KMS key that it is encrypted with; empty for none and for AWS's own., type: str}
    protected: {description: What protects it from deletion; empty for nothing., type: str}
    host: {description: The DNS name under which it answers; empty for what has none., type: str}
    kept: {description: Why it stays; empty when it is to go., type: str}
left:
  description: Those that nobody keeps.
  returned: always
  type: list
  elements: dict
keys_in_use:
  description: ARNs of the keys of KMS with which something that is there is encrypted, and what that is.
  returned: always
  type: dict
"""

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.slipway.aws.plugins.module_utils.aws import Api, AWSError, Module, aws_module
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields
from ansible_collections.slipway.aws.plugins.module_utils.stack_listing import (
    OTHERS_CERTIFICATE,
    Listing,
    Stack,
    listings,
    proven_by,
)

ARGUMENTS: Fields = {
    "name": {"type": "str", "required": True},
    "stack_tags": {"type": "dict", "required": True},
    "account_id": {"type": "str", "required": True},
    "home_region": {"type": "str", "required": True},
    "domains": {"type": "list", "elements": "str", "default": []},
    "zone": {"type": "str", "required": True},
    "zone_is_ours": {"type": "bool", "default": False},
    "parameter_prefix": {"type": "str", "required": True},
    "kept": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "kind": {"type": "str", "required": True},
            "pattern": {"type": "str", "default": ".*"},
            "beside": {"type": "str"},
            "why": {"type": "str", "required": True},
        },
    },
}


def reason(
    resource: Mapping[str, Any],
    kept: Iterable[Mapping[str, Any]],
    hosts: Container[str],
    kinds: Container[str],
    shared: Mapping[str, str],
) -> str:
    """Why a resource stays; empty when it is to go.

    ``hosts``: where the stack answers. ``kinds``: what there is. ``shared``: domains, and certificates of others that
    renew themselves by the same record.
    """
    if resource["leaving"]:
        return str(resource["leaving"])
    if resource["target"] and resource["target"] not in hosts:
        return f"points at {resource['target']}, where nothing of this stack answers"
    domain = proven_by(resource["name"].removesuffix(" CNAME")) if resource["kind"] == "record" else ""
    if domain in shared:
        return f"{shared[domain]}, which is none of this stack, renews itself by it"
    for rule in kept:
        if rule["beside"] and rule["beside"] not in kinds:
            continue
        if rule["kind"] == resource["kind"] and re.fullmatch(rule["pattern"], resource["name"]):
            return str(rule["why"])
    return ""


def main() -> None:
    module: Module = aws_module(ARGUMENTS)
    params = module.params
    try:
        found = sorted(survey(module), key=lambda one: (one["kind"], one["name"], one["id"]))
    except AWSError as error:
        module.fail_json_aws_error(error)
    shared = {one["name"]: one["id"] for one in found if one["kind"] == OTHERS_CERTIFICATE}
    found = [one for one in found if one["kind"] != OTHERS_CERTIFICATE]
    hosts, kinds = {one["host"] for one in found}, {one["kind"] for one in found}
    resources = [{**one, "kept": reason(one, params["kept"], hosts, kinds, shared)} for one in found]
    in_use = keys_in_use(resources)
    survivors = keys_in_use([one for one in resources if one["kept"]])
    for one in resources:
        del one["leaving"], one["target"]
        if not one["kept"] and one["id"] in survivors:
            one["kept"] = f"{survivors[one['id']]} is encrypted with it"
    left = [one for one in resources if not one["kept"]]
    module.exit_json(changed=False, resources=resources, left=left, keys_in_use=in_use)


def keys_in_use(resources: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """ARNs of keys, and what is encrypted with each."""
    used: dict[str, list[str]] = {}
    for one in resources:
        if one["key"].startswith("arn:"):
            used.setdefault(one["key"], []).append(f"{one['kind']} {one['name']}")
    return {key: ", ".join(names) for key, names in used.items()}


def survey(module: Module) -> list[Fields]:
    """Ask all services at once."""
    params = module.params
    regions = list(dict.fromkeys([params["home_region"], "us-east-1"]))
    apis = _Clients(module)
    tagged = [hit for region in regions for hit in _tagged(apis("resourcegroupstaggingapi", region), params)]
    stack = Stack(
        name=params["name"],
        others=frozenset(_others(params, tagged)),
        tags={str(key): str(value) for key, value in params["stack_tags"].items()},
        account_id=params["account_id"],
        domains=tuple(params["domains"]),
        zone=params["zone"],
        zone_is_ours=params["zone_is_ours"],
        parameter_prefix=params["parameter_prefix"],
    )
    jobs = [(listing, region) for listing in listings() for region in listing.regions(regions)]
    for listing, region in jobs:
        apis(listing.service, region)
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda job: list(job[0].look(stack, apis(job[0].service, job[1]), job[1])), jobs)
        # A function has two stages, and every region lists the dashboards.
        found = list({(one["kind"], one["id"]): one for answer in answers for one in answer}.values())
    return found + list(_strangers(tagged, found, params))


class _Clients:
    """One client for each service and region; made before the threads, which share them."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._made: dict[tuple[str, str], Api] = {}

    def __call__(self, service: str, region: str) -> Api:
        if (service, region) not in self._made:
            client: Callable[..., Any] = self._module.client
            self._made[service, region] = Api(client(service, region=region))
        return self._made[service, region]


def _tagged(api: Api, params: Fields) -> list[Fields]:
    """Everything of the project that has tags, other stacks included."""
    wanted = [{"Key": key, "Values": [value]} for key, value in params["stack_tags"].items() if key != "Environment"]
    return api.pages("list what is tagged", "get_resources", "ResourceTagMappingList", TagFilters=wanted)


def _tags(hit: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in hit.get("Tags", [])}


def _others(params: Fields, tagged: Iterable[Fields]) -> Iterator[str]:
    mine = params["stack_tags"]
    prefix = params["name"].removesuffix(str(mine.get("Environment", "")))
    for hit in tagged:
        environment = _tags(hit).get("Environment", "")
        if environment and environment != mine.get("Environment"):
            yield f"{prefix}{environment}"


def _strangers(tagged: Iterable[Fields], found: list[Fields], params: Fields) -> Iterator[Fields]:
    """What has the tags of the stack and belongs to a service that nobody listed."""
    known = {one["id"] for one in found}
    listed = {kind for listing in listings() for kind in listing.arns}
    for hit in tagged:
        arn = hit["ResourceARN"]
        service, _, rest = arn.split(":", 2)[2].partition(":")
        kind = re.split(r"[:/]", rest.split(":", 2)[-1], maxsplit=1)[0]
        mine = all(_tags(hit).get(key) == str(value) for key, value in params["stack_tags"].items())
        if mine and arn not in known and not {f"{service}:{kind}", f"{service}:*"} & listed:
            region = rest.split(":", 1)[0]
            yield Listing.found("tagged resource", arn, arn, region)


if __name__ == "__main__":
    main()
