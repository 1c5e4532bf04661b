"""Sums of lines that were priced before, and parts of them: credit notes and balances."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from .arithmetic import ZERO, add
from .engine import Line
from .rules import DEFAULT_RULES, Rules
from .taxes import TaxShare, TaxSum, shortfall, tax_sums


def part_of(
    amount: Decimal,
    quantity: Decimal,
    of: Decimal,
    before: Decimal = ZERO,
    rules: Rules = DEFAULT_RULES,
) -> Decimal:
    """What ``quantity`` ``of`` a line bears of its amount, when ``before`` was taken
    already: bit by bit all of it comes out, and never more.
    """
    return rules.round(amount * (before + quantity) / of) - rules.round(amount * before / of)


def balance(total: Decimal, *, credited: Decimal, paid: Decimal, refunded: Decimal) -> Decimal:
    """What is still to pay; less than nothing is the customer's credit."""
    return total - credited - paid + refunded


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


def part_between(line: Line, low: Decimal, high: Decimal, rules: Rules = DEFAULT_RULES) -> Sums:
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
