"""Lists in request bodies.

The length is checked before any element, so a list of 300,000 ids costs nothing. The
related rows that a list names are loaded by one query, not by one for each element.
"""

from collections.abc import Iterable
from typing import Any

from rest_framework import serializers
from rest_framework.utils import html

from .related_fields import NestedRelatedField


class BoundedListField(serializers.ListField):
    """A list with a ``max_length``, which is checked first."""

    def __init__(self, **kwargs: Any) -> None:
        if not kwargs.get("read_only") and kwargs.get("max_length") is None:
            raise TypeError("A list in a request body needs a max_length.")
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list) and self.max_length is not None and len(data) > self.max_length:
            message = f"Send at most {self.max_length} elements."
            raise serializers.ValidationError(message, "max_length")
        if isinstance(self.child, NestedRelatedField) and isinstance(data, list):
            self.child.load(data)
        return super().to_internal_value(data)


class RelationListField(BoundedListField):
    """A list of relations, in a form as one line of ids with commas."""

    def __init__(self, **kwargs: Any) -> None:
        style = {"base_template": "input.html", "input_type": "text"}
        kwargs.setdefault("style", style | {"placeholder": "ids, with commas"})
        super().__init__(**kwargs)

    def get_value(self, dictionary: Any) -> object:
        values = super().get_value(dictionary)
        if not html.is_html_input(dictionary) or not isinstance(values, list):
            return values
        return [word.strip() for line in values for word in str(line).split(",") if word.strip()]

    def form_value(self, value: object) -> str:
        if not isinstance(value, list):
            return ""
        return ", ".join(str(item.get("id") if isinstance(item, dict) else item) for item in value)


class BoundedListSerializer(serializers.ListSerializer):
    """A nested list. It replaces what was there, so its members are checked whole, also
    in a PATCH.
    """

    child: Any
    max_length: int | None
    default_error_messages = {"max_length": "Send at most {max_length} elements."}

    def to_internal_value(self, data: Any) -> list[Any]:
        root: Any = self.root
        partial, root.partial = getattr(root, "partial", False), False
        try:
            self.load_relations(data)
            return super().to_internal_value(data)
        finally:
            root.partial = partial

    def load_relations(self, data: object) -> None:
        """Load the rows that all elements name; a list that is too long is left to be
        refused.
        """
        if not isinstance(data, list) or len(data) > (self.max_length or 0):
            return
        rows = [item for item in data if isinstance(item, dict)]
        for field in self.relations():
            field.load(item.get(field.field_name) for item in rows)

    def relations(self) -> Iterable[NestedRelatedField]:
        writable = self.child._writable_fields
        return (field for field in writable if isinstance(field, NestedRelatedField))
