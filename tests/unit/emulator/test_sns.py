"""Corrections of SNS: who has to confirm, what is signed, and what alarms say."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from rehearsal.emulator.corrections import sns as correction
from rehearsal.emulator.corrections.sns import Carriage, Post
from rehearsal.emulator.server import Emulator

from .conftest import Clients
from .test_cloudwatch import ALARM

URL = "https://app.slipway.localhost:8443/api/inbound/sns/"


def make_carriage(carry: Any) -> Carriage:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return Carriage(key, certificate, carry)


@pytest.fixture
def posts() -> Iterator[list[Post]]:
    """What would be carried."""
    posts: list[Post] = []
    correction.attach(make_carriage(posts.append))
    yield posts
    correction.attach(None)


@pytest.fixture
def topic(client: Clients) -> Iterator[str]:
    arn: str = client("sns").create_topic(Name="alerts")["TopicArn"]
    yield arn
    client("sns").delete_topic(TopicArn=arn)


def follow(emulator: Emulator, url: str) -> tuple[int, bytes]:
    """Ask for a URL of SNS as whoever got it in a message, at the account's own address."""
    host, path = url.removeprefix("https://").split("/", 1)
    connection = HTTPConnection(emulator.endpoint.removeprefix("http://"), timeout=10)
    try:
        connection.request("GET", f"/{path}", headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def message(post: Post) -> dict[str, str]:
    found: dict[str, str] = json.loads(post.body)
    return found


def is_signed(emulator: Emulator, told: dict[str, str], names: list[str]) -> bool:
    """As https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html says; raises when it is not."""
    status, pem = follow(emulator, told["SigningCertURL"])
    assert status == 200
    key = x509.load_pem_x509_certificate(pem).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    text = "".join(f"{name}\n{told[name]}\n" for name in names)
    algorithm = {"1": hashes.SHA1(), "2": hashes.SHA256()}[told["SignatureVersion"]]  # noqa: S303 (version 1 is SHA-1)
    key.verify(base64.b64decode(told["Signature"]), text.encode(), padding.PKCS1v15(), algorithm)
    return True


def subscribe(client: Clients, emulator: Emulator, topic: str, posts: list[Post]) -> str:
    client("sns").subscribe(TopicArn=topic, Protocol="https", Endpoint=URL)
    assert follow(emulator, message(posts.pop())["SubscribeURL"])[0] == 200
    arn: str = client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"][0]["SubscriptionArn"]
    return arn


def test_an_endpoint_is_asked_before_it_is_told_anything(
    client: Clients, emulator: Emulator, topic: str, posts: list[Post]
) -> None:
    sns = client("sns")
    answer = sns.subscribe(TopicArn=topic, Protocol="https", Endpoint=URL)
    assert answer["SubscriptionArn"] == "pending confirmation"
    (listed,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (listed["SubscriptionArn"], listed["Endpoint"]) == ("PendingConfirmation", URL)
    sns.publish(TopicArn=topic, Message="nobody hears it")

    (post,) = posts
    asked = message(post)
    assert post.url == URL
    assert post.headers["x-amz-sns-message-type"] == asked["Type"] == "SubscriptionConfirmation"
    names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    assert is_signed(emulator, asked, names)
    assert asked["SubscribeURL"].startswith("https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&")

    wrong = asked["SubscribeURL"].replace(asked["Token"], "0" * 256)
    assert follow(emulator, wrong)[0] == 400
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsPending"] == "1"
    for _ in range(2):
        assert follow(emulator, asked["SubscribeURL"])[0] == 200
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsConfirmed"] == "1"
    # Who is confirmed is not asked again.
    assert sns.subscribe(TopicArn=topic, Protocol="https", Endpoint=URL)["SubscriptionArn"].startswith(topic)
    assert len(posts) == 1


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_message_is_signed(client: Clients, emulator: Emulator, topic: str, posts: list[Post], version: str) -> None:
    sns = client("sns")
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue=version)
    arn = subscribe(client, emulator, topic, posts)
    message_id = sns.publish(TopicArn=topic, Message="hello", Subject="a subject")["MessageId"]
    (post,) = posts
    told = message(post)
    assert (told["Message"], told["MessageId"], told["SignatureVersion"]) == ("hello", message_id, version)
    assert post.headers["x-amz-sns-subscription-arn"] == arn
    assert is_signed(emulator, told, ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"])


def test_who_leaves_is_told_so_and_hears_no_more(
    client: Clients, emulator: Emulator, topic: str, posts: list[Post]
) -> None:
    arn = subscribe(client, emulator, topic, posts)
    client("sns").unsubscribe(SubscriptionArn=arn)
    client("sns").publish(TopicArn=topic, Message="too late")
    (post,) = posts
    told = message(post)
    assert told["Type"] == "UnsubscribeConfirmation"
    names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    assert is_signed(emulator, told, names)


def test_what_waits_cannot_be_ended(client: Clients, topic: str) -> None:
    sns = client("sns")
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="duty@example.com")
    with pytest.raises(ClientError, match="InvalidParameter"):
        sns.unsubscribe(SubscriptionArn="PendingConfirmation")
    assert len(sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]) == 1


