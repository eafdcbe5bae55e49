"""Who wants to hear of incidents, what there is to tell, and whether it has been told."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from status.models import Component


class Channel(models.TextChoices):
    EMAIL = "email", "E-mail"
    WEBHOOK = "webhook", "Webhook"


class DeliveryState(models.TextChoices):
    PENDING = "pending", "Pending"
    SENT = "sent", "Sent"
    FAILED = "failed", "Given up"


class Subscriber(models.Model):
    """An address. It hears nothing before its owner has confirmed it, and is deleted when the owner has had enough."""

    channel = models.CharField(max_length=10, choices=Channel)
    address = models.CharField(max_length=2000, help_text="In lower case for e-mail.")
    components = models.ManyToManyField(
        Component, related_name="subscribers", blank=True, help_text="None is all of them."
    )
    created_at = models.DateTimeField(default=timezone.now)
    confirmation_sent_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=["channel", "address"], name="subscriber_once"),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="subscriber_channel_known"),
        )

    def __str__(self) -> str:
        return f"{self.channel} {self.address}"


class Notification(models.Model):
    """Something to tell, written in the transaction of what it tells of: neither exists without the other."""

    kind = models.CharField(max_length=40, help_text="For example incident.opened.")
    subject = models.CharField(max_length=300)
    text = models.TextField()
    path = models.CharField(max_length=200, help_text="Where the page tells more.")
    component_ids = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    fanned_out_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=["created_at"], condition=Q(fanned_out_at__isnull=True), name="notification_waiting"),
            models.Index(fields=["created_at"], name="notification_age"),
        )

    def __str__(self) -> str:
        return self.subject


class Delivery(models.Model):
    """One notification for one subscriber. ``next_attempt_at`` in the future is also the lease of who is sending it."""

    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="deliveries")
    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    detail = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = (models.UniqueConstraint(fields=["notification", "subscriber"], name="delivery_once"),)
        indexes = (
            models.Index(fields=["next_attempt_at"], condition=Q(state=DeliveryState.PENDING), name="delivery_due"),
        )

    def __str__(self) -> str:
        return f"{self.notification_id} to {self.subscriber_id}: {self.state}"
