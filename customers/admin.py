from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from mechanic_shop.admin.base import ShopInline, ShopModelAdmin
from mechanic_shop.admin.forms import ShopForm

from . import operations
from .models import Customer, Vehicle
from .serializers import CustomerSerializer, VehicleSerializer


class CustomerForm(ShopForm):
    serializer_class = CustomerSerializer


class VehicleForm(ShopForm):
    """Plate and VIN as they are typed; the serializer writes them the shop's way."""

    serializer_class = VehicleSerializer
    plate = forms.CharField(max_length=40, required=False, widget=UnfoldAdminTextInputWidget)
    vin = forms.CharField(label="VIN", max_length=40, required=False, widget=UnfoldAdminTextInputWidget)


class VehicleRowForm(VehicleForm):
    """A vehicle on its customer's page."""

    def obey(self, sent: dict[str, Any], instance: Any = None) -> None:
        super().obey({**sent, "customer": self.instance.customer}, instance)


class VehicleInline(ShopInline):
    model = Vehicle
    form = VehicleRowForm
    fields = ("plate", "vin", "make", "model", "year", "odometer")
    show_change_link = True
    hide_title = False


@admin.register(Customer)
class CustomerAdmin(ShopModelAdmin):
    form = CustomerForm
    secret_fields = CustomerSerializer.staff_fields
    search_icon = "group"
    search_fields = ("name",)
    search_help_text = "Name, e-mail, address, phone, plate or VIN"
    list_display = ("name", "phone", "email", "address", "has_login")
    fieldsets = ((None, {"fields": ("name", ("phone", "email"), "address", "notes", "login")}),)
    readonly_fields = ("login",)
    inlines = (VehicleInline,)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("user")

    @display(description="Log-in", boolean=True)
    def has_login(self, customer: Customer) -> bool:
        return customer.user_id is not None

    @display(description="Log-in")
    def login(self, customer: Customer) -> str:
        if customer.user is None:
            return "None yet: the customer makes it by a password reset with this e-mail."
        return customer.user.email if customer.user.is_active else f"{customer.user.email} (switched off)"

    def create_object(self, request: HttpRequest, details: dict[str, Any]) -> Customer:
        return operations.register(**details, by=request.user)

    def change_object(self, request: HttpRequest, customer: Customer, changes: dict[str, Any]) -> None:
        operations.update(customer, **changes, by=request.user)

    def delete_object(self, request: HttpRequest, customer: Customer) -> None:
        operations.delete(customer, by=request.user)

    def describe(self, customer: Customer) -> str:
        return " · ".join(word for word in (customer.phone, customer.email) if word) or "Customer"


@admin.register(Vehicle)
class VehicleAdmin(ShopModelAdmin):
    form = VehicleForm
    search_icon = "directions_car"
    search_fields = ("plate",)
    search_help_text = "Plate, VIN, make, model, colour or customer"
    list_display = ("name", "plate", "vin", "vin_is_valid", "customer", "odometer")
    list_select_related = ("customer",)
    list_filter = (("vin_valid", BooleanRadioFilter),)
    lookups = ("customer",)
    autocomplete_fields = ("customer",)
    fieldsets = ((None, {"fields": ("customer", ("plate", "vin"), ("make", "model", "year"), ("engine", "color"), "odometer")}),)

    @display(description="VIN holds", boolean=True)
    def vin_is_valid(self, vehicle: Vehicle) -> bool | None:
        return vehicle.vin_valid if vehicle.vin else None

    def delete_object(self, request: HttpRequest, vehicle: Vehicle) -> None:
        operations.delete_vehicle(vehicle, by=request.user)

    def describe(self, vehicle: Vehicle) -> str:
        return vehicle.vin or "Vehicle"
