"""Replication groups as fields: comparing, ordering calls, refusing."""

from __future__ import annotations

import botocore.session
import pytest
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Change,
    Fields,
    Layout,
    RefusalError,
    differences,
)
from ansible_collections.slipway.aws.plugins.module_utils.elasticache_config import (
    Step,
    create_request,
    desired_fields,
    live_fields,
    modify_steps,
    refuse,
    version_satisfies,
)
from botocore.validate import ParamValidator

MODEL = botocore.session.get_session().get_service_model("elasticache")


def errors(operation: str, request: Fields) -> str:
    """What botocore would complain of; empty when AWS would take the request."""
    shape = MODEL.operation_model(operation).input_shape
    assert shape is not None
    return str(ParamValidator().validate(request, shape).generate_report())


TOKEN = "0123456789abcdef!&#$^<>-"

OPTIONS: Fields = {
    "replication_group_id": "cache",
    "description": "d",
    "engine": "valkey",
    "engine_version": "8.0",
    "node_type": "cache.t4g.small",
    "replicas": 1,
    "automatic_failover": True,
    "multi_az": True,
    "transit_encryption": True,
    "transit_encryption_mode": "required",
    "at_rest_encryption": True,
    "auth_token": TOKEN,
    "subnet_group": "subnets",
    "parameter_group": "parameters",
    "security_group_ids": ["sg-1"],
    "port": 6379,
    "snapshot_retention_limit": 1,
    "snapshot_window": "03:00-04:00",
    "maintenance_window": "Sun:04:00-Sun:05:00",
    "auto_minor_version_upgrade": True,
}
GROUP: Fields = {
    "ReplicationGroupId": "cache",
    "Description": "d",
    "Status": "available",
    "Engine": "valkey",
    "MemberClusters": ["cache-001", "cache-002"],
    "NodeGroups": [{"PrimaryEndpoint": {"Address": "master.cache", "Port": 6379}}],
    "AutomaticFailover": "enabled",
    "MultiAZ": "enabled",
    "SnapshotRetentionLimit": 1,
    "SnapshotWindow": "03:00-04:00",
    "CacheNodeType": "cache.t4g.small",
    "AuthTokenEnabled": True,
    "TransitEncryptionEnabled": True,
    "TransitEncryptionMode": "required",
    "AtRestEncryptionEnabled": True,
    "AutoMinorVersionUpgrade": True,
}
MEMBER: Fields = {
    "Engine": "valkey",
    "EngineVersion": "8.0.1",
    "CacheNodeType": "cache.t4g.small",
    "CacheSubnetGroupName": "subnets",
    "CacheParameterGroup": {"CacheParameterGroupName": "parameters", "ParameterApplyStatus": "in-sync"},
    "SecurityGroups": [{"SecurityGroupId": "sg-1", "Status": "active"}],
    "PreferredMaintenanceWindow": "sun:04:00-sun:05:00",
}


def live(pending: bool = True, member: Fields | None = None, **group: object) -> Fields:
    return live_fields({**GROUP, **group}, {**MEMBER, **(member or {})}, pending=pending)


def changes(options: Fields, have: Fields | None = None) -> list[Change]:
    have = have or live()
    return differences(have, desired_fields(options, have), Layout())


def steps(options: Fields, have: Fields | None = None, *, rotate: bool = False, now: bool = True) -> list[Step]:
    have = have or live()
    desired = desired_fields(options, have)
    return modify_steps(
        differences(have, desired, Layout()),
        desired,
        auth_token=options.get("auth_token"),
        auth_token_update_strategy="ROTATE",
        rotate=rotate,
        apply_immediately=now,
    )


def test_the_request_is_one_that_aws_takes() -> None:
    request = create_request("cache", desired_fields(OPTIONS, None), TOKEN)
    assert errors("CreateReplicationGroup", request) == ""
    assert request["NumCacheClusters"] == 2
    assert request["AuthToken"] == TOKEN
    assert request["TransitEncryptionEnabled"] is True
    assert "TransitEncryptionMode" not in request
    assert "ReplicasPerNodeGroup" not in request


def test_a_new_group_may_let_clients_without_tls_in_for_a_while() -> None:
    fields = desired_fields({**OPTIONS, "transit_encryption_mode": "preferred"}, None)
    refuse("cache", fields, None, [], TOKEN)
    assert create_request("cache", fields, TOKEN)["TransitEncryptionMode"] == "preferred"


def test_what_was_just_made_has_no_difference() -> None:
    assert changes(OPTIONS) == []


