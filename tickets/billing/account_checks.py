"""What credit notes and payments come to, and the sums that are kept of each invoice."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from inventory.models import ZERO

from ..models import CreditNote, InvoiceAccount, Payment, PaymentKind, ticket_number
from ..pricing import arithmetic
from ..pricing import sums as pricing_sums
from ..pricing.amounts import money

KEPT = ("credited", "paid", "refunded", "balance")


@dataclass
class InvoiceFacts:
    """What the rows say of one invoice."""

    number: str
    ticket: int
    total: Decimal
    stands: bool  # is anything of it left?
    credited: Decimal = ZERO
    paid: Decimal = ZERO
    refunded: Decimal = ZERO

    @property
    def balance(self) -> Decimal:
        return pricing_sums.balance(
            self.total, credited=self.credited, paid=self.paid, refunded=self.refunded
        )


def wrong_accounts(invoices: dict[int, InvoiceFacts]) -> Iterator[str]:
    """Each invoice's account is what its credit notes and payments come to. Adds these
    up in ``invoices``.
    """
    add_credit_notes(invoices)
    deposits = add_payments(invoices)
    accounts = {account.pk: account for account in InvoiceAccount.objects.iterator()}
    for key, invoice in invoices.items():
        account = accounts.get(key)
        if account is None:
            yield f"{invoice.number} has no account."
        else:
            yield from wrong_account(account, invoice)
    for ticket, left in deposits.items():
        if left < 0:
            yield (
                f"{ticket_number(ticket)}: {money(-left)} more was counted on its invoices "
                f"than was paid in advance."
            )


def wrong_account(account: InvoiceAccount, invoice: InvoiceFacts) -> Iterator[str]:
    for name in KEPT:
        if getattr(account, name) != getattr(invoice, name):
            yield (
                f"{invoice.number}: {money(getattr(account, name))} {name}, but its documents "
                f"and payments come to {money(getattr(invoice, name))}."
            )


def add_credit_notes(invoices: dict[int, InvoiceFacts]) -> None:
    for key, total in (
        CreditNote.objects.order_by("pk").values_list("invoice_id", "total").iterator()
    ):
        invoices[key].credited = arithmetic.add((invoices[key].credited, total))


def add_payments(invoices: dict[int, InvoiceFacts]) -> dict[int, Decimal]:
    """Count the payments of invoices; returns what is left of each ticket's deposits."""
    deposits: defaultdict[int, Decimal] = defaultdict(Decimal)
    rows = Payment.objects.order_by("pk").values_list("ticket_id", "invoice_id", "kind", "effect")
    for ticket, invoice, kind, effect in rows.iterator():
        if invoice is None:
            deposits[ticket] = arithmetic.add((deposits[ticket], effect))
            continue
        if kind == PaymentKind.APPLIED:
            deposits[ticket] = arithmetic.add((deposits[ticket], -effect))
        count(invoices[invoice], kind, effect)
    return deposits


def count(invoice: InvoiceFacts, kind: str, effect: Decimal) -> None:
    """A payment of an invoice, or a reversal of one, which takes it back on its own
    side.
    """
    if (kind == PaymentKind.REVERSAL and effect > 0) or kind == PaymentKind.REFUND:
        invoice.refunded = arithmetic.add((invoice.refunded, -effect))
    else:
        invoice.paid = arithmetic.add((invoice.paid, effect))


def wrong_credit() -> Iterator[str]:
    """What was taken from one ticket of a customer was counted on another."""
    sums: defaultdict[int, Decimal] = defaultdict(Decimal)
    for customer, effect in Payment.objects.filter(kind=PaymentKind.CREDIT).values_list(
        "customer_id", "effect"
    ):
        sums[customer] = arithmetic.add((sums[customer], effect))
    for customer, left in sums.items():
        if left:
            yield f"Customer {customer}: {money(left)} of credit was moved to or from nowhere."
