"""What is live in an environment's account, as plain data, and how two such pictures differ.

A picture is ``{layer: {"Type name": fields}}``: the type is CloudFormation's name for the resource, the name is the one
that people gave it (else AWS's id), the fields are what AWS answers, made comparable by :func:`comparable`. Two
questions are asked of it. *Is the layer as the last run left it?* wants every field. *What did somebody change?*
(:func:`drift`) leaves out what AWS itself moves, such as a state that passes.

The calls are in ``survey_sources``; this file knows nothing of single resources.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

Fields = dict[str, Any]
#: ``{"AWS::EC2::VPC slipway-staging": fields}``
Resources = dict[str, Fields]

#: Calls of one source side by side. AWS's tightest bucket for reads is ElastiCache's and RDS's, and each of them is
#: asked by one source.
SOURCES_AT_ONCE = 12
DETAILS_AT_ONCE = 16

#: Members that change although nobody changes the resource: counters, tokens, what is running at the moment.
RESTLESS = frozenset(
    {
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateNumberOfMessagesNotVisible",
        "AvailableIpAddressCount",
        "CalculatedSpend",
        "CallerReference",
        "CreatedTimestamp",
        # Of a key that is rotated once a year.
        "CurrentKeyMaterialId",
        "ETag",
        # Of a budget.
        "HealthStatus",
        "InProgressInvalidationBatches",
        "InUseBy",
        # Of an image; a text, a day after each instance that was started of it.
        "LastLaunchedTime",
        "LastModifiedTimestamp",
        "LastStatus",
        "LatestRestorableTime",
        "LockToken",
        # Whether a budget's threshold is passed.
        "NotificationState",
        "NumberOfRecoveryPoints",
        "ResourceRecordSetCount",
        "ResponseMetadata",
        "RoleLastUsed",
        # Of a backup plan, which gets new ones with every change.
        "RuleId",
        "Serial",
        # "PendingConfirmation" until somebody follows the link.
        "SubscriptionArn",
        "StateReason",
        "StateReasonData",
        "StateTransitionedTimestamp",
        "StateUpdatedTimestamp",
        "SubscriptionsConfirmed",
        "SubscriptionsDeleted",
        "SubscriptionsPending",
        "VersionIdsToStages",
        "storedBytes",
    }
)
#: Members that say how a resource is rather than how it was meant, by type: a layer whose database is being modified is
#: not done, but nobody changed it by hand. Dotted paths; ``*`` stands for every item of a list. AWS's page of the type
#: says what each means: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html and its like.
CONDITIONS: Mapping[str, frozenset[str]] = {
    "AWS::AutoScaling::AutoScalingGroup": frozenset({"Status", "WarmPool.Status", "WarmPoolConfiguration.Status"}),
    "AWS::Backup::BackupVault": frozenset({"VaultState"}),
    # At a renewal ACM decides anew what else is written into it.
    "AWS::CertificateManager::Certificate": frozenset(
        {
            "DomainValidationOptions.*.ValidationStatus",
            "ExtendedKeyUsages",
            "KeyUsages",
            "RenewalEligibility",
            "RenewalSummary",
            "Status",
            "UpdateSummary",
        }
    ),
    "AWS::CloudFront::Distribution": frozenset({"Status"}),
    "AWS::CloudWatch::Alarm": frozenset({"EvaluationState", "StateValue"}),
    "AWS::CloudWatch::CompositeAlarm": frozenset({"ActionsSuppressedBy", "ActionsSuppressedReason", "StateValue"}),
    "AWS::EC2::EgressOnlyInternetGateway": frozenset({"Attachments.*.State"}),
    "AWS::EC2::FlowLog": frozenset({"DeliverLogsErrorMessage", "DeliverLogsStatus", "FlowLogStatus"}),
    "AWS::EC2::InternetGateway": frozenset({"Attachments.*.State"}),
    "AWS::EC2::LaunchTemplate": frozenset({"Data.*.MetadataOptions.State"}),
    "AWS::EC2::NatGateway": frozenset(
        {
            "AttachedAppliances.*.AttachmentState",
            "AttachedAppliances.*.ModificationState",
            "NatGatewayAddresses.*.Status",
            "ProvisionedBandwidth",
            "State",
        }
    ),
    "AWS::EC2::RouteTable": frozenset({"Associations.*.AssociationState"}),
    "AWS::EC2::Subnet": frozenset({"Ipv6CidrBlockAssociationSet.*.Ipv6CidrBlockState", "State"}),
    "AWS::EC2::VPC": frozenset(
        {
            "CidrBlockAssociationSet.*.CidrBlockState",
            "EncryptionControl.State",
            "Ipv6CidrBlockAssociationSet.*.Ipv6CidrBlockState",
            "State",
        }
    ),
    "AWS::EC2::VPCEndpoint": frozenset({"LastError", "State"}),
    "AWS::ElastiCache::CacheCluster": frozenset(
        {
            "CacheClusterStatus",
            "CacheNodes",
            "CacheParameterGroup.CacheNodeIdsToReboot",
            "CacheParameterGroup.ParameterApplyStatus",
            "CacheSecurityGroups.*.Status",
            "LogDeliveryConfigurations.*.Status",
            "PendingModifiedValues",
            "SecurityGroups.*.Status",
        }
    ),
    # A failover moves the roles of the nodes.
    "AWS::ElastiCache::ReplicationGroup": frozenset(
        {"LogDeliveryConfigurations.*.Status", "NodeGroups", "PendingModifiedValues", "Status"}
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": frozenset({"State"}),
    "AWS::Logs::Delivery": frozenset({"source.status"}),
    "AWS::RDS::DBInstance": frozenset(
        {
            "AdditionalStorageVolumes.*.StorageOperationPercentProgress",
            "AdditionalStorageVolumes.*.StorageOperationStatus",
            "AdditionalStorageVolumes.*.StorageVolumeStatus",
            "AssociatedRoles.*.Status",
            # A failover swaps the two zones.
            "AvailabilityZone",
            "DBInstanceStatus",
            "DBParameterGroups.*.ParameterApplyStatus",
            "DBSecurityGroups.*.Status",
            "DBSubnetGroup.SubnetGroupStatus",
            "DBSubnetGroup.Subnets.*.SubnetStatus",
            "DomainMemberships.*.Status",
            # RDS learns of better ones.
            "IsStorageConfigUpgradeAvailable",
            "MasterUserSecret.SecretStatus",
            "OptionGroupMemberships.*.Status",
            "PendingModifiedValues",
            "PercentProgress",
            "SecondaryAvailabilityZone",
            "StatusInfos",
            "StorageOperationPercentProgress",
            "StorageOperationStatus",
            "StorageVolumeStatus",
            "VpcSecurityGroups.*.Status",
        }
    ),
    "AWS::RDS::DBSubnetGroup": frozenset({"SubnetGroupStatus", "Subnets.*.SubnetStatus"}),
    # The source tells of those that are somebody's doing.
    "AWS::RDS::EventSubscription": frozenset({"Status"}),
    "AWS::SecretsManager::Secret": frozenset(
        {
            "CrossAccountPrimary.ReplicationStatus",
            "CrossAccountPrimary.StatusMessage",
            "CrossAccountReplicas.*.ReplicationStatus",
            "CrossAccountReplicas.*.StatusMessage",
            "ReplicationStatus.*.Status",
            "ReplicationStatus.*.StatusMessage",
        }
    ),
}
#: Members that a layer leaves as it finds them because they are in use, by type. A rotated secret is drift until the
#: next run, which takes it over. So is the speed of a database's storage, which grows with its size.
TAKEN_OVER: Mapping[str, frozenset[str]] = {
    "AWS::RDS::DBInstance": frozenset({"Iops", "StorageThroughput"}),
    "AWS::SecretsManager::Secret": frozenset({"CurrentVersion"}),
}
#: Types of which AWS always tells all attributes that there are: one more is AWS's invention, and told once as well. Of
#: a queue or a topic it tells those that are set, and whoever sets one more has changed something.
COMPLETE = frozenset(f"AWS::ElasticLoadBalancingV2::{kind}" for kind in ("Listener", "LoadBalancer", "TargetGroup"))
#: Lists whose order has a meaning to AWS; every other list is a set to it.
ORDERED = frozenset({"CacheBehaviors", "Overrides", "ResourceRecords"})
#: By what one item of a list of structures is told from the others, tried in this order. A route has one of three.
NAMES: tuple[str | tuple[str, ...], ...] = (
    "Key",
    "Sid",
    "RuleName",
    "Id",
    "ID",
    "ParameterName",
    "MetricName",
    ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId"),
    "GroupId",
    "SubnetId",
    "SubnetIdentifier",
    "AllocationId",
    "RouteTableAssociationId",
    "LifecycleHookName",
    "PathPattern",
    "Name",
    "Endpoint",
)


class SurveyError(Exception):
    """A part of the account could not be read; the message says which and why."""


@dataclass(frozen=True)
class Stack:
    """By what an environment's resources are known: the beginning of their names, and where it may not be theirs."""

    name: str
    account_id: str
    region: str
    edge_region: str = "us-east-1"
    buckets: Sequence[str] = ()
    zone: str = ""
    #: What users ask for (CloudFront), and what CloudFront asks (the load balancer).
    site_domain: str = ""
    origin_domain: str = ""
    site_bucket: str = ""
    #: Parameters below these are written by releases, not by layers.
    moving_parameters: Sequence[str] = ()

    @property
    def regions(self) -> tuple[str, ...]:
        """The region of the stack, and the one where CloudFront looks for certificates, alarms and web ACLs."""
        return tuple(dict.fromkeys((self.region, self.edge_region)))

    @property
    def domains(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.site_domain, self.origin_domain)))

    def owns(self, name: object, prefix: str = "") -> bool:
        """Whether a name is the stack's: ``slipway-staging``, ``slipway-staging-web``, not ``slipway-staging2``."""
        whole = str(name)
        start = prefix + self.name
        return whole.startswith(start) and whole[len(start) : len(start) + 1] in ("", "-", "/", "_", ".", ":")


