"""What an invoice's payments come to. The ticket's lock is around all of it."""

from decimal import Decimal
from typing import Any

from mechanic_shop.accounts.models import User
from mechanic_shop.errors import DomainError

from ..lifecycle.locking import increment_version
from ..lifecycle.transitions import apply_transition
from ..models import Invoice, InvoiceAccount, Method, PaymentKind, ServiceTicket, Status
from ..pricing import arithmetic, sums
from .payment_rows import write

SETTLED = (Status.INVOICED, Status.CLOSED)


def account_of(invoice: Invoice) -> InvoiceAccount:
    return InvoiceAccount.objects.select_related("invoice").get(pk=invoice.pk)


def save(account: InvoiceAccount) -> None:
    account.balance = sums.balance(
        account.invoice.total,
        credited=account.credited,
        paid=account.paid,
        refunded=account.refunded,
    )
    account.save()


def sync_ticket_status(
    ticket: ServiceTicket, account: InvoiceAccount, *, because: str, by: User | None
) -> None:
    """Nothing due any more closes the ticket; something due again opens it again."""
    if account.invoice != latest_invoice(ticket):
        return  # an invoice that another has replaced
    if ticket.status == Status.INVOICED and account.balance <= 0:
        apply_transition(ticket, Status.CLOSED, reason=because, by=by)
    elif ticket.status == Status.CLOSED and account.balance > 0:
        apply_transition(ticket, Status.INVOICED, reason=because, by=by)
    else:
        increment_version(ticket)


def apply_deposits(invoice: Invoice, *, by: User | None) -> None:
    """Count on an invoice what was paid before it: the ticket's deposits, with what is
    left on an invoice that was credited.
    """
    ticket = invoice.ticket
    moved = [open_deposits(ticket), *take_from_other_invoices(ticket, invoice, by=by)]
    amount = arithmetic.add(moved)
    if amount <= 0:
        return
    details: dict[str, Any] = {"method": Method.OTHER, "note": "paid before"}
    write(ticket, PaymentKind.APPLIED, amount, invoice=invoice, **details, by=by)
    account = account_of(invoice)
    account.paid += amount
    save(account)
    if account.balance <= 0:
        sync_ticket_status(ticket, account, because=invoice.number, by=by)


def take_from_other_invoices(
    ticket: ServiceTicket, to: Invoice, *, by: User | None
) -> list[Decimal]:
    """Take what is left on the ticket's other invoices; returns the amounts."""
    details: dict[str, Any] = {"method": Method.OTHER, "note": f"to {to.number}"}
    amounts = []
    for account, left in credit_on_other_invoices(ticket, to):
        source = account.invoice
        write(ticket, PaymentKind.APPLIED, left, invoice=source, **details, by=by, sign=-1)
        account.paid -= left
        save(account)
        amounts.append(left)
    return amounts


def paid_before(ticket: ServiceTicket) -> Decimal:
    """What will count on the next invoice of a ticket."""
    return arithmetic.add(
        [open_deposits(ticket), *(left for _, left in credit_on_other_invoices(ticket))]
    )


def credit_on_other_invoices(
    ticket: ServiceTicket, invoice: Invoice | None = None
) -> list[tuple[InvoiceAccount, Decimal]]:
    """The accounts of the ticket's other invoices on which more was paid than is owed,
    and how much of it is there.
    """
    accounts = (
        InvoiceAccount.objects.filter(invoice__ticket=ticket, balance__lt=0)
        .select_related("invoice")
        .order_by("pk")
    )
    available = [(account, account.credit) for account in accounts if account.invoice != invoice]
    return [(account, left) for account, left in available if left > 0]


def open_deposits(ticket: ServiceTicket) -> Decimal:
    """What was paid in advance and is on no invoice yet."""
    rows = list(ticket.payments.values_list("kind", "invoice_id", "effect"))
    came = arithmetic.add(effect for _, invoice, effect in rows if invoice is None)
    counted = arithmetic.add(effect for kind, _, effect in rows if kind == PaymentKind.APPLIED)
    return came - counted


def latest_invoice(ticket: ServiceTicket) -> Invoice | None:
    """None also for what was invoiced before the shop wrote invoices."""
    return ticket.invoices.order_by("-pk").first()


def ensure_payable(invoice: Invoice) -> None:
    """Raises DomainError ``invoice_credited`` for an invoice that does not stand."""
    ticket = invoice.ticket
    if ticket.status not in SETTLED or invoice != latest_invoice(ticket):
        raise DomainError(
            "invoice_credited", f"{invoice.number} was credited in full: nothing is to pay on it."
        )
