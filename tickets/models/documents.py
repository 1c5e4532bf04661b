"""What invoices and credit notes have in common."""

import re
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now, TruncDate
from django.utils import timezone

from customers.models import Customer
from mechanic_shop.accounts.models import User
from mechanic_shop.currency import sum_field
from mechanic_shop.db.models import AppendOnlyModel, AppendOnlyQuerySet

from .ticket import ServiceTicket


class DocumentSeries(models.Model):
    """How far the numbers of a series have come. Its row is locked until the document is
    written, so no number is lost or given twice.
    """

    name = models.CharField(max_length=40, unique=True)
    last = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}: {self.last}"


class OwnedQuerySet(AppendOnlyQuerySet):
    """Documents of customers: all for staff with the permission, else one's own."""

    permission = ""

    def visible_to(self, user: User | AnonymousUser) -> Self:
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


class BillingDocument(Printed, AppendOnlyModel):
    """What invoices and credit notes share. ``document`` is all that stands on the
    document, as it was on the day.
    """

    is_guarded = True

    ticket = models.ForeignKey(ServiceTicket, models.PROTECT, related_name="%(class)ss")
    customer = models.ForeignKey(
        Customer, models.PROTECT, related_name="%(class)ss", db_index=False
    )
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


def document_rules(name: str) -> list[models.BaseConstraint]:
    return [
        models.UniqueConstraint(
            fields=["series", "sequence"], name=f"one_{name}_per_number_of_a_series"
        ),
        # The net may be less than nothing, where a trade-in bears no tax.
        models.CheckConstraint(
            condition=Q(tax__gte=0, total__gte=0), name=f"a_{name}_is_zero_or_more"
        ),
    ]


def document_named(term: str) -> Q:
    """A document's number begins with it, or its ticket has this number."""
    named = Q(number__istartswith=term.strip())
    if ticket := re.fullmatch(r"T-0*([0-9]{1,18})", term.strip(), re.IGNORECASE | re.ASCII):
        named |= Q(ticket=int(ticket[1]))
    return named


class DocumentLine(AppendOnlyModel):
    """What reports ask of a line."""

    is_guarded = True

    net = sum_field()
    tax = sum_field()

    objects: ClassVar = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ("pk",)


class LineTax(AppendOnlyModel):
    """What one tax took of a line, for the tax report and for crediting it."""

    is_guarded = True

    base = sum_field(help_text="what the tax is due on")
    amount = sum_field()

    objects: ClassVar = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ("pk",)


def today() -> TruncDate:
    """The shop's date, asked of the database each time: a statement is kept for longer
    than a day.
    """
    return TruncDate(Now())
