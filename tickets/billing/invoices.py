"""Issue invoices: numbered without gaps, written once, and the ticket moves with them.

Lock order everywhere: the ticket, its parts by id, last the series of numbers.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone

from inventory import quantities
from inventory.models import ZERO
from mechanic_shop.accounts.models import User
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError

from ..lifecycle import price_limits, workflow
from ..lifecycle.locking import lock
from ..lifecycle.snapshot import load_snapshot
from ..lifecycle.transitions import apply_transition
from ..models import (
    Invoice,
    InvoiceAccount,
    InvoiceLine,
    InvoiceLineTax,
    ServiceTicket,
    Status,
    TicketPart,
)
from ..pricing import amounts as pricing_amounts
from ..pricing import engine
from ..pricing import sums as pricing_sums
from . import document_body, invoice_balances, payments
from .documents.text import with_unprintable
from .issuing import document_fields, next_number


@atomic
def issue_invoice(ticket: ServiceTicket, *, reason: str = "", by: User | None) -> Invoice:
    """Write the invoice of a completed ticket: what was approved and done, and what is
    on the ticket itself, at today's tax.

    What was paid before counts on it. Raises DomainError ``already_invoiced``,
    ``ticket_not_completed``, ``parts_not_fitted``, ``approval_exceeded`` or
    ``trade_in_exceeds_total``.
    """
    lock(ticket)
    ensure_completed(ticket)
    ensure_fitted(ticket)
    snapshot = load_snapshot(ticket)
    units = snapshot.authorized()
    bill = snapshot.price(units)
    ensure_something_to_invoice(ticket, bill)
    if refusal := price_limits.refused_price(snapshot, bill):
        raise refusal
    deposits = invoice_balances.paid_before(ticket)
    apply_transition(ticket, Status.INVOICED, reason=reason, by=by)
    invoice = write_invoice(
        ticket, document_body.body(snapshot, units, bill), bill, deposits, by=by
    )
    write_lines(invoice, bill)
    InvoiceAccount.objects.create(invoice=invoice, balance=invoice.total)
    invoice_balances.apply_deposits(invoice, by=by)
    invoice_balances.sync_ticket_status(
        ticket, invoice_balances.account_of(invoice), because=invoice.number, by=by
    )
    return Invoice.objects.with_account().get(pk=invoice.pk)


def ensure_completed(ticket: ServiceTicket) -> None:
    """Raises DomainError ``already_invoiced`` or ``ticket_not_completed``."""
    if ticket.status in (Status.INVOICED, Status.CLOSED):
        raise payments.already_invoiced(ticket, "credit it first to issue another")
    if ticket.status != Status.COMPLETED:
        raise DomainError(
            "ticket_not_completed",
            f"{ticket.number} is {ticket.status}: complete it first.",
            ticket_status=ticket.status,
        )


def ensure_something_to_invoice(ticket: ServiceTicket, bill: engine.Bill) -> None:
    """Raises DomainError ``nothing_to_invoice``."""
    if not bill.lines:
        raise workflow.nothing_is_approved(ticket)


def write_invoice(
    ticket: ServiceTicket,
    body: dict[str, Any],
    bill: engine.Bill,
    deposits: Decimal,
    *,
    by: User | None,
) -> Invoice:
    number = next_number(settings.SHOP_INVOICE_SERIES)
    document = invoice_document(ticket, number["number"], body, bill, deposits)
    return Invoice.objects.create(
        **number,
        **document_fields(ticket, bill, with_unprintable(document), by=by),
        due_on=date.fromisoformat(document["due_on"]),
        tax_rounding=settings.SHOP_TAX_ROUNDING,
        prices_include_tax=settings.SHOP_PRICES_INCLUDE_TAX,
        deposits=deposits,
    )


def invoice_document(
    ticket: ServiceTicket,
    number: str,
    body: dict[str, Any],
    bill: engine.Bill,
    deposits: Decimal,
) -> dict[str, Any]:
    today = timezone.localdate()
    due = pricing_sums.balance(bill.total, credited=ZERO, paid=deposits, refunded=ZERO)
    return {
        "kind": "invoice",
        "number": number,
        "issued_on": today.isoformat(),
        "due_on": (today + timedelta(days=settings.SHOP_PAYMENT_DAYS)).isoformat(),
        **document_body.header(ticket),
        **body,
        "deposits": pricing_amounts.money(deposits),
        "due": pricing_amounts.money(max(ZERO, due)),
    }


def write_lines(invoice: Invoice, bill: engine.Bill) -> None:
    """One row for each line of the document, in its order, with its taxes."""
    lines = [*in_order(bill, invoice.document), *([bill.supplies] if bill.supplies else [])]
    printed = document_body.lines_by_id(invoice.document).values()
    titles = {line["id"]: job["title"] for job in invoice.document["jobs"] for line in job["lines"]}
    rows = InvoiceLine.objects.bulk_create(
        invoice_line(invoice, titles.get(facts["id"], ""), facts, line)
        for facts, line in zip(printed, lines, strict=True)
    )
    InvoiceLineTax.objects.bulk_create(
        InvoiceLineTax(
            line=row,
            name=share.tax.name,
            rate=share.tax.rate,
            number=share.tax.number,
            on_top=share.tax.on_top,
            base=share.base,
            amount=share.amount,
        )
        for row, line in zip(rows, lines, strict=True)
        for share in line.tax_shares
    )


def invoice_line(
    invoice: Invoice, job_title: str, facts: dict[str, Any], line: engine.Line
) -> InvoiceLine:
    """A row of a priced line, and of its ``facts`` on the document."""
    return InvoiceLine(
        invoice=invoice,
        position=facts["id"],
        kind=facts["kind"],
        job_title=job_title,
        description=facts["description"],
        quantity=line.item.quantity,
        unit_price=line.item.unit_price,
        net=line.net,
        tax=line.tax,
        tax_name=facts["tax_name"],
        tax_rate=facts["tax_rate"],
        unit_cost=getattr(line.item.source, "unit_cost", ZERO),
        part_id=facts["part"] and facts["part"]["id"],
        mechanic_id=facts["mechanic"] and facts["mechanic"]["id"],
    )


def in_order(bill: engine.Bill, document: dict[str, Any]) -> list[engine.Line]:
    """The bill's lines in the order of the document: job by job, then those of no job."""
    positions = {job["id"]: position for position, job in enumerate(document["jobs"])}
    last = len(positions)
    return sorted(bill.lines, key=lambda line: positions.get(line.item.source.job_id, last))


def ensure_fitted(ticket: ServiceTicket) -> None:
    """What was returned to stock, by a credit note, is not sold again before it is
    fitted again.
    """
    missing = [
        line
        for line in TicketPart.objects.filter(ticket=ticket).authorized().select_related("part")
        if line.backordered
    ]
    if missing:
        named = ", ".join(
            f"{quantities.show(line.backordered)} × {line.part.sku}" for line in missing
        )
        raise DomainError(
            "parts_not_fitted",
            (
                f"Not fitted any more: {named}. Reopen the ticket, and complete it again or "
                f"remove them."
            ),
        )
