"""Taxes as they stand on a document: their components, shares and sums."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from .arithmetic import HUNDRED, ZERO, add


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


def shortfall(total: Decimal, taxes: Iterable[TaxSum]) -> Decimal:
    """By how much a total, or one of its taxes, is less than nothing; 0 where none is.
    Trade-ins may not bring it there.
    """
    return max(ZERO, -total, *(-tax.amount for tax in taxes))
