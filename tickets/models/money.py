"""Invoices, credit notes and payments: written once, never changed, never deleted. The database's triggers see to it, too."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now, TruncDate
from django.utils import timezone

from customers.models import Customer
from inventory.models import ZERO, Part, quantity_field
from mechanic_shop.currency import signed_amount_field, sum_field
from mechanic_shop.db.models import AppendOnlyModel, AppendOnlyQuerySet
from mechanic_shop.prices import price_field
from mechanics.models import Mechanic

from .tickets import ServiceTicket


class DocumentSeries(models.Model):
    """How far the numbers of a series have come. Its row is locked until the paper is written, so no number is lost or given twice."""

    name = models.CharField(max_length=40, unique=True)
    last = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}: {self.last}"


class OwnedQuerySet(AppendOnlyQuerySet):
    """Papers of customers: all for staff with the permission, else one's own."""

    permission = ""

    def visible_to(self, user: Any) -> Self:
        if user.has_perm(self.permission):
            return self
        return self.filter(customer__user=user) if user.is_authenticated else self.none()


class Printed(models.Model):
    """A row with a document for the customer."""

    document: Any

    class Meta:
        abstract = True

    @property
    def unprintable(self) -> list[dict[str, str]]:
        """What of the document no font holds, and how it is printed."""
        return self.document.get("unprintable", [])


class Paper(Printed, AppendOnlyModel):
    """What invoices and credit notes share. ``document`` is all that stands on the paper, as it was on the day."""

    is_guarded = True

    ticket = models.ForeignKey(ServiceTicket, models.PROTECT, related_name="%(class)ss")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="%(class)ss", db_index=False)
    series = models.CharField(max_length=40)
    sequence = models.PositiveIntegerField()
    number = models.CharField(max_length=60, unique=True)
    issued_at = models.DateTimeField(default=timezone.now)
    issued_on = models.DateField(help_text="in the shop's time")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    currency = models.CharField(max_length=3)
    subtotal = sum_field()
    tax = sum_field()
    total = sum_field()
    document = models.JSONField()

    class Meta:
        abstract = True
        ordering = ("-pk",)

    def __str__(self) -> str:
        return self.number

    @property
    def owner_id(self) -> int | None:
        return self.customer.user_id


def paper_rules(name: str) -> list[models.BaseConstraint]:
    return [
        models.UniqueConstraint(fields=["series", "sequence"], name=f"one_{name}_per_number_of_a_series"),
        # The net may be less than nothing, where a trade-in bears no tax.
        models.CheckConstraint(condition=Q(tax__gte=0, total__gte=0), name=f"a_{name}_is_zero_or_more"),
    ]


def paper_named(term: str) -> Q:
    """A paper's number begins with it, or its ticket has this number."""
    named = Q(number__istartswith=term.strip())
    if ticket := re.fullmatch(r"T-0*([0-9]{1,18})", term.strip(), re.IGNORECASE | re.ASCII):
        named |= Q(ticket=int(ticket[1]))
    return named


class InvoiceQuerySet(OwnedQuerySet):
    permission = "tickets.view_invoice"

    def with_account(self) -> Self:
        return self.select_related("account", "customer", "ticket")

    def in_states(self, states: Iterable[str]) -> Self:
        """Those of which ``state`` is one of these."""
        credited, unpaid = Q(account__is_credited=True), Q(account__balance__gt=0)
        late = Q(due_on__lt=today())
        conditions = {
            InvoiceState.CREDITED: credited,
            InvoiceState.PAID: ~credited & ~unpaid,
            InvoiceState.OVERDUE: ~credited & unpaid & late,
            InvoiceState.OPEN: ~credited & unpaid & ~late,
        }
        wanted = Q(pk__in=[])
        for state in states:
            wanted |= conditions[InvoiceState(state)]
        return self.filter(wanted)

    def search(self, term: str) -> Self:
        """Finds invoices by number or ticket number."""
        return self.filter(paper_named(term))


