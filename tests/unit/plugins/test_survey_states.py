"""What AWS moves by itself is no change: every state and every clock in what the survey reads is known here.

The survey reads an account that has one of everything and answers with all members that botocore knows. What of them
drift would compare, and what by its name looks like a state or a clock, has to stand below with a reason.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.session
import pytest
from ansible_collections.slipway.aws.plugins.module_utils.stack_listing import listings
from ansible_collections.slipway.aws.plugins.module_utils.survey import (
    CONDITIONS,
    Account,
    Resources,
    Stack,
    as_meant,
    comparable,
    drift,
    lasting,
)
from ansible_collections.slipway.aws.plugins.module_utils.survey_sources import SOURCES
from botocore import xform_name

NAME = "slipway-staging"
SITE = "app.example.com"
STACK = Stack(NAME, "123456789012", "eu-west-1", buckets=(NAME,), site_bucket="front", zone="example.com",
              site_domain=SITE, origin_domain=SITE)  # fmt: skip
#: ``Shape.Member`` that cannot have the same value as all others of its type.
VALUES: Mapping[str, Any] = {
    "AliasListEntry.AliasName": f"alias/{NAME}",
    "CertificateSummary.DomainName": SITE,
    "DescribeSecretResponse.DeletedDate": None,
    "DistributionSummary.Aliases": {"Items": [SITE]},
    "GrantListEntry.GranteePrincipal": "arn:aws:iam::999999999999:root",
    "HostedZone.Name": "example.com.",
    "OpenIDConnectProviderListEntry.Arn": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com",
    "ResourceRecordSet.Name": f"_proof.{SITE}.",
    "Subscription.SubscriptionArn": f"arn:aws:sns:eu-west-1:123456789012:{NAME}:1",
    "Tag.Key": "Name",
}
PASSING = re.compile(r"(Time|Date|State|Progress|[sS]tatus)$|^(Last|Percent)")
#: What is compared nevertheless: the end of a path, by type. ``*`` stands for whatever lies between.
MEANT: Mapping[str, Mapping[str, str]] = {
    "AWS::AutoScaling::AutoScalingGroup": {
        "PoolState": "in which state hosts wait",
        "SchedulingBufferTime": "how long before a forecast load hosts are started",
    },
    "AWS::EC2::Image": {
        "CreationDate": "never moves",
        "DeprecationTime": "a hand sets it",
        "State": "a hand disables an image; one that is not yet available is not recorded",
    },
    "AWS::EC2::RouteTable": {"Routes.*.State": "a black hole is where somebody has taken away what it leads to"},
    "AWS::EC2::SecurityGroup": {"PeeringStatus": "a hand ends a peering"},
    "AWS::EC2::VPC": {"ResourceExclusions.*.State": "says whether it is excluded"},
    "AWS::ElastiCache::CacheCluster": {"NotificationConfiguration.TopicStatus": "a hand turns it off"},
    "AWS::ElasticLoadBalancingV2::Listener": {"TrustStoreAssociationStatus": "its owner takes a trust store back"},
    "AWS::KMS::Key": {"KeyState": "a hand disables a key, or has it deleted"},
    "AWS::Logs::LogGroup": {
        "creationTime": "moves when somebody makes it anew",
        "dataProtectionStatus": "a hand ends the protection",
    },
    "AWS::RDS::DBInstance": {
        "ActivityStreamPolicyStatus": "a hand unlocks it",
        "ActivityStreamStatus": "a hand starts a stream, which costs money",
    },
    "AWS::RDS::EventSubscription": {"SubscriptionCreationTime": "never moves"},
    "AWS::Route53::HealthCheck": {"InsufficientDataHealthStatus": "what is taken for granted without data"},
    "AWS::S3::Bucket": {"*": "AWS moves no setting of a bucket: their states say whether a rule holds"},
    "AWS::SecretsManager::Secret": {"ReplicationStatus[].*": "a hand copies it to another region"},
    "AWS::WAFv2::WebACL": {"ImmunityTime": "for how long a solved puzzle counts"},
}


@cache
def _service(name: str) -> Any:
    untyped: Any = botocore.session
    return untyped.get_session().get_service_model(name)


def _example(shape: Any, values: Mapping[str, Any], within: tuple[str, ...] = ()) -> Any:
    """A value with all members that the shape knows, but for those that would repeat themselves."""
    match shape.type_name:
        case "structure":
            known = {name: f"{shape.name}.{name}" for name in shape.members if shape.name not in within}
            inside = (*within, shape.name)
            return {
                name: values[key] if key in values else _example(shape.members[name], values, inside)
                for name, key in known.items()
            }
        case "list":
            return [_example(shape.member, values, within)]
        case "map":
            return {NAME: _example(shape.value, values, within)}
        case "string":
            return shape.enum[0] if shape.enum else NAME
        case kind:
            return {"boolean": False, "blob": b"", "timestamp": datetime.now(UTC)}.get(kind, 1)


class Everything(Account):
    """An account with one of everything, in which every string is the stack's name and every number is one."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        super().__init__(STACK, lambda *_: None)
        self.values = {**VALUES, **(values or {})}
        self.asked: set[str] = set()

    def ask(
        self,
        service: str,
        operation: str,
        item: str = "",
        *,
        region: str | None = None,  # noqa: ARG002
        missing: Collection[str] = (),  # noqa: ARG002
        **_parameters: Any,
    ) -> Any:
        self.asked.add(service)
        model = _service(service)
        name = next(one for one in model.operation_names if xform_name(one) == operation)
        answer = _example(model.operation_model(name).output_shape, self.values)
        for part in item.split(".") if item else ():
            answer = answer[part]
        return answer

    def all(
        self, service: str, operation: str, items: str, *, region: str | None = None, **parameters: Any
    ) -> list[Any]:
        found: list[Any] = self.ask(service, operation, items, region=region, **parameters)
        return found


