"""What a name means in the public hosted zones of the emulated account.

https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-choosing-alias-non-alias.html

Of several records of one name and type (weighted, latency, failover, …) all are meant: there is one place here, and
health checks have no body.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

#: Resolvers give up on longer chains of CNAME records too.
LONGEST_CHAIN = 8


class Reason(StrEnum):
    """Why a name does not resolve."""

    #: No public hosted zone of the account covers it.
    NO_ZONE = "no zone"
    #: Its zone has no record of that name (NXDOMAIN).
    NO_RECORD = "no record"
    #: Its records are of other types (NODATA).
    NO_ADDRESS = "no address"
    #: An alias names something of AWS that is not there.
    DANGLING_ALIAS = "dangling alias"
    #: CNAME records or aliases lead around in a circle.
    LOOP = "loop"


@dataclass(frozen=True)
class Unresolved:
    """A name has no address; `detail` is a sentence for a person."""

    reason: Reason
    detail: str


@dataclass(frozen=True)
class Resolved:
    """The addresses of a name, and the names on the way there, the asked one first."""

    addresses: tuple[str, ...]
    chain: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """A resource record set: `values` as the API writes them, or the DNS name that an alias points at."""

    name: str
    type: str
    values: tuple[str, ...] = ()
    alias: str | None = None


@dataclass(frozen=True)
class Zone:
    """A public hosted zone."""

    name: str
    records: tuple[Record, ...]

    def lookup(self, name: str) -> tuple[Record, ...]:
        """The records of a name; those of `*.` beside or above it where it has none itself (RFC 4592)."""
        found = tuple(record for record in self.records if record.name == name)
        labels = name.split(".")
        for position in range(1, len(labels)):
            if found:
                break
            parent = ".".join(labels[position:])
            found = tuple(record for record in self.records if record.name == f"*.{parent}")
            if any(record.name == parent for record in self.records) or parent == self.name:
                # The closest name that exists: wildcards further up do not reach past it.
                break
        return found


def canonical(name: str) -> str:
    """A DNS name in lower case, without the final dot and Route 53's escape of the asterisk."""
    return name.lower().rstrip(".").replace("\\052", "*")


def read_zones(client: Any) -> tuple[Zone, ...]:
    """The public hosted zones of the account, by a Route 53 client of boto3."""
    zones = []
    for page in client.get_paginator("list_hosted_zones").paginate():
        for zone in page["HostedZones"]:
            if zone.get("Config", {}).get("PrivateZone"):
                continue
            pages = client.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone["Id"])
            records = [_record(each) for page in pages for each in page["ResourceRecordSets"]]
            zones.append(Zone(canonical(zone["Name"]), tuple(records)))
    return tuple(zones)


def _record(record: Mapping[str, Any]) -> Record:
    alias = record.get("AliasTarget")
    return Record(
        name=canonical(record["Name"]),
        type=record["Type"],
        values=tuple(each["Value"] for each in record.get("ResourceRecords", [])),
        alias=canonical(alias["DNSName"]) if alias else None,
    )


def zone_of(name: str, zones: Iterable[Zone]) -> Zone | None:
    """The zone that speaks for a name: the longest one that it lies in."""
    covering = [zone for zone in zones if name == zone.name or name.endswith("." + zone.name)]
    return max(covering, key=lambda zone: len(zone.name), default=None)


def has_record(name: str, kind: str, value: str, zones: Iterable[Zone]) -> bool:
    """Whether the zone that speaks for `name` has the record; a CNAME's value is compared as a DNS name."""
    name = canonical(name)
    zone = zone_of(name, zones)
    if zone is None:
        return False
    fold = canonical if kind == "CNAME" else str
    return any(
        record.type == kind and fold(value) in [fold(each) for each in record.values] for record in zone.lookup(name)
    )


def resolve(name: str, zones: Sequence[Zone], names: Mapping[str, str], *, ipv6: bool = False) -> Resolved | Unresolved:
    """The addresses of a name.

    `names` maps the names that AWS itself gives (load balancers, databases, caches, distributions) to their bodies'
    addresses; those resolve anywhere, without a zone. With `ipv6` AAAA records are meant instead of A.
    """
    known = {canonical(key): value for key, value in names.items()}
    wanted = "AAAA" if ipv6 else "A"
    chain: list[str] = []
    name = canonical(name)
    aliased = False
    while True:
        if name in chain or len(chain) >= LONGEST_CHAIN:
            return Unresolved(Reason.LOOP, f"{' → '.join([*chain, name])} leads nowhere")
        chain.append(name)
        # A load balancer's alias may carry `dualstack.` before its name.
        own = known.get(name) or known.get(name.removeprefix("dualstack."))
        if own is not None:
            return Resolved((own,), tuple(chain))
        zone = zone_of(name, zones)
        if zone is None:
            if aliased:
                detail = f"the alias {chain[-2]} points at {name}, which is nothing of this account"
                return Unresolved(Reason.DANGLING_ALIAS, detail)
            return Unresolved(Reason.NO_ZONE, f"no public hosted zone of the account covers {name}")
        records = zone.lookup(name)
        if not records:
            return Unresolved(Reason.NO_RECORD, f"zone {zone.name} has no record {name}")
        addresses = [record for record in records if record.type == wanted]
        if values := tuple(value for record in addresses for value in record.values):
            return Resolved(values, tuple(chain))
        aliases = [record.alias for record in addresses if record.alias]
        targets = [value for record in records if record.type == "CNAME" for value in record.values]
        targets += [record.alias for record in records if record.type == "CNAME" and record.alias]
        if not aliases and not targets:
            types = ", ".join(sorted({record.type for record in records}))
            return Unresolved(Reason.NO_ADDRESS, f"{name} has {types} records, and none of type {wanted}")
        aliased = bool(aliases)
        name = canonical((aliases or targets)[0])
