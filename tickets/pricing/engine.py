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
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

ZERO, HUNDRED = Decimal(0), Decimal(100)
GROUP, LINE = "group", "line"  # where tax is rounded: once for each rate, or at every line


@dataclass(frozen=True, slots=True)
class TaxComponent:
    """One named tax, as it stands on a document.

    ``rate`` is its own percentage; ``effective`` is that percentage of the net amount,
    which is more where the tax applies on top of the taxes before it.
    """

    name: str
    rate: Decimal
    number: str = ""  # the registration number
    effective: Decimal = ZERO
    on_top: bool = False


@dataclass(frozen=True, slots=True)
class Tax:
    """What a tax code takes: one tax of its own name, or several named ``parts``.

    ``rate`` is the percentage of the net amount that all of it comes to.
    """

    name: str
    rate: Decimal
    number: str = ""
    parts: tuple[TaxComponent, ...] = ()

    @property
    def components(self) -> tuple[TaxComponent, ...]:
        return self.parts or (TaxComponent(self.name, self.rate, self.number, self.rate),)


def compound_tax(name: str, parts: Iterable[tuple[str, Decimal, str, bool]]) -> Tax:
    """A tax of several parts, each (name, percent, registration number, on top of the
    parts before it).
    """
    components: list[TaxComponent] = []
    for part, rate, number, on_top in parts:
        before = add(component.effective for component in components) if on_top else ZERO
        components.append(
            TaxComponent(part, rate, number, rate * (HUNDRED + before) / HUNDRED, on_top)
        )
    return Tax(name, add(part.effective for part in components), "", tuple(components))


@dataclass(frozen=True, slots=True)
class Discount:
    """So many percent off, or an amount; more than there is takes off all."""

    percent: Decimal = ZERO
    amount: Decimal = ZERO

    def of(self, gross: Decimal) -> Decimal:
        """Not rounded: a line rounds once, after it."""
        return max(ZERO, min(gross, self.amount or gross * self.percent / HUNDRED))


NOTHING_OFF = Discount()


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
class Supplies:
    """Rags, cleaner, disposal: percent of what uses them, or a flat sum when anything
    does; at most ``cap``. No discount touches it.
    """

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
        return amount.quantize(Decimal(1).scaleb(-self.places), ROUND_HALF_UP) + ZERO  # never −0


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
class TaxShare:
    """What one tax takes of one line: ``amount`` on ``base``, which contains the taxes
    that it applies on top of.
    """

    tax: TaxComponent
    base: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class TaxSum:
    tax: TaxComponent
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

    @property
    def supplies_total(self) -> Decimal:
        return self.supplies.total if self.supplies else ZERO

    @property
    def shortfall(self) -> Decimal:
        return shortfall(self.total, self.taxes)


def price(items: Iterable[Item], discount: Discount = NOTHING_OFF, rules: Rules = Rules()) -> Bill:
    """What these items come to together."""
    items = list(items)
    amounts = [line_amount(item.quantity, item.unit_price, item.discount, rules) for item in items]
    charged = [max(ZERO, amount) for amount in amounts]
    off = rules.round(discount.of(add(charged)))
    shares = spread(off, charged, rules)
    due = [
        (item, amount, share) for item, amount, share in zip(items, amounts, shares, strict=True)
    ]
    extra = supplies_item(items, amounts, rules)
    if extra:
        due.append((extra, extra.unit_price, ZERO))
    taxes = taxes_of([(item.tax, amount - share) for item, amount, share in due], rules)
    lines = [
        Line(item, amount, share, amount - share - (add(tax) if rules.inclusive else ZERO), tax)
        for (item, amount, share), tax in zip(due, taxes, strict=True)
    ]
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


