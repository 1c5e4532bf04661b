"""Telephone numbers: kept as people write them, found however they are stored and
typed.
"""

import re
from collections.abc import Iterator

import phonenumbers
from django.conf import settings

MOST = 120
SEPARATORS = re.compile(r"[/,;|\n]|\s(?:or|and|oder|und|ou|et|o|y)\s", re.IGNORECASE)
EXTENSION = re.compile(r"\s*(?:x|ext\.?|extension|#)\s*[0-9]{1,6}\s*$", re.IGNORECASE)
LEAST_DIGITS = 4  # fewer are in every number


def phone_key(text: str) -> str:
    """What a phone is found by: each number of the text, and the text itself without
    its punctuation.
    """
    numbers, written = list(dict.fromkeys(numbers_in(text))), compact(text)
    if not any(written in number for number in numbers):
        numbers.append(written)
    return " ".join(numbers)[:MOST].strip()


def phone_terms(term: str) -> list[str]:
    """The pieces of a key of which a search for this term needs one; empty where it is
    no phone number.
    """
    if len(re.sub(r"\D", "", term, flags=re.ASCII)) < LEAST_DIGITS:
        return []
    found = [*numbers_in(term), compact(term)]
    # The trunk prefix of a national number is not in its international form.
    found += [digits.lstrip("0") for digits in numbers_in(term)]
    return [each for each in dict.fromkeys(found) if len(each) >= LEAST_DIGITS]


def numbers_in(text: str) -> Iterator[str]:
    """The digits of each number: with its country code where the shop's region makes it
    whole.
    """
    for piece in SEPARATORS.split(text[:200]):
        bare = EXTENSION.sub("", piece)
        if digits := whole_number(bare) or re.sub(r"\D", "", bare, flags=re.ASCII)[:40]:
            yield digits


def whole_number(text: str) -> str:
    """A number with its country code, without the plus; "" for what is no whole number.
    Letters are those of a keypad.
    """
    try:
        parsed = phonenumbers.parse(text, settings.SHOP_REGION)
    except phonenumbers.NumberParseException:
        return ""
    possible = phonenumbers.is_possible_number_with_reason(parsed)
    if possible != phonenumbers.ValidationResult.IS_POSSIBLE:
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")


def compact(text: str) -> str:
    """Lower-case letters and digits alone."""
    return re.sub(r"[\W_]", "", text.casefold())[:60]
