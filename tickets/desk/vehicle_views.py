"""What tickets know of a vehicle."""

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from customers.views import VehicleViewSet as Vehicles
from mechanic_shop.http.schema import response_schema

from ..models import Job, TicketPart
from ..work.job_serializers import JobSerializer
from ..work.part_serializers import RecommendedPartSerializer


class VehicleViewSet(Vehicles):
    """Vehicles. A customer sees, adds, changes and deletes their own."""

    @response_schema(JobSerializer, many=True)
    @action(detail=True, serializer_class=JobSerializer, filterset_class=None, ordering_fields=None)
    def recommendations(self, request: Request, pk: str) -> Response:
        """Jobs that were declined or deferred on the vehicle's tickets, and are on no
        later one: newest first.
        """
        vehicle = self.get_object()
        rows = (
            Job.objects.recommended()
            .visible_to(request.user)
            .filter(ticket__vehicle=vehicle)
            .order_by("-pk")
        )
        rows = rows.select_related("ticket__customer").prefetch_related(
            "lines__rate", "lines__mechanic", "lines__tax_code", "parts__part"
        )
        return self.respond_list(self.filter_queryset(rows), JobSerializer)

    @response_schema(RecommendedPartSerializer, many=True)
    @action(
        detail=True,
        url_path="recommended-parts",
        serializer_class=RecommendedPartSerializer,
        filterset_class=None,
        ordering_fields=None,
    )
    def recommended_parts(self, request: Request, pk: str) -> Response:
        """Parts outside jobs that were declined or deferred on the vehicle's tickets,
        and are on no later one: newest first.
        """
        vehicle = self.get_object()
        rows = (
            TicketPart.objects.recommended()
            .visible_to(request.user)
            .filter(ticket__vehicle=vehicle)
            .order_by("-pk")
        )
        return self.respond_list(
            self.filter_queryset(rows.select_related("ticket", "part")), RecommendedPartSerializer
        )
