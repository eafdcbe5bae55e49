from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.roles import Role
from audit import selectors
from audit.serializers import AuditPageOutput, AuditQuery
from config.contract import Api, Operation
from config.pagination import page


class AuditApi(Api):
    """What staff and machines have changed."""

    operations: ClassVar = {
        "GET": Operation(
            summary="The audit trail, newest first",
            query=AuditQuery,
            output=AuditPageOutput,
            role=Role.ADMINISTRATOR,
            scope="audit:read",
        )
    }

    def get(self, request: Request) -> Response:
        query = AuditQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        wanted = query.validated_data
        cursor, limit = wanted.pop("cursor"), wanted.pop("limit")
        return Response(AuditPageOutput(page(selectors.audit_list(**wanted), cursor=cursor, limit=limit)).data)
