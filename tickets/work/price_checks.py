"""Check who may change a price, and what a discount may be."""

from decimal import Decimal

from mechanic_shop.accounts.models import User
from mechanic_shop.errors import InvalidInput, NotAllowed


def check_may_change_price(by: User | None) -> None:
    """Prices, discounts and trade-ins are the office's. Raises NotAllowed."""
    if by is not None and not by.has_perm("tickets.change_serviceticket"):
        raise NotAllowed(
            "permission_denied",
            "Prices, discounts and trade-ins are not yours to change: ask the front desk.",
        )


def check_discount(percent: Decimal, amount: Decimal) -> None:
    if percent and amount:
        raise InvalidInput(
            "discount_amount", "two_discounts", "Give a percentage or an amount, not both."
        )
