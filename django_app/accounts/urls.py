from __future__ import annotations

from django.urls import path

from accounts.apis import SessionApi

urlpatterns = [path("", SessionApi.as_view(), name="session")]
