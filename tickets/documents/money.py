"""Numbers, money and dates as the shop's region writes them. Nothing is added, rounded or left out: what the document says is printed."""

from datetime import date, datetime
from decimal import Decimal
from functools import cache

from babel import Locale, localedata
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal
from django.conf import settings
from django.utils import timezone


def money(amount: str, currency: str) -> str:
    return format_currency(Decimal(amount), currency, locale=locale(settings.SHOP_REGION), decimal_quantization=False)


def less(amount: str, currency: str) -> str:
    """What is taken off: with a minus, wherever the region puts it."""
    return format_currency(-Decimal(amount), currency, locale=locale(settings.SHOP_REGION), decimal_quantization=False)


def is_nothing(amount: str | None) -> bool:
    return not amount or not Decimal(amount)


def is_owed(amount: str) -> bool:
    return Decimal(amount) > 0


def number(quantity: str) -> str:
    """Without the zeros that only fill up: 1.500 is 1.5."""
    return format_decimal(Decimal(quantity), locale=locale(settings.SHOP_REGION), decimal_quantization=False)


def percent(rate: str) -> str:
    return f"{number(rate)}%"


def day(iso: str | None) -> str:
    if not iso:
        return ""
    return format_date(date.fromisoformat(iso[:10]), "MMM d, yyyy" if settings.SHOP_REGION == "US" else "d MMM yyyy", locale="en")


def moment(iso: str | None) -> str:
    """Day and time of the shop's clock, whatever time zone the asking thread is in."""
    if not iso:
        return ""
    at = timezone.localtime(datetime.fromisoformat(iso), timezone.get_default_timezone())
    return f"{day(at.isoformat())}, {format_datetime(at, 'h:mm a' if settings.SHOP_REGION == 'US' else 'HH:mm', locale='en')}"


@cache
def locale(region: str) -> Locale:
    """English, with the separators of the region where Babel knows them."""
    name = f"en_{region}"
    return Locale.parse(name if localedata.exists(name) else "en")
