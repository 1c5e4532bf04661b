"""What things come to. Every amount of money that the shop tells anybody is added up
here and nowhere else.

Pure: Decimals in, Decimals out; no database, no settings, no clock. Amounts are in the
currency's major unit, rounded half up to its minor unit (``Rules.places`` decimals).
Rates are percent: 20 is 20 %.

The order is fixed: a line's own discount, then shop supplies, then the ticket's
discount spread over the lines, then tax. What is spread (a discount over lines, a
group's tax over its lines) is spread by largest remainder, so shares add up exactly.
What the shop gives (a trade-in) has a negative price: no discount touches it, and its
tax is negative, too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .arithmetic import HUNDRED, ZERO, add
from .rules import DEFAULT_RULES, NOTHING_OFF, Discount, Rules
from .spreading import spread, taxes_of
from .taxes import Tax, TaxShare, TaxSum, shortfall, tax_shares, tax_sums


@dataclass(frozen=True, slots=True)
class Item:
    """Something that is charged for, or with a negative price taken in. ``source`` is
    the caller's own and comes back with the price.
    """

    quantity: Decimal
    unit_price: Decimal
    discount: Discount = NOTHING_OFF
    tax: Tax | None = None
    uses_supplies: bool = False
    source: Any = None


@dataclass(frozen=True, slots=True)
class Line:
    """An item and what it comes to: ``amount`` after its own discount; ``net`` +
    ``tax`` = ``total`` = what the customer pays for it.
    """

    item: Item
    amount: Decimal
    share: Decimal  # of the ticket's discount
    net: Decimal
    taxes: tuple[Decimal, ...] = ()  # of each component of the item's tax

    @property
    def tax(self) -> Decimal:
        return add(self.taxes)

    @property
    def total(self) -> Decimal:
        return self.net + self.tax

    @property
    def tax_shares(self) -> list["TaxShare"]:
        return tax_shares(self.item.tax, self.net, self.taxes)


@dataclass(frozen=True, slots=True)
class Bill:
    """Σ nets = subtotal, Σ taxes = tax, subtotal + tax = total."""

    lines: tuple[Line, ...]
    supplies: Line | None
    taxes: tuple[TaxSum, ...]
    discount: Decimal  # the ticket's, as far as it was there to be taken
    subtotal: Decimal
    tax: Decimal
    total: Decimal

    @property
    def all_lines(self) -> tuple[Line, ...]:
        return self.lines if self.supplies is None else (*self.lines, self.supplies)

    @property
    def supplies_total(self) -> Decimal:
        return self.supplies.total if self.supplies else ZERO

    @property
    def shortfall(self) -> Decimal:
        return shortfall(self.total, self.taxes)


def price(
    items: Iterable[Item], discount: Discount = NOTHING_OFF, rules: Rules = DEFAULT_RULES
) -> Bill:
    """What these items come to together."""
    items = list(items)
    amounts = [line_amount(item.quantity, item.unit_price, item.discount, rules) for item in items]
    charged = [max(ZERO, amount) for amount in amounts]
    off = rules.round(discount.of(add(charged)))
    shares = spread(off, charged, rules)
    due = list(zip(items, amounts, shares, strict=True))
    extra = supplies_item(items, amounts, rules)
    if extra:
        due.append((extra, extra.unit_price, ZERO))
    lines = taxed_lines(due, rules)
    subtotal, tax = add(line.net for line in lines), add(line.tax for line in lines)
    return Bill(
        lines=tuple(lines[: len(items)]),
        supplies=lines[-1] if extra else None,
        taxes=tax_sums(share for line in lines for share in line.tax_shares),
        discount=off,
        subtotal=rules.round(subtotal),
        tax=rules.round(tax),
        total=rules.round(subtotal + tax),
    )


def taxed_lines(due: Sequence[tuple[Item, Decimal, Decimal]], rules: Rules) -> list[Line]:
    """The lines of (item, amount, share of the ticket's discount), with their tax."""
    taxes = taxes_of([(item.tax, amount - share) for item, amount, share in due], rules)
    return [
        Line(item, amount, share, amount - share - (add(tax) if rules.inclusive else ZERO), tax)
        for (item, amount, share), tax in zip(due, taxes, strict=True)
    ]


def line_amount(
    quantity: Decimal,
    unit_price: Decimal,
    discount: Discount = NOTHING_OFF,
    rules: Rules = DEFAULT_RULES,
) -> Decimal:
    """Quantity × price less the line's discount, rounded once."""
    gross = quantity * unit_price
    return rules.round(gross - discount.of(gross))


def supplies_item(items: Sequence[Item], amounts: Sequence[Decimal], rules: Rules) -> Item | None:
    """The line for shop supplies; None where there is nothing to charge."""
    rule = rules.supplies
    base = add(amount for item, amount in zip(items, amounts, strict=True) if item.uses_supplies)
    if rule is None or not base:
        return None
    amount = rules.round(rule.flat or base * rule.percent / HUNDRED)
    amount = amount if rule.cap is None else min(amount, rules.round(rule.cap))
    return Item(Decimal(1), amount, tax=rule.tax) if amount else None
