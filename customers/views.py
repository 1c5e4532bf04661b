from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mechanic_shop.accounts.requests import user_of
from mechanic_shop.http.permissions import Has, IsAuthenticated, IsOwner
from mechanic_shop.http.renderers import to_json
from mechanic_shop.http.schema import response_schema
from mechanic_shop.http.viewsets import ShopModelViewSet

from . import operations, vehicle_operations
from .export import CustomerFileSerializer, everything_about
from .filters import CustomerFilter, VehicleFilter
from .models import Customer, Vehicle
from .permissions import IsCustomer, SignsUp
from .serializers import CustomerSerializer, EraseSerializer, VehicleSerializer


class CustomerViewSet(ShopModelViewSet):
    """Customers. POST without a token is sign-up; a customer sees, changes and deletes
    their own record.
    """

    queryset = Customer.objects.all()
    serializer_class = CustomerSerializer
    filterset_class = CustomerFilter
    ordering_fields = ["name", "created_at", "updated_at"]
    throttle_scopes = {"create": "signup"}
    permissions = {
        "list": IsAuthenticated,
        "retrieve": IsAuthenticated,
        "create": SignsUp | Has("customers.add_customer"),
        "update": Has("customers.change_customer") | IsOwner,
        "partial_update": Has("customers.change_customer") | IsOwner,
        "destroy": Has("customers.delete_customer") | IsOwner,
        "erase": Has("customers.erase_customer") | IsOwner,
    }

    def perform_destroy(self, customer: Customer) -> None:
        operations.delete(customer, by=user_of(self.request))

    @extend_schema(responses={204: None})
    @action(detail=True, methods=["post"], serializer_class=EraseSerializer)
    def erase(self, request: Request, pk: str) -> Any:
        """Empty name, contact details, notes, plates, VINs and the log-in for good;
        tickets and their money stay.

        Whoever erases their own record sends `current_password`, and is logged out
        everywhere.
        """

        def answer(body: Any) -> Response:
            customer = self.get_locked_object()
            operations.erase(customer, **body.validated_data, by=user_of(request))
            # and no record: it may be nobody's to see now
            return Response(status=status.HTTP_204_NO_CONTENT)

        return self.write_checked(self.make_body, answer)

    @response_schema(CustomerFileSerializer)
    @action(detail=True, serializer_class=CustomerFileSerializer)
    def export(self, request: Request, pk: str) -> Any:
        """All that the shop knows of a customer, as one JSON file.

        The record, the log-in and vehicles; tickets with their jobs, decisions, links
        and history; invoices, credit notes and payments with their documents; and every
        change that the audit trail holds of these.
        """
        found = self.get_serializer(everything_about(self.get_object())).data
        headers = {"Cache-Control": "private, no-store"}
        if self.shows_html:
            return Response(found, headers=headers)
        headers["Content-Disposition"] = f'attachment; filename="customer-{self.key}.json"'
        return HttpResponse(to_json(found), content_type="application/json", headers=headers)


class VehicleViewSet(ShopModelViewSet):
    """Vehicles; a customer has all rights over their own."""

    queryset = Vehicle.objects.select_related("customer")
    serializer_class = VehicleSerializer
    filterset_class = VehicleFilter
    ordering_fields = ["plate", "make", "year", "created_at", "updated_at"]
    permissions = {
        "list": IsAuthenticated,
        "retrieve": IsAuthenticated,
        "create": Has("customers.add_vehicle") | IsCustomer,
        "update": Has("customers.change_vehicle") | IsOwner,
        "partial_update": Has("customers.change_vehicle") | IsOwner,
        "destroy": Has("customers.delete_vehicle") | IsOwner,
    }

    def perform_destroy(self, vehicle: Vehicle) -> None:
        vehicle_operations.delete_vehicle(vehicle, by=user_of(self.request))
