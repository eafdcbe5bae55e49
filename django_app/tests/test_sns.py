"""Messages of SNS: signed ones are heard, all others are not. The signatures are real, made with a key of our own."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from django.tasks import default_task_backend
from django.test import override_settings
from django.utils import timezone

from inbound import sns
from inbound.models import Alarm, AlarmRoute, InboundMessage
from inbound.sns import NotGenuine, pinned_url
from inbound.tasks import confirm_subscription
from outbound.http import Fetched, Unreachable
from status.models import Component, Incident
from tests.conftest import SiteClient
from tests.factories import ComponentFactory

pytestmark = pytest.mark.django_db

TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"
CERTIFICATE = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0a1b2c3d.pem"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(days: int = 10) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
        .sign(KEY, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What was fetched; every address answers with the certificate."""
    asked: list[str] = []

    def fetch(url: str, **options: Any) -> Fetched:
        asked.append(url)
        return Fetched(url, 200, {}, certificate(), 0.1)

    monkeypatch.setattr(sns, "fetch", fetch)
    return asked  # type: ignore[return-value]


def signed(
    *, version: str = "1", key: rsa.RSAPrivateKey = KEY, age: timedelta = timedelta(), **changes: Any
) -> dict[str, Any]:
    """A message as SNS makes it; the string to sign is written down here once more, from AWS's page."""
    message: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": f"id-{timezone.now().timestamp()}",
        "TopicArn": TOPIC,
        "Message": "hello",
        "Timestamp": (timezone.now() - age).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE,
        "UnsubscribeURL": "https://sns.eu-central-1.amazonaws.com/?Action=Unsubscribe",
    } | changes
    if message["Type"] == "Notification":
        names = [
            "Message",
            "MessageId",
            *(["Subject"] if "Subject" in message else []),
            "Timestamp",
            "TopicArn",
            "Type",
        ]
    else:
        names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{message[name]}\n" for name in names)
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303 - version 1 is SHA-1
    message["Signature"] = base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), algorithm)).decode()
    return message


def post(message: Any, content_type: str = "text/plain; charset=UTF-8") -> Any:
    return SiteClient().generic(
        "POST",
        "/api/inbound/sns/",
        message if isinstance(message, bytes) else json.dumps(message).encode(),
        content_type=content_type,
        headers={"x-amz-sns-message-type": "Notification"},
    )


def alarm(state: str, *, at: str = "2026-03-01T12:00:00.000+0000", name: str = "CPU", **changes: Any) -> dict[str, Any]:
    content = {
        "AlarmName": name,
        "AlarmArn": f"arn:aws:cloudwatch:eu-central-1:123456789012:alarm:{name}",
        "NewStateValue": state,
        "NewStateReason": "Threshold Crossed",
        "StateChangeTime": at,
    }
    return signed(Message=json.dumps(content), Subject=f'{state}: "{name}"', **changes)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", [{}, {"Subject": "hello"}])
def test_a_genuine_message_is_accepted_once(version: str, subject: dict[str, Any]) -> None:
    message = signed(version=version, **subject)

    assert post(message).json() == {"accepted": True}
    assert post(message).json() == {"accepted": False}
    assert InboundMessage.objects.count() == 1


def test_the_certificate_is_fetched_once(asked: list[str]) -> None:
    post(signed(MessageId="a"))
    post(signed(MessageId="b"))

    assert asked == [CERTIFICATE]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Message": "other"}, "signature is wrong"),
        ({"MessageId": "other"}, "signature is wrong"),
        ({"Subject": "added"}, "signature is wrong"),
        ({"SignatureVersion": "2"}, "signature is wrong"),
        ({"SignatureVersion": "3"}, "version of the signature"),
        ({"SignatureVersion": None}, "version of the signature"),
        ({"Signature": "?"}, "not readable"),
        ({"Signature": ""}, "signature is wrong"),
        ({"Type": "Other"}, "type of the message"),
        ({"Type": ["Notification"]}, "type of the message"),
        ({"TopicArn": "arn:aws:sns:eu-central-1:210987654321:alarms"}, "not one of ours"),
        ({"Message": None}, "not complete"),
        ({"Message": 7}, "not complete"),
        ({"Timestamp": "now"}, "not of now"),
        ({"Timestamp": "2026-01-01T00:00:00"}, "not of now"),
        ({"Timestamp": "9" * 1000}, "not of now"),
    ],
)
def test_a_changed_message_is_not_heard(change: dict[str, Any], words: str) -> None:
    response = post(signed() | change)

    assert response.status_code == 403
    assert response.headers["Content-Type"] == "application/problem+json"
    assert words in response.json()["detail"]
    assert not InboundMessage.objects.exists()


def test_somebody_elses_signature_is_wrong() -> None:
    assert post(signed(key=OTHER_KEY)).status_code == 403