@dataclass(frozen=True)
class Found:
    """One live resource. ``type`` is CloudFormation's name of its type."""

    type: str
    name: str
    fields: Fields

    @property
    def key(self) -> str:
        return f"{self.type} {self.name}"


class Account:
    """The reads of one survey: clients made once, single questions asked side by side."""

    def __init__(self, stack: Stack, client: Callable[[str, str], Any]) -> None:
        """``client``: makes a boto3 client of a service and a region."""
        self.stack = stack
        self._make = client
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._details = ThreadPoolExecutor(DETAILS_AT_ONCE, thread_name_prefix="detail")

    def close(self) -> None:
        self._details.shutdown(cancel_futures=True)

    def client(self, service: str, region: str | None = None) -> Any:
        """boto3's clients may be shared by threads, its sessions may not make two of them at once."""
        key = (service, region or self.stack.region)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._make(*key)
            return self._clients[key]

    def ask(
        self,
        service: str,
        operation: str,
        item: str = "",
        *,
        region: str | None = None,
        missing: Collection[str] = (),
        **parameters: Any,
    ) -> Any:
        """One call; ``item`` is a dotted path into its answer, None stands for one of the error codes ``missing``.

        Raises SurveyError.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = getattr(self.client(service, region), operation)(**parameters)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in missing:
                return None
            raise SurveyError(f"{service}:{operation}: {error}") from error
        except BotoCoreError as error:
            raise SurveyError(f"{service}:{operation}: {error}") from error
        answer.pop("ResponseMetadata", None)
        return _at(answer, item)

    def all(
        self, service: str, operation: str, items: str, *, region: str | None = None, **parameters: Any
    ) -> list[Any]:
        """All items of a list, whatever the number of its pages.

        Raises SurveyError.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        client = self.client(service, region)
        try:
            if client.can_paginate(operation):
                pages = client.get_paginator(operation).paginate(**parameters)
                return [item for page in pages for item in _at(page, items) or []]
            return list(_marked_pages(getattr(client, operation), items, parameters))
        except (ClientError, BotoCoreError) as error:
            raise SurveyError(f"{service}:{operation}: {error}") from error

    def together(self, questions: Mapping[str, Callable[[], Any]]) -> Fields:
        """The answers to several questions, asked side by side, without those that are empty."""
        asked: dict[str, Future[Any]] = {name: self._details.submit(question) for name, question in questions.items()}
        answers = {name: future.result() for name, future in asked.items()}
        return {name: answer for name, answer in answers.items() if answer not in (None, [], {}, "")}

    def each(self, items: Iterable[Any], describe: Callable[[Any], Any]) -> list[Any]:
        """``describe`` of every item, side by side, in their order. It must not call ``each`` or ``together``."""
        return list(self._details.map(describe, items))