def line_amount(
    quantity: Decimal, unit_price: Decimal, discount: Discount = NOTHING_OFF, rules: Rules = Rules()
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


def spread(amount: Decimal, weights: Sequence[Decimal], rules: Rules) -> list[Decimal]:
    """Shares of ``amount`` in proportion to the weights, in whole minor units, that add
    up to it exactly.

    Largest remainder (Hamilton's method): everyone gets the whole units of their exact
    share, the units that are left go to the largest fractions, of equal ones to the
    first. No share of what is no more than all weights exceeds its own weight.
    """
    unit, whole = Decimal(1).scaleb(-rules.places), add(weights)
    if not amount or not whole:
        return [ZERO] * len(weights)
    # Whole numbers: a quotient of Decimals ends after 28 digits, and a share must not
    # depend on where.
    units, parts, all_parts = (
        int(amount / unit),
        [int(weight / unit) for weight in weights],
        int(whole / unit),
    )
    shares, rests = zip(*(divmod(units * part, all_parts) for part in parts), strict=True)
    first = sorted(range(len(parts)), key=lambda place: (-rests[place], place))[
        : units - sum(shares)
    ]
    return [(share + (place in first)) * unit for place, share in enumerate(shares)]


def taxes_of(due: Sequence[tuple[Tax | None, Decimal]], rules: Rules) -> list[tuple[Decimal, ...]]:
    """The taxes of each line, one for each component, of the amount that they are due
    on.

    That amount contains the taxes where prices do. By group, each tax is rounded once
    for all lines that bear it and shared among them; by line, it is rounded at each of
    them.
    """
    found = [[ZERO] * len(tax.components) if tax else [] for tax, _ in due]
    for order, places in tax_groups(due, by_line=rules.rounding == LINE):
        for place, share in zip(
            places, tax_of_each([due[place] for place in places], order, rules), strict=True
        ):
            found[place][order] = share
    return [tuple(taxes) for taxes in found]


def tax_groups(
    due: Sequence[tuple[Tax | None, Decimal]], *, by_line: bool
) -> list[tuple[int, list[int]]]:
    """The places of the lines that share a tax, with the order of that tax among the
    components of their code.
    """
    groups: dict[tuple[int, Any], list[int]] = {}
    for place, (tax, _) in enumerate(due):
        for order, component in enumerate(tax.components if tax else ()):
            groups.setdefault((order, place if by_line else component), []).append(place)
    return [(order, places) for (order, _), places in groups.items()]


def tax_of_each(
    due: Sequence[tuple[Tax | None, Decimal]], order: int, rules: Rules
) -> list[Decimal]:
    """Shares of what a component takes of these amounts together: in proportion to
    them, or where some are negative to their exact taxes.
    """
    whole, amounts = group_tax(due, order, rules), [amount for _, amount in due]
    if min(amounts) >= 0:
        return spread(whole, amounts, rules)
    unit = Decimal(1).scaleb(-rules.places)
    exact = [exact_tax(tax, amount, order, rules) / unit for tax, amount in due]
    shares = [int(units.to_integral_value(ROUND_FLOOR)) for units in exact]
    # As in ``spread``. Of what is rounded once, no share is further from its exact tax
    # than one unit.
    first = sorted(range(len(exact)), key=lambda place: (shares[place] - exact[place], place))[
        : int(whole / unit) - sum(shares)
    ]
    return [(share + (place in first)) * unit for place, share in enumerate(shares)]


def exact_tax(tax: Tax | None, amount: Decimal, order: int, rules: Rules) -> Decimal:
    """What a component takes of an amount, not rounded."""
    return (
        amount
        * tax.components[order].effective
        / (HUNDRED + (tax.rate if rules.inclusive else ZERO))
        if tax
        else ZERO
    )


def group_tax(due: Sequence[tuple[Tax | None, Decimal]], order: int, rules: Rules) -> Decimal:
    """What a component takes of these amounts together, rounded once."""
    amounts: dict[Tax, Decimal] = {}
    for tax, amount in due:
        if tax:
            amounts[tax] = amounts.get(tax, ZERO) + amount
    return rules.round(add(exact_tax(tax, amount, order, rules) for tax, amount in amounts.items()))


def tax_shares(tax: Tax | None, net: Decimal, amounts: Sequence[Decimal]) -> list[TaxShare]:
    """What each component took of a line, by the amounts of its components."""
    before, found = ZERO, []
    for component, amount in zip(tax.components if tax else (), amounts, strict=True):
        found.append(TaxShare(component, net + (before if component.on_top else ZERO), amount))
        before += amount
    return found


def tax_sums(shares: Iterable[TaxShare]) -> tuple[TaxSum, ...]:
    """What was taxed how, by name, rate and registration number; what is not taxed is
    in none of them.
    """
    sums: dict[TaxComponent, tuple[Decimal, Decimal]] = {}
    for share in shares:
        base, amount = sums.get(share.tax, (ZERO, ZERO))
        sums[share.tax] = base + share.base, amount + share.amount
    order = sorted(sums, key=lambda tax: (tax.on_top, tax.name, tax.rate, tax.number))
    return tuple(TaxSum(tax, *sums[tax]) for tax in order)


def part_of(
    amount: Decimal, quantity: Decimal, of: Decimal, before: Decimal = ZERO, rules: Rules = Rules()
) -> Decimal:
    """What ``quantity`` ``of`` a line bears of its amount, when ``before`` was taken
    already: bit by bit all of it comes out, and never more.
    """
    return rules.round(amount * (before + quantity) / of) - rules.round(amount * before / of)


def balance(total: Decimal, *, credited: Decimal, paid: Decimal, refunded: Decimal) -> Decimal:
    """What is still to pay; less than nothing is the customer's credit."""
    return total - credited - paid + refunded


def shortfall(total: Decimal, taxes: Iterable[TaxSum]) -> Decimal:
    """By how much a total, or one of its taxes, is less than nothing; 0 where none is.
    Trade-ins may not bring it there.
    """
    return max(ZERO, -total, *(-tax.amount for tax in taxes))


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

    @property
    def shortfall(self) -> Decimal:
        return shortfall(self.total, self.taxes)

    @classmethod
    def of(cls, lines: Sequence[Line]) -> "Sums":
        return credit_sums((line.net, line.tax_shares) for line in lines)


def part_between(line: Line, low: Decimal, high: Decimal, rules: Rules = Rules()) -> Sums:
    """The part of a line between two amounts of its total, with its share of the tax."""
    tax = rules.round(line.tax * (high - low) / line.total)
    return Sums((), high - low - tax, tax)


def credit_sums(lines: Iterable[tuple[Decimal, Sequence[TaxShare]]]) -> Sums:
    """Of (net, taxes) that were priced before."""
    lines = list(lines)
    shares = [share for _, taxes in lines for share in taxes]
    return Sums(
        tax_sums(shares), add(net for net, _ in lines), add(share.amount for share in shares)
    )
