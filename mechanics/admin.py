from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from mechanic_shop.accounts.requests import user_of
from mechanic_shop.admin.base import ShopModelAdmin
from mechanic_shop.admin.forms import ShopForm, WordsField

from . import operations
from .models import Mechanic
from .serializers import MechanicSerializer


class MechanicForm(ShopForm):
    serializer_class = MechanicSerializer
    specialties = WordsField(
        required=False,
        max_length=1500,
        widget=UnfoldAdminTextInputWidget,
        help_text="with commas between them",
    )


@admin.register(Mechanic)
class MechanicAdmin(ShopModelAdmin):
    form = MechanicForm
    secret_fields = MechanicSerializer.permission_required_fields
    cache_groups = ("mechanics",)
    search_icon = "engineering"
    search_fields = ("name",)
    search_help_text = "Name, specialty or bio"
    list_display = ("name", "specialties_listed", "phone", "email", "is_active")
    list_filter = (("is_active", BooleanRadioFilter),)
    autocomplete_fields = ("user",)
    fieldsets = (
        ("What customers see", {"fields": ("name", "specialties", "bio", "is_active")}),
        ("For the shop", {"fields": (("phone", "email"), ("hourly_cost", "hired_on"), "user")}),
    )

    @display(description="Specialties")
    def specialties_listed(self, mechanic: Mechanic) -> str:
        return ", ".join(mechanic.specialties)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("user")

    def delete_object(self, request: HttpRequest, mechanic: Mechanic) -> None:
        operations.delete(mechanic, by=user_of(request))

    def describe(self, mechanic: Mechanic) -> str:
        return "Mechanic" if mechanic.is_active else "Mechanic, no longer here"
