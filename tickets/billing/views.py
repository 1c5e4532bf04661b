from functools import partial
from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request

from mechanic_shop.accounts.requests import user_of
from mechanic_shop.http.etags import check_if_match
from mechanic_shop.http.permissions import Has, IsAuthenticated
from mechanic_shop.http.schema import response_schema
from mechanic_shop.http.viewsets import ShopGenericViewSet

from ..models import CreditNote, Invoice, Payment
from ..work.filters import CreditNoteFilter, InvoiceFilter, PaymentFilter
from ..work.locked_by_ticket import LockedByTicket
from . import credit_notes, reversals
from . import credits as customer_credits
from . import payments as billing_payments
from .action_serializers import (
    ApplyCreditSerializer,
    CreditSerializer,
    PaySerializer,
    ReverseSerializer,
    SendSerializer,
    TakeMoneySerializer,
)
from .document_serializers import (
    BillingDocumentSerializer,
    CreditNoteDocumentSerializer,
    InvoiceDocumentSerializer,
)
from .documents.receipts import receipt
from .pdf_action import DOCUMENT_RENDERERS, respond_document, respond_pdf, send_document
from .serializers import CreditNoteSerializer, InvoiceSerializer, PaymentSerializer

PDF = extend_schema(responses={(200, "application/pdf"): OpenApiTypes.BINARY})


