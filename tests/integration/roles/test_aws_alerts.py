"""Alerts: encrypted, and sent by this account's services alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from moto.sns.models import sns_backends

from rehearsal.certificates import CertificateAuthority
from rehearsal.emulator.corrections import sns as correction
from rehearsal.emulator.corrections.sns import Carriage, Post
from rehearsal.emulator.server import Emulator

from .conftest import ACCOUNT, REGION, TAGS, Clients, Converge, Values, tags_of

VARIABLES: Values = {
    "aws_alerts_name": "stack",
    "aws_alerts_account_id": ACCOUNT,
    "aws_alerts_region": REGION,
    "aws_alerts_key_arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555",
    "aws_alerts_edge_key_arn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/66666666-7777-8888-9999-000000000000",
    "aws_alerts_subscriptions": [{"protocol": "email", "endpoint": "duty@example.com"}],
    "aws_alerts_tags": TAGS,
}


def answer_mails(client: Clients) -> None:
    """Whoever got a mail with a token follows its link."""
    for region in (REGION, "us-east-1"):
        for one in sns_backends[ACCOUNT][region].subscriptions.values():
            client("sns", region).confirm_subscription(TopicArn=one.topic.arn, Token=vars(one)["token"])


def test_the_topics(converge: Converge, client: Clients) -> None:
    made = converge.through_its_life("aws_alerts", VARIABLES)
    for place, key in (("alerts", "aws_alerts_key_arn"), ("edge", "aws_alerts_edge_key_arn")):
        arn = made.result["topic_arns"][place]
        sns = client("sns", arn.split(":")[3])
        attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        assert attributes["KmsMasterKeyId"] == VARIABLES[key]
        allow, deny = json.loads(attributes["Policy"])["Statement"]
        assert allow["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
        assert allow["Principal"] == {
            "Service": [
                *("backup.amazonaws.com", "budgets.amazonaws.com", "cloudwatch.amazonaws.com"),
                "events.rds.amazonaws.com",
            ]
        }
        assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
        assert allow["Resource"] == deny["Resource"] == arn
        assert tags_of(sns.list_tags_for_resource(ResourceArn=arn)["Tags"]) == {**TAGS, "Name": "stack-alerts"}
        told = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
        assert [one["Endpoint"] for one in told] == ["duty@example.com"]

    # Nobody but their owner can end what waits for him, and nothing is said of it.
    assert not converge("aws_alerts", {**VARIABLES, "aws_alerts_subscriptions": []}).changed
    answer_mails(client)
    fewer = converge("aws_alerts", {**VARIABLES, "aws_alerts_subscriptions": []})
    assert fewer.changed
    assert client("sns").list_subscriptions()["Subscriptions"] == []


def test_a_topic_without_a_key_is_refused(converge: Converge, client: Clients) -> None:
    refused = converge("aws_alerts", {**VARIABLES, "aws_alerts_key_arn": ""})
    assert refused.failed
    assert "aws_keys makes such" in refused.messages
    assert client("sns").list_topics()["Topics"] == []


@pytest.fixture
def application(emulator: Emulator, tmp_path: Path) -> Iterator[list[Post]]:
    """What is sent to an application, which confirms at once."""
    issued = CertificateAuthority(tmp_path).issue_signer(name="sns")
    key = serialization.load_pem_private_key(issued.key_path.read_bytes(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    posts: list[Post] = []

    def carry(post: Post) -> None:
        posts.append(post)
        told = json.loads(post.body)
        if told["Type"] != "SubscriptionConfirmation":
            return
        host, path = told["SubscribeURL"].removeprefix("https://").split("/", 1)
        threading.Thread(target=follow, args=(emulator, host, path)).start()

    correction.attach(Carriage(key, x509.load_pem_x509_certificate(issued.cert_path.read_bytes()), carry))
    yield posts
    correction.attach(None)


def follow(emulator: Emulator, host: str, path: str) -> None:
    connection = HTTPConnection(emulator.endpoint.removeprefix("http://"), timeout=10)
    connection.request("GET", f"/{path}", headers={"Host": host})
    assert connection.getresponse().status == 200
    connection.close()


URL = "https://app.slipway.localhost:8443/api/inbound/sns/"
TOLD: Values = {**VARIABLES, "aws_alerts_subscriptions": [], "aws_alerts_application_url": URL}


@pytest.fixture
def name(client: Clients) -> Callable[[str], None]:
    """Writes the application's name into a zone of the account, or takes it out."""
    route53 = client("route53")
    zone = route53.create_hosted_zone(Name="slipway.localhost", CallerReference="1")["HostedZone"]["Id"]

    def change(action: str) -> None:
        record = {"Name": "app.slipway.localhost", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
        changes = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=changes)

    return change


def test_the_application_is_subscribed_when_it_is_there_and_not_before(
    converge: Converge,
    client: Clients,
    application: list[Post],
    name: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # SNS refuses an address that it does not reach: the topics are made before the site has a name.
    assert converge("aws_alerts", TOLD).changed
    assert not converge("aws_alerts", TOLD).changed
    assert application == []

    name("CREATE")
    foreseen = converge("aws_alerts", TOLD, check=True, stage="application")
    assert foreseen.changed
    assert application == []
    # The site answers, and its application does not yet.
    with monkeypatch.context() as deaf:
        deaf.setattr(correction, "_carriage", None)
        assert converge("aws_alerts", {**TOLD, "aws_alerts_confirm_timeout_seconds": 1}, stage="application").failed
    done = converge("aws_alerts", TOLD, stage="application")
    assert done.changed
    assert {post.url for post in application} == {URL}
    heard = len(application)
    for region in (REGION, "us-east-1"):
        (one,) = client("sns", region).list_subscriptions()["Subscriptions"]
        assert one["SubscriptionArn"].startswith("arn:aws:sns:")
    assert not converge("aws_alerts", TOLD, stage="application").changed
    assert not converge("aws_alerts", TOLD).changed
    assert len(application) == heard

    # Another domain: the old address is told no more.
    moved = converge("aws_alerts", {**TOLD, "aws_alerts_application_url": URL.replace("app", "www")})
    assert moved.changed
    assert client("sns").list_subscriptions()["Subscriptions"] == []


def test_a_name_that_has_just_been_written_is_tried_again(
    converge: Converge, application: list[Post], name: Callable[[str], None]
) -> None:
    assert converge("aws_alerts", TOLD).changed
    assert application == []
    threading.Timer(6, name, ["CREATE"]).start()
    done = converge("aws_alerts", TOLD, stage="application")
    assert not done.failed, done.messages
    assert {post.url for post in application} == {URL}


def test_an_application_that_does_not_confirm_is_told_of(converge: Converge, application: list[Post]) -> None:
    assert application == []
    assert converge("aws_alerts", TOLD).changed
    correction.attach(None)
    failed = converge("aws_alerts", {**TOLD, "aws_alerts_confirm_timeout_seconds": 1}, stage="application")
    assert failed.failed
    assert "it is still: 1 not confirmed" in failed.messages