def _at(answer: Any, path: str) -> Any:
    for name in path.split(".") if path else ():
        answer = answer.get(name) if isinstance(answer, dict) else None
    return answer


def _marked_pages(method: Callable[..., Any], items: str, parameters: Fields) -> Iterator[Any]:
    """Lists that botocore cannot page through: CloudFront's and WAFv2's."""
    marker: Fields = {}
    while True:
        page = method(**parameters, **marker)
        yield from _at(page, items) or []
        inner = _at(page, items.split(".", 1)[0])
        following = page.get("NextMarker") or (inner.get("NextMarker") if isinstance(inner, dict) else None)
        if not following:
            return
        marker = {"NextMarker" if "NextMarker" in page else "Marker": following}


@dataclass(frozen=True)
class Source:
    """One kind of resource of one layer, and how it is read."""

    layer: str
    read: Callable[[Account], Iterable[Found]]

    @property
    def name(self) -> str:
        return str(getattr(self.read, "__name__", self.read))


@dataclass
class Picture:
    """What a survey saw. ``unread`` names, by layer, what could not be seen."""

    layers: dict[str, Resources] = field(default_factory=dict)
    unread: dict[str, list[str]] = field(default_factory=dict)


def take(account: Account, sources: Sequence[Source]) -> Picture:
    """Read everything, side by side. What cannot be read makes its layer unknown, not the survey fail."""

    def read_whole(source: Source) -> list[Found]:
        return list(source.read(account))

    picture = Picture({source.layer: {} for source in sources})
    with ThreadPoolExecutor(SOURCES_AT_ONCE, thread_name_prefix="source") as pool:
        reads = [(source, pool.submit(read_whole, source)) for source in sources]
        for source, read in reads:
            try:
                for found in read.result():
                    picture.layers[source.layer][found.key] = comparable(found.fields)
            except SurveyError as error:
                picture.unread.setdefault(source.layer, []).append(str(error))
    return picture


