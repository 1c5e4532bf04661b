"""What the shop offers: labor rates and canned jobs."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display

from inventory.quantities import show
from inventory.taxes import TaxCode
from mechanic_shop.accounts.requests import user_of
from mechanic_shop.admin.base import ShopModelAdmin
from mechanic_shop.admin.forms import ShopForm
from mechanic_shop.admin.inlines import ShopInline

from ..lifecycle.admin_format import sum_of_money
from ..models import CannedJob, CannedJobLine, CannedJobPart, LaborRate
from . import canned_jobs
from .button_questions import KINDS
from .catalog_serializers import (
    CannedJobLineSerializer,
    CannedJobPartSerializer,
    CannedJobSerializer,
    LaborRateSerializer,
)
from .job_serializers import MOST_LINES


class LaborRateForm(ShopForm):
    serializer_class = LaborRateSerializer


@admin.register(LaborRate)
class LaborRateAdmin(ShopModelAdmin):
    form = LaborRateForm
    search_fields = ("name",)
    list_display = ("name", "an_hour", "tax_code", "is_default", "is_active")
    list_select_related = ("tax_code",)
    list_filter = (("is_active", BooleanRadioFilter),)
    fieldsets = ((None, {"fields": (("name", "hourly", "tax_code"), ("is_default", "is_active"))}),)

    @display(description="An hour", ordering="hourly")
    def an_hour(self, rate: LaborRate) -> str:
        return sum_of_money(rate.hourly)


class WholeRowForm(ShopForm):
    """A row whose rules speak of all its fields at once."""

    def run_serializer(self, sent: dict[str, Any], instance: Any = None) -> None:
        names = self.serializer_class.Meta.fields
        super().run_serializer(
            {
                name: value
                for name, value in self.cleaned_data.items()
                if name in names and value is not None
            }
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.initial["quantity"] = show(self.instance.quantity)  # "2", not "2.000"


class CannedLineForm(WholeRowForm):
    serializer_class = CannedJobLineSerializer
    offered: ClassVar[dict[str, Any]] = {}
    """Choices that all rows of a page share: they are asked for once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.offered.keys() & self.fields.keys():
            self.fields[name].widget.choices = self.offered[name]


class CannedPartForm(WholeRowForm):
    serializer_class = CannedJobPartSerializer

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None and "part" in self.fields:
            self.fields["part"].widget.widget.known = self.instance.part


class RowsOfCannedJob(ShopInline):
    """Rows that belong to the canned job, and to whoever may change it."""

    can_delete = True
    max_num = MOST_LINES

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        return super().get_formset(request, obj, **{"validate_max": True} | kwargs)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("tickets.view_cannedjob")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(f"tickets.{'change' if obj else 'add'}_cannedjob")

    has_add_permission = has_delete_permission = has_change_permission


class CannedLinesInline(RowsOfCannedJob):
    model = CannedJobLine
    form = CannedLineForm
    verbose_name = "line"
    verbose_name_plural = "Labor, sublet work, fees and trade-ins"
    fields = ("kind", "description", "quantity", "rate", "unit_price", "tax_code")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.form.offered = {
            name: choices_of(model) for name, model in (("rate", LaborRate), ("tax_code", TaxCode))
        }
        return formset

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_choice_field(db_field, request, **{"choices": KINDS} | kwargs)


class CannedPartsInline(RowsOfCannedJob):
    model = CannedJobPart
    form = CannedPartForm
    verbose_name = "part"
    verbose_name_plural = "Parts"
    fields = ("part", "quantity")
    autocomplete_fields = ("part",)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("part")


def choices_of(model: type[LaborRate | TaxCode]) -> list[tuple[Any, str]]:
    return [("", "–"), *((row.pk, str(row)) for row in model.objects.all())]


class CannedJobForm(ShopForm):
    serializer_class = CannedJobSerializer


@admin.register(CannedJob)
class CannedJobAdmin(ShopModelAdmin):
    form = CannedJobForm
    search_icon = "inventory"
    search_fields = ("name",)
    list_display = ("name", "how_many_lines", "what_parts", "is_active")
    list_filter = (("is_active", BooleanRadioFilter),)
    inlines = (CannedLinesInline, CannedPartsInline)
    fieldsets = ((None, {"fields": (("name", "is_active"), ("concern", "cause", "correction"))}),)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines  # a new one comes with its lines

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        parts = Prefetch("parts", CannedJobPart.objects.select_related("part"))
        return (
            super()
            .get_queryset(request)
            .prefetch_related(parts)
            .annotate(line_count=Count("lines"))
        )

    @display(description="Lines")
    def how_many_lines(self, canned: Any) -> int:
        return canned.line_count

    @display(description="Parts")
    def what_parts(self, canned: CannedJob) -> str:
        return (
            ", ".join(f"{show(row.quantity)} × {row.part.name}" for row in canned.parts.all())
            or "–"
        )

    def create_object(self, request: HttpRequest, details: dict[str, Any]) -> CannedJob:
        return canned_jobs.write_canned_job(CannedJob(), **details, by=user_of(request))

    def change_object(
        self, request: HttpRequest, canned: CannedJob, changes: dict[str, Any]
    ) -> None:
        canned_jobs.write_canned_job(canned, **changes, by=user_of(request))

    def describe(self, canned: CannedJob) -> str:
        return "Canned job"
