"""Days and moments as programs write them: ISO 8601 alone, in bodies and in the query.

07/01/2025 is two days in two countries, so it is none here. Forms for people read the
region's one format instead, and call ``in_shop_time`` for what they read: a moment has
one meaning in every channel.
"""

import re
from datetime import date, datetime, tzinfo

from django.utils import timezone

FIRST_YEAR, LAST_YEAR = 1901, 2199
DAY = re.compile(r"[0-9W-]{7,10}", re.ASCII)
MOMENT = re.compile(r"[0-9W-]{7,10}[Tt ][0-9:.,]{2,15}(Z|z|[+-][0-9:]{2,8})?", re.ASCII)

NO_DAY = "Use a day such as 2026-03-09."
NO_MOMENT = "Use a moment such as 2026-03-09T15:04:05Z."
OUT_OF_RANGE = f"Use years from {FIRST_YEAR} to {LAST_YEAR}."
NO_SUCH_TIME = (
    "Clocks change then, so this time is missing or comes twice: add its offset, as in "
    "2026-03-29T02:30:00+02:00."
)


class DateError(ValueError):
    """A day or moment that cannot be read; the message says what to send."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.message, self.code = message, code


def parse_day(text: str) -> date:
    """The day that ISO 8601 says. Raises DateError."""
    if not DAY.fullmatch(text):
        raise DateError(NO_DAY, "invalid")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DateError(NO_DAY, "invalid") from None


def parse_moment(text: str) -> datetime:
    """The moment that ISO 8601 says, aware; without an offset it is the shop's time.
    Raises DateError.
    """
    if DAY.fullmatch(text):
        text += "T00:00"
    if not MOMENT.fullmatch(text):
        raise DateError(NO_MOMENT, "invalid")
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise DateError(NO_MOMENT, "invalid") from None
    check_range(moment)
    return in_shop_time(moment) if timezone.is_naive(moment) else moment


def in_shop_time(moment: datetime) -> datetime:
    """A naive moment in the shop's time zone. Raises DateError for one that does not
    exist, or exists twice.
    """
    zone = timezone.get_current_timezone()
    if is_missing_or_twice(moment, zone):
        raise DateError(NO_SUCH_TIME, "ambiguous_time")
    return moment.replace(tzinfo=zone)


def is_missing_or_twice(moment: datetime, zone: tzinfo) -> bool:
    """Do clocks jump over this moment, or show it twice?"""
    before, after = (moment.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return before != after


def check_range(day: date) -> date:
    """The day or moment, where the shop can have meant it. Raises DateError."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise DateError(OUT_OF_RANGE, "range")
    return day