class Invoice(Paper):
    """What a customer owes for a ticket: an immutable snapshot. What became of it since stands in its ``account``."""

    due_on = models.DateField()
    tax_rounding = models.CharField(max_length=5)
    prices_include_tax = models.BooleanField()
    deposits = sum_field(help_text="paid before it was issued")

    objects = InvoiceQuerySet.as_manager()

    class Meta(Paper.Meta):
        abstract = False
        constraints = paper_rules("invoice")
        indexes = [
            models.Index(fields=["customer", "-id"], name="invoices_of_a_customer"),
            models.Index(fields=["issued_on", "id"], name="invoices_by_date"),
        ]

    @property
    def state(self) -> str:
        """open, overdue, paid or credited, as ``state_of`` says it."""
        if self.account.is_credited:
            return InvoiceState.CREDITED
        if self.account.balance <= 0:
            return InvoiceState.PAID
        return InvoiceState.OVERDUE if self.due_on < timezone.localdate() else InvoiceState.OPEN


class LineFacts(AppendOnlyModel):
    """What reports ask of a line."""

    is_guarded = True

    net = sum_field()
    tax = sum_field()

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ("pk",)


class InvoiceLine(LineFacts):
    """A line of an invoice, for reports and for crediting it; the paper itself is printed from ``Invoice.document``."""

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="lines", db_index=False)
    position = models.PositiveIntegerField()
    kind = models.CharField(max_length=10)
    job_title = models.CharField(max_length=200, blank=True)
    description = models.CharField(max_length=500)
    quantity = quantity_field()
    unit_price = price_field()
    tax_name = models.CharField(max_length=40, blank=True)
    tax_rate = models.DecimalField(max_digits=6, decimal_places=3, default=ZERO)
    unit_cost = price_field(default=ZERO)
    part = models.ForeignKey(Part, models.PROTECT, null=True, related_name="+")
    mechanic = models.ForeignKey(Mechanic, models.PROTECT, null=True, related_name="+")

    class Meta(LineFacts.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["invoice", "position"], name="one_line_per_place_of_an_invoice")]

    def __str__(self) -> str:
        return self.description


class LineTax(AppendOnlyModel):
    """What one tax took of a line, for the tax report and for crediting it."""

    is_guarded = True

    base = sum_field(help_text="what the tax is due on")
    amount = sum_field()

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ("pk",)


class InvoiceLineTax(LineTax):
    """A tax of an invoice's line, by its own name: one for each part of the line's tax code."""

    line = models.ForeignKey(InvoiceLine, models.PROTECT, related_name="taxes")
    name = models.CharField(max_length=40)
    rate = models.DecimalField(max_digits=6, decimal_places=3)
    number = models.CharField(max_length=40, blank=True, help_text="the registration number")
    on_top = models.BooleanField(default=False)

    class Meta(LineTax.Meta):
        abstract = False

    def __str__(self) -> str:
        return f"{self.name} {self.rate.normalize():f} %: {self.amount}"


class CreditNoteQuerySet(OwnedQuerySet):
    permission = "tickets.view_invoice"

    def search(self, term: str) -> Self:
        """Finds credit notes by number, or by that of their invoice's ticket."""
        return self.filter(paper_named(term))


class CreditNote(Paper):
    """Takes an invoice back, in full or by lines."""

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="creditnotes")
    reason = models.CharField(max_length=500)

    objects = CreditNoteQuerySet.as_manager()

    class Meta(Paper.Meta):
        abstract = False
        constraints = paper_rules("credit_note")
        indexes = [
            models.Index(fields=["customer", "-id"], name="credit_notes_of_a_customer"),
            models.Index(fields=["issued_on", "id"], name="credit_notes_by_date"),
        ]


class CreditNoteLine(LineFacts):
    credit_note = models.ForeignKey(CreditNote, models.PROTECT, related_name="lines")
    line = models.ForeignKey(InvoiceLine, models.PROTECT, related_name="credits")
    quantity = quantity_field()
    restocked = models.BooleanField(default=False)

    class Meta(LineFacts.Meta):
        abstract = False
        constraints = [models.CheckConstraint(condition=Q(quantity__gt=0), name="a_credit_is_of_something")]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} × {self.line}"


class CreditNoteLineTax(LineTax):
    """What of a line's tax was taken back."""

    line = models.ForeignKey(CreditNoteLine, models.PROTECT, related_name="taxes")
    tax = models.ForeignKey(InvoiceLineTax, models.PROTECT, related_name="credits")

    class Meta(LineTax.Meta):
        abstract = False

    def __str__(self) -> str:
        return f"{self.tax.name}: {self.amount}"


# --- money that moved ------------------------------------------------------------------------------


