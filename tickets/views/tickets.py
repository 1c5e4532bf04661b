from typing import Any

from django.db import transaction
from django.urls import reverse
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.response import Response

from customers.permissions import IsCustomer
from mechanic_shop.api.filters import StrictFilterBackend
from mechanic_shop.api.permissions import Has, IsAuthenticated, IsOwner
from mechanic_shop.api.schema import answers
from mechanic_shop.api.viewsets import ShopModelViewSet

from .. import history, operations
from ..filters import ServiceTicketFilter
from ..models import ServiceTicket, ShareLink, StatusChange
from ..permissions import IsAssigned, OwnsEstimate
from ..serializers import (
    AddPartSerializer,
    AssignMechanicSerializer,
    EditMechanicsSerializer,
    HistorySerializer,
    MoveSerializer,
    RemoveMechanicSerializer,
    RemovePartSerializer,
    RevokeShareSerializer,
    ServiceTicketSerializer,
    ShareLinkSerializer,
    ShareSerializer,
    TokenOfLinkSerializer,
    TransitionsSerializer,
)

MayUpdate = Has("tickets.change_serviceticket") | IsAssigned | OwnsEstimate
MayAssign = Has("tickets.assign_mechanic")
MayChangeParts = Has("tickets.change_serviceticket") | IsAssigned
# Whoever makes a link can open it, and decide in the customer's name: it is for those who may approve without one.
MayShare = Has("tickets.change_serviceticket")


class ServiceTicketViewSet(ShopModelViewSet):
    """Service tickets: what a customer asked for, who works on it and what goes into it."""

    queryset = ServiceTicket.objects.with_details()
    serializer_class = ServiceTicketSerializer
    filterset_class = ServiceTicketFilter
    ordering_fields = {
        **{name: name for name in ("opened_at", "promised_at", "service_date", "status", "updated_at")},
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
        "share": MayShare,
        "shares": MayShare,
        "revoke_share": MayShare,
    }

    def perform_destroy(self, ticket: ServiceTicket) -> None:
        operations.delete(ticket, by=self.request.user)

    @answers(ServiceTicketSerializer, many=True)
    @action(detail=False)
    def mine(self, request: Any) -> Any:
        """A customer's own tickets, a mechanic's assigned ones."""
        return self.answer_page(lambda: self.get_queryset().mine(request.user))

    @answers(ServiceTicketSerializer)
    @action(detail=True, methods=["put"], url_path="assign-mechanic", serializer_class=AssignMechanicSerializer)
    def assign_mechanic(self, request: Any, pk: str) -> Any:
        """Put a mechanic on the ticket; nothing changes when he or she is on it already."""
        return self.act(operations.assign_mechanic)

    @answers(ServiceTicketSerializer)
    @action(detail=True, methods=["put"], url_path="remove-mechanic", serializer_class=RemoveMechanicSerializer)
    def remove_mechanic(self, request: Any, pk: str) -> Any:
        """Take a mechanic off the ticket."""
        return self.act(operations.remove_mechanic)

    @answers(ServiceTicketSerializer)
    @action(detail=True, methods=["put"], url_path="edit-mechanics", serializer_class=EditMechanicsSerializer)
    def edit_mechanics(self, request: Any, pk: str) -> Any:
        """Put mechanics on the ticket and take others off, all or nothing."""
        return self.act(operations.edit_mechanics)

    @answers(ServiceTicketSerializer)
    @action(detail=True, methods=["put"], url_path="add-part", serializer_class=AddPartSerializer)
    def add_part(self, request: Any, pk: str) -> Any:
        """Put a part on the ticket; stock follows the ticket's status."""
        return self.act(operations.add_part)

    @answers(ServiceTicketSerializer)
    @action(detail=True, methods=["put"], url_path="remove-part", serializer_class=RemovePartSerializer)
    def remove_part(self, request: Any, pk: str) -> Any:
        """Take a part off the ticket, all of it or some; what was held or fitted goes back on the shelf."""
        return self.act(operations.remove_part)

    @answers(TransitionsSerializer)
    @action(detail=True, serializer_class=MoveSerializer)
    def transitions(self, request: Any, pk: str) -> Any:
        """Where the ticket can go from here, and what stands in the way."""
        return Response(TransitionsSerializer(self.get_object(), context=self.get_serializer_context()).data)

    @answers(ServiceTicketSerializer)
    @transitions.mapping.post
    def move(self, request: Any, pk: str) -> Any:
        """Move the ticket along the workflow."""
        return self.act(operations.move)

    @answers(HistorySerializer, many=True)
    @action(
        detail=True,
        serializer_class=HistorySerializer,
        queryset=StatusChange.objects.all(),
        filterset_class=None,
        ordering_fields=None,
    )
    def history(self, request: Any, pk: str) -> Any:
        """What became of the ticket, oldest first: its moves, its parts and mechanics, and who changed which field."""
        ticket = self.get_object_or_404(ServiceTicket.objects.visible_to(request.user))
        page = self.paginate_queryset(self.filter_queryset(history.moments(ticket, request.user)))
        rows = history.rows(page, request.user)
        return self.paginator.get_paginated_response(self.get_serializer(rows, many=True).data)

    @answers(TokenOfLinkSerializer)
    @action(
        detail=True,
        methods=["post"],
        serializer_class=ShareSerializer,
        filter_backends=[StrictFilterBackend],
        filterset_class=None,
        ordering_fields=None,
    )
    def share(self, request: Any, pk: str) -> Any:
        """Make a link by which the customer sees the estimate and decides, without an account.

        The answer is the only one that ever holds the token, so it is kept for no Idempotency-Key: a retry makes another link.
        """
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        with transaction.atomic():
            link, token = operations.share(self.get_locked_object(), **serializer.validated_data, by=request.user)
        url = request.build_absolute_uri(reverse("shared-page", args=[token]))
        told = {"id": link.pk, "url": url, "token": token, "expires_at": link.expires_at}
        return Response(TokenOfLinkSerializer(told).data, status=status.HTTP_201_CREATED)

    @answers(ShareLinkSerializer, many=True)
    @share.mapping.get
    def shares(self, request: Any, pk: str) -> Any:
        """The links to the ticket, newest first."""
        ticket = self.get_object_or_404(ServiceTicket.objects.visible_to(request.user))
        page = self.paginate_queryset(self.filter_queryset(ShareLink.objects.filter(ticket=ticket).select_related("created_by")))
        return self.paginator.get_paginated_response(ShareLinkSerializer(page, many=True).data)

    @answers(ServiceTicketSerializer)
    @action(detail=True, methods=["put"], url_path="revoke-share", serializer_class=RevokeShareSerializer)
    def revoke_share(self, request: Any, pk: str) -> Any:
        """End a link at once; nothing changes when it has ended already."""
        return self.act(operations.revoke_share)
