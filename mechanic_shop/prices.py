"""Prices and costs of one unit: they may have more decimals than money has, such as
1.215 for a bolt.

What a line comes to is rounded once, to the currency. A price is shown with the
decimals that it needs, and with the currency's at least.
"""

from decimal import Decimal
from typing import Any

from django.core.validators import MinValueValidator

from .currency import AmountField, places

PLACES = 4  # decimals of the column


def price_places() -> int:
    """The decimals that a price of one unit may have: two more than the currency, as
    far as the column has them, and none where that has none.
    """
    return min(places() + 2, PLACES) if places() else 0


class PriceField(AmountField):
    """A column of prices."""


def price_field(**kwargs: Any) -> PriceField:
    """The price or the cost of a unit, not negative."""
    defaults: dict[str, Any] = {
        "max_digits": 14,
        "decimal_places": PLACES,
        "validators": [MinValueValidator(Decimal(0))],
    }
    return PriceField(**defaults | kwargs)
