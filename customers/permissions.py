"""Who counts as whom, for customers and vehicles."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class IsCustomer(BasePermission):
    """The user has a customer record."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.user.is_authenticated and getattr(request.user, "customer", None) is not None


class SignsUp(BasePermission):
    """A visitor, who becomes a customer."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return not request.user.is_authenticated
