"""Numbers, money and dates as a region writes them, by default the shop's.

Nothing is added, rounded or left out: what the document says is printed.
"""

import re
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

from babel import Locale, localedata
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal, get_currency_precision
from django.conf import settings
from django.utils import timezone


def money(amount: str, currency: str, region: str = "") -> str:
    """With all the decimals that are written, and the currency's at least."""
    value, region = Decimal(amount), region or settings.SHOP_REGION
    exponent = value.as_tuple().exponent
    written = -exponent if isinstance(exponent, int) else 0
    pattern = currency_pattern(region, max(written, get_currency_precision(currency)))
    return format_currency(value, currency, pattern, locale=locale(region), currency_digits=False)


@cache
def currency_pattern(region: str, places: int) -> str:
    """How a region writes money, with so many decimals: Babel knows fewer for some
    currencies (IQD) than ISO 4217.
    """
    fraction = f".{'0' * places}" if places > 0 else ""
    return re.sub(r"(?<=0)\.0+", fraction, locale(region).currency_formats["standard"].pattern)


def less(amount: str, currency: str, region: str = "") -> str:
    """What is taken off: with a minus, wherever the region puts it."""
    return money(str(-Decimal(amount)), currency, region)


def is_nothing(amount: str | None) -> bool:
    return not amount or not Decimal(amount)


def is_owed(amount: str) -> bool:
    return Decimal(amount) > 0


def number(quantity: str, region: str = "") -> str:
    """Without the zeros that only fill up: 1.500 is 1.5."""
    return format_decimal(
        Decimal(quantity), locale=locale(region or settings.SHOP_REGION), decimal_quantization=False
    )


def percent(rate: str, region: str = "") -> str:
    return f"{number(rate, region)}%"


def day(iso: str | None, region: str = "") -> str:
    if not iso:
        return ""
    american = (region or settings.SHOP_REGION) == "US"
    return format_date(
        date.fromisoformat(iso[:10]), "MMM d, yyyy" if american else "d MMM yyyy", locale="en"
    )


def moment(iso: str | None, region: str = "", zone: str = "") -> str:
    """Day and time of the shop's clock, whatever time zone the asking thread is in."""
    if not iso:
        return ""
    at = timezone.localtime(
        datetime.fromisoformat(iso), ZoneInfo(zone) if zone else timezone.get_default_timezone()
    )
    clock = "h:mm a" if (region or settings.SHOP_REGION) == "US" else "HH:mm"
    return f"{day(at.isoformat(), region)}, {format_datetime(at, clock, locale='en')}"


@cache
def locale(region: str) -> Locale:
    """English, with the separators of the region where Babel knows them."""
    name = f"en_{region}"
    return Locale.parse(name if localedata.exists(name) else "en")
