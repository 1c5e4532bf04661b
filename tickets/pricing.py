"""What things come to. Every amount of money that the shop tells anybody is added up here and nowhere else.

Pure: Decimals in, Decimals out; no database, no settings, no clock. Amounts are in the currency's major unit,
rounded half up to its minor unit (``Rules.places`` decimals). Rates are percent: 20 is 20 %.

The order is fixed: a line's own discount, then shop supplies, then the ticket's discount spread over the lines, then tax.
What is spread (a discount over lines, a group's tax over its lines) is spread by largest remainder, so shares add up exactly.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

ZERO, HUNDRED = Decimal(0), Decimal(100)
GROUP, LINE = "group", "line"  # where tax is rounded: once for each rate, or at every line


@dataclass(frozen=True, slots=True)
class Tax:
    name: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Discount:
    """So many percent off, or an amount; more than there is takes off all."""

    percent: Decimal = ZERO
    amount: Decimal = ZERO

    def of(self, gross: Decimal) -> Decimal:
        """Not rounded: a line rounds once, after it."""
        return min(gross, self.amount or gross * self.percent / HUNDRED)


NOTHING_OFF = Discount()


@dataclass(frozen=True, slots=True)
class Item:
    """Something that is charged for. ``source`` is the caller's own and comes back with the price."""

    quantity: Decimal
    unit_price: Decimal
    discount: Discount = NOTHING_OFF
    tax: Tax | None = None
    uses_supplies: bool = False
    source: Any = None


@dataclass(frozen=True, slots=True)
class Supplies:
    """Rags, cleaner, disposal: percent of what uses them, or a flat sum when anything does; at most ``cap``. No discount touches it."""

    percent: Decimal = ZERO
    flat: Decimal = ZERO
    cap: Decimal | None = None
    tax: Tax | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    places: int = 2
    rounding: str = GROUP
    inclusive: bool = False  # do prices contain their tax?
    supplies: Supplies | None = None

    def round(self, amount: Decimal) -> Decimal:
        return amount.quantize(Decimal(1).scaleb(-self.places), ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Line:
    """An item and what it comes to: ``amount`` after its own discount; ``net`` + ``tax`` = ``total`` = what the customer pays for it."""

    item: Item
    amount: Decimal
    share: Decimal  # of the ticket's discount
    net: Decimal
    tax: Decimal

    @property
    def total(self) -> Decimal:
        return self.net + self.tax


@dataclass(frozen=True, slots=True)
class TaxSum:
    tax: Tax
    base: Decimal
    amount: Decimal


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


def price(items: Iterable[Item], discount: Discount = NOTHING_OFF, rules: Rules = Rules()) -> Bill:
    """What these items come to together."""
    items = list(items)
    amounts = [line_amount(item.quantity, item.unit_price, item.discount, rules) for item in items]
    off = rules.round(discount.of(add(amounts)))
    shares = spread(off, amounts, rules)
    due = [(item, amount, share) for item, amount, share in zip(items, amounts, shares, strict=True)]
    extra = supplies_item(items, amounts, rules)
    if extra:
        due.append((extra, extra.unit_price, ZERO))
    taxes = taxes_of([(item.tax, amount - share) for item, amount, share in due], rules)
    lines = [
        Line(item, amount, share, amount - share - (tax if rules.inclusive else ZERO), tax)
        for (item, amount, share), tax in zip(due, taxes, strict=True)
    ]
    subtotal, tax = add(line.net for line in lines), add(line.tax for line in lines)
    return Bill(
        lines=tuple(lines[: len(items)]),
        supplies=lines[-1] if extra else None,
        taxes=tax_sums((line.item.tax, line.net, line.tax) for line in lines),
        discount=off,
        subtotal=rules.round(subtotal),
        tax=rules.round(tax),
        total=rules.round(subtotal + tax),
    )


def line_amount(quantity: Decimal, unit_price: Decimal, discount: Discount = NOTHING_OFF, rules: Rules = Rules()) -> Decimal:
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


def spread(amount: Decimal, weights: Sequence[Decimal], rules: Rules) -> list[Decimal]:
    """Shares of ``amount`` in proportion to the weights, in whole minor units, that add up to it exactly.

    Largest remainder (Hamilton's method): everyone gets the whole units of their exact share, the units that are left
    go to the largest fractions, of equal ones to the first. No share of what is no more than all weights exceeds its own weight.
    """
    unit, whole = Decimal(1).scaleb(-rules.places), add(weights)
    if not amount or not whole:
        return [ZERO] * len(weights)
    # Whole numbers: a quotient of Decimals ends after 28 digits, and a share must not depend on where.
    units, parts, all_parts = int(amount / unit), [int(weight / unit) for weight in weights], int(whole / unit)
    shares, rests = zip(*(divmod(units * part, all_parts) for part in parts), strict=True)
    first = sorted(range(len(parts)), key=lambda place: (-rests[place], place))[: units - sum(shares)]
    return [(share + (place in first)) * unit for place, share in enumerate(shares)]


def taxes_of(due: Sequence[tuple[Tax | None, Decimal]], rules: Rules) -> list[Decimal]:
    """The tax of each line, of the amount that it is due on (which contains the tax where prices do)."""
    if rules.rounding == LINE:
        return [tax_on(amount, tax, rules) for tax, amount in due]
    found = [ZERO] * len(due)
    for group in {tax for tax, _ in due if tax}:
        places = [place for place, (tax, _) in enumerate(due) if tax == group]
        amounts = [due[place][1] for place in places]
        for place, share in zip(places, spread(tax_on(add(amounts), group, rules), amounts, rules), strict=True):
            found[place] = share
    return found


def tax_on(amount: Decimal, tax: Tax | None, rules: Rules) -> Decimal:
    if tax is None:
        return ZERO
    return rules.round(amount * tax.rate / (HUNDRED + tax.rate if rules.inclusive else HUNDRED))


def tax_sums(lines: Iterable[tuple[Tax | None, Decimal, Decimal]]) -> tuple[TaxSum, ...]:
    """What was taxed how, by name and rate, of (tax, net, amount of tax); what is not taxed is in none of them."""
    sums: dict[Tax, tuple[Decimal, Decimal]] = {}
    for tax, net, amount in lines:
        if tax:
            base, known = sums.get(tax, (ZERO, ZERO))
            sums[tax] = base + net, known + amount
    return tuple(TaxSum(tax, *sums[tax]) for tax in sorted(sums, key=lambda tax: (tax.name, tax.rate)))


def part_of(amount: Decimal, quantity: Decimal, of: Decimal, before: Decimal = ZERO, rules: Rules = Rules()) -> Decimal:
    """What ``quantity`` ``of`` a line bears of its amount, when ``before`` was taken already: bit by bit all of it comes out, and never more."""
    return rules.round(amount * (before + quantity) / of) - rules.round(amount * before / of)


def balance(total: Decimal, *, credited: Decimal, paid: Decimal, refunded: Decimal) -> Decimal:
    """What is still to pay; less than nothing is the customer's credit."""
    return total - credited - paid + refunded


def add(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)


@dataclass(frozen=True, slots=True)
class Sums:
    """What some lines come to together."""

    taxes: tuple[TaxSum, ...]
    subtotal: Decimal
    tax: Decimal

    @property
    def total(self) -> Decimal:
        return self.subtotal + self.tax


def credit_sums(lines: Iterable[tuple[Tax | None, Decimal, Decimal]]) -> Sums:
    """Of (tax, net, amount of tax) that were priced before."""
    lines = list(lines)
    return Sums(tax_sums(lines), add(net for _, net, _ in lines), add(tax for _, _, tax in lines))
