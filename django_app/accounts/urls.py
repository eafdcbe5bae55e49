from __future__ import annotations

from django.urls import path

from accounts.apis import SessionApi, TokenApi, TokenListApi

urlpatterns = [
    path("session/", SessionApi.as_view(), name="session"),
    path("tokens/", TokenListApi.as_view(), name="tokens"),
    path("tokens/<int:token_id>/", TokenApi.as_view(), name="token"),
]
