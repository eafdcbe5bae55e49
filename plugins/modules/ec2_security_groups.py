#!/usr/bin/python
"""Ansible module: the security groups of a VPC that name each other, all at once."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: ec2_security_groups
version_added: 0.1.0
short_description: Keep the security groups of a VPC
description:
  - M(amazon.aws.ec2_security_group) writes one group at a time and sleeps three seconds for each, so that what starts
    inside the groups starts that much later. Groups that name each other it can only make in a certain order.
  - Here all groups are made first and then get their rules. One request says that nothing has to be done.
  - A group is found by its name. Its rules are exactly those that are listed; rules added by hand are removed. Other
    groups of the VPC are not touched.
author: Slipway
options:
  vpc_id:
    description: The VPC.
    type: str
    required: true
  prefix:
    description: Beginning of the groups' names.
    type: str
    required: true
  groups:
    description: The groups.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name after O(prefix), by which rules of the other groups call it.
        type: str
        required: true
      description:
        description: AWS never changes it, so that it only counts when the group is made.
        type: str
        required: true
      ingress:
        description: Who may open connections to the group's members.
        type: list
        elements: dict
        default: []
        suboptions: &rule
          protocol:
            description: Protocol of the rule.
            type: str
            choices: [tcp, udp]
            default: tcp
          port:
            description: The one port.
            type: int
            required: true
          group:
            description:
              - Name of the group on the other side, one of O(groups).
              - A rule has either this or O(groups[].ingress[].cidr).
            type: str
          cidr:
            description: Addresses on the other side, IPv4 or IPv6.
            type: str
          description:
            description: What it is for.
            type: str
            default: ""
      egress:
        description:
          - To whom the group's members may open connections.
          - AWS gives a new group a rule for everything; it is removed.
        type: list
        elements: dict
        default: []
        suboptions: *rule
  empty_default:
    description:
      - Whether to take all rules from the group C(default), which AWS makes with every VPC and gives to whatever names
        none. It gets the tags too.
    type: bool
    default: false
extends_documentation_fragment:
  - slipway.aws.resource.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Let the balancer in, and nobody else
  slipway.aws.ec2_security_groups:
    vpc_id: vpc-0123456789abcdef0
    prefix: slipway-staging-
    empty_default: true
    groups:
      - name: balancer
        description: Load balancer
        ingress:
          - {port: 443, cidr: 0.0.0.0/0, description: HTTPS}
          - {port: 443, cidr: "::/0", description: HTTPS}
        egress:
          - {port: 80, group: web}
      - name: web
        description: Web instances
        ingress:
          - {port: 80, group: balancer}
"""

RETURN = r"""
changes:
  description: The fields that changed, or in check mode would.
  returned: always
  type: list
  elements: dict
  sample: [{field: "groups[slipway-staging-web].ingress[tcp 80 balancer]", from: null, to: {rule: tcp 80 balancer}}]
security_groups:
  description: The groups as they are now.
  returned: always
  type: dict
  contains:
    groups:
      description: >-
        Each with its full C(name), C(ingress), C(egress) and C(tags); a rule is its words and its description.
      type: list
      elements: dict
    ids:
      description: The id of each group that exists, by the name after the prefix.
      type: dict
"""

import ipaddress
from collections.abc import Iterator, Sequence
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
    nearest,
)
from ansible_collections.slipway.aws.plugins.module_utils.ec2_tags import write_tags

RULES: Fields = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "protocol": {"type": "str", "choices": ["tcp", "udp"], "default": "tcp"},
        "port": {"type": "int", "required": True},
        "group": {"type": "str"},
        "cidr": {"type": "str"},
        "description": {"type": "str", "default": ""},
    },
    "mutually_exclusive": [["group", "cidr"]],
    "required_one_of": [["group", "cidr"]],
}
ARGUMENTS: Fields = {
    **TAG_ARGUMENTS,
    "vpc_id": {"type": "str", "required": True},
    "prefix": {"type": "str", "required": True},
    "groups": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "description": {"type": "str", "required": True},
            "ingress": RULES,
            "egress": RULES,
        },
    },
    "empty_default": {"type": "bool", "default": False},
}
DEFAULT = "default"
#: Direction: the member of SecurityGroup with its rules.
DIRECTIONS = {"ingress": "IpPermissions", "egress": "IpPermissionsEgress"}
#: Where the peers of an IpPermission are, and the member that names one.
#: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
PEERS = {
    "IpRanges": "CidrIp",
    "Ipv6Ranges": "CidrIpv6",
    "UserIdGroupPairs": "GroupId",
    "PrefixListIds": "PrefixListId",
}
#: Somebody was faster, or the answer to our own request was lost and botocore sent it again: what is live decides.
RACES = ("InvalidGroup.Duplicate", "InvalidPermission.Duplicate", "InvalidPermission.NotFound")
ATTEMPTS = 4


