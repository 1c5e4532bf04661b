from django_filters import rest_framework as filters

from mechanic_shop.http.filters import IdFilter, MomentFilter, ShopFilterSet
from mechanic_shop.inputs import clean_plate, clean_vin

from .models import Customer, Vehicle, VehicleQuerySet


class CustomerFilter(ShopFilterSet):
    email = filters.CharFilter(lookup_expr="iexact")
    updated_after = MomentFilter(field_name="updated_at", lookup_expr="gt")

    class Meta:
        model = Customer
        fields: list[str] = []


class VehicleFilter(ShopFilterSet):
    customer = IdFilter(field_name="customer_id")
    plate = filters.CharFilter(method="by_plate", help_text="however it is typed")
    vin = filters.CharFilter(method="by_plate", help_text="however it is typed")
    make = filters.CharFilter(lookup_expr="iexact")  # uses no index; an exact filter does
    year = IdFilter()
    updated_after = MomentFilter(field_name="updated_at", lookup_expr="gt")

    class Meta:
        model = Vehicle
        fields: list[str] = []

    def by_plate(self, queryset: VehicleQuerySet, name: str, value: str) -> VehicleQuerySet:
        typed = clean_vin(value) if name == "vin" else clean_plate(value)
        return queryset.filter(**{name: typed}) if typed else queryset.none()
