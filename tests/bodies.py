"""The request bodies of every route, read from the router: a new route is tested by
itself.
"""

from collections.abc import Iterator
from typing import Any

from rest_framework import serializers
from rest_framework.test import APIRequestFactory

from .security.attacks import WRITES, Call

BODIES = [call for call in WRITES if call.method != "DELETE"]


def serializer_class(call: Call) -> type[serializers.Serializer]:
    """The class that checks the body of a route."""
    if not hasattr(call.view, "cls"):
        return call.view.view_class.serializer_class
    view = call.view.cls(**getattr(call.view, "initkwargs", {}))
    view.request = APIRequestFactory().generic(call.method, "/")
    view.action = getattr(call.view, "actions", {}).get(call.method.lower())
    return view.get_serializer_class()


def body_of(call: Call, instance: Any = None) -> serializers.Serializer:
    """The serializer of a route's body, for somebody who may send everything."""
    found = serializer_class(call)
    changes = call.method in ("PUT", "PATCH") and call.route.endswith("-detail")
    return found(found.Meta.model() if changes and instance is None else instance)


def written(serializer: Any) -> dict[str, Any]:
    """The fields that can be sent."""
    return {name: field for name, field in serializer.fields.items() if not field.read_only}


def walk(field: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every field that can be sent, at any depth, with its path."""
    yield path, field
    if isinstance(field, (serializers.ListField, serializers.ListSerializer)):
        yield from walk(field.child, f"{path}[]")
    elif isinstance(field, serializers.BaseSerializer):
        for name, inner in written(field).items():
            yield from walk(inner, f"{path}.{name}".lstrip("."))
