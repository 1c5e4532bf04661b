"""Undoing a row of money by one of the opposite sign: a mistake, or a check that
bounced.
"""

from decimal import Decimal

from mechanic_shop.accounts.models import User
from mechanic_shop.db import row_locks
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError

from ..lifecycle.locking import increment_version, lock
from ..models import Invoice, Method, Payment, PaymentKind, ServiceTicket, Status
from ..pricing import amounts
from .invoice_balances import (
    account_of,
    apply_deposits,
    latest_invoice,
    open_deposits,
    save,
    sync_ticket_status,
)
from .payment_rows import write
from .payments import ensure_refundable

STAYS = (PaymentKind.REVERSAL, PaymentKind.APPLIED)


@atomic
def reverse(payment: Payment, *, note: str, by: User | None) -> Payment:
    """Undo a payment, deposit, refund or credit.

    Raises DomainError ``already_reversed``, ``not_reversible``, ``credit_in_use`` or
    ``refund_exceeds_paid`` (of it, something was paid back since).
    """
    if payment.kind == PaymentKind.CREDIT:
        return reverse_credit(payment, note=note, by=by)
    ticket = payment.ticket
    lock(ticket)
    ensure_reversible(payment)
    invoice = counted_on(payment)
    if payment.effect > 0:
        ensure_unspent(payment, invoice)
        row = write_reversal(payment, invoice, note=note, by=by, sign=-1)
        count(ticket, invoice, paid=-payment.amount, because=row.number, by=by)
    else:
        row = write_reversal(payment, invoice, note=note, by=by, sign=1)
        count(ticket, invoice, refunded=-payment.amount, because=row.number, by=by)
        move_on(ticket, by=by)
    return row


def reverse_credit(row: Payment, *, note: str, by: User | None) -> Payment:
    """Take credit off the invoice on which it counts, and give it back to where it came
    from. Returns the row on that invoice.
    """
    # rows of money never change
    taken = list(row.taken_from.select_related("ticket", "invoice").order_by("pk"))
    row_locks.lock_keys(ServiceTicket, {row.ticket_id, *(half.ticket_id for half in taken)})
    lock(row.ticket)
    ensure_reversible(row)
    invoice = counted_on(row)
    ensure_unspent(row, invoice)
    back = write_reversal(row, invoice, note=note, by=by, sign=-1)
    count(row.ticket, invoice, paid=-row.amount, because=back.number, by=by)
    for half in taken:
        lock(half.ticket)
        there = write_reversal(
            half, half.invoice, note=f"back from {row.ticket.number}", by=by, sign=1
        )
        count(half.ticket, half.invoice, paid=half.amount, because=there.number, by=by)
        move_on(half.ticket, by=by)
    return back


def ensure_reversible(payment: Payment) -> None:
    """Raises DomainError ``not_reversible`` or ``already_reversed``."""
    if refusal := why_irreversible(payment):
        raise refusal


def why_irreversible(payment: Payment) -> DomainError | None:
    """Why the row cannot be reversed, whatever was paid or credited since; None where
    it can.
    """
    whole = payment.credited_to
    if whole is not None:
        return DomainError(
            "not_reversible",
            (
                f"{payment.number} is one half of a credit: reverse {whole.number}, which is "
                f"the other half."
            ),
        )
    if payment.kind in STAYS:
        return DomainError(
            "not_reversible",
            f"{payment.number} is a {payment.get_kind_display().lower()} row: it stays.",
        )
    if Payment.objects.filter(reverses=payment).exists():
        return DomainError("already_reversed", f"{payment.number} is reversed already.")
    if payment.kind == PaymentKind.CREDIT and not payment.taken_from.exists():
        return DomainError(
            "not_reversible",
            f"{payment.number} gives credit back: it stays. Apply the credit anew.",
        )
    return None


def ensure_unspent(payment: Payment, invoice: Invoice | None) -> None:
    """What was paid back, or counts elsewhere as credit, cannot be taken away a second
    time.
    """
    there = account_of(invoice).received if invoice else open_deposits(payment.ticket)
    if payment.amount <= there:
        return
    if used := credit_in_use(payment.ticket):
        names = ", ".join(row.number for row in used)
        detail = (
            f"Only {amounts.money(there)} of it is still here: credit of it counts on other "
            f"invoices. Reverse {names} first."
        )
        raise DomainError("credit_in_use", detail, credits=[row.number for row in used])
    ensure_refundable(payment.amount, there)


def credit_in_use(ticket: ServiceTicket) -> list[Payment]:
    """The rows that count credit of this ticket elsewhere, and are not reversed."""
    halves = ticket.payments.filter(credited_to__isnull=False, reversal=None)
    return list(Payment.objects.filter(pk__in=halves.values("credited_to")).order_by("pk"))


def counted_on(payment: Payment) -> Invoice | None:
    """The invoice on which a payment counts now: what came moves on with every invoice
    that is issued after it.
    """
    rows = payment.ticket.payments.filter(kind=PaymentKind.APPLIED, effect__gt=0, pk__gt=payment.pk)
    moved = rows.select_related("invoice").order_by("-pk").first() if payment.effect > 0 else None
    return moved.invoice if moved else payment.invoice


def write_reversal(
    payment: Payment, invoice: Invoice | None, *, note: str, by: User | None, sign: int
) -> Payment:
    """No money moves when credit is reversed, so that row is credit, too."""
    kind, method = PaymentKind.REVERSAL, payment.method
    if payment.kind == PaymentKind.CREDIT:
        kind, method = PaymentKind.CREDIT, Method.OTHER
    return write(
        payment.ticket,
        kind,
        payment.amount,
        invoice=invoice,
        reverses=payment,
        method=method,
        note=note,
        by=by,
        sign=sign,
    )


def count(
    ticket: ServiceTicket,
    invoice: Invoice | None,
    *,
    paid: Decimal = Decimal(0),
    refunded: Decimal = Decimal(0),
    because: str,
    by: User | None,
) -> None:
    """Count a reversal on the invoice on which its payment counts. Without one it is a
    deposit, and those are not kept as a sum.
    """
    if invoice is None:
        increment_version(ticket)
        return
    account = account_of(invoice)
    account.paid += paid
    account.refunded += refunded
    save(account)
    sync_ticket_status(ticket, account, because=because, by=by)


def move_on(ticket: ServiceTicket, *, by: User | None) -> None:
    """What never left, or came back, counts on the invoice that stands."""
    latest = latest_invoice(ticket)
    if latest and ticket.status in (Status.INVOICED, Status.CLOSED):
        apply_deposits(latest, by=by)
