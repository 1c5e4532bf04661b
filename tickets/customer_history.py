"""What tickets say before a customer or a vehicle goes."""

from customers.models import Customer, Vehicle
from mechanic_shop.currency import rounded
from mechanic_shop.errors import DomainError

from .models import CreditNote, Invoice, Payment, PaymentKind, ServiceTicket


def keeps(row: Customer | Vehicle) -> bool:
    """A customer and a vehicle with a ticket stay."""
    owner = {"customer": row} if isinstance(row, Customer) else {"vehicle": row}
    return ServiceTicket.objects.filter(**owner).exists()


def check_erasure(customer: Customer) -> None:
    """Raises DomainError ``customer_has_open_tickets`` or ``customer_has_balance``."""
    ensure_no_open_tickets(customer)
    ensure_balanced(customer)


def ensure_balanced(customer: Customer) -> None:
    """What is owed is settled first, by either: nobody could be paid back, or asked for
    it, afterwards.
    """
    invoices, notes = (
        model.objects.filter(customer=customer).values_list("total", flat=True)
        for model in (Invoice, CreditNote)
    )
    payments = (
        Payment.objects.filter(customer=customer)
        .exclude(kind=PaymentKind.APPLIED)
        .values_list("effect", flat=True)
    )
    balance = sum(invoices) - sum(notes) - sum(payments)
    if balance:
        amount = f"{rounded(balance):f}"
        detail = f"{amount} are open with {customer.name}: settle that first, then erase."
        raise DomainError("customer_has_balance", detail, balance=amount)


def ensure_no_open_tickets(customer: Customer) -> None:
    waiting = [
        ticket.number
        for ticket in ServiceTicket.objects.filter(customer=customer)
        .unfinished()
        .order_by("pk")[:20]
    ]
    if waiting:
        detail = (
            f"Close or cancel {', '.join(waiting)} first: the shop must know whom it works "
            f"for, and who pays."
        )
        raise DomainError("customer_has_open_tickets", detail, tickets=waiting)
