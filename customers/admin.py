from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from mechanic_shop.accounts.requests import user_of
from mechanic_shop.admin.base import ShopModelAdmin
from mechanic_shop.admin.buttons import ButtonForm, button
from mechanic_shop.admin.forms import Question, ShopForm
from mechanic_shop.admin.inlines import ShopInline

from . import operations, vehicle_operations
from .models import Customer, Vehicle
from .serializers import CustomerSerializer, EraseSerializer, VehicleSerializer


class CustomerForm(ShopForm):
    serializer_class = CustomerSerializer


class EraseForm(ButtonForm):
    serializer_class = EraseSerializer
    current_password = forms.CharField(
        label="Your present password", required=False, strip=False, widget=UnfoldAdminPasswordWidget
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.obj.user_id != self.request.user.pk:
            del self.fields["current_password"]

    def notes(self) -> list[str]:
        return [
            (
                "This cannot be taken back. Name, e-mail, phone, address, notes, plates, "
                "VINs and the log-in are emptied; tickets and their money stay."
            ),
            (
                "What was written on tickets as text stays too: look there for names and "
                "numbers before they are closed."
            ),
        ]


def confirm_odometer() -> Question:
    return Question(
        "odometer_lower",
        label="The odometer is right",
        help_text="take a reading that is less than the vehicle's last one",
    )


class VehicleForm(ShopForm):
    """Plate and VIN as they are typed; the serializer writes them the shop's way."""

    serializer_class = VehicleSerializer
    plate = forms.CharField(max_length=40, required=False, widget=UnfoldAdminTextInputWidget)
    vin = forms.CharField(
        label="VIN", max_length=40, required=False, widget=UnfoldAdminTextInputWidget
    )
    confirm_odometer = confirm_odometer()


class VehicleRowForm(VehicleForm):
    """A vehicle on its customer's page."""

    def run_serializer(self, sent: dict[str, Any], instance: Any = None) -> None:
        super().run_serializer({**sent, "customer": self.instance.customer}, instance)


class VehicleInline(ShopInline):
    model = Vehicle
    form = VehicleRowForm
    fields = ("plate", "vin", "make", "model", "year", "odometer")
    show_change_link = True
    hide_title = False


@admin.register(Customer)
class CustomerAdmin(ShopModelAdmin):
    form = CustomerForm
    secret_fields = CustomerSerializer.permission_required_fields
    search_icon = "group"
    search_fields = ("name",)
    search_help_text = "Name, e-mail, address, phone, plate or VIN"
    list_display = ("name", "phone", "email", "address", "has_login")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    ("phone", "email"),
                    "address",
                    "notes",
                    ("tax_exempt", "tax_certificate"),
                    "login",
                )
            },
        ),
    )
    readonly_fields = ("login",)
    inlines = (VehicleInline,)
    actions_detail = ("erase",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("user")

    @display(description="Log-in", boolean=True)
    def has_login(self, customer: Customer) -> bool:
        return customer.has_login

    @display(description="Log-in")
    def login(self, customer: Customer) -> str:
        if customer.erased_at:
            return "None: who this was is erased."
        if customer.user is None:
            return "None yet: the customer makes it by a password reset with this e-mail."
        return (
            customer.user.email
            if customer.user.is_active
            else f"{customer.user.email} (switched off)"
        )

    def has_change_permission(self, request: HttpRequest, obj: Customer | None = None) -> bool:
        return super().has_change_permission(request, obj) and (
            obj is None or obj.erased_at is None
        )

    def create_object(self, request: HttpRequest, details: dict[str, Any]) -> Customer:
        return operations.register(**details, by=user_of(request))

    def change_object(
        self, request: HttpRequest, customer: Customer, changes: dict[str, Any]
    ) -> None:
        operations.update(customer, **changes, by=user_of(request))

    def change_row(self, request: HttpRequest, vehicle: Vehicle, changes: dict[str, Any]) -> None:
        vehicle_operations.update_vehicle(vehicle, **changes, by=user_of(request))

    def delete_object(self, request: HttpRequest, customer: Customer) -> None:
        operations.delete(customer, by=user_of(request))

    @button(
        "Erase personal data",
        EraseForm,
        icon="person_off",
        permission="customers.erase_customer",
        when=lambda customer: customer.erased_at is None,
        variant=ActionVariant.DANGER,
    )
    def erase(
        self, request: HttpRequest, customer: Customer, current_password: str | None = None
    ) -> str:
        operations.erase(customer, current_password=current_password, by=user_of(request))
        return f"{customer.name}: nothing says any more who it was."

    def describe(self, customer: Customer) -> str:
        return " · ".join(word for word in (customer.phone, customer.email) if word) or "Customer"


@admin.register(Vehicle)
class VehicleAdmin(ShopModelAdmin):
    form = VehicleForm
    search_icon = "directions_car"
    search_fields = ("plate",)
    search_help_text = "Plate, VIN, make, model, color or customer"
    list_display = ("name", "plate", "vin", "vin_is_valid", "customer", "odometer")
    list_select_related = ("customer",)
    list_filter = (("vin_valid", BooleanRadioFilter),)
    lookups = ("customer",)
    autocomplete_fields = ("customer",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "customer",
                    ("plate", "vin"),
                    ("make", "model", "year"),
                    ("engine", "color"),
                    ("odometer", "odometer_at"),
                )
            },
        ),
    )
    readonly_fields = ("odometer_at",)

    @display(description="VIN holds", boolean=True)
    def vin_is_valid(self, vehicle: Vehicle) -> bool | None:
        return vehicle.vin_valid if vehicle.vin else None

    def create_object(self, request: HttpRequest, details: dict[str, Any]) -> Vehicle:
        # a new vehicle has no reading yet that another could be less than
        details.pop("confirm_odometer", None)
        made: Vehicle = super().create_object(request, details)
        return made

    def change_object(
        self, request: HttpRequest, vehicle: Vehicle, changes: dict[str, Any]
    ) -> None:
        vehicle_operations.update_vehicle(vehicle, **changes, by=user_of(request))

    def delete_object(self, request: HttpRequest, vehicle: Vehicle) -> None:
        vehicle_operations.delete_vehicle(vehicle, by=user_of(request))

    def describe(self, vehicle: Vehicle) -> str:
        return vehicle.vin or "Vehicle"
