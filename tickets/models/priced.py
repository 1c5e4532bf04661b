"""What everything with a price and a discount has in common."""

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q

from inventory.models import ZERO
from inventory.taxes import TaxCode
from mechanic_shop.currency import signed_amount_field, sum_field

from ..pricing import engine, shop_rules
from ..pricing.rules import Discount


class Discounted(models.Model):
    """So many percent off, or an amount; never both."""

    discount_percent = models.DecimalField(
        max_digits=5, decimal_places=2, default=ZERO, db_default=ZERO
    )
    discount_amount = signed_amount_field(default=ZERO, db_default=ZERO)

    class Meta:
        abstract = True

    @property
    def discount(self) -> Discount:
        return Discount(self.discount_percent, self.discount_amount)


def one_discount() -> models.CheckConstraint:
    """A percentage from 0 to 100, or an amount that is not negative."""
    percent = Q(discount_percent__gte=0, discount_percent__lte=100, discount_amount=0)
    return models.CheckConstraint(
        condition=percent | Q(discount_percent=0, discount_amount__gt=0),
        name="%(class)s_has_one_discount",
        violation_error_code="discount",
        violation_error_message="Give a discount of 0 to 100 percent, or an amount, not both.",
    )


def approved_amount() -> models.DecimalField:
    return sum_field(
        null=True,
        blank=True,
        editable=False,
        help_text=(
            "what it was to cost when the customer approved it, with tax and its share of discounts"
        ),
    )


PRICED = frozenset({"quantity", "unit_price", "discount_percent", "discount_amount"})


class PricedLine(Discounted):
    """A line whose ``line_total`` follows from its quantity, unit_price and discount."""

    quantity: Any
    unit_price: Any
    line_total: Any

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.line_total = engine.line_amount(
            self.quantity, self.charged_price, self.discount, shop_rules.rounding()
        )
        fields = kwargs.get("update_fields")
        if fields is not None and not PRICED.isdisjoint(fields):
            kwargs["update_fields"] = {*fields, "line_total"}
        super().save(*args, **kwargs)

    @property
    def charged_price(self) -> Decimal:
        """What the customer pays for one."""
        return self.unit_price


def tax_code(none: str = "the shop's default tax code") -> Any:
    return models.ForeignKey(
        TaxCode, models.PROTECT, null=True, blank=True, related_name="+", help_text=f"none: {none}"
    )


def tax_code_of_line() -> Any:
    return tax_code("the shop's default tax code; for a trade-in, no tax")


def positive(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(**{f"{name}__gt": 0}), name=f"%(class)s_has_a_{name}")


class LineKind(models.TextChoices):
    """What a line of a job charges for; parts have lines of their own, since stock is
    behind them.
    """

    LABOR = "labor"
    SUBLET = "sublet"
    FEE = "fee"
    TRADE_IN = "trade_in", "Trade-in"  # what the shop takes in: its price is what it gives for one
