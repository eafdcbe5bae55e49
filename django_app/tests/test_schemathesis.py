"""What the document promises is held against what the API answers, with inputs that nobody would think of.

schemathesis makes requests of each operation from ``openapi.yaml``: such as fit the document, such as do not, and those
at the edges. Every request is sent by four askers, each time to the same rows, and what a request has changed is rolled
back before the next. The draws are the same in every run, so that a failure can be looked at again.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
import werkzeug
from django.conf import settings
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection, transaction
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from accounts.actors import SYSTEM
from accounts.models import ApiToken
from accounts.roles import Role
from accounts.scopes import Scope
from accounts.tokens import token_create
from monitors.models import Monitor
from status.models import Component, ComponentGroup, Incident, Maintenance
from subscribers.models import Subscriber
from tests.conftest import ORIGIN, sign_in_as
from tests.factories import (
    ComponentFactory,
    UserFactory,
    make_incident,
    make_maintenance,
    make_monitor,
    make_subscriber,
)

DOCUMENT = Path(__file__).resolve().parents[1] / "openapi.yaml"
APPLICATION = get_wsgi_application()
#: Drawn examples of an operation, beside the ones at the edges, which schemathesis enumerates.
EXAMPLES = 5
#: The rows that are there have these ids; half of the draws ask for one of them.
EXISTING = {"dictionary": "existing", "probability": 0.5}
IDS = ("component_id", "group_id", "incident_id", "maintenance_id", "monitor_id", "subscriber_id", "token_id")
REFERENCES = ("component", "components[*]", "component_states[*].component", "group")

schema = schemathesis.openapi.from_path(
    DOCUMENT,
    config=SchemathesisConfig.from_dict(
        {
            "dictionaries": {"existing": {"values": [1, 2]}, "addresses": {"values": ["https://93.184.216.34/x"]}},
            "parameters": {
                **{f"path.{name}": EXISTING for name in IDS},
                **{f"body.{name}": EXISTING for name in REFERENCES},
                "body.url": {"dictionary": "addresses", "probability": 0.5},
            },
            # The askers' own credentials are what is sent: drawn ones would only be refused.
            "generation": {"with-security-parameters": False, "max-examples": EXAMPLES, "deterministic": True},
            # A drawn If-Match names what nobody has read, which is refused before the body is looked at.
            "checks": {
                "negative_data_rejection": {
                    "expected-statuses": ["400", "401", "403", "404", "405", "409", "412", "413", "415", "429"]
                },
                "positive_data_acceptance": {
                    "expected-statuses": ["2xx", "3xx", "401", "403", "404", "409", "412", "429"]
                },
            },
        }
    ),
)
schema.app = APPLICATION


@dataclass(frozen=True)
class Asker:
    """Somebody who asks, and what goes with each of their requests."""

    name: str
    headers: dict[str, str]

    def how(self) -> dict[str, Any]:
        """How schemathesis has to send. Its own jar knows no host but localhost, so that cookies are a header."""
        return {"base_url": ORIGIN, "headers": self.headers, "session": werkzeug.Client(APPLICATION, use_cookies=False)}


PROXY = {"Host": "app.example.com", "X-Forwarded-Proto": "https"}


def person(role: Role) -> Asker:
    client = sign_in_as(UserFactory.create(username=role.value, is_staff=True, role=role))
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    tokens = {"X-CSRFToken": client.token, "Origin": ORIGIN, "Referer": f"{ORIGIN}/"}
    return Asker(role.value, PROXY | tokens | {"Cookie": cookies})


def machine(name: str, *scopes: str) -> Asker:
    made = token_create(name=name, scopes=scopes, actor=SYSTEM)
    return Asker(name, PROXY | {"Authorization": f"Bearer {made.text}"})


@pytest.fixture
def askers(db: None) -> list[Asker]:
    return [
        Asker("anonymous", PROXY),
        person(Role.EDITOR),
        person(Role.ADMINISTRATOR),
        machine("incidents", Scope.INCIDENTS_WRITE),
    ]


class UndoError(Exception):
    """Ends an example's transaction."""


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Requests must not close the connection whose transaction is the test's, as Django's own test client sees to."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def rows(db: None) -> None:
    """Two of everything, with the ids 1 and 2."""
    models = (Component, ComponentGroup, Incident, Maintenance, Monitor, Subscriber, ApiToken)
    with connection.cursor() as cursor:
        for model in models:
            cursor.execute(f'ALTER TABLE "{model._meta.db_table}" ALTER COLUMN id RESTART WITH 1')
    for number in (1, 2):
        ComponentGroup.objects.create(name=f"Group {number}")
        component = ComponentFactory.create()
        make_incident(components=[component])
        make_maintenance(components=[component])
        make_monitor(component=component)
        make_subscriber(address=f"ada{number}@example.com")
        token_create(name="unused", scopes=[Scope.AUDIT_READ], actor=SYSTEM)
    for model in models:
        assert set(model._default_manager.values_list("pk", flat=True)) >= {1, 2}, model


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name leads anywhere: nobody outside is asked for what is drawn here."""
    real = socket.getaddrinfo

    def numbers_only(host: Any, *arguments: Any, **options: Any) -> Any:
        if host in ("localhost", settings.DATABASES["default"]["HOST"]):
            return real(host, *arguments, **options)
        return real(host, *arguments, **options | {"flags": socket.AI_NUMERICHOST})

    monkeypatch.setattr(socket, "getaddrinfo", numbers_only)


#: Members whose values are judged by what is stored or by where they lead, which no schema can say. And a moment that
#: may be null: schemathesis takes the empty text for one, which ``format: date-time`` excludes.
BEYOND_SCHEMAS = re.compile(r"#/(component|components|component_states/\d+/component|group|url|address|expires_at)")


#: Texts that are nothing but spaces, which are taken off first, and texts that PostgreSQL cannot hold.
BEYOND_PATTERNS = ("This field may not be blank.", "Null characters are not allowed.")


def is_beyond_schemas(response: Any) -> bool:
    """Whether nothing was refused but such members: then the body may fit the document and still be wrong."""
    if response.status_code != 400:
        return False
    errors = response.json().get("errors", [])
    return bool(errors) and all(
        error["detail"] in BEYOND_PATTERNS or BEYOND_SCHEMAS.fullmatch(error["pointer"]) for error in errors
    )


@pytest.mark.timeout(90)
@schema.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
def test_the_api_keeps_what_its_document_promises(
    case: Any, rows: None, askers: list[Asker], one_connection: None, no_names: None
) -> None:
    for asker in askers:
        cache.clear()
        with suppress(UndoError), transaction.atomic():
            how = asker.how()
            response = case.call(**how)
            excluded = [positive_data_acceptance] if is_beyond_schemas(response) else []
            case.validate_response(response, headers=asker.headers, excluded_checks=excluded, transport_kwargs=how)
            raise UndoError


def test_each_asker_is_who_they_are(askers: list[Asker], one_connection: None) -> None:
    for asker, role in zip(askers, ("", "editor", "administrator", ""), strict=True):
        case = schema["/api/session/"]["GET"].Case()
        session = case.call(**asker.how())
        assert session.json()["role"] == role, asker.name
