"""Units in which parts are counted, and why their counts move."""

from decimal import Decimal
from typing import Any

from django.db import models


class Unit(models.TextChoices):
    EACH = "each"
    SET = "set"
    PAIR = "pair"
    BOX = "box"
    LITRE = "litre"
    METRE = "metre"
    KILOGRAM = "kilogram"
    GRAM = "gram"
    FOOT = "foot"
    GALLON = "gallon"
    QUART = "quart"


COUNTED = {Unit.EACH, Unit.SET, Unit.PAIR, Unit.BOX}


def quantity_field(**kwargs: Any) -> models.DecimalField:
    """A quantity in the part's unit."""
    options: dict[str, Any] = {"max_digits": 12, "decimal_places": 3, "default": Decimal(0)}
    return models.DecimalField(**options | kwargs)


class Reason(models.TextChoices):
    RECEIPT = "receipt"
    ISSUE = "issue"
    RETURN_TO_STOCK = "return_to_stock"
    ADJUSTMENT = "adjustment"
    STOCKTAKE = "stocktake"
    SCRAP = "scrap"


def show(quantity: Decimal) -> str:
    """A quantity as a person writes it: "2", "0.5"."""
    return f"{quantity.normalize():f}"
