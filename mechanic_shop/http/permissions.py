"""Permissions, composed per action:

    permissions = {"update": Has("customers.change_customer") | IsOwner}

The model permissions behind ``Has`` are handed out by groups, so an owner can change
the roles in the admin.
"""

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request

if TYPE_CHECKING:
    from rest_framework.views import APIView

__all__ = ["AllowAny", "Has", "IsAuthenticated", "IsOwner"]


def Has(permission: str) -> type[BasePermission]:  # noqa: N802 - reads as a class, and is one
    """The user's groups give this permission."""

    def has_permission(self: Any, request: Request, view: "APIView") -> bool:
        return request.user.has_perm(permission)

    return type("Has", (BasePermission,), {"has_permission": has_permission})


class IsOwner(BasePermission):
    """A customer, and of a single object the one whom it belongs to (``obj.owner_id``
    is a user's id).
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return request.user.is_authenticated

    def has_object_permission(self, request: Request, view: "APIView", obj: Any) -> bool:
        return obj.owner_id is not None and obj.owner_id == request.user.pk
