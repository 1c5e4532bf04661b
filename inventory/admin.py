from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextareaWidget,
)

from mechanic_shop.admin.base import ReadOnly, ReadOnlyInline, ShopModelAdmin, badge
from mechanic_shop.admin.buttons import ButtonForm, button, note_question, quantity_question
from mechanic_shop.admin.forms import ShopForm
from mechanic_shop.currency import short

from . import operations
from .models import Part, Reason, StockMovement
from .operations import show
from .serializers import (
    AdjustSerializer,
    CountSerializer,
    MovementSerializer,
    PartSerializer,
    ReceiveSerializer,
    SetRateSerializer,
    TaxCodeSerializer,
)
from .taxes import TaxCode, TaxPart, TaxRate


class ReceiveForm(ButtonForm):
    serializer_class = ReceiveSerializer
    quantity = quantity_question()
    unit_cost = forms.DecimalField(
        required=False,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        help_text="what a unit cost; becomes the part's cost",
    )
    note = note_question(help_text="delivery note or supplier, for example")

    def notes(self) -> list[str]:
        return [on_the_shelf(self.obj)]


class AdjustForm(ButtonForm):
    serializer_class = AdjustSerializer
    quantity = quantity_question(help_text="signed: -2 takes two off the shelf")
    reason = forms.ChoiceField(
        choices=[(reason.value, reason.label) for reason in (Reason.ADJUSTMENT, Reason.SCRAP)],
        widget=UnfoldAdminSelectWidget,
    )
    note = note_question(required=True, help_text="why")

    def notes(self) -> list[str]:
        return [on_the_shelf(self.obj)]


class CountForm(ButtonForm):
    serializer_class = CountSerializer
    counted = quantity_question(
        help_text="what lies on the shelf, also what is promised to tickets"
    )
    note = note_question()

    def notes(self) -> list[str]:
        return [on_the_shelf(self.obj)]


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


def price_of(amount: Decimal | None) -> str:
    """Of one unit, with the decimals that it needs."""
    return "–" if amount is None else f"{short(amount):f}"


class MovementColumns:
    """How a movement is told, in the list and on its part's page."""

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
    def receive(self, request: HttpRequest, part: Part, **answers: Any) -> str:
        movement = operations.receive(part, **answers, by=request.user)
        return (
            f"Received {show(movement.quantity)} of {part.sku}; now "
            f"{show(movement.on_hand_after)} on hand."
        )

    @button("Count", CountForm, icon="checklist", permission="inventory.adjust_part")
    def count(self, request: HttpRequest, part: Part, **answers: Any) -> str:
        movement = operations.count(part, **answers, by=request.user)
        return (
            f"Counted {show(movement.on_hand_after)} of {part.sku}: a difference of "
            f"{signed(movement.quantity)}."
        )

    @button("Adjust", AdjustForm, icon="tune", permission="inventory.adjust_part")
    def adjust(self, request: HttpRequest, part: Part, **answers: Any) -> str:
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
        operations.delete(part, by=request.user)

    def describe(self, part: Part) -> str:
        return f"{show(part.available)} available"


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
        return badge(movement.get_reason_display(), REASONS.get(movement.reason, ""))


REASONS = {
    Reason.RECEIPT: "success",
    Reason.RETURN_TO_STOCK: "success",
    Reason.ISSUE: "info",
    Reason.SCRAP: "danger",
    Reason.ADJUSTMENT: "warning",
}


def signed(quantity: Decimal) -> str:
    return f"+{show(quantity)}" if quantity > 0 else show(quantity)


def on_the_shelf(part: Part) -> str:
    return (
        f"{show(part.on_hand)} on hand, of which {show(part.allocated)} are promised to "
        f"tickets (counted by the {part.unit})."
    )


# --- tax ------------------------------------------------------------------------------


def rate_question(**kwargs: Any) -> forms.DecimalField:
    widget = UnfoldAdminDecimalFieldWidget(attrs={"step": "any"})
    return forms.DecimalField(
        **{"max_digits": 6, "decimal_places": 3, "widget": widget, "help_text": "percent"} | kwargs
    )


