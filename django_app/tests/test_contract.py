"""The document that the React application's types are made from is the one that this code answers by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.urls import URLPattern, URLResolver, get_resolver

from config.contract import Api
from status.models import Component, Incident
from tools import openapi

DOCUMENT = Path(__file__).resolve().parents[2] / "react_app" / "openapi.json"


def api_views(patterns: list[Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += api_views(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and route.startswith("api/"):
            found.append((route, getattr(pattern.callback, "view_class", None)))
    return found


def test_the_committed_document_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == openapi.build(), (
        "Run `python -m tools.openapi ../react_app/openapi.json` and `npm run generate` in react_app."
    )


def test_every_method_of_the_api_says_what_it_takes_and_answers() -> None:
    views = api_views(get_resolver().url_patterns)
    assert len(views) >= 8
    for route, view in views:
        assert view is not None, route
        assert issubclass(view, Api), route
        methods = {name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)}
        assert set(view.operations) == methods, route


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "row",
    [
        lambda: Component.objects.create(name="x", state="fine"),
        lambda: Incident.objects.create(title="x", state="resolved", resolved_at=None),
        lambda: Incident.objects.create(title="x", state="odd"),
    ],
)
def test_the_database_refuses_a_state_that_cannot_be(row: Any) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        row()
