"""Filters, search and ordering; what is not understood is refused, never ignored."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.template import loader
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.filters import OrderingFilter as DRFOrderingFilter

MAX_SEARCH = 100


class ShopFilterSet(filters.FilterSet):
    """Named filters. Write each one out: no lookups that a client can choose."""


def refuse_unknown(asked: Iterable[str], known: set[str], named: set[str]) -> None:
    """Raises ValidationError for parameters that nobody knows, and names those that there are."""
    if unknown := sorted(set(asked) - known):
        detail = f"There is no such parameter. Known here: {', '.join(sorted(named))}."
        raise ValidationError(dict.fromkeys(unknown, detail), "unknown_parameter")


class StrictFilterBackend(filters.DjangoFilterBackend):
    """django-filter, but an unknown parameter is 400: a typo must not return every row."""

    def filter_queryset(self, request: Any, queryset: QuerySet, view: Any) -> QuerySet:
        filterset = self.get_filterset(request, queryset, view)
        known = set(filterset.base_filters if filterset else ()) | {"page", "page_size", "format"}
        known |= {"cursor"} if getattr(view, "walks", False) else set()
        known |= {"search"} if hasattr(queryset, "search") else set()
        known |= {"ordering"} if getattr(view, "ordering_fields", None) else set()
        refuse_unknown(request.query_params, known, known - {"format"})
        if filterset is None:
            return queryset
        if not filterset.is_valid():
            raise ValidationError(dict(filterset.errors), "invalid")
        return filterset.qs


class SearchFilter(BaseFilterBackend):
    """``?search=``, by the queryset's own ``search(term)``: what is found is a matter of the shop."""

    def filter_queryset(self, request: Any, queryset: QuerySet, view: Any) -> QuerySet:
        term = request.query_params.get("search", "").strip()
        if not term or not hasattr(queryset, "search"):
            return queryset
        if "\x00" in term or len(term) > MAX_SEARCH:
            raise ValidationError({"search": f"Search for at most {MAX_SEARCH} ordinary characters."}, "invalid")
        return queryset.search(term)

    def to_html(self, request: Any, queryset: QuerySet, view: Any) -> str:
        """The search box of the browsable API."""
        if not hasattr(queryset, "search"):
            return ""
        context = {"param": "search", "term": request.query_params.get("search", ""), "finds": queryset.search.__doc__}
        return loader.get_template("rest_framework/filters/search.html").render(context)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        if not hasattr(view.queryset, "search"):
            return []
        what = (view.queryset.search.__doc__ or "Search.").strip()
        return [{"name": "search", "required": False, "in": "query", "description": what, "schema": {"type": "string", "maxLength": MAX_SEARCH}}]


class OrderingFilter(DRFOrderingFilter):
    """``?ordering=name,-created_at``; every ordering ends in the key, so that pages never overlap.

    A view's ``ordering_fields`` is a list of fields, or a dictionary of public name to field.
    """

    def filter_queryset(self, request: Any, queryset: QuerySet, view: Any) -> QuerySet:
        fields = getattr(view, "ordering_fields", None) or []
        asked = [name.strip() for name in request.query_params.get(self.ordering_param, "").split(",") if name.strip()]
        for name in asked:
            if name.removeprefix("-") not in fields:
                raise ValidationError({"ordering": f"“{name[:40]}” is not one of {', '.join(fields)} (with - in front: descending)."}, "invalid")
        columns = fields if isinstance(fields, dict) else {name: name for name in fields}
        ordering = [("-" if name.startswith("-") else "") + columns[name.removeprefix("-")] for name in asked]
        ordering = ordering or list(getattr(view, "ordering", None) or queryset.query.order_by or queryset.model._meta.ordering)
        if not {"pk", "-pk", "id", "-id"} & set(ordering):
            ordering.append("-pk" if ordering and str(ordering[-1]).startswith("-") else "pk")
        return queryset.order_by(*ordering)

    def to_html(self, request: Any, queryset: QuerySet, view: Any) -> str:
        """Links of the browsable API, one for each ordering; a walk by cursor has none."""
        is_ordered = getattr(view, "ordering_fields", None) and "cursor" not in request.query_params
        return super().to_html(request, queryset, view) if is_ordered else ""

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        fields = getattr(view, "ordering_fields", None)
        if not fields:
            return []
        what = f"Fields to sort by, comma-separated, each with - in front for descending: {', '.join(fields)}."
        one = f"-?({'|'.join(fields)})"
        shape = {"type": "string", "pattern": f"^({one}(,{one})*)?$"}
        return [{"name": "ordering", "required": False, "in": "query", "description": what, "schema": shape}]


class TrueFalseField(forms.Field):
    """True or false; django-filter's own takes everything else for "do not care" and returns every row."""

    widget = forms.Select(choices=[("", "either"), ("true", "yes"), ("false", "no")])
    words: ClassVar = {"true": True, "1": True, "false": False, "0": False}

    def to_python(self, value: Any) -> bool | None:
        if value in (None, ""):
            return None
        if str(value).lower() not in self.words:
            raise forms.ValidationError("Use true or false.", "invalid")
        return self.words[str(value).lower()]


@extend_schema_field(bool)
class TrueFalseFilter(filters.Filter):
    field_class = TrueFalseField


@extend_schema_field({"type": "integer", "minimum": 1})
class IdFilter(filters.Filter):
    """A key: a whole number, not "1.5" cut down to one."""

    field_class = forms.IntegerField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=1, max_value=2**63 - 1, **kwargs)


class MomentField(IsoDateTimeField):
    """An ISO 8601 moment that every database can compare."""

    def clean(self, value: Any) -> Any:
        moment = super().clean(value)
        if moment is not None and not 1900 < moment.year < 2200:
            raise forms.ValidationError("Use a moment between the years 1900 and 2200.", "invalid")
        return moment


class MomentFilter(filters.IsoDateTimeFilter):
    field_class = MomentField
