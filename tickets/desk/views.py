from typing import Any

from django.db import transaction
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.response import Response

from customers.permissions import IsCustomer
from mechanic_shop.http.filters import StrictFilterBackend
from mechanic_shop.http.permissions import Has, IsAuthenticated, IsOwner
from mechanic_shop.http.schema import response_schema
from mechanic_shop.http.viewsets import ShopModelViewSet

from ..approvals import operations as approvals
from ..approvals import share_links
from ..approvals.authorization_serializers import AuthorizationSerializer, AuthorizeSerializer
from ..approvals.serializers import (
    RevokeShareSerializer,
    ShareLinkSerializer,
    ShareSerializer,
    TokenOfLinkSerializer,
)
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
from ..lifecycle.permissions import IsAssigned, OwnsEstimate
from ..models import Authorization, Payment, ServiceTicket, ShareLink, StatusChange
from ..work import assignments, canned_jobs, history, part_edits, parts, recommendations, tickets
from ..work.assignment_serializers import (
    AssignMechanicSerializer,
    EditMechanicsSerializer,
    RemoveMechanicSerializer,
)
from ..work.filters import EstimateFilter, ServiceTicketFilter
from ..work.history_serializers import HistorySerializer
from ..work.job_serializers import AddCannedJobSerializer, AddRecommendationSerializer
from ..work.part_serializers import AddPartSerializer, EditPartSerializer, RemovePartSerializer
from ..work.ticket_serializers import DiscountSerializer, ServiceTicketSerializer
from . import requests
from .move_serializers import MoveSerializer, TransitionsSerializer

MayUpdate = Has("tickets.change_serviceticket") | IsAssigned | OwnsEstimate
MayAssign = Has("tickets.assign_mechanic")
MayChangeParts = Has("tickets.change_serviceticket") | IsAssigned
# Whoever makes a link can open it, and decide in the customer's name: it is for those
# who may approve without one.
MayShare = Has("tickets.change_serviceticket")


