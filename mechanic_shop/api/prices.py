"""Prices and costs of one unit: they may have more decimals than money has, such as 1.215 for a bolt.

What a line comes to is rounded once, to the currency. A price is shown with the decimals that it needs, and
with two at least.
"""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models

PLACES = 4  # decimals of the column
SHOWN = 2


def price_places() -> int:
    """The decimals that a price of one unit may have: two more than the currency, where that has any."""
    places: int = settings.SHOP_CURRENCY_PLACES
    return min(places + 2, PLACES) if places else 0


def short(price: Decimal, least: int = SHOWN) -> Decimal:
    """Without the zeros that only fill up: 1.2150 is 1.215, and 10 is 10.00."""
    bare = price.normalize()
    exponent = bare.as_tuple().exponent
    needed = -exponent if isinstance(exponent, int) else 0
    return bare if needed > least else price.quantize(Decimal(1).scaleb(-least))


class PriceField(models.DecimalField):
    """A column of prices, which are read without the zeros that only fill up."""

    def from_db_value(self, value: Decimal | None, *_: Any) -> Decimal | None:
        return None if value is None else short(value)

    def deconstruct(self) -> Any:
        """To the database, and to migrations, it is Django's own."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.DecimalField", args, kwargs


def price_field(**kwargs: Any) -> PriceField:
    """The price or the cost of a unit, not negative."""
    defaults: dict[str, Any] = {"max_digits": 14, "decimal_places": PLACES, "validators": [MinValueValidator(Decimal(0))]}
    return PriceField(**defaults | kwargs)
