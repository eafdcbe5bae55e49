"""The committed document is the one that this code answers by, and the front end's is not broken by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.urls import URLPattern, URLResolver, get_resolver
from openapi_spec_validator import validate

from config.contract import Api
from status.models import Component, Incident
from tools import openapi

DOCUMENT = Path(__file__).resolve().parents[1] / "openapi.yaml"

#: Writes that every stranger may try: each has a check of its own.
OPEN_WRITES = {
    ("api/session/", "POST"),
    ("api/session/", "DELETE"),
    ("api/inbound/sns/", "POST"),
    ("api/subscriptions/", "POST"),
    ("api/subscriptions/confirm/", "POST"),
    ("api/subscriptions/unsubscribe/", "POST"),
}


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
    assert DOCUMENT.read_text(encoding="utf-8") == openapi.build(), "Run `python -m tools.openapi openapi.yaml`."


def test_the_document_is_openapi_3_1_whose_references_all_lead_somewhere() -> None:
    document = openapi.document()
    assert document["openapi"].startswith("3.1")
    validate(document)

    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            for name, value in node.items():
                if name == "$ref":
                    yield value
                else:
                    yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    found = set(references(document))
    assert len(found) > 10
    for reference in found:
        node = document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]


def test_no_write_is_open_by_oversight() -> None:
    open_writes = {
        (route, method)
        for route, view in api_views(get_resolver().url_patterns)
        for method, operation in view.operations.items()
        if method != "GET" and operation.role is None
    }
    assert open_writes == OPEN_WRITES


def _react_document() -> dict[str, Any]:
    path = Path(__file__).resolve().parents[2] / "react_app" / "openapi.json"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def test_what_the_front_end_builds_on_is_still_there() -> None:
    """The front end in the browser may be older than the API: nothing that it knows may go or become required."""
    old, new = _react_document(), openapi.document()
    for path, methods in old["paths"].items():
        assert set(methods) <= set(new["paths"][path]), path
    for name, schema in old["components"]["schemas"].items():
        current = new["components"]["schemas"][name]
        if "enum" in schema and name != "NullEnum":
            assert set(schema["enum"]) <= set(current["enum"]), name
        assert set(schema.get("properties", {})) <= set(current.get("properties", {})), name
        if name.endswith("Request"):
            assert set(current.get("required", [])) <= set(schema.get("required", [])), name
        else:
            assert set(schema.get("required", [])) <= set(current.get("required", [])), name


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
