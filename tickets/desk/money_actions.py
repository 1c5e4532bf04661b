"""A ticket's estimate, invoice and deposits, as actions of its ViewSet."""

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mechanic_shop.http.schema import response_schema
from mechanic_shop.http.viewsets import ShopModelViewSet

from ..billing import estimates, invoices, payments
from ..billing.action_serializers import (
    IssueSerializer,
    PaySerializer,
    SendSerializer,
    TakeMoneySerializer,
)
from ..billing.document_serializers import EstimateSerializer
from ..billing.pdf_action import DOCUMENT_RENDERERS, respond_document, send_document
from ..billing.serializers import InvoiceSerializer, PaymentSerializer
from ..models import Payment
from ..work.filters import EstimateFilter


class MoneyActions(ShopModelViewSet):
    """What a ticket comes to: its estimate, invoice and deposits."""

    @response_schema(EstimateSerializer)
    @action(
        detail=True,
        serializer_class=EstimateSerializer,
        filterset_class=EstimateFilter,
        ordering_fields=None,
        renderer_classes=DOCUMENT_RENDERERS,
    )
    def estimate(self, request: Request, pk: str) -> Response:
        """What the ticket comes to: jobs, lines, taxes and totals; with ``?format=pdf``
        the document.
        """
        return respond_document(self, estimates.estimate(self.get_object()))

    @extend_schema(responses={202: SendSerializer})
    @action(
        detail=True, methods=["post"], url_path="email-estimate", serializer_class=SendSerializer
    )
    def email_estimate(self, request: Request, pk: str) -> Response:
        """Mail the estimate, by default to the customer."""
        return send_document(self, estimates.estimate)

    @extend_schema(responses={201: InvoiceSerializer})
    @action(detail=True, methods=["post"], serializer_class=IssueSerializer)
    def invoice(self, request: Request, pk: str) -> Response:
        """Issue the invoice of a completed ticket."""
        return self.run_create_action(invoices.issue_invoice, InvoiceSerializer, "invoice")

    @response_schema(PaymentSerializer, many=True)
    @action(detail=True, serializer_class=PaySerializer, filterset_class=None, ordering_fields=None)
    def deposits(self, request: Request, pk: str) -> Response:
        """What was paid in advance, and paid back."""
        ticket = self.get_object()
        rows = Payment.objects.filter(ticket=ticket, invoice=None).select_related(
            "ticket", "invoice", "customer"
        )
        return self.respond_list(self.filter_queryset(rows), PaymentSerializer)

    @extend_schema(responses={201: PaymentSerializer})
    @deposits.mapping.post
    def take_deposit(self, request: Request, pk: str) -> Response:
        """Take money in advance; it counts on the invoice."""
        return self.run_create_action(payments.deposit, PaymentSerializer, "payment")

    @extend_schema(responses={201: PaymentSerializer})
    @action(
        detail=True,
        methods=["post"],
        url_path="refund-deposit",
        serializer_class=TakeMoneySerializer,
    )
    def refund_deposit(self, request: Request, pk: str) -> Response:
        """Pay back a deposit that is on no invoice."""
        return self.run_create_action(payments.refund_deposit, PaymentSerializer, "payment")
