"""Telephone numbers: kept as people write them, found by their digits."""

import re

import phonenumbers
from django.conf import settings


def phone_key(text: str) -> str:
    """What a phone number is found by: E.164 without its plus where the shop's region makes it whole, else its digits."""
    digits = re.sub(r"\D", "", text, flags=re.ASCII)[:40]
    try:
        parsed = phonenumbers.parse(text[:40], settings.SHOP_REGION)
    except phonenumbers.NumberParseException:
        return digits
    if phonenumbers.is_possible_number_with_reason(parsed) == phonenumbers.ValidationResult.IS_POSSIBLE:
        return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")
    return digits
