from mechanic_shop.api.permissions import Has, IsAuthenticated, IsOwner
from mechanic_shop.api.viewsets import ShopModelViewSet

from . import operations
from .filters import CustomerFilter, VehicleFilter
from .models import Customer, Vehicle
from .permissions import IsCustomer, SignsUp
from .serializers import CustomerSerializer, VehicleSerializer


class CustomerViewSet(ShopModelViewSet):
    """Customers. POST without a token is sign-up; a customer sees, changes and deletes their own record."""

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
    }

    def perform_destroy(self, customer: Customer) -> None:
        operations.delete(customer, by=self.request.user)


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
        operations.delete_vehicle(vehicle, by=self.request.user)
