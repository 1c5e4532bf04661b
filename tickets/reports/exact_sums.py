"""Sums that both databases give exactly: SQLite adds decimals as doubles, so
thousandths are added there, as integers.
"""

from decimal import Decimal

from django.db.models import BigIntegerField, F, Q, Sum
from django.db.models.functions import Cast, Coalesce, Round

Units = int | Decimal | None


def thousandths(column: str, where: Q | None = None) -> Coalesce:
    """Σ of a column of three decimals: quantities, and money of any currency; ``exact``
    reads it.
    """
    units = Cast(Round(F(column) * 1000), BigIntegerField())
    return Coalesce(Sum(units, filter=where), 0, output_field=BigIntegerField())


def exact(units: Units) -> Decimal:
    return Decimal(int(units or 0)).scaleb(-3)
