"""Tasks of the subscriptions. What has been claimed or told is not claimed or told again."""

from __future__ import annotations

from django.tasks import task
from django.utils import timezone

from subscribers import messages, services


@task
def send_confirmation(subscriber_id: int) -> None:
    """Ask an address to confirm; when that fails the queue tries again."""
    subscriber = services.confirmation_claim(subscriber_id=subscriber_id, now=timezone.now())
    if subscriber is None:
        return
    try:
        messages.send_confirmation(subscriber)
    except messages.Gone:
        services.subscription_end(subscriber_id=subscriber_id)
    except Exception:
        services.confirmation_give_back(subscriber_id=subscriber_id)
        raise


@task
def fan_out(notification_id: int) -> None:
    """Make a delivery for each subscriber, and a task for each delivery."""
    for delivery_id in services.notification_fan_out(notification_id=notification_id, now=timezone.now()):
        deliver.enqueue(delivery_id)


@task
def deliver(delivery_id: int) -> None:
    """Tell one subscriber. The patience for their server is in the row and not in the queue: it lasts for hours."""
    now = timezone.now()
    delivery = services.delivery_claim(delivery_id=delivery_id, now=now)
    if delivery is None:
        return
    try:
        messages.send_delivery(delivery)
    except messages.Gone:
        services.subscription_end(subscriber_id=delivery.subscriber_id)
    except messages.NotDelivered as reason:
        services.delivery_fail(delivery=delivery, reason=str(reason), now=now)
    else:
        services.delivery_succeed(delivery=delivery)


@task
def queue_forgotten() -> None:
    """Queue what a lost message or a failed attempt has left behind."""
    notifications, deliveries = services.forgotten(now=timezone.now())
    for notification_id in notifications:
        fan_out.enqueue(notification_id)
    for delivery_id in deliveries:
        deliver.enqueue(delivery_id)


@task
def apply_retention() -> None:
    services.retention_apply(now=timezone.now())
