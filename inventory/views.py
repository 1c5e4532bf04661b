from typing import Any

from rest_framework.decorators import action
from rest_framework.request import Request

from mechanic_shop.accounts.requests import user_of
from mechanic_shop.http import caching
from mechanic_shop.http.permissions import Has
from mechanic_shop.http.schema import response_schema
from mechanic_shop.http.viewsets import ShopModelViewSet

from . import operations, tax_operations
from .filters import MovementFilter, PartFilter
from .models import Part, StockMovement
from .serializers import (
    AdjustSerializer,
    CountSerializer,
    MovementSerializer,
    PartSerializer,
    ReceiveSerializer,
    SetRateSerializer,
    TaxCodeSerializer,
)
from .taxes import TaxCode


class PartViewSet(ShopModelViewSet):
    """Parts and what is on the shelf of them."""

    queryset = Part.objects.select_related("tax_code")
    serializer_class = PartSerializer
    filterset_class = PartFilter
    ordering_fields = ["sku", "name", "price", "on_hand", "created_at", "updated_at"]
    cache_group = "parts"
    permissions = {
        "list": Has("inventory.view_part"),
        "retrieve": Has("inventory.view_part"),
        "create": Has("inventory.add_part"),
        "update": Has("inventory.change_part"),
        "partial_update": Has("inventory.change_part"),
        "destroy": Has("inventory.delete_part"),
        "receive": Has("inventory.receive_part"),
        "adjust": Has("inventory.adjust_part"),
        "count": Has("inventory.adjust_part"),
        "movements": Has("inventory.view_stockmovement"),
        "low_stock": Has("inventory.view_part"),
    }

    def cache_scope(self) -> str:
        return "with-cost" if self.request.user.has_perm("inventory.view_cost") else "without-cost"

    def perform_create(self, serializer: Any) -> None:
        serializer.save()
        caching.changed("parts")

    perform_update = perform_create

    def perform_destroy(self, part: Part) -> None:
        operations.delete(part, by=user_of(self.request))

    @response_schema(PartSerializer)
    @action(detail=True, methods=["put"], serializer_class=ReceiveSerializer)
    def receive(self, request: Request, pk: str) -> Any:
        """Put a delivery on the shelf; tickets that wait for the part get theirs,
        oldest first.
        """
        return self.run_action(operations.receive)

    @response_schema(PartSerializer)
    @action(detail=True, methods=["put"], serializer_class=AdjustSerializer)
    def adjust(self, request: Request, pk: str) -> Any:
        """Correct the shelf by a signed quantity, or scrap some; a note is required."""
        return self.run_action(operations.adjust)

    @response_schema(PartSerializer)
    @action(detail=True, methods=["put"], serializer_class=CountSerializer)
    def count(self, request: Request, pk: str) -> Any:
        """Set what is on hand to what a stock-take found."""
        return self.run_action(operations.count)

    @response_schema(MovementSerializer, many=True)
    @action(
        detail=True,
        serializer_class=MovementSerializer,
        filterset_class=MovementFilter,
        queryset=StockMovement.objects.select_related("part", "by__customer", "by__mechanic"),
        ordering_fields=None,
        cache_group=None,
    )
    def movements(self, request: Request, pk: str) -> Any:
        """The ledger of a part, newest first."""
        part = self.get_object_or_404(Part.objects.visible_to(request.user))
        return self.respond_rows(self.get_queryset().filter(part=part))

    @response_schema(PartSerializer, many=True)
    @action(
        detail=False,
        url_path="low-stock",
        filterset_class=None,
        ordering_fields=["sku", "name", "on_hand"],
    )
    def low_stock(self, request: Request) -> Any:
        """Active parts of which no more than the reorder point is available."""
        return self.respond_page(lambda: self.get_queryset().low_stock())


class TaxCodeViewSet(ShopModelViewSet):
    """Tax codes, and what they take since when."""

    queryset = TaxCode.objects.prefetch_related("rates__parts")
    serializer_class = TaxCodeSerializer
    filterset_class = None
    ordering_fields = ["name", "created_at"]
    permissions = {
        "list": Has("inventory.view_taxcode"),
        "retrieve": Has("inventory.view_taxcode"),
        "create": Has("inventory.add_taxcode"),
        **dict.fromkeys(("update", "partial_update", "set_rate"), Has("inventory.change_taxcode")),
        "destroy": Has("inventory.delete_taxcode"),
    }

    def perform_update(self, serializer: Any) -> None:
        serializer.save()
        caching.changed("parts")  # lists of them tell the names of their codes

    @response_schema(TaxCodeSerializer)
    @action(detail=True, methods=["put"], url_path="set-rate", serializer_class=SetRateSerializer)
    def set_rate(self, request: Request, pk: str) -> Any:
        """Say what the code takes from a day on."""
        return self.run_action(tax_operations.set_rate)
