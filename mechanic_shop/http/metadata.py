"""The body of OPTIONS."""

from typing import TYPE_CHECKING, Any

from django.http import Http404
from rest_framework.exceptions import APIException
from rest_framework.metadata import SimpleMetadata
from rest_framework.request import Request, override_method

if TYPE_CHECKING:
    from rest_framework.serializers import Field as SerializerField


class ShopMetadata(SimpleMetadata):
    """The fields of a body, never the rows that a relation could point to; and only of
    bodies that this user may send.
    """

    def determine_actions(self, request: Request, view: Any) -> dict[str, Any]:
        """The writable fields, by the permission of the write itself: Django REST asks
        by that of OPTIONS.
        """
        actions = {}
        for method in sorted({"PUT", "POST"} & set(view.allowed_methods)):
            with override_method(view, request, method) as as_if:
                try:
                    view.check_permissions(as_if)
                    if getattr(view, "detail", None):
                        view.get_object()
                except (APIException, Http404):
                    continue
                actions[method] = self.get_serializer_info(view.get_serializer())
        return actions

    def get_field_info(self, field: "SerializerField") -> dict[str, Any]:
        info = super().get_field_info(field)
        if hasattr(field, "queryset"):
            info.pop("choices", None)
        return info