@pytest.mark.parametrize(
    ("have", "wanted", "satisfied"),
    [
        ("8.0.1", "8.0", True),
        ("8.0.1", "8", True),
        ("8.0.1", "8.0.1", True),
        ("8.1.0", "8.0", False),
        ("8.10.0", "8.1", False),
        ("7.2.6", "8.0", False),
        (None, "8.0", False),
    ],
)
def test_a_version_is_had_when_all_numbers_asked_for_are_there(have: str | None, wanted: str, satisfied: bool) -> None:
    assert version_satisfies(have, wanted) is satisfied


@pytest.mark.parametrize(
    ("have", "wanted", "satisfied"),
    [
        ("8.2.0", "8.1", True),
        ("8.10.0", "8.1", True),
        ("8.1.3", "8.1.1", True),
        ("8.1.0", "8.2", False),
        ("8.1.0", "8.1.1", False),
        ("9.0.0", "8.1", False),
        ("7.2.6", "8.0", False),
        (None, "8.0", False),
    ],
)
def test_a_minor_version_that_aws_has_raised_is_had(have: str | None, wanted: str, satisfied: bool) -> None:
    assert version_satisfies(have, wanted, raised=True) is satisfied


def test_a_minor_version_is_aws_s_to_raise_as_long_as_it_was_told_to() -> None:
    have = live(member={"EngineVersion": "8.2.0"})
    options = {**OPTIONS, "engine_version": "8.1"}
    assert changes(options, have) == []
    assert changes({**options, "auto_minor_version_upgrade": None}, have) == []
    options["auto_minor_version_upgrade"] = False
    desired = desired_fields(options, have)
    with pytest.raises(RefusalError, match=r"cannot go back to 8\.1: set engine_version to 8\.2\. "):
        refuse("cache", desired, have, differences(have, desired, Layout()), TOKEN)
    newer = live(member={"EngineVersion": "8.1.0"})
    assert [change.field for change in changes({**OPTIONS, "engine_version": "8.2"}, newer)] == ["engine_version"]


def test_snapshots_are_turned_on_with_the_member_that_makes_them() -> None:
    [step] = steps({**OPTIONS, "snapshot_retention_limit": 7}, live(SnapshotRetentionLimit=0))
    request = step.request_with(["cache-001", "cache-002"])
    assert request == {
        "SnapshotRetentionLimit": 7,
        "SnapshottingClusterId": "cache-002",
        "ApplyImmediately": True,
    }
    assert errors("ModifyReplicationGroup", {"ReplicationGroupId": "cache", **request}) == ""
    for limit in (0, 7):
        [step] = steps({**OPTIONS, "snapshot_retention_limit": limit})
        assert "SnapshottingClusterId" not in step.request_with(["cache-001", "cache-002"])


def test_what_waits_for_the_maintenance_window_was_asked_for() -> None:
    member = {"PendingModifiedValues": {"CacheNodeType": "cache.m7g.large", "EngineVersion": "8.1.0"}}
    options = {**OPTIONS, "node_type": "cache.m7g.large", "engine_version": "8.1"}
    assert changes(options, live(member=member)) == []
    asked_to_apply_now = changes(options, live(pending=False, member=member))
    assert [change.field for change in asked_to_apply_now] == ["engine_version", "node_type"]


def test_a_group_from_before_there_were_modes_requires_tls() -> None:
    assert changes(OPTIONS, live(TransitEncryptionMode=None)) == []


def test_the_token_is_never_among_the_fields() -> None:
    assert TOKEN not in repr(desired_fields(OPTIONS, None))
    assert TOKEN not in repr(changes(OPTIONS, live(AuthTokenEnabled=False)))


def test_ordinary_changes_go_in_one_call() -> None:
    options = {**OPTIONS, "node_type": "cache.m7g.large", "snapshot_window": "01:00-02:00"}
    assert steps(options, now=False) == [
        Step({"CacheNodeType": "cache.m7g.large", "SnapshotWindow": "01:00-02:00", "ApplyImmediately": False})
    ]


def test_a_change_of_engine_names_its_version_also_when_the_number_stays() -> None:
    have = live(member={"Engine": "redis", "EngineVersion": "7.2.6"})
    options = {**OPTIONS, "engine": "valkey", "engine_version": "7.2"}
    assert steps(options, have)[0].request == {"Engine": "valkey", "EngineVersion": "7.2", "ApplyImmediately": True}


