from __future__ import annotations

from django.urls import path

from inbound.apis import SnsApi

urlpatterns = [path("inbound/sns/", SnsApi.as_view(), name="inbound-sns")]
