"""Whether a message is really from SNS, from a topic of ours, and of now.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html. Every AWS account can have SNS sign
something: the signature alone says nothing without the topic.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.conf import settings
from django.utils.dateparse import parse_datetime

from config.cache import tolerant_get, tolerant_set
from config.environment import TOPIC_ARN
from outbound.http import Fetched, Refused, Unreachable, fetch

#: SNS gives up on an HTTP endpoint after an hour at most by default; its first attempts take seconds.
REPLAY_WINDOW: Final = timedelta(minutes=15)
CERTIFICATE_SECONDS: Final = 24 * 60 * 60
FETCH_TIMEOUT: Final = 5.0
_CERTIFICATE_PATH: Final = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]+\.pem")
_HASHES: Final = {"1": hashes.SHA1, "2": hashes.SHA256}
_SIGNED: Final = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


class NotGenuine(Exception):  # noqa: N818 - a finding
    """The message cannot be relied on; the text says why, without helping a forger."""


class CannotVerify(Exception):  # noqa: N818 - as above
    """The certificate cannot be read right now: SNS should try again."""


def verify(message: Mapping[str, Any], *, now: datetime) -> None:
    """Check topic, age, the address of the certificate and the signature, the cheap ones first.

    Raises:
        NotGenuine: one of them is wrong.
        CannotVerify: the certificate could not be fetched.
    """
    names = _SIGNED.get(str(message.get("Type")))
    if names is None:
        raise NotGenuine("The type of the message is not known.")
    present = {name: message[name] for name in names if message.get(name) is not None}
    missing = set(names) - {"Subject"} - set(present)
    if missing or not all(isinstance(value, str) for value in present.values()):
        raise NotGenuine("The message is not complete.")
    topic = present["TopicArn"]
    if topic not in settings.SNS_TOPIC_ARNS:
        raise NotGenuine("The topic is not one of ours.")
    moment = parse_datetime(present["Timestamp"]) if len(present["Timestamp"]) < 40 else None
    if moment is None or moment.tzinfo is None or abs(now - moment) > REPLAY_WINDOW:
        raise NotGenuine("The message is not of now.")
    algorithm = _HASHES.get(str(message.get("SignatureVersion")))
    if algorithm is None:
        raise NotGenuine("The version of the signature is not known.")
    try:
        signature = base64.b64decode(str(message.get("Signature", "")), validate=True)
    except (binascii.Error, ValueError):
        raise NotGenuine("The signature is not readable.") from None
    key = _public_key(pinned_url(str(message.get("SigningCertURL", "")), topic=topic, certificate=True), now=now)
    text = "".join(f"{name}\n{present[name]}\n" for name in names if name in present)
    try:
        key.verify(signature, text.encode(), padding.PKCS1v15(), algorithm())
    except InvalidSignature:
        raise NotGenuine("The signature is wrong.") from None


def pinned_url(url: str, *, topic: str, certificate: bool) -> str:
    """The URL, if it is one of SNS itself in the region of the topic.

    Raises:
        NotGenuine: it is another one.
    """
    match = TOPIC_ARN.fullmatch(topic)
    region = match["region"] if match else ""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise NotGenuine("An address in the message is not readable.") from None
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    genuine = parts.scheme == "https" and parts.netloc == f"sns.{region}.{suffix}"
    if certificate:
        genuine = genuine and bool(_CERTIFICATE_PATH.fullmatch(parts.path)) and not parts.query
    if not genuine:
        raise NotGenuine("An address in the message is not one of SNS.")
    return url


def fetch_of_sns(url: str) -> Fetched:
    """Ask for a pinned URL.

    Raises:
        Refused, Unreachable: as ``fetch``.
    """
    return fetch(url, timeout=FETCH_TIMEOUT, via=settings.SNS_ENDPOINT)


def _public_key(url: str, *, now: datetime) -> RSAPublicKey:
    key = f"sns-certificate:{hashlib.sha256(url.encode()).hexdigest()}"
    text = tolerant_get(key)
    if text is None:
        try:
            fetched = fetch_of_sns(url)
        except (Refused, Unreachable) as reason:
            raise CannotVerify(str(reason)) from reason
        if fetched.status != 200:
            raise CannotVerify(f"The certificate's address answered {fetched.status}.")
        text = fetched.body.decode("ascii", "replace")
    try:
        certificate = x509.load_pem_x509_certificate(text.encode())
    except ValueError as error:
        raise CannotVerify("The certificate is not readable.") from error
    public_key = certificate.public_key()
    if not isinstance(public_key, RSAPublicKey):
        raise NotGenuine("The certificate has not the kind of key that SNS uses.")
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise NotGenuine("The certificate has expired.")
    tolerant_set(key, text, timeout=CERTIFICATE_SECONDS)
    return public_key
