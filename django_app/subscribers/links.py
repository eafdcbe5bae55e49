"""Signed links for people who have no account: nothing is stored for them, and none can be guessed."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.core.signing import BadSignature, Signer, TimestampSigner
from django.urls import reverse
from django.utils.crypto import salted_hmac

CONFIRM_WITHIN: Final = timedelta(days=7)
_CONFIRM: Final = "subscribers.confirm"
_UNSUBSCRIBE: Final = "subscribers.unsubscribe"
_WEBHOOK: Final = "subscribers.webhook"


def confirm_link(*, subscriber_id: int) -> str:
    return _link("subscription-confirm", TimestampSigner(salt=_CONFIRM).sign(str(subscriber_id)))


def unsubscribe_link(*, subscriber_id: int) -> str:
    """Good for ever: an old message too has to let its reader go."""
    return _link("subscription-unsubscribe", Signer(salt=_UNSUBSCRIBE).sign(str(subscriber_id)))


def confirm_page(*, subscriber_id: int) -> str:
    """The page of the front end for a person; ``confirm_link`` is for programs, and for whoever has no front end."""
    return _on_the_page(confirm_link(subscriber_id=subscriber_id), "/subscriptions/confirm")


def unsubscribe_page(*, subscriber_id: int) -> str:
    return _on_the_page(unsubscribe_link(subscriber_id=subscriber_id), "/subscriptions/unsubscribe")


def read_confirm_token(token: str) -> int | None:
    """The subscriber of a confirmation link, or None when it is not ours or too old."""
    try:
        return int(TimestampSigner(salt=_CONFIRM).unsign(token, max_age=CONFIRM_WITHIN))
    except (BadSignature, ValueError):
        return None


def read_unsubscribe_token(token: str) -> int | None:
    try:
        return int(Signer(salt=_UNSUBSCRIBE).unsign(token))
    except (BadSignature, ValueError):
        return None


def webhook_secret(*, subscriber_id: int) -> str:
    """What a webhook's owner checks signatures with, in the form of https://www.standardwebhooks.com."""
    return f"whsec_{base64.b64encode(webhook_key(subscriber_id=subscriber_id)).decode()}"


def webhook_key(*, subscriber_id: int) -> bytes:
    return salted_hmac(_WEBHOOK, str(subscriber_id), algorithm="sha256").digest()


def page_url(path: str) -> str:
    return f"{settings.SITE_URL}{path}"


def _on_the_page(link: str, path: str) -> str:
    return page_url(f"{path}?{urlsplit(link).query}")


def _link(name: str, token: str) -> str:
    # In the query, which the request log leaves out.
    return page_url(f"{reverse(name)}?{urlencode({'token': token})}")
