"""Invoices and credit notes whose lines, totals and documents contradict each other."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import QuerySet

from inventory.models import ZERO
from inventory.quantities import show

from ..models import (
    CreditNote,
    CreditNoteLine,
    CreditNoteLineTax,
    Invoice,
    InvoiceLine,
    InvoiceLineTax,
)
from ..pricing import arithmetic
from ..pricing.amounts import money
from .account_checks import InvoiceFacts

SUMS = ("subtotal", "tax", "total")
NO_LINES: tuple[None, Iterator[Any]] = (None, iter(()))


@dataclass
class LineSums:
    """Of a line of an invoice: what is on it, or what was taken back."""

    quantity: Decimal = ZERO
    net: Decimal = ZERO
    tax: Decimal = ZERO


def wrong_credit_notes(taken: dict[int, LineSums]) -> Iterator[str]:
    """Each adds up. Adds up in ``taken`` what was taken back of each line of an
    invoice.
    """
    rows = CreditNoteLine.objects.order_by("credit_note_id", "pk").values_list(
        "credit_note_id", "line_id", "quantity", "net", "tax"
    )
    for note, lines in with_lines(CreditNote.objects.order_by("pk"), rows):
        for _, line, *amounts in lines:
            so_far = taken[line]
            taken[line] = LineSums(
                *map(
                    arithmetic.add,
                    zip((so_far.quantity, so_far.net, so_far.tax), amounts, strict=True),
                )
            )
        yield from wrong_sums(note, [(net, tax) for *_, net, tax in lines])


def wrong_invoices(facts: dict[int, InvoiceFacts], taken: dict[int, LineSums]) -> Iterator[str]:
    """Each adds up, and no more was credited than is on it. Fills ``facts``."""
    rows = InvoiceLine.objects.order_by("invoice_id", "position").values_list(
        "invoice_id", "position", "pk", "quantity", "net", "tax"
    )
    # one of nothing is credited by its note
    credited = set(CreditNote.objects.values_list("invoice_id", flat=True))
    for invoice, lines in with_lines(Invoice.objects.order_by("pk"), rows):
        left = any(taken[key].quantity < quantity for _, _, key, quantity, _, _ in lines)
        stands = left if lines else invoice.pk not in credited
        facts[invoice.pk] = InvoiceFacts(invoice.number, invoice.ticket_id, invoice.total, stands)
        yield from wrong_sums(invoice, [(net, tax) for *_, net, tax in lines])
        for _, place, key, *amounts in lines:
            yield from credited_too_much(
                f"{invoice.number}: line {place}", LineSums(*amounts), taken[key]
            )


def wrong_line_taxes() -> Iterator[str]:
    """The taxes of a line, one for each part of its tax code, come to the tax of the
    line.
    """
    for model, taxes, document in (
        (InvoiceLine, InvoiceLineTax, "invoice"),
        (CreditNoteLine, CreditNoteLineTax, "credit_note"),
    ):
        rows = taxes.objects.order_by("line_id", "pk").values_list("line_id", "amount")
        for line, own in with_lines(model.objects.order_by("pk"), rows):
            amount = arithmetic.add(each for _, each in own)
            if amount != line.tax:
                number = getattr(line, document).number
                yield (
                    f"{number}: a line has {money(line.tax)} tax, but its taxes come to "
                    f"{money(amount)}."
                )


def with_lines(
    rows: QuerySet[Any], lines: QuerySet[Any, Any]
) -> Iterator[tuple[Any, list[tuple[Any, ...]]]]:
    """Each row with its lines, whose first value is its key; both in the order of that.
    Nothing is held in memory for longer.
    """
    groups = groupby(lines.iterator(), key=itemgetter(0))
    key, own = next(groups, NO_LINES)
    for row in rows.iterator():
        if key == row.pk:
            yield row, list(own)
            key, own = next(groups, NO_LINES)
        else:
            yield row, []


def credited_too_much(place: str, line: LineSums, back: LineSums) -> Iterator[str]:
    if back.quantity > line.quantity:
        yield f"{place} has {show(line.quantity)}, of which {show(back.quantity)} are credited."
    for name, there, credited in (("net", line.net, back.net), ("tax", line.tax, back.tax)):
        # of a trade-in both are less than 0
        if (credited < there) if there < 0 else (credited > there):
            yield f"{place} has {money(there)} {name}, of which {money(credited)} are credited."


def wrong_sums(row: Invoice | CreditNote, lines: list[tuple[Decimal, Decimal]]) -> Iterator[str]:
    """The lines come to subtotal and tax, these to the total, and the document that is
    printed says the same of each.
    """
    sums = {
        "subtotal": arithmetic.add(net for net, _ in lines),
        "tax": arithmetic.add(tax for _, tax in lines),
    }
    for name, amount in sums.items():
        if amount != getattr(row, name):
            yield (
                f"{row.number}: its {name} is {money(getattr(row, name))}, but its lines "
                f"come to {money(amount)}."
            )
    if arithmetic.add((row.subtotal, row.tax)) != row.total:
        yield (
            f"{row.number}: {money(row.subtotal)} and {money(row.tax)} tax are not "
            f"{money(row.total)}."
        )
    try:
        yield from wrong_document(row, lines)
    except (KeyError, TypeError, ArithmeticError):
        yield f"{row.number}: its document cannot be read."


def wrong_document(
    row: Invoice | CreditNote, lines: list[tuple[Decimal, Decimal]]
) -> Iterator[str]:
    """Amounts are compared as numbers: the shop may have had a currency of other
    decimals.
    """
    document = row.document
    for name, fact in (("number", row.number), ("issued_on", row.issued_on.isoformat())):
        if document[name] != fact:
            yield f"{row.number}: its {name} is {fact}, but its document says {document[name]}."
    for name in SUMS:
        if Decimal(document[name]) != getattr(row, name):
            yield (
                f"{row.number}: its {name} is {money(getattr(row, name))}, but its "
                f"document says {document[name]}."
            )
    if arithmetic.add(Decimal(tax["amount"]) for tax in document["taxes"]) != row.tax:
        yield f"{row.number}: the taxes of its document are not its {money(row.tax)}."
    printed = [*(line for job in document["jobs"] for line in job["lines"]), *document["lines"]]
    if [(Decimal(line["net"]), Decimal(line["tax"])) for line in printed] != lines:
        yield f"{row.number}: the lines of its document are others than its own."
