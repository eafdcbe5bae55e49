"""Write the OpenAPI document of this application: ``python -m tools.openapi FILE``.

A tool of the repository and no part of a release: drf-spectacular is a dependency of the tests only. The document comes
from ``operations`` of each API class (``config.contract``); the React application's types come from the document.
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

from django.test import override_settings
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from rest_framework.settings import api_settings

from config.contract import Api, Operation

_ENUM_NAMES = {
    "ComponentState": "status.models.ComponentState",
    "IncidentState": "status.models.IncidentState",
}


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
        return ""

    def get_tags(self) -> list[str]:
        return [(self.path.removeprefix("/api/").split("/")[0]) or "index"]

    def get_request_serializer(self) -> Any:
        return self.operation.body

    def get_response_serializers(self) -> Any:
        operation = self.operation
        output = operation.output(many=True) if operation.many and operation.output else operation.output
        return {operation.status: output}

    def get_auth(self) -> list[dict[str, list[str]]]:
        # The session cookie is the browser's business; nothing in the document depends on it.
        return []

    def get_override_parameters(self) -> list[Any]:
        return [self.operation.query] if self.operation.query else []

    def _is_list_view(self, serializer: Any = None) -> bool:
        return self.operation.many


def build() -> str:
    """The document as text, the same for the same sources."""
    rest_framework = {**api_settings.user_settings, "DEFAULT_SCHEMA_CLASS": "tools.openapi.OperationSchema"}
    spectacular = {
        "TITLE": "Status",
        "VERSION": "1",
        "ENUM_NAME_OVERRIDES": _ENUM_NAMES,
        "COMPONENT_SPLIT_REQUEST": True,
        "COMPONENT_SPLIT_PATCH": True,
        "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    }
    with override_settings(REST_FRAMEWORK=rest_framework, SPECTACULAR_SETTINGS=spectacular):
        from drf_spectacular.settings import spectacular_settings

        spectacular_settings.apply_patches(spectacular)
        try:
            schema = SchemaGenerator(api_version="1").get_schema(request=None, public=True)
        finally:
            spectacular_settings.clear_patches()
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(build(), encoding="utf-8")
