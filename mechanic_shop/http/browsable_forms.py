"""Forms of the browsable API: their fields, defaults, errors and raw bodies."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rest_framework.fields import empty
from rest_framework.renderers import HTMLFormRenderer

if TYPE_CHECKING:
    from rest_framework.serializers import Field as SerializerField
    from rest_framework.serializers import Serializer


class FormRenderer(HTMLFormRenderer):
    """HTML forms whose fields show themselves as they can be sent back.

    A field says how by ``form_value(value)``. A password is never written into a page.
    """

    def render_field(self, field: Any, parent_style: Mapping[str, Any]) -> str:
        inner = field._field
        if hides(inner):
            return ""
        if hasattr(inner, "form_value"):
            field.value = inner.form_value(field.value)
        if is_password(inner):
            field.value = None
        return super().render_field(field, parent_style)


def is_password(field: "SerializerField") -> bool:
    return field.style.get("input_type") == "password"


def hides(field: "SerializerField") -> bool:
    """``style={"only_to_change": True}``: a form for a new object does not ask for it."""
    return bool(field.style.get("only_to_change")) and field.parent.instance is None


def with_defaults(serializer: "Serializer") -> "Serializer":
    """An empty form starts with what is taken when a field is left out."""
    for field in serializer.fields.values():
        if field.default is not empty:
            field.initial = field.default
    return serializer


def refused(serializer: Any, problem: Mapping[str, Any]) -> Any:
    """The serializer with what was sent and what the problem says about it, without
    checking it again.
    """
    errors: dict[str, list[str]] = {}
    for error in problem.get("errors") or [{"field": "", "detail": problem.get("detail", "")}]:
        errors.setdefault(error["field"].split(".")[0] or "non_field_errors", []).append(
            error["detail"]
        )
    serializer._validated_data, serializer._errors = {}, errors
    return serializer


def body_to_send(serializer: "Serializer") -> dict[str, Any]:
    """An example body: the writable fields, without those that are better left out than
    sent as null.
    """
    fields = {
        name: field
        for name, field in serializer.fields.items()
        if not field.read_only and not hides(field)
    }
    values = {
        name: "" if is_password(field) else serializer.data.get(name)
        for name, field in fields.items()
    }
    return {
        name: value
        for name, value in values.items()
        if value is not None or fields[name].required or fields[name].allow_null
    }
