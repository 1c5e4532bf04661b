"""Invoices and credit notes, as they were issued."""

from collections.abc import Iterable
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from inventory.models import ZERO, Part
from inventory.quantities import quantity_field
from mechanic_shop.currency import sum_field
from mechanic_shop.prices import price_field
from mechanics.models import Mechanic

from .documents import (
    BillingDocument,
    DocumentLine,
    LineTax,
    OwnedQuerySet,
    document_named,
    document_rules,
    today,
)
from .statuses import InvoiceState


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
        return self.filter(document_named(term))


class Invoice(BillingDocument):
    """What a customer owes for a ticket: an immutable snapshot. What became of it since
    stands in its ``account``.
    """

    due_on = models.DateField()
    tax_rounding = models.CharField(max_length=5)
    prices_include_tax = models.BooleanField()
    deposits = sum_field(help_text="paid before it was issued")

    objects: ClassVar = InvoiceQuerySet.as_manager()

    class Meta(BillingDocument.Meta):
        abstract = False
        constraints = document_rules("invoice")
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


class InvoiceLine(DocumentLine):
    """A line of an invoice, for reports and for crediting it; the document itself is
    printed from ``Invoice.document``.
    """

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

    class Meta(DocumentLine.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(
                fields=["invoice", "position"], name="one_line_per_place_of_an_invoice"
            )
        ]

    def __str__(self) -> str:
        return self.description


class InvoiceLineTax(LineTax):
    """A tax of an invoice's line, by its own name: one for each part of the line's tax
    code.
    """

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
        return self.filter(document_named(term))


class CreditNote(BillingDocument):
    """Takes an invoice back, in full or by lines."""

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="creditnotes")
    reason = models.CharField(max_length=500)

    objects: ClassVar = CreditNoteQuerySet.as_manager()

    class Meta(BillingDocument.Meta):
        abstract = False
        constraints = document_rules("credit_note")
        indexes = [
            models.Index(fields=["customer", "-id"], name="credit_notes_of_a_customer"),
            models.Index(fields=["issued_on", "id"], name="credit_notes_by_date"),
        ]


class CreditNoteLine(DocumentLine):
    credit_note = models.ForeignKey(CreditNote, models.PROTECT, related_name="lines")
    line = models.ForeignKey(InvoiceLine, models.PROTECT, related_name="credits")
    quantity = quantity_field()
    restocked = models.BooleanField(default=False)

    class Meta(DocumentLine.Meta):
        abstract = False
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="a_credit_is_of_something")
        ]

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
