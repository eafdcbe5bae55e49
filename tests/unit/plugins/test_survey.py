"""What makes two pictures of an account comparable, and what a difference between them is called."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import botocore
import pytest
import yaml
from ansible_collections.slipway.aws.plugins.module_utils.survey import (
    Account,
    Found,
    Resources,
    Source,
    Stack,
    SurveyError,
    as_meant,
    comparable,
    drift,
    take,
)
from ansible_collections.slipway.aws.plugins.module_utils.survey_sources import (
    SECRETS,
    SOURCES,
    grants_to_others,
    secrets,
    serves,
    subscriptions,
    unlike,
    unlike_their_template,
)
from ansible_collections.slipway.aws.plugins.modules.stack_survey import Record
from botocore.stub import Stubber

PROJECT = Path(__file__).parents[3]
STACK = Stack("slipway-staging", "123456789012", "eu-west-1", zone="example.com")


@pytest.mark.parametrize(
    "name", ["slipway-staging", "slipway-staging-web", "slipway-staging/site", "slipway-staging_x"]
)
def test_a_name_that_goes_on_after_a_separator_is_ours(name: str) -> None:
    assert STACK.owns(name)
    assert STACK.owns(f"alias/{name}", "alias/")


@pytest.mark.parametrize("name", ["slipway-staging2", "slipway", "other-slipway-staging", "", "alias/slipway-staging"])
def test_another_environment_is_not_ours(name: str) -> None:
    assert not STACK.owns(name)


def test_what_moves_by_itself_is_left_out() -> None:
    now = datetime.now(UTC)
    assert comparable({"Name": "x", "CreatedAt": now, "ETag": "1", "Empty": None, "Times": [now]}) == {
        "Name": "x",
        "Times": [],
    }


def test_the_order_of_a_set_says_nothing() -> None:
    one = {"Groups": ["b", "a"], "Rules": [{"Port": 2}, {"Port": 1}]}
    assert comparable(one) == comparable({"Rules": [{"Port": 1}, {"Port": 2}], "Groups": ["a", "b"]})


def test_the_order_of_cache_behaviors_does() -> None:
    def config(*paths: str) -> dict[str, Any]:
        return {"CacheBehaviors": {"Quantity": len(paths), "Items": [{"PathPattern": path} for path in paths]}}

    before, after = comparable(config("/a", "/b")), comparable(config("/b", "/a"))
    assert before != after
    (difference,) = drift({"edge": {"X d": before}}, {"edge": {"X d": after}})
    assert difference.field == "CacheBehaviors.Items"


def test_tags_and_policies_are_opened() -> None:
    fields = comparable(
        {"Tags": [{"Key": "A", "Value": "1"}], "Policy": '{"Statement": [{"Sid": "S", "Effect": "Deny"}]}'}
    )
    assert fields == {"Policy": {"Statement": {"S": {"Effect": "Deny", "Sid": "S"}}}, "Tags": {"A": "1"}}


def test_what_only_looks_like_json_stays_a_text() -> None:
    assert comparable({"Pattern": "{$.level = ERROR}", "Ten": "10"}) == {"Pattern": "{$.level = ERROR}", "Ten": "10"}


def test_names_that_are_there_twice_name_nothing() -> None:
    twice = [{"Name": "a", "Value": 1}, {"Name": "a", "Value": 2}]
    assert comparable({"Dimensions": twice})["Dimensions"] == twice


def test_a_difference_says_where_it_is() -> None:
    before = {"X one": comparable({"Tags": [{"Key": "Name", "Value": "net"}], "Rules": [{"Port": 1, "Cidr": "a"}]})}
    after = {
        "X one": comparable({"Tags": [{"Key": "Name", "Value": "m"}], "Rules": [{"Port": 1, "Cidr": "b"}]}),
        "X two": {},
    }
    found = [(one.resource, one.kind, one.field, one.recorded, one.live) for one in drift({"l": before}, {"l": after})]
    assert found == [
        ("X one (net)", "changed", "Rules[].Cidr", "a", "b"),
        ("X one (net)", "changed", "Tags.Name", "net", "m"),
        ("X two", "unexpected", "", None, None),
    ]
    assert [one.kind for one in drift({"l": after}, {"l": before}) if not one.field] == ["missing"]


def test_a_state_that_passes_is_no_drift_but_no_standstill_either() -> None:
    key = "AWS::RDS::DBInstance slipway-staging"
    before, after = {key: {"DBInstanceStatus": "available"}}, {key: {"DBInstanceStatus": "backing-up"}}
    assert before != after
    assert drift({"database": before}, {"database": after}) == []


def test_the_same_word_elsewhere_is_configuration() -> None:
    key = "AWS::S3::Bucket b"
    before, after = {key: {"Versioning": {"Status": "Enabled"}}}, {key: {"Versioning": {"Status": "Suspended"}}}
    assert [one.field for one in drift({"storage": before}, {"storage": after})] == ["Versioning.Status"]


def test_a_layer_that_only_one_picture_has_is_not_compared() -> None:
    assert drift({"gone": {"X": {}}}, {"new": {"Y": {}}}) == []


def test_what_a_converge_leaves_as_a_hand_has_made_it_stays_recorded_as_it_was() -> None:
    recorded = {"X acl": {"Entries": 1}, "X role": {"Policy": 1}, "X log": {}, "X moved": {"At": 1}}
    touched = {"X acl": {"Entries": 2}, "X role": {"Policy": 2}, "X alien": {}, "X moved": {"At": 1}}
    seen = [one.as_dict() for one in drift({"network": recorded}, {"network": touched})]
    # The role is put back, the log is made anew under another id, and something follows from another layer.
    live = {"X acl": {"Entries": 2}, "X role": {"Policy": 1}, "X alien": {}, "X log2": {}, "X moved": {"At": 2}}
    meant, left = as_meant(recorded, live, seen)
    assert meant == {"X acl": {"Entries": 1}, "X role": {"Policy": 1}, "X log2": {}, "X moved": {"At": 2}}
    assert [(one.resource, one.kind) for one in left] == [("X acl", "changed"), ("X alien", "unexpected")]
    # A hand that went on after the run had looked has done something else.
    assert as_meant(recorded, {**live, "X acl": {"Entries": 3}}, seen)[0]["X acl"] == {"Entries": 3}


def test_a_secret_that_was_rotated_is_told_once_and_taken_over_by_the_next_run() -> None:
    secret = "AWS::SecretsManager::Secret slipway-staging/django"
    recorded = {secret: {"CurrentVersion": "1", "ResourcePolicy": None}}
    rotated = {secret: {"CurrentVersion": "2", "ResourcePolicy": None}}
    seen = drift({"secrets": recorded}, {"secrets": rotated})
    assert [(one.resource, one.field) for one in seen] == [(secret, "CurrentVersion")]
    assert as_meant(recorded, rotated, [one.as_dict() for one in seen]) == (rotated, [])
    # Whoever may read it besides is another matter.
    shared = {secret: {"CurrentVersion": "2", "ResourcePolicy": "*"}}
    seen = drift({"secrets": recorded}, {"secrets": shared})
    meant, left = as_meant(recorded, shared, [one.as_dict() for one in seen])
    assert (meant, [one.field for one in left]) == (recorded, ["ResourcePolicy"])


def test_an_attribute_that_aws_has_invented_is_told_once_and_one_that_a_hand_has_set_stays_told() -> None:
    balancer, queue = "AWS::ElasticLoadBalancingV2::LoadBalancer b", "AWS::SQS::Queue q"
    recorded: Resources = {balancer: {"Attributes": {"a": "1"}}, queue: {"DelaySeconds": "0"}}
    live: Resources = {
        balancer: {"Attributes": {"a": "1", "new": "false"}},
        queue: {"DelaySeconds": "0", "Policy": "*"},
    }
    seen = [one.as_dict() for one in drift({"l": recorded}, {"l": live})]
    assert [one["field"] for one in seen] == ["Attributes.new", "Policy"]
    meant, left = as_meant(recorded, live, seen)
    assert meant == {balancer: live[balancer], queue: recorded[queue]}
    assert [one.field for one in left] == ["Policy"]
    # Another value of one that there was is a hand's.
    touched: Resources = {balancer: {"Attributes": {"a": "2"}}, queue: recorded[queue]}
    seen = [one.as_dict() for one in drift({"l": recorded}, {"l": touched})]
    assert [one.field for one in as_meant(recorded, touched, seen)[1]] == ["Attributes.a"]


LAYER: dict[str, Any] = {"inputs": "a", "results": {}, "resources": {}}


class Bucket:
    """As much of an account as holds the record."""

    def __init__(self) -> None:
        self.body = b""

    def ask(self, _service: str, operation: str, _item: str = "", *, Body: bytes = b"", **_rest: Any) -> Any:  # noqa: N803
        if operation == "get_object":
            return io.BytesIO(self.body)
        self.body = Body
        return None


def test_what_another_botocore_has_read_is_not_compared_with(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket: Any = Bucket()

    def record() -> Record:
        made = Record(bucket, "bucket", "key", "digest")
        made.read()
        return made

    record().write({"queue": LAYER})
    assert set(record().layers) == {"queue"}
    monkeypatch.setattr(botocore, "__version__", "2.0.0")
    assert record().layers == {}


@pytest.mark.parametrize("layers", [None, [], "queue", {"queue": None}, {"queue": {"resources": {}}}, {"queue": "all"}])
def test_a_record_that_somebody_has_broken_is_none(layers: object) -> None:
    bucket: Any = Bucket()
    made = Record(bucket, "bucket", "key", "digest")
    made.write({"queue": LAYER})
    content = {**json.loads(bucket.body), "layers": layers}
    for body in (json.dumps(content).encode(), bucket.body[:-9], b"", b"\xff"):
        bucket.body = body
        broken = Record(bucket, "bucket", "key", "digest")
        broken.read()
        assert (broken.at, broken.layers) == ("", {})


def _client(service: str, region: str) -> Any:
    untyped: Any = boto3
    return untyped.client(service, region_name=region, aws_access_key_id="a", aws_secret_access_key="b")


def test_what_cannot_be_read_makes_its_layer_unknown_and_no_other() -> None:
    def refused(_: Account) -> Iterator[Found]:
        raise SurveyError("sqs:list_queues: AccessDenied")
        yield

    def read(_: Account) -> Iterator[Found]:
        yield Found("X", "one", {"A": 1})

    account = Account(STACK, _client)
    picture = take(account, [Source("queue", refused), Source("queue", read), Source("budget", read)])
    account.close()
    assert picture.unread == {"queue": ["sqs:list_queues: AccessDenied"]}
    assert picture.layers["budget"] == {"X one": {"A": 1}}


def test_an_error_of_aws_names_the_call_and_a_missing_thing_is_nothing() -> None:
    client = _client("s3", "eu-west-1")
    account = Account(STACK, lambda *_: client)
    with Stubber(client) as stub:
        stub.add_client_error("get_bucket_policy", "NoSuchBucketPolicy")
        stub.add_client_error("get_bucket_policy", "AccessDenied")
        missing = ("NoSuchBucketPolicy",)
        assert account.ask("s3", "get_bucket_policy", "Policy", missing=missing, Bucket="bucket") is None
        with pytest.raises(SurveyError, match=r"s3:get_bucket_policy: .*AccessDenied"):
            account.ask("s3", "get_bucket_policy", "Policy", missing=missing, Bucket="bucket")
    account.close()


def test_all_pages_are_read() -> None:
    client = _client("wafv2", "eu-west-1")
    assert not client.can_paginate("list_web_acls")
    account = Account(STACK, lambda *_: client)
    with Stubber(client) as stub:
        first = {"WebACLs": [{"Name": "a"}], "NextMarker": "more"}
        stub.add_response("list_web_acls", first, {"Scope": "REGIONAL"})
        stub.add_response("list_web_acls", {"WebACLs": [{"Name": "b"}]}, {"Scope": "REGIONAL", "NextMarker": "more"})
        assert [one["Name"] for one in account.all("wafv2", "list_web_acls", "WebACLs", Scope="REGIONAL")] == ["a", "b"]
    account.close()


def test_who_else_may_use_a_key_is_told_and_not_what_services_take_for_themselves() -> None:
    client = _client("kms", "eu-west-1")
    account = Account(STACK, lambda *_: client)
    own, foreign = (f"arn:aws:iam::{account_id}:role/r" for account_id in ("123456789012", "999999999999"))
    grants = [
        {"GrantId": str(number), "GranteePrincipal": principal, "Operations": ["Decrypt"]}
        for number, principal in enumerate([own, "rds.eu-west-1.amazonaws.com", foreign])
    ]
    with Stubber(client) as stub:
        stub.add_response("list_grants", {"Grants": grants}, {"KeyId": "key"})
        assert grants_to_others(account, "eu-west-1", "key") == [grants[2]]
    account.close()


def test_a_secret_is_seen_before_the_list_names_it_and_not_after_its_deletion() -> None:
    client = _client("secretsmanager", "eu-west-1")
    account = Account(replace(STACK, name="s"), lambda *_: client)
    described = {
        "s/cache": None,
        "s/database": {"VersionIdsToStages": {"1" * 32: ["AWSPREVIOUS"], "2" * 32: ["AWSCURRENT"]}},
        "s/django": {"DeletedDate": datetime.now(UTC)},
        "s/mine": {"VersionIdsToStages": {"3" * 32: ["AWSCURRENT"]}},
    }
    account.each = lambda items, describe: [describe(item) for item in items]  # type: ignore[method-assign]
    with Stubber(client) as stub:
        # The list does not know the new ones yet, and still has the one that was deleted.
        listed = {"SecretList": [{"Name": "s/django"}, {"Name": "s/mine"}]}
        stub.add_response("list_secrets", listed, {"Filters": [{"Key": "name", "Values": ["s/"]}]})
        for name, answer in described.items():
            if answer is None:
                stub.add_client_error("describe_secret", "ResourceNotFoundException")
                continue
            stub.add_response("describe_secret", {"Name": name, **answer}, {"SecretId": name})
            if "DeletedDate" not in answer:
                stub.add_response("get_resource_policy", {}, {"SecretId": name})
        found = {one.name: comparable(one.fields) for one in secrets(account)}
    account.close()
    assert found == {
        "s/database": {"Name": "s/database", "CurrentVersion": "2" * 32},
        "s/mine": {"Name": "s/mine", "CurrentVersion": "3" * 32},
    }


def test_the_survey_knows_the_secrets_of_the_project() -> None:
    project = yaml.safe_load((PROJECT / "group_vars" / "all" / "project.yml").read_text())
    assert [f"{{{{ slipway_name }}}}/{name}" for name in SECRETS] == list(project["slipway_secret_names"].values())


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"RawMessageDelivery": "false", "FilterPolicyScope": "MessageAttributes"}, {}),
        ({"RawMessageDelivery": "true"}, {"RawMessageDelivery": "true"}),
        ({"FilterPolicy": '{"a": ["b"]}', "RawMessageDelivery": "false"}, {"FilterPolicy": {"a": ["b"]}}),
    ],
)
def test_a_filter_makes_a_subscription_another_one_and_its_confirmation_does_not(
    attributes: dict[str, str], told: dict[str, Any]
) -> None:
    client = _client("sns", "eu-west-1")
    account = Account(STACK, lambda *_: client)
    topic = "arn:aws:sns:eu-west-1:123456789012:alerts"
    pending = {"SubscriptionArn": "PendingConfirmation", "Endpoint": "a@example.com"}
    confirmed = {**pending, "SubscriptionArn": f"{topic}:0f1e"}
    with Stubber(client) as stub:
        for listed in (pending, confirmed):
            stub.add_response("list_subscriptions_by_topic", {"Subscriptions": [listed]}, {"TopicArn": topic})
        which = {"SubscriptionArn": confirmed["SubscriptionArn"]}
        stub.add_response("get_subscription_attributes", {"Attributes": attributes}, which)
        before, after = (comparable(subscriptions(account, "eu-west-1", topic)) for _ in range(2))
    account.close()
    assert after == {"a@example.com": {**before["a@example.com"], **told}}


def test_the_subscription_that_releases_make_is_no_part_of_the_layer() -> None:
    client = _client("sns", "eu-west-1")
    account = Account(replace(STACK, site_domain="app.example.com"), lambda *_: client)
    endpoints = ("https://app.example.com:8443/api/inbound/sns/", "https://evil.example.com/")
    listed = [{"SubscriptionArn": "PendingConfirmation", "Endpoint": one} for one in endpoints]
    with Stubber(client) as stub:
        stub.add_response("list_subscriptions_by_topic", {"Subscriptions": listed}, {"TopicArn": "arn:topic"})
        assert [one["Endpoint"] for one in subscriptions(account, "eu-west-1", "arn:topic")] == [endpoints[1]]
    account.close()


@pytest.mark.parametrize(
    ("aliases", "origins", "ours"),
    [
        (["app.example.com"], ["elsewhere.example.com"], True),
        ([], ["origin.app.example.com"], True),
        ([], ["front.s3.eu-west-1.amazonaws.com"], True),
        (["other.example.com"], ["other-front.s3.eu-west-1.amazonaws.com"], False),
    ],
)
def test_a_distribution_is_known_by_its_names_and_by_what_it_asks(
    aliases: list[str], origins: list[str], ours: bool
) -> None:
    stack = replace(STACK, site_domain="app.example.com", origin_domain="origin.app.example.com", site_bucket="front")
    distribution = {
        "Aliases": {"Quantity": len(aliases), **({"Items": aliases} if aliases else {})},
        "Origins": {"Items": [{"DomainName": name} for name in origins]},
    }
    assert serves(distribution, stack) == ours


def test_of_a_host_is_told_what_is_not_as_its_template_has_it() -> None:
    wanted = {"SecurityGroups": ["sg-1"], "MetadataOptions": {"HttpTokens": "required"}, "Tags": {"Role": "web"}}
    live = {
        "SecurityGroups": ["sg-1"],
        "MetadataOptions": {"HttpTokens": "required", "State": "applied"},
        "Tags": {"Role": "web", "Own": "1"},
    }
    assert unlike(wanted, live) == {}
    touched = {"SecurityGroups": ["sg-1", "sg-2"], "MetadataOptions": None, "Tags": {"Role": "builder"}}
    assert unlike(wanted, touched) == {
        "SecurityGroups": ["sg-1", "sg-2"],
        "MetadataOptions": {"HttpTokens": None},
        "Tags": {"Role": "builder"},
    }


def test_one_client_is_made_for_a_service_and_a_region() -> None:
    made: list[tuple[str, str]] = []

    def make(service: str, region: str) -> object:
        made.append((service, region))
        return object()

    account = Account(STACK, make)
    threads = [threading.Thread(target=account.client, args=("ec2",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert account.client("ec2") is not account.client("ec2", "us-east-1")
    account.close()
    assert made == [("ec2", "eu-west-1"), ("ec2", "us-east-1")]


def _waves() -> dict[str, list[str]]:
    """The roles of every layer, as playbooks/provision.yml runs them."""
    layers: dict[str, list[str]] = {}
    for play in yaml.safe_load((PROJECT / "playbooks" / "provision.yml").read_text()):
        for part in ("wave", "builds_on_it"):
            for layer, stages in play.get("vars", {}).get(part, {}).items():
                for stage in stages:
                    roles = layers.setdefault(layer, [])
                    roles += [stage["role"]] if stage["role"] not in roles else []
    return layers


def test_the_survey_knows_the_layers_of_the_playbook() -> None:
    known = yaml.safe_load((PROJECT / "group_vars" / "all" / "aws_survey.yml").read_text())["aws_survey_layers"]
    assert known == _waves()


def test_every_layer_is_read() -> None:
    assert set(_waves()) <= {source.layer for source in SOURCES}


def test_a_host_whose_template_is_gone_does_not_keep_the_layer_from_being_read() -> None:
    client = _client("ec2", "eu-west-1")
    account = Account(STACK, lambda *_: client)
    started = {"InstanceId": "i-1", "LaunchTemplate": {"LaunchTemplateId": "lt-gone", "Version": "3"}}
    running: dict[str, Any] = {"Reservations": [{"Instances": [{"InstanceId": "i-1", "SecurityGroups": []}]}]}
    with Stubber(client) as stub:
        stub.add_client_error("describe_launch_template_versions", "InvalidLaunchTemplateId.NotFound")
        stub.add_response("describe_instances", running)
        assert unlike_their_template(account, "stack-web", [started]) == {}
        stub.add_client_error("describe_launch_template_versions", "UnauthorizedOperation")
        with pytest.raises(SurveyError, match="UnauthorizedOperation"):
            unlike_their_template(account, "stack-web", [started])
    account.close()
