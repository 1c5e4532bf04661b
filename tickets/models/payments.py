"""Payments, and what is still due on an invoice."""

import re
from decimal import Decimal
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from customers.models import Customer
from inventory.models import ZERO
from mechanic_shop.currency import signed_amount_field, sum_field
from mechanic_shop.db.models import AppendOnlyModel

from .documents import OwnedQuerySet, Printed, today
from .invoices import Invoice
from .statuses import InvoiceState
from .ticket import ServiceTicket


class PaymentKind(models.TextChoices):
    PAYMENT = "payment"
    DEPOSIT = "deposit"
    APPLIED = "applied"  # a ticket's deposits, counted on its invoice: no money moves
    # the customer's credit, taken from one ticket and counted on another: no money
    # moves
    CREDIT = "credit"
    REFUND = "refund"
    REVERSAL = "reversal"


class Method(models.TextChoices):
    CASH = "cash"
    CARD = "card"
    TRANSFER = "transfer"
    CHEQUE = "cheque", "Check"
    OTHER = "other"


def payment_number(key: int) -> str:
    """R-000123: the receipt's number."""
    return f"R-{key:06d}"


class PaymentQuerySet(OwnedQuerySet):
    permission = "tickets.view_payment"

    def search(self, term: str) -> Self:
        """Finds payments by receipt or ticket number, or by what their reference begins
        with.
        """
        if number := re.fullmatch(r"([RT])-([0-9]{6,18})", term.strip(), re.IGNORECASE | re.ASCII):
            return self.filter(**{"pk" if number[1].upper() == "R" else "ticket": int(number[2])})
        return self.filter(reference__istartswith=term.strip())

    def moved(self) -> Self:
        """Of which money changed hands."""
        return self.exclude(kind__in=(PaymentKind.APPLIED, PaymentKind.CREDIT))


class Payment(Printed, AppendOnlyModel):
    """Money that came or went. ``effect`` is the amount with its sign: what came in is
    positive, what went back negative.

    A deposit has no invoice; when the ticket's invoice is issued, a row ``applied``
    counts it there.
    """

    is_guarded = True

    ticket = models.ForeignKey(ServiceTicket, models.PROTECT, related_name="payments")
    invoice = models.ForeignKey(Invoice, models.PROTECT, null=True, related_name="payments")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="payments", db_index=False)
    kind = models.CharField(max_length=10, choices=PaymentKind.choices)
    method = models.CharField(max_length=10, choices=Method.choices)
    amount = signed_amount_field()
    effect = signed_amount_field()
    reverses = models.OneToOneField("self", models.PROTECT, null=True, related_name="reversal")
    credited_to = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        related_name="taken_from",
        help_text="of credit that is taken: the row that counts it elsewhere",
    )
    reference = models.CharField(
        max_length=100, blank=True, help_text="of the card slip, transfer or check"
    )
    note = models.CharField(max_length=500, blank=True)
    received_at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    document = models.JSONField(help_text="what the receipt says, but for its number")
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar = PaymentQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        permissions = [("refund_payment", "Can refund and reverse payments")]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="a_payment_is_of_something"),
            models.CheckConstraint(
                condition=Q(effect=F("amount")) | Q(effect=ZERO - F("amount")),
                name="an_effect_is_the_amount_with_a_sign",
            ),
            models.CheckConstraint(
                condition=Q(kind=PaymentKind.CREDIT)
                | (Q(kind=PaymentKind.REVERSAL) ^ Q(reverses=None)),
                name="a_reversal_reverses_something",
            ),
            models.CheckConstraint(
                condition=Q(credited_to=None) | Q(kind=PaymentKind.CREDIT, effect__lt=0),
                name="only_credit_is_credited_to",
            ),
        ]
        indexes = [models.Index(fields=["customer", "-id"], name="payments_of_a_customer")]

    def __str__(self) -> str:
        return f"{self.number} {self.amount} ({self.get_kind_display().lower()})"

    @property
    def number(self) -> str:
        return payment_number(self.pk)

    @property
    def reversed_number(self) -> str | None:
        return payment_number(self.reverses_id) if self.reverses_id else None

    @property
    def owner_id(self) -> int | None:
        return self.customer.user_id


class InvoiceAccount(models.Model):
    """What became of an invoice: the sums of its credit notes and payments, kept so
    that lists can ask for what is open.

    Written only under the ticket's lock, together with the row that it counts;
    ``manage.py check_money`` adds it up anew.
    """

    invoice = models.OneToOneField(
        Invoice, models.PROTECT, primary_key=True, related_name="account"
    )
    credited = sum_field(default=ZERO)
    paid = sum_field(default=ZERO)
    refunded = sum_field(default=ZERO)
    is_credited = models.BooleanField(default=False, help_text="nothing of it is left")
    balance = sum_field(
        help_text="total − credited − paid + refunded; less than 0 is the customer's credit"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(credited__gte=0, paid__gte=0, refunded__gte=0),
                name="sums_of_an_invoice_are_zero_or_more",
            ),
            models.CheckConstraint(
                condition=Q(refunded__lte=F("paid")), name="no_more_is_refunded_than_was_paid"
            ),
        ]
        indexes = [
            models.Index(fields=["invoice"], condition=~Q(balance=0), name="invoices_not_settled")
        ]

    def __str__(self) -> str:
        return f"{self.invoice}: {self.balance}"

    @property
    def received(self) -> Decimal:
        """What was paid and not paid back."""
        return self.paid - self.refunded

    @property
    def credit(self) -> Decimal:
        """What was received beyond what is owed; 0 or less where nothing was."""
        return min(-self.balance, self.received)


def state_of() -> Case:
    """An invoice's state, as an expression."""
    return Case(
        When(account__is_credited=True, then=Value(InvoiceState.CREDITED)),
        When(account__balance__lte=0, then=Value(InvoiceState.PAID)),
        When(due_on__lt=today(), then=Value(InvoiceState.OVERDUE)),
        default=Value(InvoiceState.OPEN),
        output_field=models.CharField(),
    )
