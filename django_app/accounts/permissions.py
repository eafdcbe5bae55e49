from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:
    # REST framework imports this module while rest_framework.views is being made.
    from rest_framework.views import APIView


class StaffOrReadOnly(BasePermission):
    """Everybody reads, staff writes."""

    message = "Only staff may change the status page."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.method in SAFE_METHODS or bool(request.user and request.user.is_staff)
