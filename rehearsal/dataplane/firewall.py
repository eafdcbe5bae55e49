"""Security groups and routes to the internet, as nftables rules in the network namespace of each body.

https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html

The machine that runs the rehearsal is the VPC's gateway, and with it everything that AWS keeps outside of a VPC:
the resolver, the instance metadata service, the APIs and a mail server (which stand for public endpoints),
CloudFront's edge. A body reaches those ports of it and no other.

Not there: network ACLs, VPC endpoints, IPv6, the resolver's and the time service's link-local addresses.
"""

from __future__ import annotations

import ipaddress
import logging
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rehearsal.engine import sudo

if TYPE_CHECKING:
    from rehearsal.dataplane.context import Body, Context

log = logging.getLogger(__name__)

TABLE = "slipway"
METADATA_ADDRESS = "169.254.169.254"
LINK_LOCAL = "169.254.0.0/16"
ANYWHERE = "0.0.0.0/0"
#: Where mail servers take mail from those who write it: https://www.rfc-editor.org/rfc/rfc6409#section-3.1
SUBMISSION = 587
#: AWS keeps this list of the addresses that CloudFront comes from.
CLOUDFRONT_PREFIX_LIST = "com.amazonaws.global.cloudfront.origin-facing"


class FirewallError(RuntimeError):
    """nft refused a ruleset; the text holds its own words."""


@dataclass(frozen=True)
class Permission:
    """One rule of a security group: a protocol, its ports, and the networks on the other side.

    `protocol` is AWS's: tcp, udp, icmp, an IANA number, or -1 for all. For icmp, the ports are type and code.
    """

    protocol: str
    from_port: int | None
    to_port: int | None
    networks: tuple[str, ...]


@dataclass(frozen=True)
class View:
    """The network as one body sees it."""

    gateway: str
    vpc_cidr: str
    ingress: tuple[Permission, ...] = ()
    egress: tuple[Permission, ...] = ()
    #: Whether its subnet has a way to the internet that works for it.
    internet: bool = False
    #: The port of the gateway where the account's APIs are.
    api_port: int | None = None
    #: The port of the gateway where the instance metadata service is; bodies that are no instances have none.
    metadata_port: int | None = None
    #: The port of the gateway where mail is taken.
    mail_port: int | None = None


# -- text ----------------------------------------------------------------------------------------------------


def ruleset(view: View) -> str:
    """The nft script that makes these the only rules, in one transaction."""
    gateway = view.gateway
    output = [
        f"ip daddr {gateway} udp dport 53 accept",
        f"ip daddr {gateway} tcp dport 53 accept",
    ]
    if view.metadata_port is not None:
        output.append(f"ip daddr {gateway} tcp dport {view.metadata_port} accept")
    if view.api_port is not None and view.internet and _reaches(view, 443):
        output.append(f"ip daddr {gateway} tcp dport {view.api_port} accept")
    if view.mail_port is not None and view.internet and _reaches(view, SUBMISSION):
        output.append(f"ip daddr {gateway} tcp dport {view.mail_port} accept")
    output += [f"ip daddr {gateway} drop", f"ip daddr {LINK_LOCAL} drop"]
    if not view.internet:
        output.append(f"ip daddr != {_network(view.vpc_cidr)} drop")
    output += _rules(view.egress, "daddr")
    input_ = _rules(view.ingress, "saddr")
    nat = (
        [f"ip daddr {METADATA_ADDRESS} tcp dport 80 dnat ip to {gateway}:{view.metadata_port}"]
        if view.metadata_port is not None
        else []
    )
    return "\n".join(
        [
            # The first line makes sure that there is something for the second one to delete.
            f"table inet {TABLE}",
            f"delete table inet {TABLE}",
            f"table inet {TABLE} {{",
            *_chain("metadata", "type nat hook output priority -100; policy accept;", nat),
            *_chain(
                "ingress",
                "type filter hook input priority filter; policy drop;",
                ['iifname "lo" accept', "ct state established,related accept", *input_],
            ),
            *_chain(
                "egress",
                "type filter hook output priority filter; policy drop;",
                ['oifname "lo" accept', "ct state established,related accept", *output],
            ),
            "}",
            "",
        ]
    )


def _chain(name: str, hook: str, rules: Iterable[str]) -> list[str]:
    return [f"  chain {name} {{", f"    {hook}", *(f"    {rule}" for rule in rules), "  }"]


def _rules(permissions: Iterable[Permission], side: str) -> list[str]:
    # One rule a network: nft refuses a set whose networks overlap.
    return [
        f"{where}{match}accept"
        for permission in permissions
        for match in [_match(permission)]
        for where in _where(permission.networks, side)
    ]