class TaxPartsField(forms.CharField):
    """The taxes that a code consists of, one a line: name; percent; registration
    number; on top.
    """

    widget = UnfoldAdminTextareaWidget

    def __init__(self) -> None:
        super().__init__(
            required=False,
            label="Parts",
            help_text=(
                "Only where the code consists of several taxes, one a line: name; "
                "percent; registration "
                "number; “on top” where it applies on the amount with the taxes above it."
            ),
        )

    def clean(self, value: Any) -> list[dict[str, Any]]:
        lines = super().clean(value).splitlines()
        return [self.part(line) for line in lines if line.strip()]

    def part(self, line: str) -> dict[str, Any]:
        name, percent, number, on_top, *more = [
            *(word.strip() for word in line.split(";")),
            "",
            "",
            "",
        ]
        if any(more) or on_top.lower() not in ("", "on top"):
            raise forms.ValidationError(
                f"Write “{line}” as name; percent; registration number; on top.", "invalid"
            )
        return {"name": name, "rate": percent, "number": number, "on_top": bool(on_top)}

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data and data.strip())


def since_question() -> forms.DateField:
    return forms.DateField(
        required=False,
        label="Since",
        widget=UnfoldAdminSingleDateWidget,
        help_text="today, when left empty",
    )


class SetRateForm(ButtonForm):
    serializer_class = SetRateSerializer
    rate = rate_question(required=False)
    parts = TaxPartsField()
    valid_from = since_question()

    def notes(self) -> list[str]:
        return ["Invoices that are written keep the rate of their day."]


class TaxCodeForm(ShopForm):
    """A new code comes with its first rate; later ones come by the button."""

    serializer_class = TaxCodeSerializer
    rate = rate_question(required=False)
    parts = TaxPartsField()
    valid_from = since_question()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            del self.fields["rate"], self.fields["parts"], self.fields["valid_from"]


class RatesInline(ReadOnlyInline):
    model = TaxRate
    verbose_name_plural = "Rates"
    fields = ("percent", "consists_of", "valid_from")
    readonly_fields = ("percent", "consists_of")
    ordering = ("-valid_from",)

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return request.user.has_perm("inventory.view_taxcode")  # its rates are a part of it

    @display(description="Rate")
    def percent(self, rate: TaxRate) -> str:
        return f"{show(rate.rate)} %"

    @display(description="Parts")
    def consists_of(self, rate: TaxRate) -> str:
        return ", ".join(map(written_part, rate.parts.all())) or "–"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).prefetch_related("parts")


def written_part(part: TaxPart) -> str:
    return f"{part}{' on top' if part.on_top else ''}{f' ({part.number})' if part.number else ''}"


@admin.register(TaxCode)
class TaxCodeAdmin(ShopModelAdmin):
    form = TaxCodeForm
    cache_groups = ("parts",)  # which tell the names of their codes
    search_fields = ("name",)
    list_display = ("name", "now", "is_default")
    inlines = (RatesInline,)
    actions_detail = ("set_rate",)
    readonly_fields = ("now",)
    fieldsets = ((None, {"fields": (("name", "number", "is_default", "now"),)}),)
    add_fieldsets = (
        (None, {"fields": (("name", "number", "is_default"), ("rate", "valid_from"), "parts")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).prefetch_related("rates")

    @display(description="Today")
    def now(self, code: TaxCode) -> str:
        rates = [rate for rate in code.rates.all() if rate.valid_from <= timezone.localdate()]
        return f"{show(rates[-1].rate)} %" if rates else "–"

    def create_object(self, request: HttpRequest, details: dict[str, Any]) -> TaxCode:
        return operations.add_tax_code(**details, by=request.user)

    @button(
        "Set rate",
        SetRateForm,
        icon="percent",
        permission="inventory.change_taxcode",
        variant=ActionVariant.PRIMARY,
    )
    def set_rate(self, request: HttpRequest, code: TaxCode, **answers: Any) -> str:
        operations.set_rate(code, **answers, by=request.user)
        rate = answers.get("rate") or operations.combined_rate(answers["parts"])
        return f"{code.name} takes {show(rate)} %."
