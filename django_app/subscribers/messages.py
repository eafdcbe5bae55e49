"""What is sent, as e-mail and to webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage

from outbound.http import Refused, Unreachable, fetch
from subscribers.links import (
    confirm_link,
    confirm_page,
    page_url,
    unsubscribe_link,
    unsubscribe_page,
    webhook_key,
    webhook_secret,
)
from subscribers.models import Channel, Delivery, Subscriber

WEBHOOK_TIMEOUT: Final = 10.0  # seconds


class NotDelivered(Exception):  # noqa: N818 - it may still be
    """A message was not taken; the text says why."""


class Gone(Exception):  # noqa: N818 - as above
    """A webhook says that it wants to hear no more (410)."""


def send_confirmation(subscriber: Subscriber) -> None:
    """Ask the owner of an address whether it is theirs.

    Raises:
        NotDelivered: the message was not taken.
    """
    link = confirm_link(subscriber_id=subscriber.pk)
    if subscriber.channel == Channel.WEBHOOK:
        _post(
            subscriber,
            message_id=f"confirm-{subscriber.pk}",
            content={
                "type": "subscription.confirm",
                "confirm_url": link,
                "unsubscribe_url": unsubscribe_link(subscriber_id=subscriber.pk),
                "secret": webhook_secret(subscriber_id=subscriber.pk),
            },
        )
        return
    _mail(
        subscriber,
        subject=f"Confirm your subscription to {_site_name()}",
        text=(
            f"Somebody, hopefully you, wants to be told at this address when something happens at {_site_name()}.\n\n"
            f"Confirm it within seven days:\n{confirm_page(subscriber_id=subscriber.pk)}\n\n"
            "If it was not you, do nothing: you will hear nothing more."
        ),
        message_id=f"confirm-{subscriber.pk}-{int(time.time())}",
    )


def send_delivery(delivery: Delivery) -> None:
    """Tell a subscriber. A message that is sent twice has the same id both times.

    Raises:
        NotDelivered: the message was not taken.
        Gone: the webhook's owner has had enough.
    """
    notification, subscriber = delivery.notification, delivery.subscriber
    url = page_url(notification.path)
    leave = unsubscribe_link(subscriber_id=subscriber.pk)
    message_id = f"notification-{notification.pk}-{subscriber.pk}"
    if subscriber.channel == Channel.WEBHOOK:
        _post(
            subscriber,
            message_id=message_id,
            content={
                "type": notification.kind,
                "timestamp": notification.created_at.isoformat(),
                "data": {
                    "subject": notification.subject,
                    "text": notification.text,
                    "url": url,
                    "components": notification.component_ids,
                },
                "unsubscribe_url": leave,
            },
        )
        return
    _mail(
        subscriber,
        subject=notification.subject,
        text=f"{notification.text}\n\n{url}\n\n-- \nTo hear no more: {unsubscribe_page(subscriber_id=subscriber.pk)}",
        message_id=message_id,
        headers={
            # https://www.rfc-editor.org/rfc/rfc8058#section-3.1
            "List-Unsubscribe": f"<{leave}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )


def _mail(
    subscriber: Subscriber, *, subject: str, text: str, message_id: str, headers: Mapping[str, str] | None = None
) -> None:
    message = EmailMessage(
        subject=subject,
        body=text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[subscriber.address],
        headers={
            "Message-ID": f"<{message_id}@{_site_name()}>",
            # https://www.rfc-editor.org/rfc/rfc3834#section-5: no holiday notice comes back.
            "Auto-Submitted": "auto-generated",
            **(headers or {}),
        },
    )
    try:
        message.send(using="default")
    except OSError as error:  # smtplib's exceptions are OSErrors too
        raise NotDelivered(f"The mail server did not take it: {type(error).__name__}.") from error


def _post(subscriber: Subscriber, *, message_id: str, content: Mapping[str, Any]) -> None:
    """https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""
    body = json.dumps(content, ensure_ascii=False).encode()
    moment = str(int(time.time()))
    signed = f"{message_id}.{moment}.".encode() + body
    signature = hmac.new(webhook_key(subscriber_id=subscriber.pk), signed, hashlib.sha256).digest()
    try:
        answer = fetch(
            subscriber.address,
            method="POST",
            body=body,
            timeout=WEBHOOK_TIMEOUT,
            headers={
                "Content-Type": "application/json",
                "webhook-id": message_id,
                "webhook-timestamp": moment,
                "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
            },
        )
    except (Refused, Unreachable) as reason:
        raise NotDelivered(str(reason)) from reason
    if answer.status == 410:
        raise Gone
    if not 200 <= answer.status < 300:
        raise NotDelivered(f"The webhook answered {answer.status}.")


def _site_name() -> str:
    return urlsplit(settings.SITE_URL).hostname or "localhost"
