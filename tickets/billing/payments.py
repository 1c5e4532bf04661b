"""Money that comes and goes. Every row is written once; what was wrong is reversed by
another row. The ticket's lock is around all of it.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from customers.models import Customer
from mechanic_shop.currency import minor_unit, rounded
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError, InvalidInput

from ..lifecycle import workflow
from ..lifecycle.locking import increment_version, lock
from ..lifecycle.snapshot import load_snapshot
from ..lifecycle.transitions import apply_transition
from ..models import Invoice, InvoiceAccount, Method, Payment, PaymentKind, ServiceTicket, Status
from ..pricing import amounts, arithmetic, sums
from .documents.receipts import receipt_document

TOO_MUCH = Decimal(10_000_000)
# a client's clock may be ahead of ours by that: its "now" is not the future
CLOCKS_DIFFER = timedelta(minutes=1)


@atomic
def pay(
    invoice: Invoice, *, amount: Decimal, keep_as_credit: bool = False, by: Any, **how: Any
) -> Payment:
    """Take money for an invoice. When nothing is due any more the ticket closes.

    With ``keep_as_credit`` more than is due is the customer's credit; else DomainError
    ``more_than_due``. Raises DomainError ``invoice_credited`` for one that was taken
    back in full; InvalidInput for an amount that is none.
    """
    ticket = invoice.ticket
    lock(ticket)
    account = account_of(invoice)
    if ticket.status not in (Status.INVOICED, Status.CLOSED) or invoice != latest_invoice(ticket):
        raise DomainError(
            "invoice_credited", f"{invoice.number} was credited in full: nothing is to pay on it."
        )
    if not keep_as_credit:
        ensure_not_more(amount, account.balance)
    payment = write(ticket, PaymentKind.PAYMENT, amount, invoice=invoice, by=by, **how)
    account.paid += amount
    save(account)
    sync_ticket_status(ticket, account, because=payment.number, by=by)
    return payment


@atomic
def refund(invoice: Invoice, *, amount: Decimal, by: Any, **how: Any) -> Payment:
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
    ticket: ServiceTicket, *, amount: Decimal, keep_as_credit: bool = False, by: Any, **how: Any
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
def refund_deposit(ticket: ServiceTicket, *, amount: Decimal, by: Any, **how: Any) -> Payment:
    """Pay back a deposit that is on no invoice. Raises DomainError
    ``refund_exceeds_paid``.
    """
    lock(ticket)
    ensure_refundable(amount, open_deposits(ticket))
    increment_version(ticket)
    return write(ticket, PaymentKind.REFUND, amount, by=by, sign=-1, **how)


def write(
    ticket: ServiceTicket,
    kind: PaymentKind,
    amount: Decimal,
    *,
    by: Any,
    sign: int = 1,
    method: str = Method.CASH,
    received_at: datetime | None = None,
    **details: Any,
) -> Payment:
    check_amount(amount)
    Customer.objects.refuse_erased(ticket.customer_id)  # their tickets never open again
    now = timezone.now()
    if received_at is None or now < received_at <= now + CLOCKS_DIFFER:
        received_at = now
    else:
        check_received_at(received_at, ticket, now)
    said = {"kind": str(kind), "method": method, "reference": details.get("reference", "")}
    return Payment.objects.create(
        ticket=ticket,
        customer_id=ticket.customer_id,
        kind=kind,
        amount=amount,
        effect=amount * sign,
        method=method,
        received_at=received_at,
        by=by,
        document=receipt_document(ticket.pk, details.get("invoice"), amount, received_at, **said),
        **details,
    )


def check_received_at(received_at: datetime, ticket: ServiceTicket, now: datetime) -> None:
    """Money comes from the day on which the ticket was opened, in the shop's time,
    until now: what is booked earlier would change closed months.
    """
    if received_at > now:
        raise InvalidInput(
            "received_at", "in_the_future", "It cannot have been received in the future."
        )
    opened_on = timezone.localdate(ticket.opened_at)
    if timezone.localdate(received_at) < opened_on:
        detail = f"{ticket.number} was opened on {opened_on}: give that day or a later one."
        raise InvalidInput("received_at", "before_ticket", detail)


# --- what an invoice's payments come to; under the ticket's lock ----------------------


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
    ticket: ServiceTicket, account: InvoiceAccount, *, because: str, by: Any
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


def apply_deposits(invoice: Invoice, *, by: Any) -> None:
    """Count on an invoice what was paid before it: the ticket's deposits, with what is
    left on an invoice that was credited.
    """
    ticket = invoice.ticket
    moved = [open_deposits(ticket)]
    for account, left in credit_on_other_invoices(ticket, invoice):
        write(
            ticket,
            PaymentKind.APPLIED,
            left,
            invoice=account.invoice,
            method=Method.OTHER,
            note=f"to {invoice.number}",
            by=by,
            sign=-1,
        )
        account.paid -= left
        save(account)
        moved.append(left)
    amount = arithmetic.add(moved)
    if amount <= 0:
        return
    write(
        ticket,
        PaymentKind.APPLIED,
        amount,
        invoice=invoice,
        method=Method.OTHER,
        note="paid before",
        by=by,
    )
    account = account_of(invoice)
    account.paid += amount
    save(account)
    if account.balance <= 0:
        sync_ticket_status(ticket, account, because=invoice.number, by=by)


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
    found = [(account, account.credit) for account in accounts if account.invoice != invoice]
    return [(account, left) for account, left in found if left > 0]


def open_deposits(ticket: ServiceTicket) -> Decimal:
    """What was paid in advance and is on no invoice yet."""
    rows = list(ticket.payments.values_list("kind", "invoice_id", "effect"))
    came = arithmetic.add(effect for _, invoice, effect in rows if invoice is None)
    counted = arithmetic.add(effect for kind, _, effect in rows if kind == PaymentKind.APPLIED)
    return came - counted


def latest_invoice(ticket: ServiceTicket) -> Invoice | None:
    """None also for what was invoiced before the shop wrote invoices."""
    return ticket.invoices.order_by("-pk").first()


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


def check_amount(amount: Decimal) -> None:
    """Raises InvalidInput for what is no amount of money."""
    if amount <= 0:
        raise InvalidInput("amount", "min_value", "Name an amount of more than 0.")
    if amount >= TOO_MUCH or amount != rounded(amount):
        raise InvalidInput(
            "amount",
            "amount",
            f"An amount is {TOO_MUCH - minor_unit()} at the most, in whole units of the currency.",
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