def test_a_replica_comes_before_the_failover_that_needs_it() -> None:
    have = live(MemberClusters=["cache-001"], AutomaticFailover="disabled", MultiAZ="disabled")
    assert steps(OPTIONS, have) == [
        Step({}, replicas=1),
        Step({"MultiAZEnabled": True, "AutomaticFailoverEnabled": True, "ApplyImmediately": True}),
    ]


def test_a_replica_goes_after_the_failover_that_needed_it() -> None:
    options = {**OPTIONS, "replicas": 0, "automatic_failover": False, "multi_az": False}
    assert steps(options) == [
        Step({"MultiAZEnabled": False, "AutomaticFailoverEnabled": False, "ApplyImmediately": True}),
        Step({}, replicas=0),
    ]


def test_encryption_and_token_are_changed_by_themselves_and_at_once() -> None:
    have = live(TransitEncryptionMode="preferred", AuthTokenEnabled=False)
    found = steps({**OPTIONS, "description": "new"}, have, now=False)
    assert found == [
        Step({"ReplicationGroupDescription": "new", "ApplyImmediately": False}),
        Step({"TransitEncryptionEnabled": True, "TransitEncryptionMode": "required", "ApplyImmediately": True}),
        Step({"AuthToken": TOKEN, "AuthTokenUpdateStrategy": "ROTATE", "ApplyImmediately": True}),
    ]
    for step in found:
        assert errors("ModifyReplicationGroup", {"ReplicationGroupId": "cache", **step.request}) == ""


def test_a_token_is_set_again_only_when_told_to() -> None:
    assert steps(OPTIONS) == []
    assert [set(step.request) for step in steps(OPTIONS, rotate=True)] == [
        {"AuthToken", "AuthTokenUpdateStrategy", "ApplyImmediately"}
    ]


@pytest.mark.parametrize(
    ("changed", "group", "message"),
    [
        ({"at_rest_encryption": True}, {"AtRestEncryptionEnabled": False}, "Make a new group under another id"),
        ({"port": 6380}, {}, "port of cache is 6379 and cannot become 6380"),
        ({"subnet_group": "others"}, {}, "subnet_group of cache is subnets"),
        ({"engine": "redis", "engine_version": None}, {}, "cannot turn it into redis"),
        ({"engine_version": "7.2"}, {}, r"cannot go back to 7\.2: set engine_version to 8\.0\. "),
        ({}, {"TransitEncryptionEnabled": False, "TransitEncryptionMode": None}, "transit_encryption_mode: preferred"),
        ({"transit_encryption": False, "auth_token": None}, {}, "cannot become off in one step"),
        ({"replicas": 0}, {}, "needs a replica"),
        ({"automatic_failover": False}, {}, "multi_az needs automatic_failover"),
    ],
)
def test_what_elasticache_cannot_do_is_refused_with_the_way_round_it(
    changed: Fields, group: Fields, message: str
) -> None:
    options = {**OPTIONS, **changed}
    have = live(**group)
    desired = desired_fields(options, have)
    with pytest.raises(RefusalError, match=message):
        refuse("cache", desired, have, differences(have, desired, Layout()), options["auth_token"])


@pytest.mark.parametrize(
    ("name", "changed", "message"),
    [
        ("cache", {"auth_token": "short"}, "16 to 128"),
        ("cache", {"auth_token": "with/slash/and@sign"}, "16 to 128"),
        ("cache", {"transit_encryption": False}, "auth_token needs TLS"),
        ("cache", {"node_type": None}, "needs node_type"),
        ("9cache", {}, "cannot be the id"),
        ("ca--che", {}, "cannot be the id"),
        ("cache-", {}, "cannot be the id"),
        ("c" * 41, {}, "cannot be the id"),
        ("cache", {"at_rest_encryption": False, "kms_key_id": "k"}, "needs at_rest_encryption"),
    ],
)
def test_what_cannot_be_created_is_refused_without_showing_the_token(name: str, changed: Fields, message: str) -> None:
    options = {**OPTIONS, **changed}
    with pytest.raises(RefusalError, match=message) as refusal:
        refuse(name, desired_fields(options, None), None, [], options["auth_token"])
    assert str(options["auth_token"]) not in str(refusal.value)


@pytest.mark.parametrize("token", [TOKEN, "a" * 16, "a" * 128])
def test_every_token_that_elasticache_takes_is_let_through(token: str) -> None:
    refuse("cache", desired_fields({**OPTIONS, "auth_token": token}, None), None, [], token)
