"""Who owes the shop what, and what the shop holds of its customers' money."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from customers.models import Customer
from inventory.models import ZERO
from mechanic_shop.dates import day_end, day_start

from ..models import CreditNote, Invoice, InvoiceAccount, Payment, PaymentKind, ticket_number
from ..models.payments import payment_number
from ..pricing import arithmetic
from ..pricing import sums as pricing_sums
from .exact_sums import exact, thousandths

# What is open by how many days it is past due: from, to.
AGES = {
    "not_due": (None, 0),
    "days_1_30": (1, 30),
    "days_31_60": (31, 60),
    "days_61_90": (61, 90),
    "over_90": (91, None),
}
COLUMNS = (*AGES, "due", "credit", "deposits", "balance")


# --- receivables ----------------------------------------------------------------------


def receivables() -> dict[str, Any]:
    """What is open now, by customer and age; the most first. ``credit`` and
    ``deposits`` are the customer's money, and reduce ``balance``.
    """
    today = timezone.localdate()
    owed, held = (
        open_balances(InvoiceAccount.objects.all(), today),
        open_deposits(Payment.objects.all()),
    )
    rows: list[dict[str, Any]] = [
        {
            "customer": {"id": key, "name": name},
            **account(owed.get((key, name), {}), held.get((key, name), ZERO)),
        }
        for key, name in {**owed, **held}
    ]
    rows.sort(
        key=lambda row: (
            -row["due"],
            row["balance"],
            row["customer"]["name"],
            row["customer"]["id"],
        )
    )
    totals = {column: arithmetic.add(row[column] for row in rows) for column in COLUMNS}
    return {"on": today, "currency": settings.SHOP_CURRENCY, "rows": rows, "totals": totals}


def account(owed: dict[str, Decimal], deposits: Decimal) -> dict[str, Decimal]:
    ages = {age: owed.get(age, ZERO) for age in AGES}
    due, credit = arithmetic.add(ages.values()), owed.get("credit", ZERO)
    return {
        **ages,
        "due": due,
        "credit": credit,
        "deposits": deposits,
        "balance": arithmetic.add((due, -credit, -deposits)),
    }


def open_balances(
    accounts: QuerySet[InvoiceAccount], today: date
) -> dict[tuple[int, str], dict[str, Decimal]]:
    """{(customer, name): {age: what is open, credit: what was paid or credited beyond
    what was owed}}.
    """
    sums = {
        age: thousandths("balance", Q(balance__gt=0) & past_due(today, *days))
        for age, days in AGES.items()
    }
    sums["credit"] = thousandths("balance", Q(balance__lt=0))
    rows = (
        accounts.exclude(balance=0)
        .order_by()
        .values_list("invoice__customer", "invoice__customer__name")
        .annotate(**sums)
    )
    return {
        (key, name): {age: exact(units) for age, units in zip(AGES, ages, strict=True)}
        | {"credit": -exact(credit)}
        for key, name, *ages, credit in rows
    }


def past_due(today: date, least: int | None, most: int | None) -> Q:
    """Due so many days ago."""
    condition = Q()
    if least is not None:
        condition &= Q(invoice__due_on__lte=today - timedelta(days=least))
    if most is not None:
        condition &= Q(invoice__due_on__gte=today - timedelta(days=most))
    return condition


def open_deposits(payments: QuerySet[Payment]) -> dict[tuple[int, str], Decimal]:
    """{(customer, name): what was paid in advance and is on no invoice yet}, as
    ``billing.invoice_balances.open_deposits`` has it of a ticket.
    """
    came, counted = Q(invoice=None), Q(kind=PaymentKind.APPLIED)
    rows = payments.filter(came | counted).order_by().values_list("customer", "customer__name")
    sums = (
        (key, name, exact(units), exact(used))
        for key, name, units, used in rows.annotate(
            came=thousandths("effect", came), used=thousandths("effect", counted)
        )
    )
    return {
        (key, name): arithmetic.add((amount, -used))
        for key, name, amount, used in sums
        if amount != used
    }


# --- a customer's statement -----------------------------------------------------------


def statement(customer: Customer, start: date, end: date) -> dict[str, Any]:
    """What a customer was asked for and paid, with the balance after each: what they
    owe, or less than nothing.
    """
    opening = balance_before(customer, start)
    rows = list(running(sorted(entries(customer, start, end)), opening))
    return {
        "customer": {"id": customer.pk, "name": customer.name},
        "from": start,
        "to": end,
        "currency": settings.SHOP_CURRENCY,
        "opening": opening,
        "entries": rows,
        "closing": rows[-1]["balance"] if rows else opening,
        "credit": credit_of(customer),
    }


def credit_of(customer: Customer) -> Decimal:
    """The customer's money that the shop holds now: what was paid too much, and
    deposits on no invoice yet.
    """
    owed = open_balances(
        InvoiceAccount.objects.filter(invoice__customer=customer), timezone.localdate()
    )
    held = open_deposits(Payment.objects.filter(customer=customer))
    return arithmetic.add([*(ages["credit"] for ages in owed.values()), *held.values()])


def balance_before(customer: Customer, day: date) -> Decimal:
    charged, credited = (
        model.objects.filter(customer=customer, issued_on__lt=day).aggregate(
            sum=thousandths("total")
        )
        for model in (Invoice, CreditNote)
    )
    paid = (
        Payment.objects.moved()
        .filter(customer=customer, received_at__lt=day_start(day))
        .aggregate(sum=thousandths("effect"))
    )
    return pricing_sums.balance(
        exact(charged["sum"]),
        credited=exact(credited["sum"]),
        paid=exact(paid["sum"]),
        refunded=ZERO,
    )


Entry = tuple[date, datetime, int, int, str, str, str, Decimal]


def entries(customer: Customer, start: date, end: date) -> Iterator[Entry]:
    """(day, moment, rank, key, kind, number, ticket, effect on the balance): in order
    when they are sorted.
    """
    for rank, (kind, model, sign) in enumerate(
        (("invoice", Invoice, 1), ("credit_note", CreditNote, -1))
    ):
        rows = model.objects.filter(customer=customer, issued_on__range=(start, end)).order_by()
        for day, moment, key, number, ticket, total in rows.values_list(
            "issued_on", "issued_at", "pk", "number", "ticket", "total"
        ):
            yield day, moment, rank, key, kind, number, ticket_number(ticket), sign * total
    yield from payment_entries(customer, start, end)


def payment_entries(customer: Customer, start: date, end: date) -> Iterator[Entry]:
    payments = (
        Payment.objects.moved()
        .filter(customer=customer, received_at__gte=day_start(start), received_at__lt=day_end(end))
        .order_by()
    )
    for moment, key, kind, ticket, effect in payments.values_list(
        "received_at", "pk", "kind", "ticket", "effect"
    ):
        day, number = timezone.localdate(moment), payment_number(key)
        yield day, moment, 2, key, kind, number, ticket_number(ticket), -effect


def running(rows: Iterable[Entry], opening: Decimal) -> Iterator[dict[str, Any]]:
    balance = opening
    for day, _, _, _, kind, number, ticket, effect in rows:
        balance = arithmetic.add((balance, effect))
        sides = {"debit": max(effect, ZERO), "credit": max(-effect, ZERO)}
        yield {
            "date": day,
            "kind": kind,
            "number": number,
            "ticket": ticket,
            **sides,
            "balance": balance,
        }
