"""The lines of an invoice that a credit note takes back, and what each bears of its net and
its taxes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from inventory.models import ZERO
from inventory.quantities import show
from mechanic_shop.errors import DomainError, InvalidInput

from ..lifecycle import price_limits
from ..models import CreditNoteLine, Invoice, InvoiceLine, InvoiceLineTax, LineKind
from ..pricing import arithmetic, rules, shop_rules
from ..pricing import sums as pricing_sums
from ..pricing.taxes import TaxComponent, TaxShare


@dataclass
class CreditedLine:
    """``quantity`` of an invoice's line, of which ``before`` was credited already."""

    line: InvoiceLine
    quantity: Decimal
    before: Decimal
    restock: bool = False

    @property
    def share(self) -> tuple[Decimal, Decimal, Decimal, rules.Rules]:
        return self.quantity, self.line.quantity, self.before, shop_rules.rounding()

    @cached_property
    def net(self) -> Decimal:
        return pricing_sums.part_of(self.line.net, *self.share)

    @cached_property
    def taxes(self) -> list[tuple[InvoiceLineTax, TaxShare]]:
        return [(tax, self.tax_share(tax)) for tax in self.line.taxes.all()]

    @property
    def tax(self) -> Decimal:
        return arithmetic.add(share.amount for share in self.tax_shares)

    @property
    def tax_shares(self) -> list[TaxShare]:
        return [share for _, share in self.taxes]

    def tax_share(self, tax: InvoiceLineTax) -> TaxShare:
        component = TaxComponent(tax.name, tax.rate, tax.number, on_top=tax.on_top)
        base, amount = (
            pricing_sums.part_of(money, *self.share) for money in (tax.base, tax.amount)
        )
        return TaxShare(component, base, amount)


Rest = dict[int, tuple[InvoiceLine, Decimal]]


def credit_sums(lines: Iterable[CreditedLine]) -> pricing_sums.Sums:
    return pricing_sums.credit_sums((line.net, line.tax_shares) for line in lines)


def left_of(invoice: Invoice) -> Rest:
    """{line: (itself, how much of it was credited)}."""
    credited: dict[int, Decimal] = {}
    for key, quantity in CreditNoteLine.objects.filter(line__invoice=invoice).values_list(
        "line_id", "quantity"
    ):
        credited[key] = credited.get(key, ZERO) + quantity
    lines = invoice.lines.select_related("part").prefetch_related("taxes").order_by("position")
    return {line.pk: (line, credited.get(line.pk, ZERO)) for line in lines}


def chosen_lines(
    invoice: Invoice, rest: Rest, named: Sequence[dict[str, Any]], restock: bool
) -> list[CreditedLine]:
    """What is to be credited: the lines that are named, or all that is left."""
    lines = {line.position: (line, before) for line, before in rest.values()}
    if not named:
        named = [
            {"line": position}
            for position, (line, before) in lines.items()
            if line.quantity > before
        ]
    chosen = []
    for index, entry in enumerate(named):
        if entry["line"] not in lines:
            detail = f"{invoice.number} has no line {entry['line']}."
            raise InvalidInput(f"lines.{index}.line", "line_of_another_invoice", detail)
        line, before = lines.pop(entry["line"])
        quantity = chosen_quantity(line, before, entry.get("quantity"))
        if line.part is not None:
            line.part.check_quantity(quantity, f"lines.{index}.quantity")
        back = entry.get("restock", restock) and line.kind == "part"
        chosen.append(CreditedLine(line, quantity, before, back))
    return chosen


def chosen_quantity(line: InvoiceLine, before: Decimal, wanted: Decimal | None) -> Decimal:
    """How much of a line is credited: what is wanted, or all that is left of it. Raises
    DomainError ``more_than_invoiced``.
    """
    left = line.quantity - before
    quantity = wanted or left
    if quantity > left or not left:
        detail = (
            f"{show(left)} of line {line.position} are left to credit."
            if left
            else f"Line {line.position} is credited in full already."
        )
        raise DomainError("more_than_invoiced", detail, line=line.position, left=str(left))
    return quantity


def ensure_not_below_nothing(invoice: Invoice, rest: Rest, chosen: list[CreditedLine]) -> None:
    """Neither the credit note nor what it leaves of the invoice comes to less than
    nothing. Raises DomainError ``trade_in_exceeds_total``.
    """
    if not any(line.kind == LineKind.TRADE_IN for line, _ in rest.values()):
        return
    taken = {credited.line.pk: credited.quantity for credited in chosen}
    back = [
        CreditedLine(line, taken[key], before)
        for key, (line, before) in rest.items()
        if key in taken
    ]
    gone = {key: before + taken.get(key, ZERO) for key, (_, before) in rest.items()}
    left = [
        CreditedLine(line, line.quantity - gone[key], gone[key]) for key, (line, _) in rest.items()
    ]
    way_out = "credit a trade-in together with the work on which it was counted"
    for name, lines in (("The credit note", back), (f"What is left of {invoice.number}", left)):
        sums = credit_sums(lines)
        if sums.shortfall:
            raise price_limits.below_nothing(f"{name} would come to", sums, way_out)
