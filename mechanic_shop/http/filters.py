"""Filters, search and ordering; what is not understood is refused, never ignored."""

import inspect
import unicodedata
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.template import loader
from django_filters import rest_framework as filters
from django_filters.fields import MultipleChoiceField
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.filters import OrderingFilter as DRFOrderingFilter
from rest_framework.request import Request

from . import iso_dates
from .query_checks import check_parameters, refuse_unknown

if TYPE_CHECKING:
    from rest_framework.views import APIView

MAX_SEARCH = 100


class ShopFilterSet(filters.FilterSet):
    """Named filters. Write each one out: no lookups that a client can choose."""


class StrictFilterBackend(filters.DjangoFilterBackend):
    """django-filter, but an unknown parameter is 400: a typo must not return every row."""

    def filter_queryset(self, request: Request, queryset: QuerySet, view: "APIView") -> QuerySet:
        filterset = self.get_filterset(request, queryset, view)
        allowed = {name for name, _ in filters_of(filterset)} | {"page", "page_size", "format"}
        allowed |= {"cursor"} if getattr(view, "walks", False) else set()
        allowed |= {"search"} if hasattr(queryset, "search") else set()
        allowed |= {"ordering"} if getattr(view, "ordering_fields", None) else set()
        several = [name for name, each in filters_of(filterset) if isinstance(each, SeveralFilter)]
        if getattr(view, "shows_html", False):  # a form for people sends its empty boxes along
            refuse_unknown(request.query_params, allowed, hidden={"format"})
        else:
            check_parameters(request.query_params, allowed, several, hidden={"format"})
        if filterset is None:
            return queryset
        if not filterset.is_valid():
            raise ValidationError(dict(filterset.errors), "invalid")
        return filterset.qs


def filters_of(filterset: Any) -> list[tuple[str, Any]]:
    return list(filterset.base_filters.items()) if filterset else []


class SearchFilter(BaseFilterBackend):
    """``?search=``, by the queryset's own ``search(term)``."""

    def filter_queryset(self, request: Request, queryset: QuerySet, view: "APIView") -> QuerySet:
        term = unicodedata.normalize("NFC", request.query_params.get("search", "")).strip()
        if not term or not hasattr(queryset, "search"):
            return queryset
        if "\x00" in term or len(term) > MAX_SEARCH:
            raise ValidationError(
                {"search": f"Search for at most {MAX_SEARCH} ordinary characters."}, "invalid"
            )
        return queryset.search(term)

    def to_html(self, request: Request, queryset: QuerySet, view: "APIView") -> str:
        """The search box of the browsable API."""
        if not hasattr(queryset, "search"):
            return ""
        context = {
            "param": "search",
            "term": request.query_params.get("search", ""),
            "finds": inspect.getdoc(queryset.search),
        }
        return loader.get_template("rest_framework/filters/search.html").render(context)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        if not hasattr(view.queryset, "search"):
            return []
        what = inspect.getdoc(view.queryset.search) or "Search."
        return [
            {
                "name": "search",
                "required": False,
                "in": "query",
                "description": what,
                "schema": {"type": "string", "maxLength": MAX_SEARCH},
            }
        ]


class OrderingFilter(DRFOrderingFilter):
    """``?ordering=name,-created_at``; every ordering ends in the key, so that pages
    never overlap.

    A view's ``ordering_fields`` is a list of fields, or a dictionary of public name to
    field.
    """

    def filter_queryset(self, request: Request, queryset: QuerySet, view: "APIView") -> QuerySet:
        fields = getattr(view, "ordering_fields", None) or []
        columns = fields if isinstance(fields, dict) else {name: name for name in fields}
        ordering = [
            ("-" if name.startswith("-") else "") + columns[name.removeprefix("-")]
            for name in self.requested(request, fields)
        ]
        ordering = ordering or list(
            getattr(view, "ordering", None)
            or queryset.query.order_by
            or queryset.model._meta.ordering
        )
        if not {"pk", "-pk", "id", "-id"} & set(ordering):
            ordering.append("-pk" if ordering and str(ordering[-1]).startswith("-") else "pk")
        return queryset.order_by(*ordering)

    def requested(self, request: Request, fields: Collection[str]) -> list[str]:
        """The names in the query, checked. Raises ValidationError."""
        names = [
            name.strip()
            for name in request.query_params.get(self.ordering_param, "").split(",")
            if name.strip()
        ]
        if len(names) > len(fields) or len({name.removeprefix("-") for name in names}) < len(names):
            raise ValidationError({"ordering": "Name each field once."}, "invalid")
        for name in names:
            if name.removeprefix("-") not in fields:
                choices = f"{', '.join(fields)} (with - in front: descending)"
                raise ValidationError(
                    {"ordering": f"“{name[:40]}” is not one of {choices}."}, "invalid"
                )
        return names

    def to_html(self, request: Request, queryset: QuerySet, view: "APIView") -> str:
        """Links of the browsable API, one for each ordering; a walk by cursor has none."""
        is_ordered = getattr(view, "ordering_fields", None) and "cursor" not in request.query_params
        return super().to_html(request, queryset, view) if is_ordered else ""

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        fields = getattr(view, "ordering_fields", None)
        if not fields:
            return []
        what = (
            f"Fields to sort by, comma-separated, each with - in front for descending: "
            f"{', '.join(fields)}."
        )
        one = f"-?({'|'.join(fields)})"
        shape = {"type": "string", "pattern": f"^({one}(,{one})*)?$"}
        return [
            {
                "name": "ordering",
                "required": False,
                "in": "query",
                "description": what,
                "schema": shape,
            }
        ]


class TrueFalseField(forms.Field):
    """True or false; django-filter's own takes everything else for "do not care" and
    returns every row.
    """

    widget = forms.Select(choices=[("", "either"), ("true", "yes"), ("false", "no")])
    words: ClassVar = {"true": True, "1": True, "false": False, "0": False}

    def to_python(self, value: object) -> bool | None:
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

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, min_value=1, max_value=2**63 - 1, **kwargs)


class SeveralField(MultipleChoiceField):
    """Choices, each once: a long query is refused before it becomes a long statement."""

    def validate(self, value: Any) -> None:
        if len(value) > len(list(self.choices)) or len(set(value)) < len(value):
            raise forms.ValidationError("Name each value once.", "repeated_value")
        super().validate(value)


class SeveralFilter(filters.MultipleChoiceFilter):
    """One of the choices, or several by repeating the parameter."""

    field_class = SeveralField

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, distinct=False, **kwargs)


class DayField(forms.Field):
    """A day, ISO 8601 alone: 07/01/2025 is two days in two countries."""

    parse: Callable[[str], Any] = staticmethod(iso_dates.parse_day)

    def to_python(self, value: object) -> object:
        if value in (None, ""):
            return None
        try:
            return self.parse(str(value))
        except iso_dates.DateError as error:
            raise forms.ValidationError(error.message, error.code) from error


class MomentField(DayField):
    """A moment, ISO 8601 alone; without an offset it is the shop's time."""

    parse = staticmethod(iso_dates.parse_moment)


class DayFilter(filters.DateFilter):
    field_class = DayField


class MomentFilter(filters.IsoDateTimeFilter):
    field_class = MomentField
