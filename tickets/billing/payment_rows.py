"""Rows of money: each is written once, with its receipt."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from customers.models import Customer
from mechanic_shop.accounts.models import User
from mechanic_shop.currency import minor_unit, rounded
from mechanic_shop.errors import InvalidInput

from ..models import Method, Payment, PaymentKind, ServiceTicket
from .documents.receipts import receipt_document

TOO_MUCH = Decimal(10_000_000)
# a client's clock may be ahead of ours by that: its "now" is not the future
CLOCKS_DIFFER = timedelta(minutes=1)


def write(
    ticket: ServiceTicket,
    kind: PaymentKind,
    amount: Decimal,
    *,
    by: User | None,
    sign: int = 1,
    method: str = Method.CASH,
    received_at: datetime | None = None,
    **details: Any,
) -> Payment:
    """Write a payment, with its receipt as it is to be kept. ``details`` are further
    columns: the invoice, a reference, a note.
    """
    check_payment(ticket, amount)
    received_at = checked_moment(received_at, ticket)
    printed = {"kind": str(kind), "method": method, "reference": details.get("reference", "")}
    receipt = receipt_document(ticket.pk, details.get("invoice"), amount, received_at, **printed)
    payment = Payment(kind=kind, amount=amount, method=method, received_at=received_at, **details)
    payment.ticket, payment.customer_id, payment.by = ticket, ticket.customer_id, by
    payment.effect, payment.document = amount * sign, receipt
    payment.save(force_insert=True)
    return payment


def check_payment(ticket: ServiceTicket, amount: Decimal) -> None:
    check_amount(amount)
    Customer.objects.refuse_erased(ticket.customer_id)  # their tickets never open again


def checked_moment(received_at: datetime | None, ticket: ServiceTicket) -> datetime:
    """When the money came: now, where no moment is named."""
    now = timezone.now()
    if received_at is None or now < received_at <= now + CLOCKS_DIFFER:
        return now
    check_received_at(received_at, ticket, now)
    return received_at


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