class PaymentKind(models.TextChoices):
    PAYMENT = "payment"
    DEPOSIT = "deposit"
    APPLIED = "applied"  # a ticket's deposits, counted on its invoice: no money moves
    CREDIT = "credit"  # the customer's credit, taken from one ticket and counted on another: no money moves
    REFUND = "refund"
    REVERSAL = "reversal"


class Method(models.TextChoices):
    CASH = "cash"
    CARD = "card"
    TRANSFER = "transfer"
    CHEQUE = "cheque"
    OTHER = "other"


def payment_number(key: int) -> str:
    """R-000123: the receipt's number."""
    return f"R-{key:06d}"


class PaymentQuerySet(OwnedQuerySet):
    permission = "tickets.view_payment"

    def search(self, term: str) -> Self:
        """Finds payments by receipt or ticket number, or by what their reference begins with."""
        if number := re.fullmatch(r"([RT])-([0-9]{6,18})", term.strip(), re.IGNORECASE | re.ASCII):
            return self.filter(**{"pk" if number[1].upper() == "R" else "ticket": int(number[2])})
        return self.filter(reference__istartswith=term.strip())

    def moved(self) -> Self:
        """Of which money changed hands."""
        return self.exclude(kind__in=(PaymentKind.APPLIED, PaymentKind.CREDIT))


class Payment(Printed, AppendOnlyModel):
    """Money that came or went. ``effect`` is the amount with its sign: what came in is positive, what went back negative.

    A deposit has no invoice; when the ticket's invoice is issued, a row ``applied`` counts it there.
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
        "self", models.PROTECT, null=True, related_name="taken_from", help_text="of credit that is taken: the row that counts it elsewhere"
    )
    reference = models.CharField(max_length=100, blank=True, help_text="of the card slip, transfer or cheque")
    note = models.CharField(max_length=500, blank=True)
    received_at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    document = models.JSONField(help_text="what the receipt says, but for its number")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        permissions = [("refund_payment", "Can refund and reverse payments")]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="a_payment_is_of_something"),
            models.CheckConstraint(condition=Q(effect=F("amount")) | Q(effect=ZERO - F("amount")), name="an_effect_is_the_amount_with_a_sign"),
            models.CheckConstraint(
                condition=Q(kind=PaymentKind.CREDIT) | (Q(kind=PaymentKind.REVERSAL) ^ Q(reverses=None)), name="a_reversal_reverses_something"
            ),
            models.CheckConstraint(condition=Q(credited_to=None) | Q(kind=PaymentKind.CREDIT, effect__lt=0), name="only_credit_is_credited_to"),
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
    """What became of an invoice: the sums of its credit notes and payments, kept so that lists can ask for what is open.

    Written only under the ticket's lock, together with the row that it counts; ``manage.py check_money`` adds it up anew.
    """

    invoice = models.OneToOneField(Invoice, models.PROTECT, primary_key=True, related_name="account")
    credited = sum_field(default=ZERO)
    paid = sum_field(default=ZERO)
    refunded = sum_field(default=ZERO)
    is_credited = models.BooleanField(default=False, help_text="nothing of it is left")
    balance = sum_field(help_text="total − credited − paid + refunded; less than 0 is the customer's credit")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(credited__gte=0, paid__gte=0, refunded__gte=0), name="sums_of_an_invoice_are_zero_or_more"),
            models.CheckConstraint(condition=Q(refunded__lte=F("paid")), name="no_more_is_refunded_than_was_paid"),
        ]
        indexes = [models.Index(fields=["invoice"], condition=~Q(balance=0), name="invoices_not_settled")]

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


class InvoiceState(models.TextChoices):
    OPEN = "open"
    OVERDUE = "overdue"
    PAID = "paid"
    CREDITED = "credited"


def today() -> TruncDate:
    """The shop's date, asked of the database each time: a statement is kept for longer than a day."""
    return TruncDate(Now())


def state_of() -> Case:
    """An invoice's state, as an expression."""
    return Case(
        When(account__is_credited=True, then=Value(InvoiceState.CREDITED)),
        When(account__balance__lte=0, then=Value(InvoiceState.PAID)),
        When(due_on__lt=today(), then=Value(InvoiceState.OVERDUE)),
        default=Value(InvoiceState.OPEN),
        output_field=models.CharField(),
    )
