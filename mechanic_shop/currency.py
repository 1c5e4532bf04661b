"""How many decimals the shop's money has: none (JPY), two (USD) or three (KWD).

Whoever takes, rounds, keeps or writes an amount asks here. Every column of money holds
three, so that no table depends on the currency; what is read from it has the
currency's.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models

PLACES = 3  # decimals of the columns


def places() -> int:
    """The decimals of the shop's currency."""
    found: int = settings.SHOP_CURRENCY_PLACES
    return found


def minor_unit() -> Decimal:
    """The smallest amount that there is: a cent, a yen, a fils."""
    return Decimal(1).scaleb(-places())


def rounded(amount: Decimal) -> Decimal:
    """To the minor unit, half up."""
    return amount.quantize(minor_unit(), ROUND_HALF_UP) + 0  # never −0


def short(amount: Decimal) -> Decimal:
    """With the currency's decimals, or with more where there are more: 1.2150 is 1.215,
    and 10.000 is 10.00.
    """
    least, bare = places(), amount.normalize()
    exponent = bare.as_tuple().exponent
    needed = -exponent if isinstance(exponent, int) else 0
    return bare if needed > least else amount.quantize(Decimal(1).scaleb(-least))


class AmountField(models.DecimalField):
    """A column of money, which is read with the currency's decimals.

    More than that it has only where the shop's currency was another one; nothing is
    rounded away by reading it.
    """

    def from_db_value(self, value: Decimal | None, *_: Any) -> Decimal | None:
        return None if value is None else short(value)

    def formfield(self, **kwargs: Any) -> Any:
        """A box that takes any number: how many decimals it may have, the form's
        serializer says.
        """
        return super().formfield(**{"max_digits": None, "decimal_places": None} | kwargs)

    def deconstruct(self) -> Any:
        """To the database, and to migrations, it is Django's own."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.DecimalField", args, kwargs


def signed_amount_field(**kwargs: Any) -> AmountField:
    """An amount in the shop's currency, also one that is less than nothing."""
    return AmountField(**{"max_digits": 13, "decimal_places": PLACES} | kwargs)


def amount_field(**kwargs: Any) -> AmountField:
    """An amount in the shop's currency, not negative."""
    return signed_amount_field(**{"validators": [MinValueValidator(Decimal(0))]} | kwargs)


def sum_field(**kwargs: Any) -> AmountField:
    """What many amounts come to."""
    return signed_amount_field(**{"max_digits": 25} | kwargs)
