"""SNS: addresses that have to confirm, messages that are signed, and endpoints on the web that get them.

https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.prepare.html

Whoever gives the account bodies attaches a `Carriage`; without one a message to an endpoint on the web goes nowhere.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from moto.core.responses import ActionResult, EmptyResult
from moto.route53.models import route53_backends
from moto.sns.exceptions import SNSInvalidParameter, SNSNotFoundError
from moto.sns.models import SNSBackend, Subscription, Topic
from moto.sns.responses import SNSResponse

from .registry import correct

WEB: Final = ("http", "https")
#: Their owner has to say that he wants to hear.
#: https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
CONFIRMED_BY_HAND: Final = (*WEB, "email", "email-json")
#: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303 (as there)
_CERTIFICATE_PATH: Final = re.compile(r"/SimpleNotificationService-([0-9a-f]{32})\.pem")

_subscribe = SNSBackend.subscribe
_publish = Subscription.publish
_get_topic_attributes = SNSResponse.get_topic_attributes
_subscribe_response = SNSResponse.subscribe


@dataclass(frozen=True)
class Post:
    """One message on its way to an endpoint on the web."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Carriage:
    """What SNS signs with, and what takes its messages to where they belong; `carry` returns at once."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    carry: Callable[[Post], None]

    @property
    def path(self) -> str:
        """Where the certificate lies below SNS's own address."""
        return f"/SimpleNotificationService-{self.certificate.fingerprint(hashes.SHA256())[:16].hex()}.pem"


_carriage: Carriage | None = None


def attach(carriage: Carriage | None) -> None:
    """From now on messages are signed and carried so, or not at all."""
    global _carriage
    _carriage = carriage


def certificate(path: str) -> bytes | None:
    """What SNS answers at an address of one of its certificates; None when it is no such address."""
    if not _CERTIFICATE_PATH.fullmatch(path) or _carriage is None or path != _carriage.path:
        return None
    return _carriage.certificate.public_bytes(serialization.Encoding.PEM)


def _address(topic: Topic) -> str:
    return f"https://sns.{topic.sns_backend.region_name}.amazonaws.com"


def _is_pending(subscription: Subscription) -> bool:
    return subscription.attributes.get("PendingConfirmation") in (True, "true")


