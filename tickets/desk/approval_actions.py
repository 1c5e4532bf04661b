"""What the customer decides, as actions of the ticket's ViewSet."""

from django.db import transaction
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mechanic_shop.accounts.requests import user_of
from mechanic_shop.http.filters import StrictFilterBackend
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
from ..models import Authorization, ServiceTicket, ShareLink
from ..work.ticket_serializers import ServiceTicketSerializer


class ApprovalActions(ShopModelViewSet):
    """What the customer decides, also by a link."""

    @response_schema(AuthorizationSerializer, many=True)
    @action(
        detail=True,
        serializer_class=AuthorizeSerializer,
        filterset_class=None,
        ordering_fields=None,
    )
    def authorizations(self, request: Request, pk: str) -> Response:
        """What the customer decided, oldest first."""
        ticket = self.get_object_or_404(ServiceTicket.objects.visible_to(request.user))
        rows = Authorization.objects.filter(ticket=ticket).select_related(
            "ticket", "by__customer", "by__mechanic"
        )
        return self.respond_list(self.filter_queryset(rows), AuthorizationSerializer)

    @extend_schema(responses={201: AuthorizationSerializer})
    @authorizations.mapping.post
    def authorize(self, request: Request, pk: str) -> Response:
        """Write down what the customer said to jobs; where none is named, all that are
        proposed are approved.
        """
        return self.run_create_action(approvals.authorize, AuthorizationSerializer)

    @extend_schema(responses={201: TokenOfLinkSerializer})
    @action(
        detail=True,
        methods=["post"],
        serializer_class=ShareSerializer,
        filter_backends=[StrictFilterBackend],
        filterset_class=None,
        ordering_fields=None,
    )
    def share(self, request: Request, pk: str) -> Response:
        """Make a link by which the customer sees the estimate and decides, without an
        account.

        The answer is the only one that ever holds the token, so it is kept for no
        Idempotency-Key: a retry makes another link.
        """
        body = self.checked_body(self.make_body)
        with transaction.atomic():
            link, token = share_links.share(
                self.get_locked_object(), **body.validated_data, by=user_of(request)
            )
        url = request.build_absolute_uri(reverse("shared-page", args=[token]))
        shown_once = {"id": link.pk, "url": url, "token": token, "expires_at": link.expires_at}
        return Response(TokenOfLinkSerializer(shown_once).data, status=status.HTTP_201_CREATED)

    @response_schema(ShareLinkSerializer, many=True)
    @share.mapping.get
    def shares(self, request: Request, pk: str) -> Response:
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
    def revoke_share(self, request: Request, pk: str) -> Response:
        """End a link at once; nothing changes when it has ended already."""
        return self.run_action(share_links.revoke_share)
