"""JSON in SQL: the expressions that a row's JSON is made of, for SQLite and PostgreSQL."""

from typing import Any

from django.db.models import Func, JSONField, Subquery, TextField, Value
from django.db.models.expressions import Col, CombinedExpression
from django.db.models.functions import Coalesce
from django.db.models.sql.constants import LOUTER

from mechanic_shop.currency import places
from mechanic_shop.prices import PLACES


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
