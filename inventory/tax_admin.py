"""Tax codes and their rates in the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextareaWidget,
)

from mechanic_shop.accounts.requests import StaffRequest, user_of
from mechanic_shop.admin.base import ShopModelAdmin
from mechanic_shop.admin.buttons import ButtonForm, button
from mechanic_shop.admin.forms import ShopForm
from mechanic_shop.admin.inlines import ReadOnlyInline

from . import tax_operations
from .quantities import show
from .serializers import SetRateSerializer, TaxCodeSerializer
from .taxes import TaxCode, TaxPart, TaxRate


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

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
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
        return tax_operations.add_tax_code(**details, by=user_of(request))

    @button(
        "Set rate",
        SetRateForm,
        icon="percent",
        permission="inventory.change_taxcode",
        variant=ActionVariant.PRIMARY,
    )
    def set_rate(self, request: StaffRequest, code: TaxCode, **answers: Any) -> str:
        tax_operations.set_rate(code, **answers, by=request.user)
        rate = answers.get("rate") or tax_operations.combined_rate(answers["parts"])
        return f"{code.name} takes {show(rate)} %."
