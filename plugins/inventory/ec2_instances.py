"""Hosts from EC2, without what the stock plug-in does a second time for each host.

Groups and variables are those of `amazon.aws.aws_ec2`. That plug-in spends most of its time after the answer has come:
it converts names one by one, checks each variable of each host, and templates every expression for every host. Here
a name is converted once, a host's variables are set at once, and an expression is compiled once.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import json
import os
import typing as t

try:
    import boto3
    import botocore.exceptions
except ImportError:
    pass  # the base class says what is missing

import jinja2
from ansible.errors import AnsibleParserError  # type: ignore[import-untyped]
from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict  # type: ignore[import-untyped]
from ansible_collections.amazon.aws.plugins.module_utils.tagging import boto3_tag_list_to_ansible_dict  # type: ignore[import-untyped]
from ansible_collections.amazon.aws.plugins.module_utils.transformation import ansible_dict_to_boto3_filter_list  # type: ignore[import-untyped]
from ansible_collections.amazon.aws.plugins.plugin_utils.inventory import AWSInventoryBase  # type: ignore[import-untyped]

DOCUMENTATION = r"""
name: ec2_instances
short_description: Hosts from EC2, fast
description:
  - A drop-in for V(amazon.aws.aws_ec2) where hosts are named by their instance id and grouped by O(keyed_groups).
    Groups and variables have the same names and values.
  - The name of the file must end in C(aws_ec2.yml) or C(aws_ec2.yaml).
author:
  - The Slipway authors
extends_documentation_fragment:
  - inventory_cache
  - amazon.aws.boto3
  - amazon.aws.common.plugins
  - amazon.aws.assume_role.plugins
options:
  plugin:
    description:
      - The name of this plug-in.
    required: true
    choices:
      - slipway.aws.ec2_instances
  regions:
    description:
      - The regions to ask. May be templates.
    type: list
    elements: str
    required: true
  filters:
    description:
      - Filters of the server, as C(DescribeInstances) knows them. Without C(instance-state-name), instances that are
        terminated or on the way there are left out.
    type: dict
    default: {}
  hostvars_prefix:
    description:
      - What the name of each variable begins with.
    type: str
    default: ""
  strict:
    description:
      - Whether an expression of O(keyed_groups) that fails for a host is an error. Else the host is not in that group.
    type: bool
    default: false
  keyed_groups:
    description:
      - Groups that are made of values. C(key) is an expression of Jinja over the host's own variables, without
        Ansible's filters; its value is a text or a list of texts. C(prefix) and C(separator) come before it.
    type: list
    elements: dict
    default: []
notes:
  - With O(cache) the instances are kept for O(cache_timeout) seconds. The key is made of the credentials, and with them
    the account, of the regions, the address of the service and the filters, so that files that ask for the same share
    one answer.
"""

EXAMPLES = r"""
plugin: slipway.aws.ec2_instances
regions: [eu-west-1]
filters:
  tag:Project: slipway
  instance-state-name: running
hostvars_prefix: aws_
keyed_groups:
  - key: aws_ec2_tags.Role
    prefix: ""
    separator: ""
  - key: aws_placement.availability_zone
    prefix: zone