def _where(networks: Sequence[str], side: str) -> list[str]:
    parsed = sorted({network for text in networks if (network := _network(text)) is not None})
    return ["meta nfproto ipv4 " if str(network) == ANYWHERE else f"ip {side} {network} " for network in parsed]


def _network(text: str) -> ipaddress.IPv4Network | None:
    network = ipaddress.ip_network(text, strict=False)
    return network if isinstance(network, ipaddress.IPv4Network) else None


_NUMBERS = {"6": "tcp", "17": "udp", "1": "icmp"}


def _match(permission: Permission) -> str:
    protocol = _NUMBERS.get(permission.protocol, permission.protocol)
    match protocol:
        case "-1":
            return ""
        case "tcp" | "udp":
            if permission.from_port is None or (permission.from_port, permission.to_port) == (-1, -1):
                return f"meta l4proto {protocol} "
            if permission.from_port == permission.to_port:
                return f"{protocol} dport {permission.from_port} "
            return f"{protocol} dport {permission.from_port}-{permission.to_port} "
        case "icmp":
            if permission.from_port in (None, -1):
                return "meta l4proto icmp "
            code = "" if permission.to_port in (None, -1) else f"icmp code {permission.to_port} "
            return f"icmp type {permission.from_port} {code}"
    # ICMPv6 has a name in AWS and nothing to match in a VPC without IPv6.
    return f"meta l4proto {58 if protocol == 'icmpv6' else int(protocol)} "


def _reaches(view: View, port: int) -> bool:
    """Whether the egress rules let this out to the internet, which is where the APIs' public endpoints are."""
    vpc = _network(view.vpc_cidr)
    return any(
        _covers(permission, port) and any(_goes_beyond(network, vpc) for network in permission.networks)
        for permission in view.egress
    )


def _goes_beyond(text: str, vpc: ipaddress.IPv4Network | None) -> bool:
    network = _network(text)
    return network is not None and vpc is not None and not network.subnet_of(vpc) and not network.is_private


def _covers(permission: Permission, port: int) -> bool:
    protocol = _NUMBERS.get(permission.protocol, permission.protocol)
    if protocol == "-1":
        return True
    if protocol != "tcp":
        return False
    low, high = permission.from_port, permission.to_port
    return low in (None, -1) or (low is not None and high is not None and low <= port <= high)


# -- what AWS's answers mean ---------------------------------------------------------------------------------


def permissions(
    rules: Iterable[Mapping[str, Any]],
    members: Mapping[str, Sequence[str]],
    prefix_lists: Mapping[str, Sequence[str]],
) -> tuple[Permission, ...]:
    """IpPermissions of DescribeSecurityGroups; a referenced group becomes the addresses of its members."""
    found: list[Permission] = []
    for rule in rules:
        networks = [
            *(entry["CidrIp"] for entry in rule.get("IpRanges", [])),
            *(address for pair in rule.get("UserIdGroupPairs", []) for address in members.get(pair["GroupId"], ())),
            *(
                network
                for entry in rule.get("PrefixListIds", [])
                for network in prefix_lists.get(entry["PrefixListId"], ())
            ),
        ]
        if networks:
            found.append(
                Permission(
                    str(rule["IpProtocol"]), rule.get("FromPort"), rule.get("ToPort"), tuple(sorted(set(networks)))
                )
            )
    return tuple(found)


