"""Days and moments: ISO 8601 alone."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from django.utils import timezone
from rest_framework import serializers

from . import iso_dates

Moment = TypeVar("Moment", bound=date)


def read(parse: Callable[[Any], Moment], value: Any) -> Moment:
    """What a parser of dates makes of a value; what it cannot read is an error of the
    field.
    """
    try:
        return parse(value)
    except iso_dates.DateError as error:
        raise serializers.ValidationError(error.message, error.code) from error


class DayField(serializers.DateField):
    """A day: ISO 8601 alone, since 07/01/2025 is two days in two countries."""

    def to_internal_value(self, value: Any) -> date:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value  # a form for people has read it
        if not isinstance(value, str):
            raise serializers.ValidationError(iso_dates.NO_DAY, "invalid")
        return read(iso_dates.parse_day, value)


class UTCField(serializers.DateTimeField):
    """A moment: read as UTC, written with an offset; without one it is the shop's time."""

    def to_internal_value(self, value: Any) -> datetime:
        if isinstance(value, datetime):  # a form for people has read it
            return read(iso_dates.in_shop_time, value) if timezone.is_naive(value) else value
        if not isinstance(value, str):
            raise serializers.ValidationError(iso_dates.NO_MOMENT, "invalid")
        return read(iso_dates.parse_moment, value)

    def to_representation(self, value: Any) -> str:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")

    def form_value(self, value: Any) -> str:
        """The shop's time without an offset: what a browser's field for a moment shows,
        and sends.
        """
        try:
            return timezone.make_naive(datetime.fromisoformat(value)).isoformat()
        except (TypeError, ValueError, OverflowError):
            return ""
