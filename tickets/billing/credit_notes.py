"""Issue credit notes: they take an invoice back, in full or by lines, and its ticket
moves with them.

Lock order everywhere: the ticket, its parts by id, last the series of numbers.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from customers.models import Customer
from inventory import allocations
from inventory.models import ZERO, Part
from mechanic_shop.accounts.models import User
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError

from ..lifecycle.allocation import apply_to_lines
from ..lifecycle.locking import lock
from ..lifecycle.transitions import apply_transition
from ..models import (
    CreditNote,
    CreditNoteLine,
    CreditNoteLineTax,
    Invoice,
    InvoiceAccount,
    ServiceTicket,
    Status,
    TicketPart,
)
from . import invoice_balances
from .credit_document import credit_document
from .credited_lines import (
    CreditedLine,
    Rest,
    chosen_lines,
    credit_sums,
    ensure_not_below_nothing,
    left_of,
)
from .documents.text import with_unprintable
from .issuing import document_fields, next_number


@atomic
def credit(
    invoice: Invoice,
    *,
    reason: str,
    lines: Sequence[dict[str, Any]] = (),
    restock: bool = False,
    by: User | None,
) -> CreditNote:
    """Take an invoice back: in full where no lines are named, else these: {line: its
    position on the document, quantity?, restock?}.

    Without a quantity it is all that is left. Each line bears its share of net and tax.
    With ``restock`` parts go back on the shelf. When nothing of the invoice is left its
    ticket is completed again, and may be invoiced again. Raises DomainError
    ``nothing_to_credit``, ``more_than_invoiced`` or ``trade_in_exceeds_total``;
    InvalidInput for a line that is not there.
    """
    ticket = invoice.ticket
    lock(ticket)
    Customer.objects.refuse_erased(ticket.customer_id)  # their tickets never open again
    rest = left_of(invoice)
    chosen = chosen_lines(invoice, rest, lines, restock)
    if not chosen and (rest or invoice_balances.account_of(invoice).is_credited):
        raise DomainError("nothing_to_credit", f"{invoice.number} is credited in full already.")
    ensure_not_below_nothing(invoice, rest, chosen)
    note = write_credit_note(invoice, chosen, reason=reason, by=by)
    put_back(ticket, note, [credited for credited in chosen if credited.restock], by=by)
    account = count_credit(invoice, note, rest, chosen)
    if account.is_credited:
        apply_transition(ticket, Status.COMPLETED, reason=f"{note.number}: {reason}"[:500], by=by)
    else:
        invoice_balances.sync_ticket_status(ticket, account, because=note.number, by=by)
    return note


def count_credit(
    invoice: Invoice, note: CreditNote, rest: Rest, chosen: list[CreditedLine]
) -> InvoiceAccount:
    """Count the credit note on its invoice; the invoice is credited when nothing of any
    line is left.
    """
    account = invoice_balances.account_of(invoice)
    account.credited += note.total
    taken = {credited.line.pk: credited.quantity for credited in chosen}
    account.is_credited = all(
        taken.get(key, ZERO) + before == line.quantity for key, (line, before) in rest.items()
    )
    invoice_balances.save(account)
    return account


def write_credit_note(
    invoice: Invoice, chosen: list[CreditedLine], *, reason: str, by: User | None
) -> CreditNote:
    sums = credit_sums(chosen)
    number = next_number(settings.SHOP_CREDIT_NOTE_SERIES)
    document = credit_document(invoice, chosen, sums, number["number"], reason)
    note = CreditNote.objects.create(
        **number,
        **document_fields(invoice.ticket, sums, with_unprintable(document), by=by),
        invoice=invoice,
        reason=reason,
    )
    write_lines(note, chosen)
    return note


def write_lines(note: CreditNote, chosen: list[CreditedLine]) -> None:
    rows = CreditNoteLine.objects.bulk_create(
        CreditNoteLine(
            credit_note=note,
            line=credited.line,
            quantity=credited.quantity,
            net=credited.net,
            tax=credited.tax,
            restocked=credited.restock,
        )
        for credited in chosen
    )
    CreditNoteLineTax.objects.bulk_create(
        CreditNoteLineTax(line=row, tax=tax, base=share.base, amount=share.amount)
        for row, credited in zip(rows, chosen, strict=True)
        for tax, share in credited.taxes
    )


def put_back(
    ticket: ServiceTicket, note: CreditNote, chosen: list[CreditedLine], *, by: User | None
) -> None:
    """Return to stock the parts that the customer gives back; they are no longer fitted."""
    jobs = {line["id"]: job["id"] for job in note.invoice.document["jobs"] for line in job["lines"]}
    back = {
        (credited.line.part_id, jobs.get(credited.line.position)): credited.quantity
        for credited in chosen
    }

    def effect(line: TicketPart, part: Part, by: User | None) -> None:
        quantity = min(back.get((part.pk, line.job_id), ZERO), line.issued)
        if quantity:
            allocations.return_to_stock(
                part, quantity, reference=note.number, unit_cost=line.unit_cost, by=by
            )
            line.save_changes(issued=line.issued - quantity)

    lines = TicketPart.objects.filter(ticket=ticket, part__in={part for part, _ in back})
    for _, part in sorted(apply_to_lines(lines, effect, by=by).items()):
        allocations.fill_backorders(part)
