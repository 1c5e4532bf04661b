"""Days of the shop, as moments in time."""

from datetime import date, datetime, time, timedelta

from django.utils import timezone


def day_start(day: date) -> datetime:
    """The moment at which a day begins in the shop's time zone."""
    return timezone.make_aware(datetime.combine(day, time.min))


def day_end(day: date) -> datetime:
    """The moment at which the day after begins."""
    return day_start(min(day, date.max - timedelta(days=2)) + timedelta(days=1))
