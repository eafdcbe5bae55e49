from __future__ import annotations

from django.db.models import QuerySet

from subscribers.models import Subscriber


def subscriber_list(*, channel: str | None = None, confirmed: bool | None = None) -> QuerySet[Subscriber]:
    """Subscribers with their components, in two queries however many there are."""
    subscribers = Subscriber.objects.prefetch_related("components")
    if channel is not None:
        subscribers = subscribers.filter(channel=channel)
    if confirmed is not None:
        subscribers = subscribers.filter(confirmed_at__isnull=not confirmed)
    return subscribers
