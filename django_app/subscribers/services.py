"""Writes: subscribing and leaving, and what is to be told to whom."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.actors import Actor
from audit.services import audit_record
from config.problems import Conflict
from status.models import Component
from subscribers.links import CONFIRM_WITHIN
from subscribers.models import Channel, Delivery, DeliveryState, Notification, Subscriber

logger = logging.getLogger(__name__)

#: Somebody else's address cannot be flooded with requests to confirm.
CONFIRMATION_PAUSE: Final = timedelta(minutes=10)
NOTIFICATION_RETENTION: Final = timedelta(days=30)
MAXIMUM_ATTEMPTS: Final = 8
FIRST_RETRY: Final = timedelta(minutes=1)
#: For so long a delivery belongs to the worker that has begun it.
LEASE: Final = timedelta(minutes=5)
#: What was queued and not done by then is queued again.
FORGOTTEN_AFTER: Final = timedelta(minutes=1)
BATCH: Final = 500


def mail_is_configured() -> bool:
    return bool(settings.DEFAULT_FROM_EMAIL)


def subscription_request(*, channel: str, address: str, components: Collection[Component] = ()) -> None:
    """Note a wish and ask the address to confirm it. Says nothing of whether the address was known.

    Raises:
        Conflict: this installation sends no e-mail.
    """
    if channel == Channel.EMAIL:
        if not mail_is_configured():
            raise Conflict("This page does not send e-mail. A webhook can be used instead.")
        address = address.lower()
    with transaction.atomic():
        try:
            with transaction.atomic():
                subscriber, created = Subscriber.objects.get_or_create(channel=channel, address=address)
        except IntegrityError:
            # Somebody else was faster with the same wish.
            return
        if subscriber.confirmed_at is not None:
            return
        if created or subscriber.confirmation_sent_at is None:
            subscriber.components.set(components)
        subscriber_id = subscriber.pk
        from subscribers.tasks import send_confirmation

        transaction.on_commit(lambda: _queue(lambda: send_confirmation.enqueue(subscriber_id)))


def confirmation_claim(*, subscriber_id: int, now: datetime) -> Subscriber | None:
    """The subscriber, if it is time to ask for a confirmation; the next time is not before CONFIRMATION_PAUSE."""
    due = Q(confirmation_sent_at=None) | Q(confirmation_sent_at__lt=now - CONFIRMATION_PAUSE)
    taken = Subscriber.objects.filter(due, pk=subscriber_id, confirmed_at=None).update(confirmation_sent_at=now)
    return Subscriber.objects.get(pk=subscriber_id) if taken else None


def confirmation_give_back(*, subscriber_id: int) -> None:
    """The message could not be sent: the next attempt need not wait."""
    Subscriber.objects.filter(pk=subscriber_id).update(confirmation_sent_at=None)


def subscription_confirm(*, subscriber_id: int) -> bool:
    """Let an address hear from now on; answers whether there is such a one."""
    Subscriber.objects.filter(pk=subscriber_id, confirmed_at=None).update(confirmed_at=timezone.now())
    return Subscriber.objects.filter(pk=subscriber_id).exists()


def subscription_end(*, subscriber_id: int) -> None:
    """Forget an address, and everything that was to be sent to it."""
    Subscriber.objects.filter(pk=subscriber_id).delete()


@transaction.atomic
def subscriber_remove(*, subscriber: Subscriber, actor: Actor) -> None:
    """Staff forgets an address."""
    audit_record(actor=actor, action="subscriber.remove", target=subscriber)
    subscriber.delete()


def notification_create(
    *, kind: str, subject: str, text: str, path: str, components: Iterable[Component]
) -> Notification:
    """Write down what is to be told; belongs into the transaction of what has happened."""
    notification = Notification.objects.create(
        kind=kind,
        # A line end in a subject would be a header of the mail.
        subject=" ".join(subject.split())[:300],
        text=text,
        path=path,
        component_ids=sorted(component.pk for component in components),
    )
    notification_id = notification.pk

    def queue() -> None:
        from subscribers.tasks import fan_out

        fan_out.enqueue(notification_id)

    transaction.on_commit(lambda: _queue(queue))
    return notification


def notification_fan_out(*, notification_id: int, now: datetime) -> list[int]:
    """Make a delivery for everybody who wants to hear; answers the ids of those to send. The second time is empty."""
    with transaction.atomic():
        notification = Notification.objects.select_for_update().filter(pk=notification_id, fanned_out_at=None).first()
        if notification is None:
            return []
        wanted = Q(components=None)
        if notification.component_ids:
            wanted |= Q(components__in=notification.component_ids)
        subscribers = (
            Subscriber.objects.filter(wanted, confirmed_at__lte=notification.created_at)
            .order_by("pk")
            .distinct()
            .values_list("pk", flat=True)
        )
        rows = [Delivery(notification=notification, subscriber_id=pk, next_attempt_at=now) for pk in subscribers]
        Delivery.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
        notification.fanned_out_at = now
        notification.save(update_fields=["fanned_out_at"])
    return list(Delivery.objects.filter(notification=notification_id).order_by("pk").values_list("pk", flat=True))


def delivery_claim(*, delivery_id: int, now: datetime) -> Delivery | None:
    """The delivery, if it is to be sent now and nobody else is sending it."""
    taken = Delivery.objects.filter(pk=delivery_id, state=DeliveryState.PENDING, next_attempt_at__lte=now).update(
        attempts=F("attempts") + 1, next_attempt_at=now + LEASE
    )
    if not taken:
        return None
    return Delivery.objects.select_related("notification", "subscriber").get(pk=delivery_id)


def delivery_succeed(*, delivery: Delivery) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.SENT, sent_at=timezone.now(), detail="")


def delivery_fail(*, delivery: Delivery, reason: str, now: datetime) -> None:
    """Try again later, each time twice as late, or give up."""
    values: dict[str, object] = {"detail": reason[:200]}
    if delivery.attempts >= MAXIMUM_ATTEMPTS:
        values["state"] = DeliveryState.FAILED
    else:
        values["next_attempt_at"] = now + FIRST_RETRY * 2 ** (delivery.attempts - 1)
    Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.PENDING).update(**values)


def forgotten(*, now: datetime) -> tuple[list[int], list[int]]:
    """Ids of notifications and of deliveries that wait although their time has come."""
    notifications = Notification.objects.filter(fanned_out_at=None, created_at__lte=now - FORGOTTEN_AFTER)
    deliveries = Delivery.objects.filter(
        state=DeliveryState.PENDING, next_attempt_at__lte=now - FORGOTTEN_AFTER
    ).order_by("next_attempt_at")
    return (
        list(notifications.order_by("pk").values_list("pk", flat=True)[:BATCH]),
        list(deliveries.values_list("pk", flat=True)[:BATCH]),
    )


def retention_apply(*, now: datetime) -> int:
    """Forget what has been told, and addresses that were never confirmed; answers how many rows went."""
    told, _ = Notification.objects.filter(created_at__lt=now - NOTIFICATION_RETENTION).delete()
    asked, _ = Subscriber.objects.filter(confirmed_at=None, created_at__lt=now - CONFIRM_WITHIN).delete()
    return told + asked


def _queue(enqueue: Callable[[], object]) -> None:
    """Queue after a commit. The wish is in the database already: a queue that is away must not fail the request."""
    try:
        enqueue()
    except Exception:
        logger.exception("A task could not be queued; the scheduler will do it.")
