"""The parameters of a query string: unknown, empty and repeated ones are refused, never
ignored.
"""

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Any

from django.http import QueryDict
from rest_framework.exceptions import ValidationError

MOST_NAMED = 20  # parameters that one answer names
# An empty cursor begins a walk, and an empty search box searches for nothing; page and
# page_size have words of their own.
MAY_BE_EMPTY = {"cursor", "ordering", "page", "page_size", "search"}


def check_parameters(
    asked: QueryDict,
    allowed: Collection[str],
    several: Collection[str] = (),
    *,
    hidden: Collection[str] = (),
) -> None:
    """Raise ValidationError for parameters that are unknown, empty, or repeated where
    one value is taken.

    An empty parameter is refused, since it would select every row. ``hidden`` ones are
    taken and not named.
    """
    refuse_unknown(asked, allowed, hidden=hidden)
    for name, values in asked.lists():
        if len(values) > 1 and name not in several:
            raise ValidationError({name: "Send it once."}, "repeated_parameter")
        if name not in MAY_BE_EMPTY and not all(value.strip() for value in values):
            raise ValidationError({name: "Give it a value, or leave it out."}, "empty_parameter")


def refuse_unknown(
    asked: Iterable[str], allowed: Collection[str], *, hidden: Collection[str] = ()
) -> None:
    """Raise ValidationError for parameters that are not known; it names the nearest and
    all that are.
    """
    unknown = [name for name in asked if name not in allowed]
    if unknown:
        names = sorted(name for name in allowed if name not in hidden)
        errors: dict[str, Any] = {
            name[:60]: message(name, names) for name in sorted(unknown)[:MOST_NAMED]
        }
        raise ValidationError(errors, "unknown_parameter")


def message(name: str, names: list[str]) -> str:
    matches = get_close_matches(name[:60].lower(), names, 1)
    nearest = f" Did you mean “{matches[0]}”?" if matches else ""
    return f"There is no such parameter.{nearest} Known here: {', '.join(names) or 'none'}."
