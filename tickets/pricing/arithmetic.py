"""Exact sums of Decimals."""

from collections.abc import Iterable
from decimal import Decimal

ZERO, HUNDRED = Decimal(0), Decimal(100)


def add(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
