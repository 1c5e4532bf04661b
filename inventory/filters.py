from django_filters import rest_framework as filters

from mechanic_shop.http.filters import MomentFilter, ShopFilterSet, TrueFalseFilter

from .models import Part, StockMovement
from .quantities import Reason, Unit


class PartFilter(ShopFilterSet):
    is_active = TrueFalseFilter()
    unit = filters.ChoiceFilter(choices=Unit.choices)
    bin = filters.CharFilter(lookup_expr="iexact")
    barcode = filters.CharFilter()
    sku = filters.CharFilter(lookup_expr="iexact")
    updated_after = MomentFilter(field_name="updated_at", lookup_expr="gt")

    class Meta:
        model = Part
        fields: list[str] = []


class MovementFilter(ShopFilterSet):
    reason = filters.ChoiceFilter(choices=Reason.choices)
    reference = filters.CharFilter(lookup_expr="iexact")
    created_after = MomentFilter(field_name="created_at", lookup_expr="gt")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = StockMovement
        fields: list[str] = []