def rules_of(permissions: Sequence[Fields], names: Fields) -> Iterator[tuple[str, str, Fields]]:
    """Each rule of some IpPermissions: its words, its description, and an IpPermission of it alone.

    ``names`` calls groups by name; others are called by their id.
    """
    for permission in permissions:
        bare: Fields = {name: permission[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in permission}
        protocol = "all" if permission["IpProtocol"] == "-1" else permission["IpProtocol"]
        first, last = permission.get("FromPort", -1), permission.get("ToPort", -1)
        ports = "" if protocol == "all" else f" {first}" if first == last else f" {first}-{last}"
        for member, key in PEERS.items():
            for peer in permission.get(member) or []:
                words = f"{protocol}{ports} {names.get(peer[key], peer[key])}"
                description = peer.get("Description", "")
                alone = {key: peer[key], **({"Description": description} if description else {})}
                yield words, description, {**bare, member: [alone]}


def permission_of(rule: Fields, ids: Fields) -> Fields:
    """A rule of the module's options as IpPermission."""
    if rule["group"] is not None:
        member, peer = "UserIdGroupPairs", {"GroupId": ids[rule["group"]]}
    elif ":" in rule["cidr"]:
        member, peer = "Ipv6Ranges", {"CidrIpv6": rule["cidr"]}
    else:
        member, peer = "IpRanges", {"CidrIp": rule["cidr"]}
    if rule["description"]:
        peer["Description"] = rule["description"]
    return {"IpProtocol": rule["protocol"], "FromPort": rule["port"], "ToPort": rule["port"], member: [peer]}


def words_of(rule: Fields) -> str:
    """The words by which :func:`rules_of` knows the same rule."""
    return f"{rule['protocol']} {rule['port']} {rule['group'] or rule['cidr']}"


def tags_of(group: Fields) -> Fields:
    """Tags of AWS as a dict."""
    return {tag["Key"]: tag["Value"] for tag in group.get("Tags", [])}


class SecurityGroups(Resource):
    kind = "security groups"
    result_key = "security_groups"
    layout: ClassVar[Layout] = Layout(keys={"groups": "name", "ingress": "rule", "egress": "rule"})

    def __init__(self, api: Api, params: Fields) -> None:
        self.api = api
        self.params = params
        #: By the full name, as AWS and the changes say it; rules call groups by the short one.
        self._wanted: dict[str, Fields] = {params["prefix"] + group["name"]: group for group in params["groups"]}
        if params["empty_default"]:
            self._wanted[DEFAULT] = {"name": DEFAULT, "ingress": [], "egress": []}

    @property
    @override
    def name(self) -> str:
        return f"{self.params['prefix']}*"

    @override
    def find(self) -> Live:
        listed = self.api.pages(
            f"look at the security groups of {self.params['vpc_id']}",
            "describe_security_groups",
            "SecurityGroups",
            Filters=[{"Name": "vpc-id", "Values": [self.params["vpc_id"]]}],
        )
        ours = {one["GroupName"]: one for one in listed if one["GroupName"] in self._wanted}
        ids = {self._wanted[name]["name"]: one["GroupId"] for name, one in ours.items()}
        names = {identity: name for name, identity in ids.items()}
        groups: list[Fields] = []
        permissions: dict[str, Fields] = {}
        for name, one in ours.items():
            fields: Fields = {"name": name, "tags": tags_of(one)}
            for direction, member in DIRECTIONS.items():
                rules = list(rules_of(one.get(member) or [], names))
                fields[direction] = [{"rule": words, "description": description} for words, description, _ in rules]
                permissions.setdefault(name, {})[direction] = {words: permission for words, _, permission in rules}
            groups.append(fields)
        return Live({"groups": groups}, {"ids": ids, "permissions": permissions})

    @override
    def desired(self, live: Live | None) -> Fields:
        have = {one["name"]: one for one in live.fields["groups"]} if live else {}
        managed = self.params["tags"] is not None
        groups = []
        for name, wanted in self._wanted.items():
            # A group without the tag Name is a nameless line in the console.
            label = self.params["prefix"] + wanted["name"]
            tags = desired_tags(
                have.get(name, {}).get("tags", {}),
                {**(self.params["tags"] or {}), "Name": label},
                purge=managed and self.params["purge_tags"],
            )
            rules = {
                direction: [{"rule": words_of(rule), "description": rule["description"]} for rule in wanted[direction]]
                for direction in DIRECTIONS
            }
            groups.append({"name": name, **rules, "tags": tags})
        return {"groups": groups}

    @override
    def refuse(self, live: Live | None, desired: Fields, changes: Sequence[Change]) -> None:
        names = [group["name"] for group in self.params["groups"]]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise RefusalError(f"Group {', '.join(repeated)} is listed twice.")
        if DEFAULT in names:
            raise RefusalError("The group `default` is AWS's own: empty_default takes its rules, and nobody adds any.")
        for group in self.params["groups"]:
            for direction in DIRECTIONS:
                self._refuse_rules(f"{direction} of {group['name']}", group[direction])
        ids = dict.fromkeys(names, "sg-00000000")
        for group in self.params["groups"]:
            self.api.check("create_security_group", **self._request(group, {}))
            rules = [permission_of(rule, ids) for direction in DIRECTIONS for rule in group[direction]]
            self.api.check("authorize_security_group_ingress", GroupId="sg-00000000", IpPermissions=rules)

    def _refuse_rules(self, where: str, rules: Sequence[Fields]) -> None:
        seen: set[str] = set()
        for rule in rules:
            words = words_of(rule)
            if words in seen:
                raise RefusalError(f"The rule {words} is listed twice in {where}.")
            seen.add(words)
            if not 0 <= rule["port"] <= 65535:
                raise RefusalError(f"{where}: {rule['port']} is no port; ports go from 0 to 65535.")
            known = [group["name"] for group in self.params["groups"]]
            if rule["group"] is not None and rule["group"] not in known:
                raise RefusalError(f"{where}: there is no group {rule['group']}.{nearest(rule['group'], known)}")
            if rule["cidr"] is not None:
                try:
                    written = str(ipaddress.ip_network(rule["cidr"]))
                except ValueError as error:
                    raise RefusalError(f"{where}: {error}.") from error
                # AWS writes it in its short form, so that another one would differ in every run.
                if written != rule["cidr"]:
                    raise RefusalError(f"{where}: write {rule['cidr']} as {written}.")

    def _request(self, group: Fields, tags: Fields) -> Fields:
        listed = [{"Key": name, "Value": value} for name, value in tags.items() if value is not None]
        return {
            "GroupName": self.params["prefix"] + group["name"],
            "Description": group["description"],
            "VpcId": self.params["vpc_id"],
            **({"TagSpecifications": [{"ResourceType": "security-group", "Tags": listed}]} if listed else {}),
        }

    @override
    def create(self, desired: Fields) -> Live:
        # `find` always answers: a VPC is never without groups.
        raise NotImplementedError

    @override
    def update(self, live: Live, desired: Fields, changes: Sequence[Change]) -> Live:
        for _ in range(ATTEMPTS):
            try:
                live = self._with_all_groups(live, desired)
                for group in desired["groups"]:
                    self._write(live, group)
                return self.find()
            except AWSError as error:
                if error_code(error) not in RACES:
                    raise
                live = self.find()
        raise RefusalError(f"The rules of {self.name} change while they are written: is somebody else at work?")

    def _with_all_groups(self, live: Live, desired: Fields) -> Live:
        """Make those that are missing, so that every rule has a group to name."""
        have = {one["name"] for one in live.fields["groups"]}
        missing = [group for group in desired["groups"] if group["name"] not in have]
        for group in missing:
            if group["name"] == DEFAULT:
                raise RefusalError(f"There is no VPC {self.params['vpc_id']}: AWS makes a group `default` with each.")
            request = self._request(self._wanted[group["name"]], group["tags"])
            self.api.call(f"make the security group {request['GroupName']}", "create_security_group", **request)
        return self.find() if missing else live

    def _write(self, live: Live, group: Fields) -> None:
        name = group["name"]
        identity = live.raw["ids"][self._wanted[name]["name"]]
        have = next(one for one in live.fields["groups"] if one["name"] == name)
        for direction in DIRECTIONS:
            self._write_rules(
                f"{direction} of {name}",
                direction,
                identity,
                {one["rule"]: one["description"] for one in have[direction]},
                {words_of(rule): permission_of(rule, live.raw["ids"]) for rule in self._wanted[name][direction]},
                live.raw["permissions"][name][direction],
            )
        write_tags(self.api, identity, have["tags"], group["tags"])

    def _write_rules(
        self, what: str, direction: str, identity: str, have: Fields, wanted: Fields, live: Fields
    ) -> None:
        """``have``: descriptions; ``wanted`` and ``live``: IpPermissions; all by the words of the rule."""
        added = [permission for words, permission in wanted.items() if words not in have]
        # What nobody wants leaves last, so that a connection that two rules allow in turn is never cut.
        removed = [permission for words, permission in live.items() if words not in wanted]
        described = [
            permission
            for words, permission in wanted.items()
            if words in have and have[words] != _description(permission)
        ]
        steps = (
            (added, f"authorize_security_group_{direction}", f"add to the {what}"),
            (described, f"update_security_group_rule_descriptions_{direction}", f"describe the {what}"),
            (removed, f"revoke_security_group_{direction}", f"take from the {what}"),
        )
        for permissions, operation, doing in steps:
            if permissions:
                # A group that was just made is not known everywhere at once.
                self.api.call(
                    doing, operation, GroupId=identity, IpPermissions=permissions, retry_on=("InvalidGroup.NotFound",)
                )

    @override
    def delete(self, live: Live) -> Live | None:
        # Groups go with their network: ec2_network_removal.
        raise NotImplementedError

    @override
    def result(self, live: Live) -> Fields:
        return {**live.fields, "ids": live.raw["ids"]}


def _description(permission: Fields) -> str:
    return next((peer.get("Description", "") for member in PEERS for peer in permission.get(member) or []), "")


def main() -> None:
    module = aws_module(ARGUMENTS)
    run(module, SecurityGroups(Api(module.client("ec2")), module.params))


if __name__ == "__main__":
    main()
