"""Dates in the format of the shop's region: forms read this one format and show it.

03/09/2026 is two days in two countries, so a form takes the region's format and ISO
8601, which is the same everywhere.
"""

import re
from functools import cache

from babel import Locale, UnknownLocaleError
from django import forms
from django.conf import settings

ISO = "y-MM-dd"
TIME = "HH:MM"
PARTS = {"d": ("%d", "DD"), "M": ("%m", "MM"), "y": ("%Y", "YYYY")}


@cache
def pattern(region: str) -> tuple[str, str]:
    """A region's date format, for strptime and for people; ISO 8601 where Babel does
    not know it.

    Only the order and the sign between the parts are the region's: all parts are
    digits, and the year has four.
    """
    try:
        short_format = Locale.parse(f"und_{region}").date_formats["short"].pattern
    except (UnknownLocaleError, ValueError):
        short_format = ISO
    order = "".join(dict.fromkeys(re.findall("[dMy]", short_format)))
    between = re.search("[./-]", short_format)
    if sorted(order) != sorted("dMy") or between is None:
        return "%Y-%m-%d", "YYYY-MM-DD"
    return tuple(between[0].join(PARTS[each][place] for each in order) for place in (0, 1))  # type: ignore[return-value]


def input_format() -> str:
    return pattern(settings.SHOP_REGION)[0]


def hint() -> str:
    return pattern(settings.SHOP_REGION)[1]


def show_formats(form: forms.BaseForm) -> None:
    """Show the expected format at each box for a date or a time."""
    for field in form.fields.values():
        if isinstance(field, forms.SplitDateTimeField):
            day, time = field.widget.widgets
            day.attrs["placeholder"], time.attrs["placeholder"] = hint(), TIME
            hint_text = f"{hint()}, {TIME}"
        elif isinstance(field, forms.DateField):
            field.widget.attrs["placeholder"] = hint_text = hint()
        else:
            continue
        field.help_text = f"{hint_text}; {field.help_text}" if field.help_text else hint_text
