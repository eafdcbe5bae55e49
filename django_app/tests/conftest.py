"""What the tests need: a real PostgreSQL and a real Valkey or Redis, named by two variables.

``TEST_DATABASE_URL``  ``postgresql://user:password@host:port/name``; the user may create databases (the tests make
                       ``test_<name>``). ``?sslmode=verify-full&sslrootcert=/path`` is handed on to libpq.
``TEST_CACHE_URL``     ``redis://:token@host:port/0`` or ``rediss://…``; keys are written under a prefix of their own.

Values are percent-encoded. With rediss:// and a private authority, SSL_CERT_FILE names its certificate. A missing
variable stops the run with one sentence (tests/settings.py); nothing is skipped.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.core.cache import cache
from django.test import Client
from hypothesis.configuration import set_hypothesis_home_dir

from accounts.models import User
from config import front
from config.answers import memory
from config.cache import breaker
from tests.factories import UserFactory

# How long an example takes is the machine's business; pytest-timeout bounds the test.
set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "slipway-status-hypothesis")
hypothesis.settings.register_profile("slipway", deadline=None)
hypothesis.settings.load_profile("slipway")

ORIGIN = "https://app.example.com"


class SiteClient(Client):
    """Asks as the balancer does: the public host name, https in X-Forwarded-Proto, CSRF enforced as in a browser."""

    def __init__(self, **defaults: Any) -> None:
        super().__init__(
            enforce_csrf_checks=True,
            headers={"host": "app.example.com", "x-forwarded-proto": "https"},
            **defaults,
        )
        self.token = ""

    def read_token(self) -> str:
        """Do what the React application does before a write."""
        self.token = self.get("/api/session/").json()["csrf_token"]
        return self.token

    def write(self, method: str, path: str, data: Any = None) -> Any:
        """A write with token and origin, body as JSON."""
        return self.generic(
            method,
            path,
            json.dumps(data if data is not None else {}),
            content_type="application/json",
            headers={"x-csrftoken": self.token, "origin": ORIGIN, "referer": f"{ORIGIN}/"},
        )


def sign_in_as(user: User) -> SiteClient:
    """A signed-in person with a fresh token."""
    client = SiteClient()
    client.force_login(user)
    client.read_token()
    return client


@pytest.fixture(autouse=True)
def _empty_cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Tests of the front put it back; all others want to see what is behind it.
    monkeypatch.setattr(front, "FRONT_SECONDS", 0)
    front.forget_front()
    breaker.closed_until = 0.0
    memory.forget()
    cache.clear()
    yield
    breaker.closed_until = 0.0


@pytest.fixture
def site() -> SiteClient:
    """Somebody who is not signed in."""
    return SiteClient()


@pytest.fixture
def staff_user(db: None) -> User:
    del db
    return UserFactory.create(username="ada", is_staff=True)


@pytest.fixture
def staff(staff_user: User) -> SiteClient:
    """A signed-in member of staff with a fresh token."""
    return sign_in_as(staff_user)
