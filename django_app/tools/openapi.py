"""Write the OpenAPI 3.1 document of this application: ``python -m tools.openapi FILE``.

A tool of the repository and no part of a release: drf-spectacular is a dependency of the tests only. The document comes
from ``operations`` of each API class (``config.contract``); ``openapi.yaml`` beside ``manage.py`` is the current one.
A name that ends in .json is written as JSON.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings_build")

import django

if __name__ == "__main__":
    django.setup()

import yaml
from django.test import override_settings
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import Direction, OpenApiParameter
from rest_framework.settings import api_settings

from config.contract import Api, Operation
from config.fields import MAXIMUM_ROWS
from config.problems import CONTENT_TYPE

_ENUM_NAMES = {
    "ActorKind": "audit.models.ActorKind",
    "ComponentState": "status.models.ComponentState",
    "IncidentSeverity": "status.models.IncidentSeverity",
    "IncidentState": "status.models.IncidentState",
    "MaintenanceState": "status.models.MaintenanceState",
    "MonitorMethod": "monitors.models.MonitorMethod",
    "MonitorState": "monitors.models.MonitorState",
    "Channel": "subscribers.models.Channel",
    "Scope": "accounts.scopes.Scope",
    "Role": "accounts.roles.Role",
}

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457. `type` is left out, which means about:blank.",
    "required": ["title", "status", "detail"],
    "properties": {
        "title": {"type": "string", "description": "The phrase of the status."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence for a person."},
        "current": {"description": "With status 412: what is stored now; its entity tag is in the header ETag."},
        "errors": {
            "type": "array",
            "description": "What is wrong with members of the body or of the query.",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "A JSON pointer as a fragment (RFC 6901 §6)."},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}

_SECURITY_SCHEMES: dict[str, Any] = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-session",
        "description": "A browser's session. Writes also need the header X-CSRFToken, from /api/session/.",
    },
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A machine's token; the words of a requirement are the scopes that it needs.",
    },
}


class RowsExtension(OpenApiSerializerFieldExtension):
    """Lists of ids, with their length."""

    target_class = "config.fields.RowsField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "integer"}, "maxItems": MAXIMUM_ROWS}


class OperationSchema(AutoSchema):
    """Reads ``operations`` where drf-spectacular would guess from generic views and decorators."""

    @property
    def operation(self) -> Operation:
        if not isinstance(self.view, Api):
            raise TypeError(f"{self.path} is answered by a class without operations")
        return self.view.operations[self.method]

    def get_operation_id(self) -> str:
        words = [self.method.lower(), *re.findall(r"[a-z]+", self.path.replace("_id", "").removeprefix("/api"))]
        return "_".join(words) if len(words) > 1 else f"{self.method.lower()}_index"

    def get_summary(self) -> str:
        return self.operation.summary

    def get_description(self) -> str:  # type: ignore[override]
        role = self.operation.role
        return f"Needs the role {role.label.lower()}." if role is not None else ""

    def get_tags(self) -> list[str]:
        return [(self.path.removeprefix("/api/").split("/")[0]) or "index"]

    def get_request_serializer(self) -> Any:
        return self.operation.body

    def get_response_serializers(self) -> Any:
        operation = self.operation
        output = operation.output(many=True) if operation.many and operation.output else operation.output
        if operation.media_type:
            return {(operation.status, operation.media_type): OpenApiTypes.STR}
        return {operation.status: output}

    def get_operation(self, *arguments: Any) -> Any:
        document = super().get_operation(*arguments)
        if document is not None:
            document["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
        return document

    def get_auth(self) -> list[dict[str, list[str]]]:
        operation = self.operation
        if operation.role is None:
            return []
        machines = [{"token": [operation.scope]}] if operation.scope else []
        return [{"session": []}, *machines]

    def get_override_parameters(self) -> list[Any]:
        parameters: list[Any] = [self.operation.query] if self.operation.query else []
        if self.operation.conditional:
            parameters.append(
                OpenApiParameter(
                    "If-Match",
                    location=OpenApiParameter.HEADER,
                    description="The entity tag of what was read; 412 with `current` when that has changed meanwhile.",
                )
            )
        return parameters

    def _is_list_view(self, serializer: Any = None) -> bool:
        return self.operation.many


def document() -> dict[str, Any]:
    """The document, the same for the same sources."""
    rest_framework = {**api_settings.user_settings, "DEFAULT_SCHEMA_CLASS": "tools.openapi.OperationSchema"}
    spectacular = {
        "TITLE": "Status",
        "VERSION": "1",
        "OAS_VERSION": "3.1.0",
        "ENUM_NAME_OVERRIDES": _ENUM_NAMES,
        "COMPONENT_SPLIT_REQUEST": True,
        "COMPONENT_SPLIT_PATCH": True,
        "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    }
    with override_settings(REST_FRAMEWORK=rest_framework, SPECTACULAR_SETTINGS=spectacular):
        from drf_spectacular.settings import spectacular_settings

        spectacular_settings.apply_patches(spectacular)
        try:
            schema: dict[str, Any] = SchemaGenerator(api_version="1").get_schema(request=None, public=True)
        finally:
            spectacular_settings.clear_patches()
    components = schema.setdefault("components", {})
    components["schemas"]["Problem"] = _PROBLEM
    components["securitySchemes"] = _SECURITY_SCHEMES
    components["responses"] = {
        "Problem": {
            "description": "The request was not carried out.",
            "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    }
    # Through JSON: lazy texts become plain ones.
    plain: dict[str, Any] = json.loads(json.dumps(schema, default=str))
    return plain


def build(*, as_json: bool = False) -> str:
    """The document as text."""
    if as_json:
        return json.dumps(document(), indent=2, sort_keys=True) + "\n"
    text: str = yaml.safe_dump(document(), sort_keys=True, width=120, allow_unicode=True)
    return text


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(build(as_json=target.suffix == ".json"), encoding="utf-8")
