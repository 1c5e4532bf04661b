"""Service tickets in the API."""

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from customers.permissions import IsCustomer
from mechanic_shop.accounts.requests import user_of
from mechanic_shop.http.permissions import Has, IsAuthenticated, IsOwner
from mechanic_shop.http.schema import response_schema

from ..lifecycle.permissions import IsAssigned, OwnsEstimate
from ..models import ServiceTicket, StatusChange
from ..work import history, tickets
from ..work.filters import ServiceTicketFilter
from ..work.history_serializers import HistorySerializer
from ..work.ticket_serializers import ServiceTicketSerializer
from . import requests
from .approval_actions import ApprovalActions
from .money_actions import MoneyActions
from .move_serializers import MoveSerializer, TransitionsSerializer
from .work_actions import WorkActions

MayUpdate = Has("tickets.change_serviceticket") | IsAssigned | OwnsEstimate
MayAssign = Has("tickets.assign_mechanic")
MayChangeParts = Has("tickets.change_serviceticket") | IsAssigned
# Whoever makes a link can open it, and decide in the customer's name: it is for those
# who may approve without one.
MayShare = Has("tickets.change_serviceticket")


class ServiceTicketViewSet(WorkActions, MoneyActions, ApprovalActions):
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
        tickets.delete(ticket, by=user_of(self.request))

    @response_schema(ServiceTicketSerializer, many=True)
    @action(detail=False)
    def mine(self, request: Request) -> Response:
        """A customer's own tickets, a mechanic's assigned ones."""
        return self.respond_page(lambda: self.get_queryset().mine(self.reader))

    @response_schema(TransitionsSerializer)
    @action(detail=True, serializer_class=MoveSerializer)
    def transitions(self, request: Request, pk: str) -> Response:
        """Where the ticket can go from here, and what stands in the way."""
        return Response(
            TransitionsSerializer(self.get_object(), context=self.get_serializer_context()).data
        )

    @response_schema(ServiceTicketSerializer)
    @transitions.mapping.post
    def move(self, request: Request, pk: str) -> Response:
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
    def history(self, request: Request, pk: str) -> Response:
        """What became of the ticket, oldest first: its moves, its parts and mechanics,
        and who changed which field.
        """
        ticket = self.get_object_or_404(ServiceTicket.objects.visible_to(request.user))
        page = self.paginate_queryset(self.filter_queryset(history.moments(ticket, request.user)))
        rows = history.rows(page or [], request.user)
        return self.paginator.get_paginated_response(self.get_serializer(rows, many=True).data)