@pytest.mark.parametrize("path", ["/SimpleNotificationService-0.pem", f"/SimpleNotificationService-{'0' * 32}.pem"])
@pytest.mark.usefixtures("posts")
def test_there_is_no_other_certificate(emulator: Emulator, path: str) -> None:
    assert follow(emulator, f"https://sns.eu-west-1.amazonaws.com{path}")[0] >= 400


def test_nobody_without_a_signature_may_do_more(emulator: Emulator, topic: str) -> None:
    url = f"https://sns.eu-west-1.amazonaws.com/?Action=DeleteTopic&TopicArn={topic}&Version=2010-03-31"
    assert follow(emulator, url)[0] == 403


@pytest.fixture
def alarm(client: Clients, topic: str) -> Iterator[str]:
    cloudwatch = client("cloudwatch")
    cloudwatch.put_metric_alarm(**{**ALARM, "AlarmName": "slow"}, AlarmActions=[topic], OKActions=[topic])
    yield "slow"
    cloudwatch.delete_alarms(AlarmNames=["slow"])


def allow(client: Clients, topic: str, account: str = "123456789012") -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    client("sns").set_topic_attributes(
        TopicArn=topic,
        AttributeName="Policy",
        AttributeValue=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


def test_an_alarm_tells_of_each_change_of_its_state(
    client: Clients, emulator: Emulator, topic: str, alarm: str, posts: list[Post]
) -> None:
    allow(client, topic)
    subscribe(client, emulator, topic, posts)
    cloudwatch = client("cloudwatch")
    for state in ("ALARM", "ALARM", "INSUFFICIENT_DATA", "OK"):
        cloudwatch.set_alarm_state(AlarmName=alarm, StateValue=state, StateReason=f"it is {state}")
    contents = [json.loads(message(post)["Message"]) for post in posts]
    # INSUFFICIENT_DATA has no action, and the second ALARM is no change.
    assert [(one["OldStateValue"], one["NewStateValue"]) for one in contents] == [
        ("INSUFFICIENT_DATA", "ALARM"),
        ("INSUFFICIENT_DATA", "OK"),
    ]
    assert message(posts[0])["Subject"] == 'ALARM: "slow" in Europe (Ireland)'
    assert contents[0]["NewStateReason"] == "it is ALARM"
    assert contents[0]["Trigger"]["MetricName"] == "Errors"
    assert contents[0]["AlarmArn"].endswith(":alarm:slow")
    assert datetime.strptime(contents[0]["StateChangeTime"], "%Y-%m-%dT%H:%M:%S.%f%z").tzinfo is not None


def test_an_alarm_without_the_permission_says_nothing(
    client: Clients, emulator: Emulator, topic: str, alarm: str, posts: list[Post]
) -> None:
    allow(client, topic, account="210987654321")
    subscribe(client, emulator, topic, posts)
    client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="test")
    assert posts == []


@pytest.mark.parametrize("allowed", [True, False])
def test_a_topic_with_a_key_wants_a_key_that_lets_cloudwatch_use_it(
    client: Clients, emulator: Emulator, topic: str, alarm: str, posts: list[Post], allowed: bool
) -> None:
    allow(client, topic)
    own: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    service = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
    }
    policy = {"Version": "2012-10-17", "Statement": [own, service] if allowed else [own]}
    key = client("kms").create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"]
    client("sns").set_topic_attributes(TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue=key)
    subscribe(client, emulator, topic, posts)
    client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="test")
    assert len(posts) == int(allowed)


def test_an_address_whose_name_a_zone_of_the_account_does_not_hold_is_refused(client: Clients, topic: str) -> None:
    route53 = client("route53")
    zone = route53.create_hosted_zone(Name="slipway.localhost", CallerReference="1")["HostedZone"]["Id"]
    record = {"Name": "app.slipway.localhost", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    with pytest.raises(ClientError, match="Unreachable Endpoint"):
        client("sns").subscribe(TopicArn=topic, Protocol="https", Endpoint=URL)
    # Of names that lie elsewhere nobody here knows.
    client("sns").subscribe(TopicArn=topic, Protocol="https", Endpoint="https://example.com/in")
    for action in ("CREATE", "DELETE"):
        change = {"Action": action, "ResourceRecordSet": record}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
        if action == "CREATE":
            client("sns").subscribe(TopicArn=topic, Protocol="https", Endpoint=URL)
    route53.delete_hosted_zone(Id=zone)
    listed = client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert sorted(one["Endpoint"] for one in listed) == [URL, "https://example.com/in"]
