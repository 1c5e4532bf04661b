from typing import Any

from rest_framework.decorators import action
from rest_framework.request import Request

from mechanic_shop.http import caching
from mechanic_shop.http.permissions import AllowAny, Has
from mechanic_shop.http.schema import response_schema
from mechanic_shop.http.viewsets import ShopModelViewSet

from . import operations
from .filters import MechanicFilter, PopularFilter
from .models import Mechanic
from .serializers import MechanicSerializer, PopularMechanicSerializer


class MechanicViewSet(ShopModelViewSet):
    """Mechanics. Everybody may see who works here; contact and cost are for staff."""

    queryset = Mechanic.objects.all()
    serializer_class = MechanicSerializer
    filterset_class = MechanicFilter
    ordering_fields = ["name", "is_active"]
    cache_group = "mechanics"
    permissions = {
        "list": AllowAny,
        "retrieve": AllowAny,
        "popular": AllowAny,
        "create": Has("mechanics.add_mechanic"),
        "update": Has("mechanics.change_mechanic"),
        "partial_update": Has("mechanics.change_mechanic"),
        "destroy": Has("mechanics.delete_mechanic"),
    }

    def cache_scope(self) -> str:
        return "staff" if self.request.user.has_perm("mechanics.view_mechanic") else "everybody"

    def perform_create(self, serializer: Any) -> None:
        serializer.save()
        caching.changed("mechanics")

    perform_update = perform_create

    def perform_destroy(self, mechanic: Mechanic) -> None:
        operations.delete(mechanic, by=self.request.user)

    @response_schema(PopularMechanicSerializer, many=True)
    @action(
        detail=False,
        serializer_class=PopularMechanicSerializer,
        filterset_class=PopularFilter,
        ordering_fields=None,
    )
    def popular(self, request: Request) -> Any:
        """Mechanics by the number of their tickets, most first, then by name; cancelled
        tickets do not count.
        """
        return self.respond_page(self.get_queryset)
