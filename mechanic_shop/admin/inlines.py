"""Rows inside another row's page."""

from collections.abc import Sequence

from django.db.models import Model
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from unfold.admin import TabularInline

from .forms import ShopForm, questions
from .mixins import Amounts, AutocompleteSelects, PermissionGatedFields, ReadOnly


class ShopInline(Amounts, AutocompleteSelects, PermissionGatedFields, TabularInline):
    """Rows inside another row's page."""

    form = ShopForm
    extra = 0
    can_delete = False  # a row has its own page, where an operation says whether it may go
    hide_title = True

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[str]:
        return [*super().get_fields(request, obj), *questions(self.form, request)]

    def get_formset(
        self, request: HttpRequest, obj: Model | None = None, **kwargs: object
    ) -> type[BaseInlineFormSet]:
        formset = super().get_formset(request, obj, **kwargs)
        formset.form.request = request
        return formset


class ReadOnlyInline(ReadOnly, ShopInline):
    """Rows that are only looked at here."""