def comparable(value: Any, name: str = "") -> Any:
    """The same value for the same configuration.

    Without times and counters; policies in JSON texts opened; tags and other lists of named structures as dicts, so
    that a difference has a name; lists in one order where AWS means a set.
    """
    if isinstance(value, Mapping):
        members = {
            # The order of `{Quantity, Items}` is that of what holds it.
            str(key): comparable(member, name if key == "Items" else str(key))
            for key, member in value.items()
            if key not in RESTLESS and not isinstance(member, date) and member is not None
        }
        return dict(sorted(members.items()))
    if isinstance(value, (list, tuple)):
        return _comparable_list([item for item in value if not isinstance(item, date)], name)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return comparable(json.loads(value), name)
        except ValueError:
            return value
    return value


def _comparable_list(items: list[Any], name: str) -> Any:
    if items and all(isinstance(item, Mapping) for item in items):
        # {Key, Value} of tags and attributes, {key, value}, {TagKey, TagValue}, {ParameterName, ParameterValue}.
        for key, value in (("Key", "Value"), ("key", "value"), ("TagKey", "TagValue")):
            if all(key in item and value in item and len(item) <= 5 for item in items):
                return {
                    str(item[key]): comparable(item[value]) for item in sorted(items, key=lambda one: str(one[key]))
                }
        if name not in ORDERED:
            for keys in NAMES:
                names = [_name(item, keys) for item in items]
                if all(isinstance(one, (str, int)) and one != "" for one in names) and len(set(names)) == len(names):
                    named = sorted(zip(map(str, names), items, strict=True), key=lambda one: one[0])
                    return {one: comparable(item) for one, item in named}
    made = [comparable(item) for item in items]
    return made if name in ORDERED else sorted(made, key=_canonical)