@pytest.mark.parametrize("age", [timedelta(minutes=16), timedelta(minutes=-16)])
def test_an_old_message_is_not_heard_again(age: timedelta) -> None:
    assert "not of now" in post(signed(age=age)).json()["detail"]


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.eu-central-1.amazonaws.com.evil.example/SimpleNotificationService-0a.pem",
        "https://evil.example/sns.eu-central-1.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.eu-central-1.amazonaws.com@evil.example/SimpleNotificationService-0a.pem",
        "https://evil@sns.eu-central-1.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.eu-central-1.amazonaws.com:444/SimpleNotificationService-0a.pem",
        "https://bucket.s3.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.eu-central-1.amazonaws.com/?Action=x&y=.pem",
        "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0a.pem?x",
        "https://sns.eu-central-1.amazonaws.com/x/../SimpleNotificationService-0a.pem",
        "https://[sns/",
        "",
    ],
)
def test_a_certificate_comes_from_sns_alone(url: str, asked: list[str]) -> None:
    assert post(signed(SigningCertURL=url)).status_code == 403
    assert asked == []


def test_every_region_has_its_address() -> None:
    china = "arn:aws-cn:sns:cn-north-1:123456789012:alarms"
    url = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0a.pem"
    assert pinned_url(url, topic=china, certificate=True) == url
    with pytest.raises(NotGenuine):
        pinned_url(url.removesuffix(".cn"), topic=TOPIC, certificate=True)


def test_an_expired_certificate_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sns, "fetch", lambda url, **_: Fetched(url, 200, {}, certificate(days=-1), 0.1))
    assert "expired" in post(signed()).json()["detail"]


@pytest.mark.parametrize("answer", ["away", "404", "html"])
def test_without_the_certificate_sns_is_asked_to_try_again(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    def fetch(url: str, **options: Any) -> Fetched:
        if answer == "away":
            raise Unreachable("No answer.")
        return Fetched(url, 404 if answer == "404" else 200, {}, b"<html>", 0.1)

    monkeypatch.setattr(sns, "fetch", fetch)
    assert post(signed()).status_code == 503


def test_without_a_topic_nothing_is_expected() -> None:
    with override_settings(SNS_TOPIC_ARNS=()):
        assert post(signed()).status_code == 404


@override_settings(SNS_ENDPOINT="http://127.0.0.1:4566")
def test_the_endpoint_of_the_operator_is_a_way_and_no_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    ways: list[tuple[str, str]] = []

    def fetch(url: str, *, via: str, **options: Any) -> Fetched:
        ways.append((url, via))
        return Fetched(url, 200, {}, certificate(), 0.1)

    monkeypatch.setattr(sns, "fetch", fetch)
    assert post(signed()).status_code == 200
    assert post(signed(SigningCertURL="http://127.0.0.1:4566/SimpleNotificationService-0a.pem")).status_code == 403
    assert ways == [(CERTIFICATE, "http://127.0.0.1:4566")]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"null", b"\xff", b"[" * 50_000, b"x" * 300_000])
def test_what_is_no_message_is_refused(body: bytes) -> None:
    assert post(body).status_code in (400, 403, 413)


def test_an_alarm_opens_and_closes_an_incident() -> None:
    component = ComponentFactory.create(name="API")
    AlarmRoute.objects.create(alarm_name="CPU", component=component, severity="critical")

    assert post(alarm("ALARM")).status_code == 200
    incident = Incident.objects.get()
    assert (incident.title, incident.severity) == ("API: CPU", "critical")
    assert Component.objects.get().state == "degraded"

    post(alarm("INSUFFICIENT_DATA", at="2026-03-01T12:01:00.000+0000"))
    assert Incident.objects.get().resolved_at is None

    post(alarm("OK", at="2026-03-01T12:02:00.000+0000"))
    assert Incident.objects.get().state == "resolved"
    assert Component.objects.get().state == "operational"
    assert Alarm.objects.get().incident is None


def test_messages_out_of_order_and_copies_change_nothing() -> None:
    post(alarm("OK", at="2026-03-01T12:05:00.000+0000"))
    post(alarm("ALARM", at="2026-03-01T12:00:00.000+0000"))
    assert not Incident.objects.exists()

    post(alarm("ALARM", at="2026-03-01T12:06:00.000+0000", MessageId="x"))
    post(alarm("ALARM", at="2026-03-01T12:06:00.000+0000", MessageId="y"))
    assert Incident.objects.count() == 1


@pytest.mark.parametrize(
    "content",
    [
        "hello",
        "[]",
        "{}",
        '{"AlarmName": 1}',
        '{"AlarmName":"x","AlarmArn":"y","NewStateValue":"ALARM","StateChangeTime":"z"}',
    ],
)
def test_other_messages_of_the_topic_are_left_alone(content: str) -> None:
    assert post(signed(Message=content)).json() == {"accepted": True}
    assert not Incident.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_subscription_is_confirmed_at_sns_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    default_task_backend.clear()  # type: ignore[attr-defined]
    url = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=abc"
    asked: list[str] = []

    def fetch(url: str, **options: Any) -> Fetched:
        asked.append(url)
        return Fetched(url, 200, {}, certificate() if url == CERTIFICATE else b"", 0.1)

    monkeypatch.setattr(sns, "fetch", fetch)
    post(signed(Type="SubscriptionConfirmation", SubscribeURL=url, Token="abc"))

    (queued,) = default_task_backend.results  # type: ignore[attr-defined]
    for _ in range(2):
        confirm_subscription.call(*queued.args)

    assert asked == [CERTIFICATE, url, url]
    with pytest.raises(NotGenuine):
        confirm_subscription.call("https://evil.example/", TOPIC)
