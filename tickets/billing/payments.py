"""Money that comes and goes. Every row is written once; what was wrong is reversed by
another row. The ticket's lock is around all of it.
"""

from decimal import Decimal
from typing import Any

from mechanic_shop.accounts.models import User
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError

from ..lifecycle import workflow
from ..lifecycle.locking import increment_version, lock
from ..lifecycle.snapshot import load_snapshot
from ..models import Invoice, Payment, PaymentKind, ServiceTicket, Status
from ..pricing import amounts
from .invoice_balances import (
    account_of,
    ensure_payable,
    latest_invoice,
    open_deposits,
    save,
    sync_ticket_status,
)
from .payment_rows import check_amount, write


@atomic
def pay(
    invoice: Invoice, *, amount: Decimal, keep_as_credit: bool = False, by: User | None, **how: Any
) -> Payment:
    """Take money for an invoice. When nothing is due any more the ticket closes.

    With ``keep_as_credit`` more than is due is the customer's credit; else DomainError
    ``more_than_due``. Raises DomainError ``invoice_credited`` for one that was taken
    back in full; InvalidInput for an amount that is none.
    """
    ticket = invoice.ticket
    lock(ticket)
    account = account_of(invoice)
    ensure_payable(invoice)
    if not keep_as_credit:
        ensure_not_more(amount, account.balance)
    payment = write(ticket, PaymentKind.PAYMENT, amount, invoice=invoice, by=by, **how)
    account.paid += amount
    save(account)
    sync_ticket_status(ticket, account, because=payment.number, by=by)
    return payment


@atomic
def refund(invoice: Invoice, *, amount: Decimal, by: User | None, **how: Any) -> Payment:
    """Pay back what was paid on an invoice, at most all of it. Raises DomainError
    ``refund_exceeds_paid``.
    """
    ticket = invoice.ticket
    lock(ticket)
    account = account_of(invoice)
    ensure_refundable(amount, account.received)
    payment = write(ticket, PaymentKind.REFUND, amount, invoice=invoice, by=by, sign=-1, **how)
    account.refunded += amount
    save(account)
    sync_ticket_status(ticket, account, because=payment.number, by=by)
    return payment


@atomic
def deposit(
    ticket: ServiceTicket,
    *,
    amount: Decimal,
    keep_as_credit: bool = False,
    by: User | None,
    **how: Any,
) -> Payment:
    """Take money in advance; it counts on the invoice to come.

    Raises DomainError ``ticket_locked`` where none is to come, or ``more_than_due`` for
    more than the estimate comes to, unless ``keep_as_credit`` is true or nothing is on
    the estimate yet.
    """
    lock(ticket)
    if ticket.status in (Status.INVOICED, Status.CLOSED):
        raise already_invoiced(ticket, "pay that")
    if ticket.status == Status.CANCELLED:
        raise DomainError(
            "ticket_locked",
            f"{ticket.number} is cancelled: nothing is to pay on it.",
            ticket_status=ticket.status,
        )
    snapshot = load_snapshot(ticket)
    if not keep_as_credit and (offered := snapshot.offered()):
        ensure_not_more(amount, snapshot.price(offered).total - open_deposits(ticket))
    increment_version(ticket)
    return write(ticket, PaymentKind.DEPOSIT, amount, by=by, **how)


@atomic
def refund_deposit(
    ticket: ServiceTicket, *, amount: Decimal, by: User | None, **how: Any
) -> Payment:
    """Pay back a deposit that is on no invoice. Raises DomainError
    ``refund_exceeds_paid``.
    """
    lock(ticket)
    ensure_refundable(amount, open_deposits(ticket))
    increment_version(ticket)
    return write(ticket, PaymentKind.REFUND, amount, by=by, sign=-1, **how)


def without_invoice(ticket: ServiceTicket) -> DomainError:
    """What is settled on paper is reopened first; everything else is invoiced first."""
    if ticket.status in (Status.INVOICED, Status.CLOSED):
        return already_invoiced(ticket, "pay that")
    return DomainError(
        "not_invoiced", f"{ticket.number} has no invoice yet: issue it, or take a deposit."
    )


def already_invoiced(ticket: ServiceTicket, way_out: str) -> DomainError:
    """Says what can be done: about the invoice, or where none stands, about the ticket."""
    invoice = latest_invoice(ticket)
    if invoice is None or workflow.has_no_invoice(ticket):
        then = (
            "then its work is added and approved, and it is invoiced"
            if workflow.has_nothing_to_invoice(ticket)
            else "then it is invoiced"
        )
        detail = (
            f"{ticket.number} is {ticket.status} without an invoice: {workflow.WAY_BACK}, and "
            f"{then}."
        )
        return DomainError("already_invoiced", detail, invoice=None)
    return DomainError(
        "already_invoiced", f"{ticket.number} has its invoice: {way_out}.", invoice=invoice.number
    )


def ensure_not_more(amount: Decimal, due: Decimal) -> None:
    """Raises DomainError ``more_than_due``."""
    check_amount(amount)
    due = max(due, Decimal(0))
    if amount > due:
        shown = amounts.money(due)
        detail = (
            f"Only {shown} is due: take that, or send keep_as_credit to keep the rest as the "
            f"customer's credit."
        )
        raise DomainError("more_than_due", detail, due=shown)


def ensure_refundable(amount: Decimal, paid: Decimal) -> None:
    if amount > paid:
        raise DomainError(
            "refund_exceeds_paid",
            f"Only {amounts.money(paid)} of it can be paid back.",
            paid=amounts.money(paid),
        )