def route_table_of(subnet_id: str, vpc_id: str, tables: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The route table of a subnet: the one associated with it, or else the VPC's main one."""
    main = None
    for table in tables:
        for association in table.get("Associations", []):
            if association.get("SubnetId") == subnet_id:
                return table
            if association.get("Main") and table["VpcId"] == vpc_id:
                main = table
    return main


def reaches_internet(
    table: Mapping[str, Any] | None, *, has_public_address: bool, available_nat_gateways: frozenset[str]
) -> bool:
    """Whether a default route of the table works for a host.

    https://docs.aws.amazon.com/vpc/latest/userguide/route-table-options.html
    """
    for route in (table or {}).get("Routes", []):
        if route.get("DestinationCidrBlock") != ANYWHERE or route.get("State", "active") != "active":
            continue
        if route.get("NatGatewayId") in available_nat_gateways:
            return True
        if str(route.get("GatewayId", "")).startswith("igw-") and has_public_address:
            return True
    return False


# -- application ---------------------------------------------------------------------------------------------


def apply(pid: int, script: str) -> None:
    """Load a ruleset into the network namespace of a process.

    Raises FirewallError when nft refuses it or the process is gone.
    """
    done = subprocess.run(
        [*sudo(), "nsenter", f"--target={pid}", "--net", "nft", "-f", "-"],
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise FirewallError(done.stderr.strip())


def seal(pid: int, *, gateway: str, vpc_cidr: str, metadata_port: int) -> None:
    """The rules of an instance that has just begun to boot: names and metadata, nothing else.

    To be called before the instance's first process looks for the metadata service, so that such a request can
    never reach the metadata service of a cloud that this machine itself may run in.
    """
    apply(pid, ruleset(View(gateway=gateway, vpc_cidr=vpc_cidr, metadata_port=metadata_port)))


class SecurityGroups:
    """Keeps the rules of every body as the account's groups and routes say."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._applied: dict[str, tuple[int, str]] = {}

    def reconcile(self) -> None:
        """Load what changed. A body that dies meanwhile is left to its own controller."""
        bodies = dict(self._context.bodies)
        if not bodies:
            return
        views = self._views(list(bodies.values()))
        for name, body in bodies.items():
            view = views.get(name)
            if view is None or not body.pid:
                continue
            script = ruleset(view)
            if self._applied.get(name) == (body.pid, script):
                continue
            try:
                apply(body.pid, script)
            except FirewallError as error:
                log.warning("%s keeps its rules for now: %s", name, error)
                continue
            self._applied[name] = (body.pid, script)
        self._applied = {name: applied for name, applied in self._applied.items() if name in bodies}

    def _views(self, bodies: Sequence[Body]) -> dict[str, View]:
        from rehearsal.dataplane.context import gateway_of

        ec2 = self._context.client("ec2")
        settings = self._context.settings
        members: dict[str, list[str]] = {}
        for body in bodies:
            for group_id in body.security_group_ids:
                members.setdefault(group_id, []).append(body.address)
        vpcs = {vpc["VpcId"]: vpc["CidrBlock"] for vpc in ec2.describe_vpcs()["Vpcs"]}
        groups = {group["GroupId"]: group for group in _pages(ec2, "describe_security_groups", "SecurityGroups")}
        tables = list(_pages(ec2, "describe_route_tables", "RouteTables"))
        nat_gateways = frozenset(
            gateway["NatGatewayId"]
            for gateway in _pages(ec2, "describe_nat_gateways", "NatGateways")
            if gateway["State"] == "available"
        )
        lists = _prefix_lists(ec2, groups.values())
        views: dict[str, View] = {}
        for body in bodies:
            if body.vpc_id not in vpcs:
                continue
            cidr = vpcs[body.vpc_id]
            view = View(
                gateway=gateway_of(cidr),
                vpc_cidr=cidr,
                internet=reaches_internet(
                    route_table_of(body.subnet_id, body.vpc_id, tables),
                    has_public_address=body.has_public_address,
                    available_nat_gateways=nat_gateways,
                ),
                api_port=settings.emulator_port,
                mail_port=settings.mail_port if body.kind == "instance" else None,
                metadata_port=settings.metadata_port if body.kind == "instance" else None,
            )
            own = [groups[group_id] for group_id in body.security_group_ids if group_id in groups]
            # CloudFront's edge is this machine.
            known = {**lists.entries, **dict.fromkeys(lists.cloudfront, (view.gateway,))}
            views[body.name] = replace(
                view,
                ingress=_all(own, "IpPermissions", members, known),
                egress=_all(own, "IpPermissionsEgress", members, known),
            )
        return views


def _all(
    groups: Iterable[Mapping[str, Any]],
    key: str,
    members: Mapping[str, Sequence[str]],
    prefix_lists: Mapping[str, Sequence[str]],
) -> tuple[Permission, ...]:
    found = (p for group in groups for p in permissions(group.get(key, []), members, prefix_lists))
    # A stable order, so that the same rules are the same text.
    return tuple(sorted(set(found), key=repr))


def _pages(client: Any, operation: str, key: str) -> Iterable[Mapping[str, Any]]:
    for page in client.get_paginator(operation).paginate():
        yield from page[key]


@dataclass(frozen=True)
class _PrefixLists:
    entries: Mapping[str, Sequence[str]]
    cloudfront: frozenset[str]


def _prefix_lists(ec2: Any, groups: Iterable[Mapping[str, Any]]) -> _PrefixLists:
    """The lists that any group names; the account is asked for nothing when there is none."""
    wanted = {
        entry["PrefixListId"]
        for group in groups
        for key in ("IpPermissions", "IpPermissionsEgress")
        for rule in group.get(key, [])
        for entry in rule.get("PrefixListIds", [])
    }
    if not wanted:
        return _PrefixLists({}, frozenset())
    names = {
        entry["PrefixListId"]: entry["PrefixListName"]
        for entry in ec2.describe_managed_prefix_lists(PrefixListIds=sorted(wanted))["PrefixLists"]
    }
    cloudfront = frozenset(key for key, name in names.items() if name == CLOUDFRONT_PREFIX_LIST)
    entries = {
        key: tuple(entry["Cidr"] for entry in ec2.get_managed_prefix_list_entries(PrefixListId=key)["Entries"])
        for key in names.keys() - cloudfront
    }
    return _PrefixLists(entries, cloudfront)
