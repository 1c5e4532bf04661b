"""Parts in the admin, with the buttons that move their stock."""

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from mechanic_shop.accounts.requests import StaffRequest, user_of
from mechanic_shop.admin.base import ShopModelAdmin
from mechanic_shop.admin.buttons import button
from mechanic_shop.admin.formatting import badge
from mechanic_shop.admin.forms import ShopForm

from . import operations
from .models import Part
from .movement_admin import MovementInline, price_of, signed
from .quantities import show
from .serializers import PartSerializer
from .stock_forms import AdjustForm, CountForm, ReceiveForm


class PartForm(ShopForm):
    serializer_class = PartSerializer

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("reorder_point", "reorder_quantity"):
            if isinstance(self.initial.get(name), Decimal):
                self.initial[name] = show(self.initial[name])  # "4", not "4.000"


class LowStockFilter(DropdownFilter):
    title = "stock"
    parameter_name = "stock"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("low", "Low: time to order"), ("none", "Nothing available")]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet:
        if self.value() == "low":
            return queryset.low_stock()
        return (
            queryset.filter(is_active=True, on_hand__lte=F("allocated"))
            if self.value() == "none"
            else queryset
        )


@admin.register(Part)
class PartAdmin(ShopModelAdmin):
    form = PartForm
    secret_fields = PartSerializer.permission_required_fields | {
        "unit_cost": PartSerializer.permission_required_fields["cost"]
    }
    cache_groups = ("parts",)
    search_icon = "inventory_2"
    search_fields = ("sku",)
    search_help_text = "SKU, name, description, barcode or bin"
    list_display = (
        "sku",
        "name",
        "stock_state",
        "available_now",
        "on_hand_now",
        "allocated_now",
        "unit_price",
        "unit_cost",
        "bin",
    )
    list_filter = (
        LowStockFilter,
        ("is_active", BooleanRadioFilter),
        ("unit", ChoicesDropdownFilter),
    )
    inlines = (MovementInline,)
    actions_detail = ("receive", "count", "adjust", "movements")
    readonly_fields = ("available_now", "on_hand_now", "allocated_now", "stock_state")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("sku", "name"),
                    "description",
                    ("unit", "price", "cost"),
                    ("bin", "barcode", "tax_code"),
                    "is_active",
                )
            },
        ),
        (
            "Stock",
            {
                "fields": (
                    ("available_now", "on_hand_now", "allocated_now", "stock_state"),
                    ("reorder_point", "reorder_quantity"),
                )
            },
        ),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        found = super().get_fieldsets(request, obj)
        if obj is None:  # a new part has no stock before something is received
            found[1][1]["fields"] = [("reorder_point", "reorder_quantity")]
        return found

    @display(description="Available", ordering=F("on_hand") - F("allocated"))
    def available_now(self, part: Part) -> str:
        return f"{show(part.available)} {part.unit}"

    @display(description="On hand", ordering="on_hand")
    def on_hand_now(self, part: Part) -> str:
        return show(part.on_hand)

    @display(description="Allocated", ordering="allocated")
    def allocated_now(self, part: Part) -> str:
        return show(part.allocated)

    @display(description="Price", ordering="price")
    def unit_price(self, part: Part) -> str:
        return price_of(part.price)

    @display(description="Cost", ordering="cost")
    def unit_cost(self, part: Part) -> str:
        return price_of(part.cost)

    @display(description="State")
    def stock_state(self, part: Part) -> str:
        if not part.is_active:
            return badge("not used any more")
        if part.available <= 0:
            return badge("none", "danger")
        low = part.reorder_point > 0 and part.available <= part.reorder_point
        return badge("low", "warning") if low else badge("in stock", "success")

    @button(
        "Receive",
        ReceiveForm,
        icon="add_box",
        permission="inventory.receive_part",
        variant=ActionVariant.PRIMARY,
    )
    def receive(self, request: StaffRequest, part: Part, **answers: Any) -> str:
        movement = operations.receive(part, **answers, by=request.user)
        return (
            f"Received {show(movement.quantity)} of {part.sku}; now "
            f"{show(movement.on_hand_after)} on hand."
        )

    @button("Count", CountForm, icon="checklist", permission="inventory.adjust_part")
    def count(self, request: StaffRequest, part: Part, **answers: Any) -> str:
        movement = operations.count(part, **answers, by=request.user)
        return (
            f"Counted {show(movement.on_hand_after)} of {part.sku}: a difference of "
            f"{signed(movement.quantity)}."
        )

    @button("Adjust", AdjustForm, icon="tune", permission="inventory.adjust_part")
    def adjust(self, request: StaffRequest, part: Part, **answers: Any) -> str:
        movement = operations.adjust(part, **answers, by=request.user)
        return (
            f"Adjusted {part.sku} by {signed(movement.quantity)}; now "
            f"{show(movement.on_hand_after)} on hand."
        )

    @action(description="All movements", url_path="movements", icon="swap_vert")
    def movements(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(
            reverse(
                "admin:inventory_stockmovement_changelist", query={"part__id__exact": object_id}
            )
        )

    def delete_object(self, request: HttpRequest, part: Part) -> None:
        operations.delete(part, by=user_of(request))

    def describe(self, part: Part) -> str:
        return f"{show(part.available)} available"
