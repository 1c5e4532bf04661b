"""Reading without an object per row: the database builds the JSON, and the ORM builds
the statement once.

A serializer declares the shape of a resource. ``shape`` turns it into one SQL
expression that gives a row's JSON, nested lists and all, and ``Statement`` keeps the
SQL text that the ORM compiled for a queryset, to be run again with other keys. What a
field needs beside its column stands in the serializer's ``expressions``. That both ways
give the same JSON is proven in tests/test_reading.py.
"""

import time
from collections.abc import Callable
from typing import Any

import orjson
from django.db import models
from django.db.models import Case, F, Func, JSONField, OuterRef, Subquery, TextField, Value, When
from django.db.models.expressions import Col, CombinedExpression
from django.db.models.functions import Coalesce
from django.db.models.sql.constants import LOUTER
from rest_framework import serializers

from mechanic_shop.currency import AmountField, places
from mechanic_shop.http.fields import NestedRelatedField
from mechanic_shop.prices import PLACES, PriceField

from .compiled_queries import PK_PLACEHOLDER, Statement

LONG = 10_000  # rows of a list whose exact length is worth a second's delay


# --- JSON in SQL ----------------------------------------------------------------------


class JsonObject(Func):
    """{name: expression, …}, in that order."""

    output_field = JSONField()

    def __init__(self, **members: Any) -> None:
        self.names = tuple(members)
        super().__init__(*members.values())

    def written(self, function: str, compiler: Any) -> tuple[str, list[Any]]:
        """The names are written out: they are the serializers' own, and a parameter
        each would cost at every call.
        """
        compiled = [compiler.compile(expression) for expression in self.get_source_expressions()]
        members = ", ".join(
            f"'{name}', {sql}" for name, (sql, _) in zip(self.names, compiled, strict=True)
        )
        return f"{function}({members})", [param for _, params in compiled for param in params]

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.written("json_object", compiler)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.written("json_build_object", compiler)


class JsonList(Subquery):
    """[…] of a queryset whose only value is called ``item``, in the queryset's order."""

    output_field = JSONField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(
            compiler,
            connection,
            template="(SELECT json_group_array(json(rows.item)) FROM (%(subquery)s) rows)",
            **extra,
        )

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(
            compiler,
            connection,
            template="(SELECT coalesce(json_agg(rows.item), '[]'::json) FROM (%(subquery)s) rows)",
            **extra,
        )


class PerDatabase(Func):
    """An expression that each database writes in its own words: ``sqlite`` and
    ``postgresql`` are templates.
    """

    sqlite = postgresql = "%(expressions)s"
    output_field: Any = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template=self.sqlite, **extra)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template=self.postgresql, **extra)

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> Any:
        """A template may name the expression more than once: its parameters come as
        often.
        """
        sql, params = super().as_sql(compiler, connection, *args, **extra)
        return sql, list(params) * extra.get("template", "%(expressions)s").count("%(expressions)s")


def may_be_null(expression: Any, compiler: Any) -> bool:
    """Can this expression be NULL in the compiled query? What is not known here can."""
    if isinstance(expression, Col):
        table = compiler.query.alias_map.get(expression.alias)
        return (
            expression.target.null or table is None or getattr(table, "join_type", None) == LOUTER
        )
    if isinstance(expression, Value):
        return expression.value is None
    combine = {Coalesce: all, CombinedExpression: any}.get(type(expression))
    if combine is None:
        return True
    return combine(may_be_null(source, compiler) for source in expression.get_source_expressions())


class Printed(PerDatabase):
    """Text that SQLite's ``printf`` makes of a number. ``printf`` reads NULL as 0, so
    NULL never gets there.
    """

    printed = "%(expressions)s"

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        template = self.printed
        if may_be_null(self.get_source_expressions()[0], compiler):
            template = f"iif(%(expressions)s IS NULL, NULL, {template})"
        return self.as_sql(compiler, connection, template=template, **extra)


class UTCTimestamp(PerDatabase):
    """A moment as UTC in ISO 8601; a whole second has no fraction."""

    sqlite = "(replace(%(expressions)s, ' ', 'T') || 'Z')"
    postgresql = """replace(to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000Z', 'Z')"""


class DecimalText(Printed):
    """A decimal as a string with all its places."""

    def __init__(self, expression: Any, places: int) -> None:
        super().__init__(expression)
        self.printed = f"printf('%%%%.{places}f', %(expressions)s)"
        self.postgresql = f"(%(expressions)s)::numeric(30,{places})::text"


class Amount(Func):
    """An amount of money as a string with the currency's decimals, whatever they are
    when the statement is compiled.
    """

    output_field: Any = TextField()

    def printed(self) -> Printed:
        return DecimalText(self.get_source_expressions()[0], places())

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.printed().as_sqlite(compiler, connection, **extra)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.printed().as_postgresql(compiler, connection, **extra)


class Price(Amount):
    """The price of one unit, with the decimals that it needs, and the currency's at
    least.
    """

    def printed(self) -> Printed:
        return Shortest(self.get_source_expressions()[0], places())