"""

_GROUP = "aws_ec2"
_ALIVE = ["running", "pending", "stopping", "stopped"]
_MISSING: tuple[t.Any, ...] = (None, "", [])

Values = dict[str, t.Any]


@functools.cache
def _snake(name: str) -> str:
    """Ansible's own conversion, asked once for each of AWS's names."""
    (converted,) = camel_dict_to_snake_dict({name: 0})
    return str(converted)


def _converted(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {_snake(name): _converted(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_converted(item) for item in value]
    # As Ansible writes a time in JSON, whether it comes from the cache or from AWS.
    return value.isoformat() if isinstance(value, datetime.datetime) else value


def host_variables(instance: t.Mapping[str, t.Any], prefix: str) -> Values:
    """The variables of a host, as V(amazon.aws.aws_ec2) names them."""
    tags = boto3_tag_list_to_ansible_dict(instance.get("Tags", []))
    # Tags are the account's: their names are not AWS's to convert.
    converted = {_snake(name): _converted(item) for name, item in instance.items() if name != "Tags"}
    placement = converted.get("placement", {})
    if "availability_zone" in placement:
        placement["region"] = placement["availability_zone"][:-1]
    return {prefix + name: item for name, item in (converted | {"ec2_tags": tags, "tags": tags}).items()}


class Expression:
    """An expression of Jinja, compiled once."""

    _environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701 (no HTML)

    def __init__(self, text: str) -> None:
        self.text = text
        self._evaluate = self._environment.compile_expression(text, undefined_to_none=False)

    def __call__(self, variables: Values) -> t.Any:
        """Raises jinja2.UndefinedError when something is missing."""
        value = self._evaluate(**variables)
        if isinstance(value, jinja2.Undefined):
            raise jinja2.UndefinedError(value._undefined_message)
        return value


class InventoryModule(AWSInventoryBase):  # type: ignore[misc]
    """The plug-in as Ansible calls it."""

    NAME = "slipway.aws.ec2_instances"
    INVENTORY_FILE_SUFFIXES = ("aws_ec2.yml", "aws_ec2.yaml")

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        """Fill `inventory`. Raises AnsibleParserError when AWS does not answer, or an expression cannot be used."""
        super().parse(inventory, loader, path, cache=cache)
        # Templates in them are resolved here; the cache's key has to know the result.
        self._asked: Values = {
            "regions": sorted(self.get_option("regions")),
            "filters": dict(self.get_option("filters")),
            "endpoint": self.get_option("endpoint_url")
            or os.environ.get("AWS_ENDPOINT_URL_EC2")
            or os.environ.get("AWS_ENDPOINT_URL"),
        }
        self._key: str | None = None
        found, instances = self.get_cached_result(path, cache)
        if not found:
            instances = self._instances()
        self._populate(instances)
        self.update_cached_result(path, cache, instances)

    def get_cache_key(self, path: str) -> str:
        """By who asks, and for what; the file does not matter. A key of AWS belongs to one account."""
        if self._key is None:
            words = json.dumps([self._who() or path, self._asked, self.get_option("hostvars_prefix")], sort_keys=True)
            self._key = f"slipway_ec2_{hashlib.sha256(words.encode()).hexdigest()[:20]}"
        return self._key

    def _who(self) -> str:
        """Found without a request: asking would cost more than what the cache saves."""
        if role := self.get_option("assume_role_arn"):
            return str(role)
        if key := self.get_option("access_key"):
            return str(key)
        credentials = boto3.session.Session(profile_name=self.get_option("profile")).get_credentials()
        return str(credentials.get_frozen_credentials().access_key) if credentials else ""

    def _instances(self) -> list[Values]:
        """Names and variables of the hosts, in the order of their names."""
        filters = self._asked["filters"]
        if "instance-state-name" not in filters:
            filters = filters | {"instance-state-name": _ALIVE}
        prefix = self.get_option("hostvars_prefix") or ""
        found = []
        for client, region in self.all_clients("ec2"):
            try:
                pages = client.get_paginator("describe_instances").paginate(
                    Filters=ansible_dict_to_boto3_filter_list(filters)
                )
                for reservation in (reservation for page in pages for reservation in page["Reservations"]):
                    its_own = {
                        "OwnerId": reservation["OwnerId"],
                        "RequesterId": reservation.get("RequesterId", ""),
                        "ReservationId": reservation["ReservationId"],
                    }
                    for instance in reservation["Instances"]:
                        variables = host_variables(instance | its_own, prefix)
                        found.append({"name": instance["InstanceId"], "variables": variables})
            except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
                raise AnsibleParserError(f"EC2 in {region} does not list its instances: {error}") from error
        return sorted(found, key=lambda host: str(host["name"]))

    def _populate(self, instances: t.Iterable[Values]) -> None:
        """Add groups and hosts."""
        self.inventory.add_group(_GROUP)
        self.inventory.add_child("all", _GROUP)
        strict = self.get_option("strict")
        keyed = []
        for one in self.get_option("keyed_groups") or []:
            try:
                keyed.append((Expression(str(one["key"])), f"{one.get('prefix', '')}{one.get('separator', '_')}"))
            except (KeyError, jinja2.TemplateError) as error:
                raise AnsibleParserError(f"keyed_groups: {one} cannot be used: {error}") from error
        groups: dict[str, str] = {}
        for instance in instances:
            name, variables = instance["name"], instance["variables"]
            self.inventory.add_host(name, group=_GROUP)
            # Names are AWS's in snake case, so nothing has to be checked; `set_variable` would for each.
            self.inventory.hosts[name].vars.update(variables)
            for expression, prefix in keyed:
                for value in self._keys(expression, variables, name, strict):
                    group = groups.get(prefix + value)
                    if group is None:
                        group = self.inventory.add_group(self._sanitize_group_name(prefix + value))
                        groups[prefix + value] = group
                    self.inventory.add_host(name, group=group)

    @staticmethod
    def _keys(expression: Expression, variables: Values, name: str, strict: bool) -> list[str]:
        try:
            value = expression(variables)
        except (jinja2.TemplateError, TypeError, AttributeError) as error:
            if strict:
                raise AnsibleParserError(f"keyed_groups: {expression.text} of {name}: {error}") from error
            return []
        if isinstance(value, str) and value:
            return [value]
        if isinstance(value, list):
            return [str(item) for item in value if item not in _MISSING]
        if strict:
            raise AnsibleParserError(f"keyed_groups: {expression.text} of {name} is {value!r}, no text and no list")
        return []
