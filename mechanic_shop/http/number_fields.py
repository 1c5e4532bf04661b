"""Quantities, amounts of money, prices and percents."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from rest_framework import serializers

from mechanic_shop import currency
from mechanic_shop.prices import PLACES, price_places


class PlainDecimalField(serializers.DecimalField):
    """A number as people write it: Python also reads "1_0" and digits of other scripts,
    the shop does not.
    """

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        """Take null for null, and nothing else: Django REST takes "" for it, too."""
        return serializers.Field.validate_empty_values(self, data)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) and ("_" in data or not data.isascii()):
            self.fail("invalid")
        return super().to_internal_value(data)

    def validate_precision(self, value: Decimal) -> Decimal:
        """Zeros at the end are no decimals: 375.0 is an amount of yen, too, and 5.4100
        one of dollars.
        """
        return super().validate_precision(
            value if self.decimal_places is None else cut(value, self.decimal_places)
        )


class QuantityField(PlainDecimalField):
    """A quantity: up to 12 digits, 3 after the point; whole where the part is counted
    (the model sees to that).
    """

    def __init__(self, **kwargs: Any) -> None:
        defaults: dict[str, Any] = {"max_digits": 12, "decimal_places": 3}
        super().__init__(**defaults | kwargs)


class PositiveQuantityField(QuantityField):
    def __init__(self, **kwargs: Any) -> None:
        defaults: dict[str, Any] = {"min_value": Decimal("0.001")}
        super().__init__(**defaults | kwargs)


class MoneyField(PlainDecimalField):
    """An amount of money: not negative, with no more decimals than the shop's currency
    has; a string in JSON, with exactly those.
    """

    default_error_messages = {"no_cents": "{currency} has no decimals: give a whole number."}

    def __init__(self, **kwargs: Any) -> None:
        defaults: dict[str, Any] = {
            "max_digits": 13,
            "decimal_places": currency.PLACES,
            "min_value": Decimal("0.00"),
        }
        super().__init__(**defaults | kwargs)

    def validate_precision(self, value: Decimal) -> Decimal:
        places = currency.places()
        if has_decimals_beyond(value, places):
            if not places:
                self.fail("no_cents", currency=settings.SHOP_CURRENCY)
            self.fail("max_decimal_places", max_decimal_places=places)
        return super().validate_precision(value)

    def quantize(self, value: Decimal) -> Decimal:
        return currency.rounded(value)


def has_decimals_beyond(value: Decimal, places: int) -> bool:
    """Is any digit after so many decimals not 0?"""
    _, digits, exponent = value.as_tuple()
    beyond = -exponent - places if isinstance(exponent, int) else 0
    return beyond > 0 and any(digits[-beyond:])


def cut(value: Decimal, places: int) -> Decimal:
    """Without the zeros after so many decimals; as it is where they are not all zeros."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or -exponent <= places or has_decimals_beyond(value, places):
        return value
    return Decimal((sign, digits[: exponent + places], -places))


class PositiveMoneyField(MoneyField):
    """An amount of one minor unit or more."""

    def validate_precision(self, value: Decimal) -> Decimal:
        value = super().validate_precision(value)
        least = currency.minor_unit()
        if value < least:
            self.fail("min_value", min_value=least)
        return value


class UnitPriceField(PlainDecimalField):
    """The price or the cost of one unit: not negative, up to four decimals; a string in
    JSON, with the currency's decimals at least.
    """

    default_error_messages = {
        "decimals": "In {currency} a price of one unit has {places} decimals at the most."
    }

    def __init__(self, **kwargs: Any) -> None:
        defaults: dict[str, Any] = {
            "max_digits": 14,
            "decimal_places": PLACES,
            "min_value": Decimal("0.00"),
        }
        super().__init__(**defaults | kwargs)

    def validate_precision(self, value: Decimal) -> Decimal:
        places = price_places()
        if has_decimals_beyond(value, places):
            self.fail("decimals", currency=settings.SHOP_CURRENCY, places=places)
        return super().validate_precision(value)

    def to_representation(self, value: Decimal) -> str:
        return f"{currency.short(value):f}"


class PercentField(PlainDecimalField):
    """0 to 100 percent, a string in JSON."""

    def __init__(self, **kwargs: Any) -> None:
        defaults: dict[str, Any] = {
            "max_digits": 5,
            "decimal_places": 2,
            "min_value": Decimal("0.00"),
            "max_value": Decimal(100),
        }
        super().__init__(**defaults | kwargs)