def _send(subscription: Subscription, message: dict[str, str]) -> None:
    """Sign and send, as https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html has it."""
    if _carriage is None:
        return
    topic = subscription.topic
    version = getattr(topic, "signature_version", None) or "1"
    message |= {
        "MessageId": message.get("MessageId") or str(uuid.uuid4()),
        "TopicArn": topic.arn,
        "Timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    # The names that are there, sorted by byte: which ones are signed depends on nothing else.
    text = "".join(f"{name}\n{message[name]}\n" for name in sorted(message))
    signature = _carriage.key.sign(text.encode(), padding.PKCS1v15(), _HASHES[version])
    message |= {
        "SignatureVersion": version,
        "Signature": base64.b64encode(signature).decode(),
        "SigningCertURL": _address(topic) + _carriage.path,
    }
    headers = {
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
        "x-amz-sns-message-type": message["Type"],
        "x-amz-sns-message-id": message["MessageId"],
        "x-amz-sns-topic-arn": topic.arn,
    }
    if message["Type"] == "Notification":
        query = urlencode({"Action": "Unsubscribe", "SubscriptionArn": subscription.arn})
        message["UnsubscribeURL"] = f"{_address(topic)}/?{query}"
        headers["x-amz-sns-subscription-arn"] = subscription.arn
    _carriage.carry(Post(subscription.endpoint, headers, json.dumps(message, indent=2).encode()))


def _ask(subscription: Subscription, kind: str, words: str) -> None:
    """Send a message with an address that confirms."""
    topic = subscription.topic
    token = secrets.token_hex(128)
    subscription.token = token  # type: ignore[attr-defined]
    if subscription.protocol in WEB:
        query = urlencode({"Action": "ConfirmSubscription", "TopicArn": topic.arn, "Token": token})
        url = f"{_address(topic)}/?{query}"
        _send(subscription, {"Type": kind, "Token": token, "Message": words, "SubscribeURL": url})


# -- subscribing ---------------------------------------------------------------------------------------------


def _is_unreachable(host: str, account_id: str) -> bool:
    """Whether a zone of the account says that there is no such name; of other names nobody here knows.

    https://repost.aws/knowledge-center/sns-topic-https-endpoints-notification
    """
    zones = [
        zone
        for zone in route53_backends[account_id]["aws"].zones.values()
        if not zone.private_zone and f".{host}.".endswith(f".{zone.name}")
    ]
    return bool(zones) and not any(
        record.name == f"{host}." and record.type in ("A", "AAAA", "CNAME") for zone in zones for record in zone.rrsets
    )


@correct(SNSBackend, "subscribe")
def subscribe(self: SNSBackend, topic_arn: str, endpoint: str, protocol: str) -> Subscription:
    """An address on the web or of a person is asked first, and once more each time it is subscribed before it answers.

    https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
    """
    if protocol in WEB and not endpoint.startswith(f"{protocol}://"):
        raise SNSInvalidParameter("Invalid parameter: Endpoint must match the specified protocol")
    if protocol in WEB and _is_unreachable(urlsplit(endpoint).hostname or "", self.account_id):
        raise SNSInvalidParameter("Invalid parameter: Unreachable Endpoint")
    known = self._find_subscription(topic_arn, endpoint, protocol)
    subscription = _subscribe(self, topic_arn, endpoint, protocol)
    if protocol in CONFIRMED_BY_HAND and (known is None or _is_pending(subscription)):
        subscription.attributes |= {"PendingConfirmation": True, "ConfirmationWasAuthenticated": False}
        _ask(
            subscription,
            "SubscriptionConfirmation",
            f"You have chosen to subscribe to the topic {topic_arn}.\n"
            "To confirm the subscription, visit the SubscribeURL included in this message.",
        )
    return subscription


@correct(SNSResponse, "subscribe")
def subscribe_response(self: SNSResponse) -> Any:
    """Before the answer the ARN is not told, unless the request asks for it.

    https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
    """
    answer: Any = _subscribe_response(self)
    arn = answer.result["SubscriptionArn"]
    asked = str(self._get_param("ReturnSubscriptionArn", "false")).lower() == "true"
    if _is_pending(self.backend.subscriptions[arn]) and not asked:
        return ActionResult({"SubscriptionArn": "pending confirmation"})
    return answer


@correct(SNSResponse, "confirm_subscription")
def confirm_subscription(self: SNSResponse) -> Any:
    """Whoever has the token may; who comes twice hears the same.

    https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html
    """
    arn, token = self._get_param("TopicArn"), self._get_param("Token")
    if arn not in self.backend.topics:
        raise SNSNotFoundError("Topic does not exist")
    for subscription in self.backend.subscriptions.values():
        own = getattr(subscription, "token", None)
        if subscription.topic.arn == arn and own and secrets.compare_digest(own, str(token)):
            subscription.attributes["PendingConfirmation"] = False
            return ActionResult({"SubscriptionArn": subscription.arn})
    raise SNSInvalidParameter("Invalid token")


def _listed(subscription: Subscription) -> dict[str, str]:
    return {
        "SubscriptionArn": "PendingConfirmation" if _is_pending(subscription) else subscription.arn,
        "Owner": subscription.owner,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "TopicArn": subscription.topic.arn,
    }


@correct(SNSResponse, "list_subscriptions")
def list_subscriptions(self: SNSResponse) -> Any:
    """One that waits has no ARN to tell: https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptions.html"""
    found, token = self.backend.list_subscriptions(next_token=self._get_param("NextToken"))
    return ActionResult({"Subscriptions": [_listed(one) for one in found], "NextToken": token})


@correct(SNSResponse, "list_subscriptions_by_topic")
def list_subscriptions_by_topic(self: SNSResponse) -> Any:
    """As above: https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html"""
    found, token = self.backend.list_subscriptions_by_topic(
        self._get_param("TopicArn"), next_token=self._get_param("NextToken")
    )
    return ActionResult({"Subscriptions": [_listed(one) for one in found], "NextToken": token})


@correct(SNSResponse, "get_topic_attributes")
def get_topic_attributes(self: SNSResponse) -> Any:
    """How many wait and how many hear: https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html"""
    answer: Any = _get_topic_attributes(self)
    attributes = answer.result["Attributes"]
    own = [one for one in self.backend.subscriptions.values() if one.topic.arn == attributes["TopicArn"]]
    waiting = sum(1 for one in own if _is_pending(one))
    attributes |= {"SubscriptionsPending": waiting, "SubscriptionsConfirmed": len(own) - waiting}
    return answer


@correct(SNSResponse, "unsubscribe")
def unsubscribe(self: SNSResponse) -> Any:
    """What waits cannot be ended, and an endpoint on the web is told of its end.

    https://docs.aws.amazon.com/sns/latest/api/API_Unsubscribe.html
    """
    arn = str(self._get_param("SubscriptionArn"))
    if arn.count(":") != 6:
        raise SNSInvalidParameter("Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements")
    subscription = self.backend.subscriptions.get(arn)
    self.backend.unsubscribe(arn)
    if subscription is not None and subscription.protocol in WEB and not _is_pending(subscription):
        _ask(
            subscription,
            "UnsubscribeConfirmation",
            f"You have chosen to deactivate subscription {arn}.\n"
            "To cancel this operation and restore the subscription, visit the SubscribeURL included in this message.",
        )
    return EmptyResult()


# -- messages ------------------------------------------------------------------------------------------------


@correct(Subscription, "publish")
def publish(self: Subscription, message: str, message_id: str, subject: str | None = None, **rest: Any) -> None:
    """Nothing before the confirmation; then signed, and later: the publisher does not wait for the endpoint.

    https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html
    """
    if _is_pending(self):
        return
    if self.protocol not in WEB:
        _publish(self, message, message_id, subject=subject, **rest)
        return
    matcher = self._filter_policy_matcher
    if matcher is not None and not matcher.matches(rest.get("message_attributes"), message):
        return
    if rest.get("message_structure") == "json":
        message = self._parse_message_structure(message, self.protocol)
    content = {"Type": "Notification", "MessageId": message_id, "Message": message}
    _send(self, {**content, **({"Subject": subject} if subject else {})})
