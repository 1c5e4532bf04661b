"""Texts as people type them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from mechanic_shop import inputs


class WrittenField(serializers.CharField):
    """Text as people type it, by the rules of ``mechanic_shop.inputs``. A text area, or
    ``lines``, keeps its line breaks.
    """

    def __init__(self, *, lines: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lines = lines or self.style.get("base_template") == "textarea.html"

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str):
            try:
                data = inputs.clean_text(data, lines=self.lines)
            except inputs.InputError as error:
                raise serializers.ValidationError(error.message, error.code) from error
        return super().run_validation(data)


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class WordsField(serializers.Field):
    """A list of words, in a form as one line with commas."""

    default_error_messages = {
        "invalid": "Send a list of words.",
        "max_length": "At most {count} words of at most {length} characters.",
    }

    def to_internal_value(self, data: Any) -> list[str]:
        words = data.split(",") if isinstance(data, str) else data
        if not isinstance(words, list) or not all(
            isinstance(word, str) and "\x00" not in word for word in words
        ):
            self.fail("invalid")
        clean = list(dict.fromkeys(word.strip() for word in words if word.strip()))
        if len(clean) > 20 or any(len(word) > 60 for word in clean):
            self.fail("max_length", count=20, length=60)
        return clean

    def to_representation(self, value: list[str]) -> list[str]:
        return value

    def form_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value