def _name(item: Mapping[str, Any], keys: str | tuple[str, ...]) -> Any:
    """The first of the members that the item has."""
    return next((item[key] for key in ([keys] if isinstance(keys, str) else keys) if item.get(key) is not None), None)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


@dataclass(frozen=True)
class Difference:
    """One field, or a whole resource, that is not as it was recorded.

    ``kind``: changed, missing (recorded, no longer live) or unexpected (live, never recorded); ``field`` is a dotted
    path, empty for the whole resource.
    """

    layer: str
    resource: str
    kind: str
    field: str
    recorded: Any
    live: Any

    def as_dict(self) -> Fields:
        return asdict(self)


def drift(recorded: Mapping[str, Resources], live: Mapping[str, Resources]) -> list[Difference]:
    """What was changed since the record, field by field, for the layers that both have."""
    found: list[Difference] = []
    for layer in (name for name in recorded if name in live):
        before, after = recorded[layer], live[layer]
        for resource in sorted({*before, *after}):
            label = _label(resource, before[resource] if resource in before else after[resource])
            if resource not in after:
                found.append(Difference(layer, label, "missing", "", None, None))
            elif resource not in before:
                found.append(Difference(layer, label, "unexpected", "", None, None))
            else:
                passing = CONDITIONS.get(resource.split(" ", 1)[0], frozenset())
                old, new = (lasting(fields[resource], passing) for fields in (before, after))
                found += [Difference(layer, label, "changed", *difference) for difference in _differences(old, new, "")]
    return found


def lasting(value: Any, conditions: Iterable[str]) -> Any:
    """The same without the members at these paths; see :data:`CONDITIONS`."""
    within: dict[str, list[str]] = {}
    for path in conditions:
        head, _, rest = path.partition(".")
        within.setdefault(head, []).append(rest)
    if isinstance(value, Mapping):
        return {
            name: lasting(member, [*within.get(name, []), *within.get("*", [])])
            for name, member in value.items()
            if "" not in within.get(name, [])
        }
    if isinstance(value, list) and "*" in within:
        # A state may have had a say in their order.
        return sorted((lasting(item, within["*"]) for item in value), key=_canonical)
    return value


def as_meant(recorded: Resources, live: Resources, seen: Collection[Fields]) -> tuple[Resources, list[Difference]]:
    """What a layer is after a converge with the inputs of the record, and what a hand has changed that it left so.

    ``seen``: the drift before the converge. What the layer does not look after is no less a change because a run went
    by: such a resource stays recorded as it was, so that its drift goes on to be told. What was missing may have been
    made again under another id.
    """
    meant, left = dict(live), list[Difference]()
    for resource in live:
        before = {"": {resource: recorded[resource]} if resource in recorded else {}}
        told = [
            difference
            for difference in drift(before, {"": {resource: live[resource]}})
            if not _is_taken_over(difference) and any(difference.as_dict() == one | {"layer": ""} for one in seen)
        ]
        if told and resource in recorded:
            meant[resource] = recorded[resource]
        elif told:
            del meant[resource]
        left += told
    return meant, left


def _is_taken_over(difference: Difference) -> bool:
    kind = difference.resource.split(" ", 1)[0]
    added = kind in COMPLETE and difference.recorded is None and difference.field.startswith("Attributes.")
    return added or difference.field in TAKEN_OVER.get(kind, ())


def _label(resource: str, fields: Fields) -> str:
    """The key of a resource, with its Name tag where the key is an id."""
    tags = fields.get("Tags")
    name = tags.get("Name") if isinstance(tags, Mapping) else None
    return f"{resource} ({name})" if name and str(name) not in resource else resource


def _differences(before: Any, after: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            yield from _differences(before.get(name), after.get(name), f"{path}.{name}" if path else name)
    elif isinstance(before, list) and isinstance(after, list):
        gone = [item for item in before if item not in after]
        new = [item for item in after if item not in before]
        if len(gone) == len(new) == 1 and isinstance(gone[0], Mapping) and isinstance(new[0], Mapping):
            yield from _differences(gone[0], new[0], f"{path}[]")
        elif gone or new:
            yield path, gone, new
        else:
            yield path, before, after
    else:
        yield path, before, after
