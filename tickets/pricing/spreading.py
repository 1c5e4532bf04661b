"""Spread an amount, or a tax that is rounded once, over lines so that shares add up exactly."""

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from .arithmetic import HUNDRED, ZERO, add
from .rules import LINE, Rules
from .taxes import Tax


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
