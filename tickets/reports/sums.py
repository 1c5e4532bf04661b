"""Sums that both databases give exactly: SQLite adds decimals as doubles, so whole minor units are added there, as integers."""

from decimal import Decimal
from typing import Any

from django.db.models import BigIntegerField, F, Q, Sum
from django.db.models.functions import Cast, Coalesce, Round

Units = int | Decimal | None


def cents(column: str, where: Q | None = None) -> Coalesce:
    """Σ of a column of money, in hundredths; ``money`` reads it."""
    return whole(F(column) * 100, where)


def thousandths(column: str) -> Coalesce:
    """Σ of a column of quantities; ``quantity`` reads it."""
    return whole(F(column) * 1000)


def whole(expression: Any, where: Q | None = None) -> Coalesce:
    return Coalesce(Sum(Cast(Round(expression), BigIntegerField()), filter=where), 0, output_field=BigIntegerField())


def money(units: Units) -> Decimal:
    return Decimal(int(units or 0)).scaleb(-2)


def quantity(units: Units) -> Decimal:
    return Decimal(int(units or 0)).scaleb(-3)
