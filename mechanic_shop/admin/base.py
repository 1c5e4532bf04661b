"""The base of every admin page of a model."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib.admin import ShowFacets
from django.contrib.admin.utils import unquote
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db import models
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from unfold.widgets import UnfoldAdminExpandableTextareaWidget

from mechanic_shop.http.filters import MAX_SEARCH

from .audit_history import page_of_trail, without_labels
from .detail_actions import DetailActions
from .forms import ShopForm, questions
from .mixins import Amounts, AutocompleteSelects, PermissionGatedFields
from .writing import OperationWrites


class ShopModelAdmin(
    Amounts, AutocompleteSelects, PermissionGatedFields, OperationWrites, DetailActions
):
    """Pages of one model. An app with operations names them in ``create_object``,
    ``change_object`` and ``delete_object``.
    """

    form = ShopForm
    object_history_template = "admin/trail.html"
    lookups: ClassVar[tuple[str, ...]] = ()
    """Fields that a link may filter the list by, beside those of ``list_filter``."""
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # a count for every choice of every filter
    list_per_page = 50
    list_filter_submit = True
    list_fullwidth = True
    warn_unsaved_form = True
    compressed_fields = False  # labels above their boxes, so that several fit beside each other
    formfield_overrides = {models.TextField: {"widget": UnfoldAdminExpandableTextareaWidget}}

    def get_deleted_objects(
        self, objs: Sequence[Model], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Leave the check to the operation: Django's walk along the relations does not
        know the shop's rules.
        """
        return [str(obj) for obj in objs], {}, set(), []

    def get_actions(self, request: HttpRequest) -> dict[str, object]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)  # it asks no operation
        return actions

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        asked = questions(self.form, request)
        return [
            *super().get_fieldsets(request, obj),
            *([("To confirm", {"fields": asked})] if asked else []),
        ]

    def get_form(
        self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: object
    ) -> type[ModelForm]:
        form = super().get_form(request, obj, change=change, **kwargs)
        # a class of this request's own
        form.request, form.refusal = request, getattr(request, "refusal", None)
        return form

    def get_inlines(self, request: HttpRequest, obj: Model) -> Sequence[type]:
        return self.inlines if obj else []  # a new row has no others yet

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """Search by the queryset's own ``search``, as the API does."""
        term = search_term.replace("\x00", "").strip()[:MAX_SEARCH]
        if not hasattr(queryset, "search"):
            return super().get_search_results(request, queryset, term)
        return (queryset.search(term) if term else queryset), False

    def lookup_allowed(self, lookup: str, value: object, request: Any = None) -> bool:
        """Allow lookups that the page offers: Django lets a link ask about any column,
        also about a hidden one.
        """
        offered = {
            name[0] if isinstance(name, (list, tuple)) else name
            for name in self.get_list_filter(request)
        }
        name = lookup.split("__")[0]
        if is_field(self.model, name) and name not in {*offered, *self.lookups} - self.hidden(
            request
        ):
            return False
        return super().lookup_allowed(lookup, value, request)

    def hidden_in_trail(self, request: HttpRequest) -> set[str]:
        """Columns that this user must not see in the row's history."""
        return self.hidden(request)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        trail = {} if row is None else page_of_trail(request, row, self.hidden_in_trail(request))
        response = super().history_view(request, object_id, {**trail, **(extra_context or {})})
        # others only show one
        columns = (name for name in self.hidden(request) if is_field(self.model, name))
        labels = {self.opts.get_field(name).verbose_name.capitalize() for name in columns}
        for entry in getattr(response, "context_data", {}).get("action_list", ()) if labels else ():
            entry.change_message = without_labels(entry.change_message, labels)
        return response

    def describe(self, obj: Any) -> str:
        """The text that the search shows after the row's name."""
        return str(self.opts.verbose_name).capitalize()


def is_field(model: type[models.Model], name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return name == "pk"
    return True