def _look(source: str, values: Mapping[str, Any] | None = None) -> Resources:
    """What one source finds in the account."""
    account = Everything(values)
    (read,) = (one.read for one in SOURCES if one.name == source)
    found = {one.key: comparable(one.fields) for one in read(account)}
    account.close()
    return found


def _told(before: Resources, after: Resources) -> list[str]:
    """The fields that drift names."""
    return [one.field for one in drift({"layer": before}, {"layer": after})]


def _paths(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from _paths(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for member in value:
            yield from _paths(member, f"{path}[]")
    else:
        yield path


def _is_meant(path: str, ends: Collection[str]) -> bool:
    return any(re.search(rf"(^|\.){re.escape(one).replace(r'\*', '.*')}$", path) for one in ends)


@pytest.mark.parametrize("source", sorted({one.name for one in SOURCES} - {"site_records", "origin_records"}))
def test_no_state_and_no_clock_is_taken_for_a_change(source: str) -> None:
    found = _look(source)
    assert found, "the account has nothing for this source: VALUES has to say what it looks for"
    suspects = [
        f"{kind} {path}"
        for kind, fields in ((key.split(" ", 1)[0], fields) for key, fields in found.items())
        for path in _paths(lasting(fields, CONDITIONS.get(kind, ())))
        if any(PASSING.search(part) for part in re.split(r"[.\[\]]+", path))
        and not _is_meant(path, MEANT.get(kind, ()))
    ]
    assert suspects == []


def test_nothing_is_listed_that_nobody_reads() -> None:
    found: dict[str, list[Any]] = {}
    for source in {one.name for one in SOURCES}:
        for key, fields in _look(source).items():
            found.setdefault(key.split(" ", 1)[0], []).append(fields)
    meant = [(kind, end) for kind, ends in MEANT.items() for end in ends]
    reasons = [
        (kind, end)
        for kind, end in meant
        if not any(_is_meant(path, [end]) for fields in found[kind] for path in _paths(fields))
    ]
    conditions = [
        (kind, path)
        for kind, paths in CONDITIONS.items()
        for path in paths
        if all(lasting(fields, [path]) == fields for fields in found[kind])
    ]
    assert reasons + conditions == []


def _database(**members: Any) -> dict[str, Any]:
    grown = {"EngineVersion": "17.4", "AutoMinorVersionUpgrade": True, "AllocatedStorage": 20}
    grown |= {"MaxAllocatedStorage": 100, "MultiAZ": True, "AvailabilityZone": "a", "SecondaryAvailabilityZone": "b"}
    return {f"DBInstance.{name}": value for name, value in {**grown, **members}.items()}


def _cache(**members: Any) -> dict[str, Any]:
    return {f"CacheCluster.{name}": value for name, value in members.items()}


def _group(smallest: int, *actions: Mapping[str, Any]) -> dict[str, Any]:
    sizes = {"AutoScalingGroup.MinSize": smallest, "AutoScalingGroup.MaxSize": 2 * smallest}
    return {**sizes, "ScheduledActionsType.ScheduledUpdateGroupActions": [*actions]}


_NIGHT = {"ScheduledActionName": "night", "MinSize": 1}
_SUBSCRIPTION = "EventSubscription.Status"


@pytest.mark.parametrize(
    ("source", "before", "after", "told"),
    [
        # Minor versions come by themselves, where that is wanted.
        ("database", _database(), _database(EngineVersion="17.6"), []),
        ("database", _database(), _database(EngineVersion="18.1"), ["EngineVersion"]),
        (
            "database",
            _database(AutoMinorVersionUpgrade=False),
            _database(AutoMinorVersionUpgrade=False, EngineVersion="17.6"),
            ["EngineVersion"],
        ),
        # Storage grows by itself up to its limit, and without one not at all.
        ("database", _database(), _database(AllocatedStorage=99), []),
        ("database", _database(), _database(AllocatedStorage=101), ["AllocatedStorage"]),
        ("database", _database(), _database(MaxAllocatedStorage=900), ["MaxAllocatedStorage"]),
        (
            "database",
            _database(MaxAllocatedStorage=0),
            _database(MaxAllocatedStorage=0, AllocatedStorage=99),
            ["AllocatedStorage"],
        ),
        # A failover.
        ("database", _database(), _database(AvailabilityZone="b", SecondaryAvailabilityZone="a"), []),
        ("database", _database(), _database(MultiAZ=False), ["MultiAZ"]),
        # A modification on its way.
        (
            "database",
            _database(VpcSecurityGroups=[{"VpcSecurityGroupId": "sg-1", "Status": "active"}]),
            _database(VpcSecurityGroups=[{"VpcSecurityGroupId": "sg-1", "Status": "adding"}]),
            [],
        ),
        (
            "database",
            _database(VpcSecurityGroups=[{"VpcSecurityGroupId": "sg-1", "Status": "active"}]),
            _database(VpcSecurityGroups=[{"VpcSecurityGroupId": "sg-2", "Status": "active"}]),
            ["VpcSecurityGroups[].VpcSecurityGroupId"],
        ),
        ("cache", _cache(AutoMinorVersionUpgrade=True, EngineVersion="8.1.0"),
         _cache(AutoMinorVersionUpgrade=True, EngineVersion="8.2.1"), []),
        ("cache", _cache(AutoMinorVersionUpgrade=True, EngineVersion="8.1.0"),
         _cache(AutoMinorVersionUpgrade=True, EngineVersion="9.0.0"), ["EngineVersion"]),
        ("cache", {}, {"CacheParameterGroupStatus.ParameterApplyStatus": "pending-reboot"}, []),
        ("cache", {}, {"CacheParameterGroupStatus.CacheParameterGroupName": "mine"},
         ["CacheParameterGroup.CacheParameterGroupName"]),
        # The yearly rotation of a key; the launch of an image.
        ("keys", {}, {"KeyMetadata.CurrentKeyMaterialId": "2"}, []),
        ("images", {}, {"Image.LastLaunchedTime": "2026-11-22T12:00:00Z"}, []),
        ("images", {}, {"Image.State": "disabled"}, ["State"]),
        # Money was spent.
        ("budgets", {}, {"Notification.NotificationState": "ALARM", "HealthStatus.Status": "UNHEALTHY"}, []),
        # What an action sets is the action's, and no other size.
        ("groups", _group(2, _NIGHT), _group(1, _NIGHT), ["MaxSize"]),
        ("groups", _group(2, {**_NIGHT, "MaxSize": 2}), _group(1, {**_NIGHT, "MaxSize": 2}), []),
        ("groups", _group(2), _group(1), ["MaxSize", "MinSize"]),
        # A subscription that becomes active, and one that somebody has silenced.
        ("event_subscriptions", {_SUBSCRIPTION: "creating"}, {_SUBSCRIPTION: "active"}, []),
        ("event_subscriptions", {_SUBSCRIPTION: "active"}, {_SUBSCRIPTION: "no-permission"}, ["Silenced"]),
        ("event_subscriptions", {_SUBSCRIPTION: "active"}, {_SUBSCRIPTION: "topic-not-exist"}, ["Silenced"]),
    ],
)  # fmt: skip
def test_what_aws_moves_is_no_drift_and_what_a_hand_moves_is(
    source: str, before: Mapping[str, Any], after: Mapping[str, Any], told: list[str]
) -> None:
    assert _told(_look(source, before), _look(source, after)) == told


def test_the_order_of_a_list_is_not_that_of_its_states() -> None:
    def rules(*states: str) -> Resources:
        items = [{"VpcSecurityGroupId": f"sg-{number}", "Status": state} for number, state in enumerate(states)]
        return {"AWS::RDS::DBInstance d": comparable({"VpcSecurityGroups": items})}

    assert _told(rules("active", "active"), rules("removing", "active")) == []


def test_storage_that_became_faster_with_its_size_is_told_once() -> None:
    before, after = ({"AWS::RDS::DBInstance d": {"Iops": iops}} for iops in (3000, 12000))
    seen = [one.as_dict() for one in drift({"database": before}, {"database": after})]
    assert [one["field"] for one in seen] == ["Iops"]
    assert as_meant(before, after, seen) == (after, [])


def test_the_proof_that_a_stack_is_destroyed_looks_wherever_the_survey_does() -> None:
    """Where it does not, it believes the lists of tags, which go on to name what was deleted."""
    account = Everything()
    for source in SOURCES:
        list(source.read(account))
    account.close()
    assert sorted(account.asked - {one.service for one in listings()}) == []
