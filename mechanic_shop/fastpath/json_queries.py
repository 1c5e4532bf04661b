"""Reading without an object per row: a serializer becomes one SQL expression that gives a
row's JSON, nested lists and all.

What a field needs beside its column stands in the serializer's ``expressions``. That
the database and the serializer give the same JSON is proven in tests/test_reading.py.
"""

from typing import Any

from django.db import models
from django.db.models import Case, F, JSONField, OuterRef, When
from rest_framework import serializers

from mechanic_shop.currency import AmountField
from mechanic_shop.http.related_fields import NestedRelatedField
from mechanic_shop.prices import PriceField

from .json_expressions import (
    Amount,
    DecimalText,
    Document,
    JsonBool,
    JsonList,
    JsonObject,
    Price,
    Text,
    UTCTimestamp,
)


def json_expression(serializer: serializers.BaseSerializer, prefix: str = "") -> JsonObject:
    """The JSON of a row, as this serializer shows it; ``prefix`` is the path of the row
    in the query.
    """
    own = getattr(serializer, "expressions", {})
    members = {}
    for name, field in serializer.fields.items():  # type: ignore[attr-defined]
        if name in own and not field.write_only:
            members[name] = own[name]
        elif not field.write_only:
            members[name] = member(serializer.Meta.model, field, prefix)  # type: ignore[attr-defined]
    return JsonObject(**members)


def member(model: type[models.Model], field: Any, prefix: str) -> Any:
    path = prefix + "__".join(field.source_attrs)
    if isinstance(field, serializers.ListSerializer):
        return rows_of(model._meta.get_field(str(field.source)), field.child)
    if isinstance(field, NestedRelatedField):
        small = JsonObject(
            id=F(f"{path}_id"),
            **{shown: F(f"{path}__{attr}") for shown, attr in field.shown_fields.items()},
        )
        if not is_optional(model, field.source_attrs):
            return small
        return Case(When(**{f"{path}__isnull": False}, then=small), output_field=JSONField())
    return value_of(column(model, field.source_attrs), path)


def rows_of(relation: Any, child: Any) -> JsonList:
    """A nested list: the rows that point to this one, in the order of their model."""
    model, owner = relation.related_model, relation.field.name
    rows = model._default_manager.filter(**{owner: OuterRef("pk")})
    return JsonList(rows.order_by(*order_within(model, owner)).values(item=json_expression(child)))


def order_within(model: type[models.Model], owner: str) -> list[Any]:
    """The model's ordering among rows of one ``owner``, which has no part in it; ends
    in the key.
    """
    ordering = [term for term in model._meta.ordering or () if term != owner]
    return ordering if {"pk", "-pk"} & set(ordering) else [*ordering, "pk"]


def column(model: type[models.Model], path: list[str]) -> models.Field:
    """The model field at the end of a path of relations."""
    *relations, name = path
    for relation in relations:
        model = model._meta.get_field(relation).related_model  # type: ignore[assignment]
    if name.endswith("_id") and name.removesuffix("_id") in {
        field.name for field in model._meta.fields
    }:
        return models.BigIntegerField()
    return model._meta.get_field(name)  # type: ignore[return-value]


def is_optional(model: type[models.Model], path: list[str]) -> bool:
    """Can the row at the end of a path of relations be missing?"""
    for name in path:
        relation: Any = model._meta.get_field(name)
        if relation.null:
            return True
        model = relation.related_model
    return False


def value_of(field: models.Field, path: str) -> Any:
    """A column as JSON shows it."""
    if isinstance(field, models.DateTimeField):
        return UTCTimestamp(F(path))
    if isinstance(field, PriceField):
        return Price(F(path))
    if isinstance(field, AmountField):
        return Amount(F(path))
    if isinstance(field, models.DecimalField):
        return DecimalText(F(path), field.decimal_places)
    if isinstance(field, models.BooleanField):
        return JsonBool(F(path))
    if isinstance(field, models.JSONField):
        return Document(F(path))
    if isinstance(field, models.DateField):
        return Text(F(path))
    return F(path)


def json_rows(queryset: Any, serializer: serializers.BaseSerializer, *also: str) -> Any:
    """A queryset of each row's JSON, as text; behind the columns ``also``."""
    bare = queryset.select_related(None).prefetch_related(None)
    return bare.values_list(*also, Text(json_expression(serializer)))