class ServiceTicketViewSet(ShopModelViewSet):
    """Service tickets: what a customer asked for, who works on it and what goes into
    it.
    """

    queryset = ServiceTicket.objects.with_details()
    serializer_class = ServiceTicketSerializer
    filterset_class = ServiceTicketFilter
    ordering_fields = {
        **{
            name: name
            for name in ("opened_at", "promised_at", "service_date", "status", "updated_at")
        },
        "number": "pk",
    }
    permissions = {
        "list": IsAuthenticated,
        "mine": IsAuthenticated,
        "retrieve": IsAuthenticated,
        "create": Has("tickets.add_serviceticket") | IsCustomer,
        "update": MayUpdate,
        "partial_update": MayUpdate,
        "destroy": Has("tickets.delete_serviceticket") | IsOwner,
        "assign_mechanic": MayAssign,
        "remove_mechanic": MayAssign,
        "edit_mechanics": MayAssign,
        "add_part": MayChangeParts,
        "remove_part": MayChangeParts,
        "transitions": IsAuthenticated,
        "move": IsAuthenticated,  # the workflow's table says whose move it is
        "history": IsAuthenticated,
        "give_discount": Has("tickets.change_serviceticket"),
        "edit_part": MayChangeParts,
        "add_canned_job": MayChangeParts,
        "add_recommendation": MayChangeParts,
        "estimate": IsAuthenticated,
        "email_estimate": Has("tickets.change_serviceticket"),
        "authorizations": IsAuthenticated,
        "authorize": Has("tickets.move_serviceticket") | IsOwner,
        "invoice": Has("tickets.add_invoice"),
        "deposits": Has("tickets.view_payment") | IsOwner,
        "take_deposit": Has("tickets.add_payment"),
        "refund_deposit": Has("tickets.refund_payment"),
        "share": MayShare,
        "shares": MayShare,
        "revoke_share": MayShare,
    }

    def perform_destroy(self, ticket: ServiceTicket) -> None:
        tickets.delete(ticket, by=self.request.user)

    @response_schema(ServiceTicketSerializer, many=True)
    @action(detail=False)
    def mine(self, request: Any) -> Any:
        """A customer's own tickets, a mechanic's assigned ones."""
        return self.respond_page(lambda: self.get_queryset().mine(self.reader))

    @response_schema(ServiceTicketSerializer)
    @action(
        detail=True,
        methods=["put"],
        url_path="assign-mechanic",
        serializer_class=AssignMechanicSerializer,
    )
    def assign_mechanic(self, request: Any, pk: str) -> Any:
        """Put a mechanic on the ticket; nothing changes when he or she is on it
        already.
        """
        return self.run_action(assignments.assign_mechanic)

    @response_schema(ServiceTicketSerializer)
    @action(
        detail=True,
        methods=["put"],
        url_path="remove-mechanic",
        serializer_class=RemoveMechanicSerializer,
    )
    def remove_mechanic(self, request: Any, pk: str) -> Any:
        """Take a mechanic off the ticket."""
        return self.run_action(assignments.remove_mechanic)

    @response_schema(ServiceTicketSerializer)
    @action(
        detail=True,
        methods=["put"],
        url_path="edit-mechanics",
        serializer_class=EditMechanicsSerializer,
    )
    def edit_mechanics(self, request: Any, pk: str) -> Any:
        """Put mechanics on the ticket and take others off, all or nothing."""
        return self.run_action(assignments.edit_mechanics)

    @response_schema(ServiceTicketSerializer)
    @action(detail=True, methods=["put"], url_path="add-part", serializer_class=AddPartSerializer)
    def add_part(self, request: Any, pk: str) -> Any:
        """Put a part on the ticket; stock follows the ticket's status."""
        return self.run_action(parts.add_part)

    @response_schema(ServiceTicketSerializer)
    @action(
        detail=True, methods=["put"], url_path="remove-part", serializer_class=RemovePartSerializer
    )
    def remove_part(self, request: Any, pk: str) -> Any:
        """Take a part off the ticket, all of it or some; what was held or fitted goes
        back on the shelf.
        """
        return self.run_action(parts.remove_part)

    @response_schema(ServiceTicketSerializer)
    @action(detail=True, methods=["put"], url_path="edit-part", serializer_class=EditPartSerializer)
    def edit_part(self, request: Any, pk: str) -> Any:
        """Change a part's price or discount on the ticket, or move it to another job."""
        return self.run_action(part_edits.edit_part)

    @response_schema(ServiceTicketSerializer)
    @action(
        detail=True, methods=["put"], url_path="give-discount", serializer_class=DiscountSerializer
    )
    def give_discount(self, request: Any, pk: str) -> Any:
        """Take a percentage or an amount off the whole ticket; it is spread over the
        lines before tax.
        """
        return self.run_action(tickets.give_discount)

    @response_schema(ServiceTicketSerializer)
    @action(
        detail=True,
        methods=["put"],
        url_path="add-canned-job",
        serializer_class=AddCannedJobSerializer,
    )
    def add_canned_job(self, request: Any, pk: str) -> Any:
        """Put a canned job on the ticket, with its labor and parts, at the prices of
        today.
        """
        return self.run_action(canned_jobs.add_canned_job)

    @response_schema(ServiceTicketSerializer)
    @action(
        detail=True,
        methods=["put"],
        url_path="add-recommendation",
        serializer_class=AddRecommendationSerializer,
    )
    def add_recommendation(self, request: Any, pk: str) -> Any:
        """Propose again a job, or a part outside jobs, that was declined or deferred on
        an earlier ticket of the vehicle.
        """
        return self.run_action(recommendations.add_recommendation)

    @response_schema(EstimateSerializer)
    @action(
        detail=True,
        serializer_class=EstimateSerializer,
        filterset_class=EstimateFilter,
        ordering_fields=None,
        renderer_classes=DOCUMENT_RENDERERS,
    )
    def estimate(self, request: Any, pk: str) -> Any:
        """What the ticket comes to: jobs, lines, taxes and totals; with ``?format=pdf``
        the paper.
        """
        return respond_document(self, estimates.estimate(self.get_object()))

    @extend_schema(responses={202: SendSerializer})
    @action(
        detail=True, methods=["post"], url_path="email-estimate", serializer_class=SendSerializer
    )
    def email_estimate(self, request: Any, pk: str) -> Any:
        """Mail the estimate, by default to the customer."""
        return send_document(self, estimates.estimate)

    @response_schema(AuthorizationSerializer, many=True)
    @action(
        detail=True,
        serializer_class=AuthorizeSerializer,
        filterset_class=None,
        ordering_fields=None,
    )
    def authorizations(self, request: Any, pk: str) -> Any:
        """What the customer decided, oldest first."""
        ticket = self.get_object_or_404(ServiceTicket.objects.visible_to(request.user))
        rows = Authorization.objects.filter(ticket=ticket).select_related(
            "ticket", "by__customer", "by__mechanic"
        )
        return self.respond_list(self.filter_queryset(rows), AuthorizationSerializer)

    @extend_schema(responses={201: AuthorizationSerializer})
    @authorizations.mapping.post
    def authorize(self, request: Any, pk: str) -> Any:
        """Write down what the customer said to jobs; where none is named, all that are
        proposed are approved.
        """
        return self.run_create_action(approvals.authorize, AuthorizationSerializer)

    @extend_schema(responses={201: InvoiceSerializer})
    @action(detail=True, methods=["post"], serializer_class=IssueSerializer)
    def invoice(self, request: Any, pk: str) -> Any:
        """Issue the invoice of a completed ticket."""
        return self.run_create_action(invoices.issue_invoice, InvoiceSerializer, "invoice")

    @response_schema(PaymentSerializer, many=True)
    @action(detail=True, serializer_class=PaySerializer, filterset_class=None, ordering_fields=None)
    def deposits(self, request: Any, pk: str) -> Any:
        """What was paid in advance, and paid back."""
        ticket = self.get_object()
        rows = Payment.objects.filter(ticket=ticket, invoice=None).select_related(
            "ticket", "invoice", "customer"
        )
        return self.respond_list(self.filter_queryset(rows), PaymentSerializer)

    @extend_schema(responses={201: PaymentSerializer})
    @deposits.mapping.post
    def take_deposit(self, request: Any, pk: str) -> Any:
        """Take money in advance; it counts on the invoice."""
        return self.run_create_action(payments.deposit, PaymentSerializer, "payment")

    @extend_schema(responses={201: PaymentSerializer})
    @action(
        detail=True,
        methods=["post"],
        url_path="refund-deposit",
        serializer_class=TakeMoneySerializer,
    )
    def refund_deposit(self, request: Any, pk: str) -> Any:
        """Pay back a deposit that is on no invoice."""
        return self.run_create_action(payments.refund_deposit, PaymentSerializer, "payment")

    @response_schema(TransitionsSerializer)
    @action(detail=True, serializer_class=MoveSerializer)
    def transitions(self, request: Any, pk: str) -> Any:
        """Where the ticket can go from here, and what stands in the way."""
        return Response(
            TransitionsSerializer(self.get_object(), context=self.get_serializer_context()).data
        )

    @response_schema(ServiceTicketSerializer)
    @transitions.mapping.post
    def move(self, request: Any, pk: str) -> Any:
        """Move the ticket along the workflow."""
        return self.run_action(requests.request_transition)

    @response_schema(HistorySerializer, many=True)
    @action(
        detail=True,
        serializer_class=HistorySerializer,
        queryset=StatusChange.objects.all(),
        filterset_class=None,
        ordering_fields=None,
    )
    def history(self, request: Any, pk: str) -> Any:
        """What became of the ticket, oldest first: its moves, its parts and mechanics,
        and who changed which field.
        """
        ticket = self.get_object_or_404(ServiceTicket.objects.visible_to(request.user))
        page = self.paginate_queryset(self.filter_queryset(history.moments(ticket, request.user)))
        rows = history.rows(page, request.user)
        return self.paginator.get_paginated_response(self.get_serializer(rows, many=True).data)

    @extend_schema(responses={201: TokenOfLinkSerializer})
    @action(
        detail=True,
        methods=["post"],
        serializer_class=ShareSerializer,
        filter_backends=[StrictFilterBackend],
        filterset_class=None,
        ordering_fields=None,
    )
    def share(self, request: Any, pk: str) -> Any:
        """Make a link by which the customer sees the estimate and decides, without an
        account.

        The answer is the only one that ever holds the token, so it is kept for no
        Idempotency-Key: a retry makes another link.
        """
        body = self.checked_body(self.make_body)
        with transaction.atomic():
            link, token = share_links.share(
                self.get_locked_object(), **body.validated_data, by=request.user
            )
        url = request.build_absolute_uri(reverse("shared-page", args=[token]))
        told = {"id": link.pk, "url": url, "token": token, "expires_at": link.expires_at}
        return Response(TokenOfLinkSerializer(told).data, status=status.HTTP_201_CREATED)

    @response_schema(ShareLinkSerializer, many=True)
    @share.mapping.get
    def shares(self, request: Any, pk: str) -> Any:
        """The links to the ticket, newest first."""
        ticket = self.get_object_or_404(ServiceTicket.objects.visible_to(request.user))
        rows = ShareLink.objects.filter(ticket=ticket).select_related(
            "created_by__customer", "created_by__mechanic"
        )
        return self.respond_list(self.filter_queryset(rows), ShareLinkSerializer)

    @response_schema(ServiceTicketSerializer)
    @action(
        detail=True,
        methods=["put"],
        url_path="revoke-share",
        serializer_class=RevokeShareSerializer,
    )
    def revoke_share(self, request: Any, pk: str) -> Any:
        """End a link at once; nothing changes when it has ended already."""
        return self.run_action(share_links.revoke_share)
