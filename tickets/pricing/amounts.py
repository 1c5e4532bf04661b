"""Amounts as documents and refusals write them: strings with the currency's decimals."""

from decimal import Decimal

from mechanic_shop.currency import short

from . import rules, shop_rules
from .engine import Bill
from .sums import Sums


def totals(bill: Bill | Sums) -> dict[str, str]:
    return {"subtotal": money(bill.subtotal), "tax": money(bill.tax), "total": money(bill.total)}


def percent(rate: Decimal) -> str:
    """At most 3 decimals: what several taxes come to may have more."""
    return f"{rules.Rules(places=3).round(rate):f}"


def price(amount: Decimal) -> str:
    """Of one unit: with the currency's decimals, or those that it needs."""
    return f"{short(amount):f}"


def money(amount: Decimal) -> str:
    """With the currency's decimals."""
    return f"{shop_rules.rounding().round(amount):f}"
