"""What is done on a ticket, as actions of its ViewSet."""

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mechanic_shop.http.schema import response_schema
from mechanic_shop.http.viewsets import ShopModelViewSet

from ..work import assignments, canned_jobs, part_edits, parts, recommendations, tickets
from ..work.assignment_serializers import (
    AssignMechanicSerializer,
    EditMechanicsSerializer,
    RemoveMechanicSerializer,
)
from ..work.job_serializers import AddCannedJobSerializer, AddRecommendationSerializer
from ..work.part_serializers import AddPartSerializer, EditPartSerializer, RemovePartSerializer
from ..work.ticket_serializers import DiscountSerializer, ServiceTicketSerializer


class WorkActions(ShopModelViewSet):
    """Who works on a ticket, and what goes into it."""

    @response_schema(ServiceTicketSerializer)
    @action(
        detail=True,
        methods=["put"],
        url_path="assign-mechanic",
        serializer_class=AssignMechanicSerializer,
    )
    def assign_mechanic(self, request: Request, pk: str) -> Response:
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
    def remove_mechanic(self, request: Request, pk: str) -> Response:
        """Take a mechanic off the ticket."""
        return self.run_action(assignments.remove_mechanic)

    @response_schema(ServiceTicketSerializer)
    @action(
        detail=True,
        methods=["put"],
        url_path="edit-mechanics",
        serializer_class=EditMechanicsSerializer,
    )
    def edit_mechanics(self, request: Request, pk: str) -> Response:
        """Put mechanics on the ticket and take others off, all or nothing."""
        return self.run_action(assignments.edit_mechanics)

    @response_schema(ServiceTicketSerializer)
    @action(detail=True, methods=["put"], url_path="add-part", serializer_class=AddPartSerializer)
    def add_part(self, request: Request, pk: str) -> Response:
        """Put a part on the ticket; stock follows the ticket's status."""
        return self.run_action(parts.add_part)

    @response_schema(ServiceTicketSerializer)
    @action(
        detail=True, methods=["put"], url_path="remove-part", serializer_class=RemovePartSerializer
    )
    def remove_part(self, request: Request, pk: str) -> Response:
        """Take a part off the ticket, all of it or some; what was held or fitted goes
        back on the shelf.
        """
        return self.run_action(parts.remove_part)

    @response_schema(ServiceTicketSerializer)
    @action(detail=True, methods=["put"], url_path="edit-part", serializer_class=EditPartSerializer)
    def edit_part(self, request: Request, pk: str) -> Response:
        """Change a part's price or discount on the ticket, or move it to another job."""
        return self.run_action(part_edits.edit_part)

    @response_schema(ServiceTicketSerializer)
    @action(
        detail=True, methods=["put"], url_path="give-discount", serializer_class=DiscountSerializer
    )
    def give_discount(self, request: Request, pk: str) -> Response:
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
    def add_canned_job(self, request: Request, pk: str) -> Response:
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
    def add_recommendation(self, request: Request, pk: str) -> Response:
        """Propose again a job, or a part outside jobs, that was declined or deferred on
        an earlier ticket of the vehicle.
        """
        return self.run_action(recommendations.add_recommendation)
