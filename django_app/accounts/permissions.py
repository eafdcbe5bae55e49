from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.models import ApiToken
from accounts.roles import Role, suffices

if TYPE_CHECKING:
    # REST framework imports this module while rest_framework.views is being made.
    from rest_framework.views import APIView

    from config.contract import Operation


class ByRole(BasePermission):
    """Lets through who has the role that the operation names. A read without one is for everybody."""

    message = "Only staff may change the status page."

    def has_permission(self, request: Request, view: APIView) -> bool:
        operation = operation_of(request, view)
        if operation is None:
            # A method that there is not: the view says so (405).
            return True
        needed = operation.role
        if needed is None:
            return operation.open or request.method in SAFE_METHODS
        if isinstance(request.auth, ApiToken):
            return self._machine_may(request.auth, operation)
        role = str(getattr(request.user, "effective_role", ""))
        if suffices(role, needed=needed):
            return True
        if role:
            self.message = f"This needs the role {Role(needed).label.lower()}, and yours is {Role(role).label.lower()}."
        elif request.method in SAFE_METHODS:
            self.message = "Only staff may read this."
        return False

    def _machine_may(self, token: ApiToken, operation: Operation) -> bool:
        if operation.scope and operation.scope in token.scopes:
            return True
        self.message = (
            f"This token has not the scope {operation.scope}." if operation.scope else "Only people may do this."
        )
        return False


def operation_of(request: Request, view: APIView) -> Operation | None:
    """What the view says of the method that is asked for; HEAD is GET without a body."""
    method = "GET" if request.method == "HEAD" else request.method
    operation: Operation | None = getattr(view, "operations", {}).get(method)
    return operation
