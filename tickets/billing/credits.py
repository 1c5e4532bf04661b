"""The customer's credit: what was paid too much on one ticket counts on the invoice of
another.

Two rows of the kind ``credit`` say so, of opposite signs; no money moves. All tickets
are locked in the order of their keys, so that two invoices that draw on each other do
not deadlock.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db.models import Q

from customers.models import Customer
from inventory.models import ZERO
from mechanic_shop.accounts.models import User
from mechanic_shop.db import row_locks
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError, InvalidInput

from ..models import Invoice, InvoiceAccount, Method, Payment, PaymentKind, ServiceTicket, Status
from ..pricing import amounts, arithmetic, shop_rules
from .invoice_balances import account_of, ensure_payable, open_deposits, save, sync_ticket_status
from .payment_rows import write

Source = tuple[ServiceTicket, InvoiceAccount | None, Decimal]


@atomic
def apply_credit(
    invoice: Invoice,
    *,
    amount: Decimal | None = None,
    by: User | None,
    check: Callable[[], None] = lambda: None,
) -> Invoice:
    """Count the customer's credit on an invoice: ``amount``, or as much as is due and
    there.

    Raises DomainError ``no_credit``, ``more_than_due`` or ``invoice_credited``;
    InvalidInput for an amount that is none. ``check`` may still refuse once all is
    locked.
    """
    locked = lock_tickets(invoice)
    check()
    ticket, account = invoice.ticket, account_of(invoice)
    ensure_payable(invoice)
    sources = [source for source in sources_of(invoice) if source[0].pk in locked]
    wanted = chosen_amount(amount, account.balance, arithmetic.add(left for _, _, left in sources))
    shares = share_out(sources, wanted)
    names = ", ".join(
        account.invoice.number if account else source.number for source, account, _ in shares
    )
    details: dict[str, Any] = {"method": Method.OTHER, "note": f"credit of {names}"[:500]}
    row = write(ticket, PaymentKind.CREDIT, wanted, invoice=invoice, **details, by=by)
    take(shares, row, to=invoice, by=by)
    account.paid += wanted
    save(account)
    sync_ticket_status(ticket, account, because="credit", by=by)
    return Invoice.objects.with_account().get(pk=invoice.pk)


def lock_tickets(invoice: Invoice) -> set[int]:
    """Lock the invoice's ticket with every other ticket of the customer that may hold
    credit; returns their keys.

    A ticket that comes to hold credit while this waits is not locked, so nothing is
    taken from it.
    """
    keys = {*with_credit(invoice.customer_id).values_list("pk", flat=True), invoice.ticket_id}
    row_locks.lock_keys(ServiceTicket, keys)
    row_locks.lock(invoice.ticket, "customer", "vehicle")
    return keys


def with_credit(customer: int) -> Any:
    """Tickets with an invoice on which too much was paid, and those with payments that
    ended without an invoice.
    """
    rows = ServiceTicket.objects.filter(customer=customer)
    overpaid = InvoiceAccount.objects.filter(invoice__customer=customer, balance__lt=0).values(
        "invoice__ticket"
    )
    ended = Q(status=Status.CANCELLED) | Q(status=Status.CLOSED, invoices=None)
    return rows.filter(
        Q(pk__in=overpaid)
        | ended & Q(pk__in=Payment.objects.filter(customer=customer).values("ticket"))
    )


def sources_of(invoice: Invoice) -> list[Source]:
    """Where the customer's credit lies: (ticket, account or None for a deposit, how
    much), oldest ticket first.
    """
    sources: list[Source] = []
    for ticket in (
        with_credit(invoice.customer_id).exclude(pk=invoice.ticket_id).distinct().order_by("pk")
    ):
        if ticket.status in (Status.CANCELLED, Status.CLOSED):
            sources.append((ticket, None, open_deposits(ticket)))
        accounts = InvoiceAccount.objects.filter(
            invoice__ticket=ticket, balance__lt=0
        ).select_related("invoice")
        for account in accounts.order_by("pk"):
            sources.append((ticket, account, account.credit))
    return [source for source in sources if source[2] > 0]


def available_credit(invoice: Invoice) -> Decimal:
    """What could be counted on the invoice."""
    return arithmetic.add(left for _, _, left in sources_of(invoice))


def chosen_amount(amount: Decimal | None, due: Decimal, there: Decimal) -> Decimal:
    """How much is applied. Raises DomainError ``no_credit`` or ``more_than_due``."""
    due = max(due, ZERO)
    if not there or not due:
        detail = "The customer has no credit." if not there else "Nothing is due on this invoice."
        detail = f"{detail} Take a payment instead." if due else detail
        raise DomainError("no_credit", detail, available=amounts.money(there))
    if amount is None:
        return min(due, there)
    if amount <= 0 or amount != shop_rules.rounding().round(amount):
        detail = "Name an amount of more than 0, in whole units of the currency."
        raise InvalidInput("amount", "amount", detail)
    if amount > min(due, there):
        detail = (
            f"Only {amounts.money(min(due, there))} can be applied: "
            f"{amounts.money(due)} is due, {amounts.money(there)} is there."
        )
        facts = {"due": amounts.money(due), "available": amounts.money(there)}
        raise DomainError("more_than_due", detail, **facts)
    return amount


def share_out(sources: list[Source], wanted: Decimal) -> list[Source]:
    """How much comes from each source, oldest first."""
    shares: list[Source] = []
    for ticket, account, left in sources:
        share = min(left, wanted)
        if share > 0:
            shares.append((ticket, account, share))
            wanted -= share
    return shares


def take(shares: list[Source], row: Payment, *, to: Invoice, by: User | None) -> None:
    """Take each share from where it lies, by a row that points to the one that counts
    them all.
    """
    for ticket, account, share in shares:
        Customer.objects.refuse_erased(ticket.customer_id)
        source, note = account.invoice if account else None, f"to {to.number}"
        write(
            ticket,
            PaymentKind.CREDIT,
            share,
            invoice=source,
            credited_to=row,
            method=Method.OTHER,
            note=note,
            by=by,
            sign=-1,
        )
        if account is not None:
            account.paid -= share
            save(account)
