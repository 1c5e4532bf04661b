"""What tickets add to the file of all that the shop knows of a customer."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from rest_framework import serializers

from customers import export
from customers.export import FiledChangeSerializer, trails
from customers.models import Customer
from mechanic_shop.http.related_fields import NestedRelatedField
from mechanic_shop.http.serializers import ShopSerializer

from .approvals.authorization_serializers import AuthorizationSerializer
from .approvals.serializers import ShareLinkSerializer
from .billing.documents.receipts import receipt
from .billing.serializers import CreditNoteSerializer, InvoiceSerializer, PaymentSerializer
from .models import (
    Authorization,
    CreditNote,
    Invoice,
    Job,
    Payment,
    ServiceTicket,
    ShareLink,
    StatusChange,
)
from .work.job_serializers import JobLineSerializer, JobSerializer
from .work.ticket_serializers import ServiceTicketSerializer


class FiledMoveSerializer(ShopSerializer):
    """A move of a ticket, as its history tells it."""

    # "from" is no name for a class attribute.
    vars()["from"] = serializers.CharField(source="from_status", read_only=True)
    to = serializers.CharField(source="to_status", read_only=True)
    by = NestedRelatedField(
        read_only=True, fields=("display_name",), aliases={"display_name": "name"}, allow_null=True
    )

    class Meta:
        model = StatusChange
        fields = ("id", "from", "to", "by", "at", "reason")

    def get_fields(self) -> dict[str, Any]:
        declared = super().get_fields()
        return {name: declared[name] for name in self.Meta.fields}


def without(fields: tuple[str, ...], *names: str) -> tuple[str, ...]:
    return tuple(name for name in fields if name not in names)


class FiledLineSerializer(JobLineSerializer):
    class Meta(JobLineSerializer.Meta):
        fields = without(JobLineSerializer.Meta.fields, "unit_cost")


class FiledJobSerializer(JobSerializer):
    """A job of the ticket, without what it costs the shop."""

    lines = FiledLineSerializer(many=True, read_only=True)

    class Meta(JobSerializer.Meta):
        fields = without(JobSerializer.Meta.fields, "ticket")

    def get_fields(self) -> dict[str, Any]:
        return ShopSerializer.get_fields(self)


class FiledAuthorizationSerializer(AuthorizationSerializer):
    class Meta(AuthorizationSerializer.Meta):
        fields = read_only_fields = without(AuthorizationSerializer.Meta.fields, "ticket")


class FiledTicketSerializer(ServiceTicketSerializer):
    """A ticket with its jobs, what was decided on them, the links to it, its moves, and
    every change that the audit trail holds.
    """

    jobs = FiledJobSerializer(many=True, read_only=True)
    authorizations = FiledAuthorizationSerializer(many=True, read_only=True)
    shares = ShareLinkSerializer(many=True, read_only=True)
    history = FiledMoveSerializer(source="own_history", many=True, read_only=True)
    changes = FiledChangeSerializer(source="own_changes", many=True, read_only=True)

    class Meta(ServiceTicketSerializer.Meta):
        fields = (
            *ServiceTicketSerializer.Meta.fields,
            "jobs",
            "authorizations",
            "shares",
            "history",
            "changes",
        )


class FiledInvoiceSerializer(InvoiceSerializer):
    document = serializers.JSONField(read_only=True, help_text="all that stands on it")

    class Meta(InvoiceSerializer.Meta):
        fields = read_only_fields = (*InvoiceSerializer.Meta.fields, "document")


class FiledCreditNoteSerializer(CreditNoteSerializer):
    document = serializers.JSONField(read_only=True, help_text="all that stands on it")

    class Meta(CreditNoteSerializer.Meta):
        fields = read_only_fields = (*CreditNoteSerializer.Meta.fields, "document")


class FiledPaymentSerializer(PaymentSerializer):
    document = serializers.SerializerMethodField(help_text="all that stands on the receipt")

    class Meta(PaymentSerializer.Meta):
        fields = read_only_fields = (*PaymentSerializer.Meta.fields, "document")

    def get_document(self, payment: Payment) -> dict[str, Any]:
        return receipt(payment)


# --- rows, in a fixed number of queries -----------------------------------------------


def people(rows: QuerySet, column: str) -> QuerySet:
    """With whoever is named in this column, who may be a customer or a mechanic."""
    return rows.select_related(f"{column}__customer", f"{column}__mechanic")


def tickets_of(customer: Customer) -> list[ServiceTicket]:
    """What happened to a ticket while it was another customer's is not in this one's
    file.
    """
    jobs = Job.objects.select_related("ticket").prefetch_related(
        "lines__rate", "lines__mechanic", "lines__tax_code", "parts__part"
    )
    found = list(
        ServiceTicket.objects.with_details()
        .filter(customer=customer)
        .prefetch_related(
            Prefetch("jobs", jobs),
            Prefetch("authorizations", people(Authorization.objects.all(), "by")),
            Prefetch("shares", people(ShareLink.objects.all(), "created_by")),
            Prefetch("history", people(StatusChange.objects.all(), "by")),
        )
        .order_by("pk")
    )
    changes = trails(ServiceTicket, [ticket.pk for ticket in found])
    for ticket in found:
        trail: Any = changes[ticket.pk]
        moves = [
            move for move in ticket.history.all() if trail.since is None or move.at > trail.since
        ]
        vars(ticket).update(own_history=moves, own_changes=trail.entries)
    return found


def invoices_of(customer: Customer) -> QuerySet:
    return (
        Invoice.objects.with_account()
        .filter(customer=customer)
        .prefetch_related("lines")
        .order_by("pk")
    )


def credit_notes_of(customer: Customer) -> QuerySet:
    rows = CreditNote.objects.filter(customer=customer).select_related(
        "ticket", "customer", "invoice"
    )
    return rows.prefetch_related("lines__line").order_by("pk")


def payments_of(customer: Customer) -> QuerySet:
    return (
        Payment.objects.filter(customer=customer)
        .select_related("ticket", "invoice", "customer")
        .order_by("pk")
    )


def register() -> None:
    export.register("tickets", FiledTicketSerializer, tickets_of)
    export.register("invoices", FiledInvoiceSerializer, invoices_of)
    export.register("credit_notes", FiledCreditNoteSerializer, credit_notes_of)
    export.register("payments", FiledPaymentSerializer, payments_of)