class WrittenOnceViewSet(LockedByTicket, ShopGenericViewSet):
    """Rows that are read, and made by operations alone; never changed, never deleted."""

    def list(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return self.respond_page(self.get_queryset)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return self.respond_object(self.key)


def issued_document(serializer_class: type[BillingDocumentSerializer]) -> Any:
    """The action that shows a document as it was issued, as JSON or as PDF."""

    @response_schema(serializer_class)
    @action(
        detail=True,
        url_path="document",
        serializer_class=serializer_class,
        filterset_class=None,
        renderer_classes=DOCUMENT_RENDERERS,
    )
    def as_issued(self: DocumentViewSet, request: Request, pk: str) -> HttpResponseBase:
        """The document as it was issued, with every line, price and tax."""
        return respond_document(self, self.get_object().document)

    return as_issued


class DocumentViewSet(WrittenOnceViewSet):
    """Documents that were issued: printed, and mailed, from what was kept of them."""

    @PDF
    @action(detail=True, filterset_class=None, renderer_classes=DOCUMENT_RENDERERS)
    def pdf(self, request: Request, pk: str) -> HttpResponseBase:
        """The document as PDF: the same bytes each time."""
        return respond_pdf(self, self.get_object().document)

    @extend_schema(responses={202: SendSerializer})
    @action(detail=True, methods=["post"], serializer_class=SendSerializer)
    def email(self, request: Request, pk: str) -> HttpResponseBase:
        """Mail the document, by default to the customer."""
        return send_document(self, lambda row: row.document)


class InvoiceViewSet(DocumentViewSet):
    """Invoices, and what was paid and credited on them. A ticket's ``invoice`` issues
    them; nothing changes them.
    """

    queryset = Invoice.objects.select_related("ticket", "customer", "account").prefetch_related(
        "lines"
    )
    serializer_class = InvoiceSerializer
    filterset_class = InvoiceFilter
    ordering_fields = ["issued_on", "due_on", "total", "number"]
    ordering = ("-pk",)
    permissions = {
        **dict.fromkeys(
            ("list", "retrieve", "as_issued", "pdf", "payments", "credit_notes"), IsAuthenticated
        ),
        "pay": Has("tickets.add_payment"),
        "apply_credit": Has("tickets.add_payment"),
        "refund": Has("tickets.refund_payment"),
        "credit": Has("tickets.add_creditnote"),
        "email": Has("tickets.add_invoice"),
    }

    as_issued = issued_document(InvoiceDocumentSerializer)

    @response_schema(PaymentSerializer, many=True)
    @action(
        detail=True,
        serializer_class=PaySerializer,
        filterset_class=None,
        ordering_fields=None,
        ordering=None,
    )
    def payments(self, request: Request, pk: str) -> HttpResponseBase:
        """What was paid, applied, refunded and reversed on the invoice, oldest first."""
        rows = self.get_object().payments.select_related("ticket", "invoice", "customer")
        return self.respond_list(self.filter_queryset(rows), PaymentSerializer)

    @extend_schema(responses={201: PaymentSerializer})
    @payments.mapping.post
    def pay(self, request: Request, pk: str) -> HttpResponseBase:
        """Take a payment; when nothing is due any more, the ticket closes."""
        return self.run_create_action(billing_payments.pay, PaymentSerializer, "payment")

    @response_schema(InvoiceSerializer)
    @action(
        detail=True,
        methods=["put"],
        url_path="apply-credit",
        serializer_class=ApplyCreditSerializer,
    )
    def apply_credit(self, request: Request, pk: str) -> HttpResponseBase:
        """Count the customer's credit, from other tickets, on this invoice: `amount`,
        or as much as is due and there.
        """

        def answer(body: Any) -> HttpResponseBase:
            # the operation locks: all tickets that it takes from, in their order
            invoice = self.get_object()
            check = partial(check_if_match, request, lambda: self.document(invoice.pk))
            customer_credits.apply_credit(
                invoice, **body.validated_data, by=user_of(request), check=check
            )
            return self.respond_object(invoice.pk)

        return self.write_checked(self.make_body, answer)

    @extend_schema(responses={201: PaymentSerializer})
    @action(detail=True, methods=["post"], url_path="refunds", serializer_class=TakeMoneySerializer)
    def refund(self, request: Request, pk: str) -> HttpResponseBase:
        """Pay back what was paid, at most all of it."""
        return self.run_create_action(billing_payments.refund, PaymentSerializer, "payment")

    @response_schema(CreditNoteSerializer, many=True)
    @action(
        detail=True,
        url_path="credit-notes",
        serializer_class=CreditSerializer,
        filterset_class=None,
        ordering_fields=None,
    )
    def credit_notes(self, request: Request, pk: str) -> HttpResponseBase:
        """The credit notes of the invoice, newest first."""
        rows = (
            self.get_object()
            .creditnotes.select_related("ticket", "customer", "invoice")
            .prefetch_related("lines__line")
        )
        return self.respond_list(self.filter_queryset(rows), CreditNoteSerializer)

    @extend_schema(responses={201: CreditNoteSerializer})
    @credit_notes.mapping.post
    def credit(self, request: Request, pk: str) -> HttpResponseBase:
        """Take the invoice back, in full or by lines; after all of it the ticket is
        completed again and may be invoiced again.
        """
        return self.run_create_action(credit_notes.credit, CreditNoteSerializer, "creditnote")


class CreditNoteViewSet(DocumentViewSet):
    """Credit notes. An invoice's ``credit-notes`` issues them; nothing changes them."""

    queryset = CreditNote.objects.select_related("ticket", "customer", "invoice").prefetch_related(
        "lines__line"
    )
    serializer_class = CreditNoteSerializer
    filterset_class = CreditNoteFilter
    ordering_fields = ["issued_on", "total", "number"]
    ordering = ("-pk",)
    permissions = {
        **dict.fromkeys(("list", "retrieve", "as_issued", "pdf"), IsAuthenticated),
        "email": Has("tickets.add_invoice"),
    }

    as_issued = issued_document(CreditNoteDocumentSerializer)


class PaymentViewSet(WrittenOnceViewSet):
    """Payments, deposits, refunds and reversals: written once, undone by another row."""

    queryset = Payment.objects.select_related("ticket", "invoice", "customer")
    serializer_class = PaymentSerializer
    filterset_class = PaymentFilter
    ordering_fields = ["received_at", "amount"]
    ordering = ("-pk",)
    permissions = {
        **dict.fromkeys(("list", "retrieve", "pdf"), IsAuthenticated),
        "reverse": Has("tickets.refund_payment"),
    }

    def other_tickets(self) -> set[int]:
        """Of credit: the tickets that it was taken from, to which it goes back."""
        return set(Payment.objects.filter(credited_to=self.key).values_list("ticket", flat=True))

    @extend_schema(responses={201: PaymentSerializer})
    @action(detail=True, methods=["post"], serializer_class=ReverseSerializer)
    def reverse(self, request: Request, pk: str) -> HttpResponseBase:
        """Undo a payment that was a mistake, or a check that bounced, by a row of the
        opposite sign.
        """
        return self.run_create_action(reversals.reverse, PaymentSerializer, "payment")

    @PDF
    @action(detail=True, filterset_class=None, renderer_classes=DOCUMENT_RENDERERS)
    def pdf(self, request: Request, pk: str) -> HttpResponseBase:
        """The receipt."""
        return respond_pdf(self, receipt(self.get_object()))
