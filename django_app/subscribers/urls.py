from __future__ import annotations

from django.urls import path

from subscribers import apis

urlpatterns = [
    path("subscriptions/", apis.SubscriptionListApi.as_view(), name="subscriptions"),
    path("subscriptions/confirm/", apis.ConfirmApi.as_view(), name="subscription-confirm"),
    path("subscriptions/unsubscribe/", apis.UnsubscribeApi.as_view(), name="subscription-unsubscribe"),
    path("subscribers/", apis.SubscriberListApi.as_view(), name="subscribers"),
    path("subscribers/<int:subscriber_id>/", apis.SubscriberApi.as_view(), name="subscriber"),
]