class Shortest(Printed):
    """A decimal as a string with the places that it needs, of PLACES, and so many at
    least.
    """

    def __init__(self, expression: Any, least: int) -> None:
        super().__init__(expression)
        self.printed = shortest("printf('%%%%.{places}f', %(expressions)s)", least)
        self.postgresql = shortest("(%(expressions)s)::numeric(30,{places})::text", least)


def shortest(text: str, least: int) -> str:
    """SQL for ``text``, a template, with the fewest places that lose nothing."""
    exact = "".join(
        f"WHEN round(%(expressions)s, {places}) THEN {text.format(places=places)} "
        for places in range(least, PLACES)
    )
    return f"(CASE %(expressions)s {exact}ELSE {text.format(places=PLACES)} END)"


class JsonBool(PerDatabase):
    """A boolean; SQLite has none, but its JSON does."""

    sqlite = "json(CASE (%(expressions)s) WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)"
    output_field = JSONField()


class Document(PerDatabase):
    """A JSON column inside other JSON."""

    sqlite = "json(%(expressions)s)"
    output_field = JSONField()


class DocumentList(PerDatabase):
    """A list inside a JSON column; an empty one where the column has none."""

    sqlite = "json(coalesce(%(expressions)s, '[]'))"
    postgresql = "coalesce(%(expressions)s, '[]'::jsonb)"
    output_field = JSONField()


class Text(PerDatabase):
    """JSON as text, so that no driver parses it."""

    postgresql = "(%(expressions)s)::text"


# --- from a serializer to an expression -----------------------------------------------


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


# --- statements -----------------------------------------------------------------------


def json_rows(queryset: Any, serializer: serializers.BaseSerializer, *also: str) -> Any:
    """A queryset of each row's JSON, as text; behind the columns ``also``."""
    bare = queryset.select_related(None).prefetch_related(None)
    return bare.values_list(*also, Text(json_expression(serializer)))


class Page:
    """One page of a list, ready to be asked for again: how many rows there are, and the
    JSON of its own.
    """

    def __init__(
        self,
        rows: Any,
        serializer: serializers.BaseSerializer,
        number: int,
        size: int,
        *,
        exact: bool,
    ) -> None:
        self.number, self.size, self.exact = number, size, exact
        first = (number - 1) * size
        self.counting = Statement(
            rows.order_by().values_list("pk"), "SELECT count(*) FROM ({}) counted", ()
        )
        self.counted, self.total = 0.0, 0
        keys = rows.values("pk")[first : first + size]
        # Keys first: PostgreSQL would otherwise build the JSON of every row that a deep
        # page skips.
        shown = (
            rows
            if rows.query.annotations
            else rows.model._default_manager.filter(pk__in=keys).order_by(*rows.query.order_by)
        )
        self.rows = Statement(
            json_rows(shown[first : first + size] if rows.query.annotations else shown, serializer),
            markers=(),
        )

    @property
    def weight(self) -> int:
        return 300 + self.counting.weight + self.rows.weight

    def count(self, user: int | None) -> int:
        """How many rows the list has. Of a long list it may be a second old, unless it
        must be ``exact``: counting takes longer than reading.

        What depends on who asks is counted each time: others ask the same page.
        """
        now = time.monotonic()
        if (
            self.exact
            or self.counting.depends_on_user
            or self.total < LONG
            or now > self.counted + 1
        ):
            total = self.counting.run(user)[0][0] if self.counting.text else 0
            self.total, self.counted = total, now
            return total
        return self.total

    def json(self, user: int | None, link: Callable[[int], str]) -> bytes | None:
        """{count, next, previous, results}; None where there is no such page.

        ``user`` is the key of the user who asks, ``link`` gives the address of a page
        by its number.
        """
        total = self.count(user)
        last = max(1, -(-total // self.size))
        if self.number > last:
            return None
        following = link(self.number + 1) if self.number < last else None
        previous = link(self.number - 1) if self.number > 1 else None
        return page_of(total, following, previous, [row for (row,) in self.rows.run(user)])


class CursorPage:
    """A list from a key on, in the order of the keys: each step costs the same, however
    far one has come.
    """

    def __init__(self, rows: Any, serializer: serializers.BaseSerializer, size: int) -> None:
        self.size = size
        shown = rows.filter(pk__gt=PK_PLACEHOLDER).order_by("pk")[: size + 1]
        self.rows = Statement(json_rows(shown, serializer, "pk"))

    @property
    def weight(self) -> int:
        return 300 + self.rows.weight

    def json(self, user: int | None, after: int, link: Callable[[int], str]) -> bytes:
        """{count: null, next, previous: null, results}; ``link`` gives the address of
        what follows a key.
        """
        found = self.rows.run(after, user)
        shown, more = found[: self.size], len(found) > self.size
        return page_of(None, link(shown[-1][0]) if more else None, None, [row for _, row in shown])


def page_of(
    total: int | None, following: str | None, previous: str | None, rows: list[str]
) -> bytes:
    head = orjson.dumps({"count": total, "next": following, "previous": previous})
    return head[:-1] + b',"results":[' + ",".join(rows).encode() + b"]}"
