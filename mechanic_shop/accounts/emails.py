"""E-mail addresses as log-in names: one mailbox, one spelling."""

import unicodedata
from typing import Any

from django.core.exceptions import ValidationError
from rest_framework import serializers

MAX_EMAIL = 254


def normalize_email(text: str) -> str:
    """The one spelling under which an address is stored and looked up."""
    return unicodedata.normalize("NFKC", text).strip().lower()


def validate_plain_email(text: str) -> None:
    """Refuse look-alike addresses: a Cyrillic "а" is not an "a", and people cannot see
    it.
    """
    if not normalize_email(text).isascii() or not text.isprintable():
        raise ValidationError("Use an address of plain letters, digits and signs.", "invalid")


class EmailField(serializers.EmailField):
    """An address, normalized; look-alikes and control characters are refused."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": MAX_EMAIL} | kwargs)

    def to_internal_value(self, data: object) -> str:
        # The length comes first: normalizing a megabyte takes long and makes it longer.
        # Spaces around do not count.
        if isinstance(data, str) and len(data) > 2 * MAX_EMAIL:
            self.fail("max_length", max_length=self.max_length)
        # What is not printable is refused before it could be trimmed away: a
        # header-injection attempt is not a typo.
        if not isinstance(data, str) or not data.isprintable():
            self.fail("invalid")
        text = normalize_email(data)
        if not text.isascii():
            self.fail("invalid")
        return text
