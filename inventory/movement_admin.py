"""The ledger of stock in the admin: read, never written."""

from decimal import Decimal

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from mechanic_shop.admin.base import ShopModelAdmin
from mechanic_shop.admin.formatting import badge
from mechanic_shop.admin.inlines import ReadOnlyInline
from mechanic_shop.admin.mixins import ReadOnly
from mechanic_shop.currency import short

from .models import StockMovement
from .quantities import Reason, show
from .serializers import MovementSerializer


def price_of(amount: Decimal | None) -> str:
    """Of one unit, with the decimals that it needs."""
    return "–" if amount is None else f"{short(amount):f}"


class MovementColumns:
    """Columns of a stock movement, in the list and on its part's page."""

    secret_fields = MovementSerializer.permission_required_fields | {
        "cost_of_unit": MovementSerializer.permission_required_fields["unit_cost"]
    }

    @display(description="Unit cost", ordering="unit_cost")
    def cost_of_unit(self, movement: StockMovement) -> str:
        return price_of(movement.unit_cost)

    @display(description="By")
    def by_whom(self, movement: StockMovement) -> str:
        return str(movement.by or "–")

    @display(description="Quantity", ordering="quantity")
    def moved(self, movement: StockMovement) -> str:
        return f"{signed(movement.quantity)} {movement.part.unit}"

    @display(description="On hand after")
    def left(self, movement: StockMovement) -> str:
        return show(movement.on_hand_after)


class MovementInline(MovementColumns, ReadOnlyInline):
    model = StockMovement
    verbose_name_plural = "Last movements"
    fields = (
        "created_at",
        "moved",
        "reason",
        "left",
        "reference",
        "cost_of_unit",
        "note",
        "by_whom",
    )
    readonly_fields = ("created_at", "moved", "left", "cost_of_unit", "by_whom")
    per_page = 10

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("by", "part")


@admin.register(StockMovement)
class StockMovementAdmin(MovementColumns, ReadOnly, ShopModelAdmin):
    """The ledger: read, never written."""

    search_fields = ("part__sku", "part__name", "reference")
    search_help_text = "Part, ticket number or document"
    list_display = (
        "created_at",
        "part",
        "moved",
        "reason_shown",
        "left",
        "reference",
        "cost_of_unit",
        "note",
        "by_whom",
    )
    list_select_related = ("part", "by")
    list_filter = (("reason", ChoicesDropdownFilter), "created_at")
    lookups = ("part",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("created_at", "by_whom"),
                    "part",
                    ("moved", "left"),
                    ("reason", "reference"),
                    "cost_of_unit",
                    "note",
                )
            },
        ),
    )
    readonly_fields = ("created_at", "moved", "left", "cost_of_unit", "by_whom")

    @display(description="Reason", ordering="reason")
    def reason_shown(self, movement: StockMovement) -> str:
        return badge(movement.get_reason_display(), REASONS.get(Reason(movement.reason), ""))


REASONS = {
    Reason.RECEIPT: "success",
    Reason.RETURN_TO_STOCK: "success",
    Reason.ISSUE: "info",
    Reason.SCRAP: "danger",
    Reason.ADJUSTMENT: "warning",
}


def signed(quantity: Decimal) -> str:
    return f"+{show(quantity)}" if quantity > 0 else show(quantity)
